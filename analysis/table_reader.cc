#include "analysis/table_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace phoenix {
namespace {

constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n";
constexpr std::string_view kPartEnding = ".part";

Result<Hdf5Handle> open_table(const TablePlace& place, const TableSchema& schema) {
  if (H5Lexists(place.object, schema.name, H5P_DEFAULT) <= 0) {
    return unreadable_file(place.path, fmt::format("it has no table '{}'", schema.name));
  }
  Hdf5Handle dataset(H5Dopen2(place.object, schema.name, H5P_DEFAULT), H5Dclose);
  const Hdf5Handle type(dataset ? H5Dget_type(dataset) : H5I_INVALID_HID, H5Tclose);
  if (!type)
    return unreadable_file(place.path, fmt::format("table '{}': {}", schema.name, hdf5_reason()));
  const bool is_compound = H5Tget_class(type) == H5T_COMPOUND;
  for (const Column& column : schema.columns) {
    if (!is_compound || (!place.may_lack_columns && H5Tget_member_index(type, column.name) < 0)) {
      return unreadable_file(
          place.path, fmt::format("its table '{}' has no column '{}'", schema.name, column.name));
    }
  }
  return dataset;
}

}  // namespace

Error unreadable_file(const std::string& path, std::string_view reason) {
  return Error{fmt::format("cannot read {}: {}", path, reason)};
}

Status check_hdf5_signature(const std::string& path, std::string_view what) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return unreadable_file(path, "it is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::string reason = std::strerror(errno);
    const std::string part = path + std::string(kPartEnding);
    if (std::filesystem::exists(part, ignored)) {
      reason += fmt::format("; its run has not finished, what there is of it is in {}", part);
    }
    return unreadable_file(path, reason);
  }
  std::string signature(kHdf5Signature.size(), '\0');
  if (!file.read(signature.data(), static_cast<std::streamsize>(signature.size())) ||
      signature != kHdf5Signature) {
    return Error{fmt::format("{} is not {}: not an HDF5 file", path, what)};
  }
  return success();
}

std::string read_long_text(hid_t object, const char* name) {
  if (H5Aexists(object, name) > 0) return read_text_attribute(object, name).value_or("");
  if (H5Lexists(object, name, H5P_DEFAULT) <= 0) return "";
  const Hdf5Handle dataset(H5Dopen2(object, name, H5P_DEFAULT), H5Dclose);
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  const hssize_t size = space ? H5Sget_simple_extent_npoints(space) : 0;
  std::string text(static_cast<std::size_t>(size > 0 ? size : 0), '\0');
  const bool ok =
      H5Dread(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()) >= 0;
  return ok ? text : "";
}

std::int64_t table_length(hid_t dataset) {
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  return space ? H5Sget_simple_extent_npoints(space) : -1;
}

Result<std::int64_t> count_table_rows(const TablePlace& place, const TableSchema& schema) {
  const Result<Hdf5Handle> dataset = open_table(place, schema);
  if (!dataset) return Error{dataset.error()};
  const std::int64_t rows = table_length(*dataset);
  if (rows < 0)
    return unreadable_file(place.path, fmt::format("table '{}': {}", schema.name, hdf5_reason()));
  // A full disk can leave a table longer than its data; the count is of rows that are safe.
  const std::int64_t counted = read_integer_attribute(*dataset, "rows").value_or(rows);
  return std::clamp<std::int64_t>(counted, 0, rows);
}

Status read_table_rows(const TablePlace& place, const TableSchema& schema, std::int64_t first,
                       std::size_t count, void* rows) {
  const Result<Hdf5Handle> dataset = open_table(place, schema);
  if (!dataset) return Error{dataset.error()};
  const auto start = static_cast<hsize_t>(first);
  const hsize_t length = count;
  const Hdf5Handle type = row_type(schema, false);
  const Hdf5Handle file_space(H5Dget_space(*dataset), H5Sclose);
  const Hdf5Handle memory_space(H5Screate_simple(1, &length, nullptr), H5Sclose);
  if (!type || !file_space || !memory_space ||
      H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, nullptr, &length, nullptr) < 0 ||
      H5Dread(*dataset, type, memory_space, file_space, H5P_DEFAULT, rows) < 0) {
    return unreadable_file(place.path, fmt::format("table '{}': {}", schema.name, hdf5_reason()));
  }
  return success();
}

}  // namespace phoenix
