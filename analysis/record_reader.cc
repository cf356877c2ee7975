#include "analysis/record_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "scenarios/record_lock.h"

namespace phoenix {
namespace {

constexpr std::string_view kPartEnding = ".part";
constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n";

Error unreadable(const std::string& path, std::string_view reason) {
  return Error{fmt::format("cannot read {}: {}", path, reason)};
}

Error no_record(const std::string& path, std::string_view reason) {
  return Error{fmt::format("{} is not a run record: {}", path, reason)};
}

Status check_signature(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return unreadable(path, "it is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::string reason = std::strerror(errno);
    const std::string part = path + std::string(kPartEnding);
    if (std::filesystem::exists(part, ignored)) {
      reason += fmt::format("; its run has not finished, what there is of it is in {}", part);
    }
    return unreadable(path, reason);
  }
  std::string signature(kHdf5Signature.size(), '\0');
  if (!file.read(signature.data(), static_cast<std::streamsize>(signature.size())) ||
      signature != kHdf5Signature) {
    return no_record(path, "not an HDF5 file");
  }
  return success();
}

// A file that was not closed opens as a reader beside a writer only, be the writer alive or dead.
Hdf5Handle open_file(const std::string& path) {
  Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (file) return file;
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access), H5Fclose};
}

std::string text_of(hid_t file, const char* name) {
  return read_text_attribute(file, name).value_or("");
}

// An attribute, or a u1 dataset of the same name where it was too long for one.
std::string long_text_of(hid_t file, const char* name) {
  if (H5Aexists(file, name) > 0) return text_of(file, name);
  if (H5Lexists(file, name, H5P_DEFAULT) <= 0) return "";
  const Hdf5Handle dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose);
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  const hssize_t size = space ? H5Sget_simple_extent_npoints(space) : 0;
  std::string text(static_cast<std::size_t>(size > 0 ? size : 0), '\0');
  const bool ok =
      H5Dread(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()) >= 0;
  return ok ? text : "";
}

RecordAttributes read_attributes(hid_t file) {
  RecordAttributes a;
  const std::pair<const char*, std::string*> texts[] = {{"format_version", &a.format_version},
                                                        {"world", &a.world},
                                                        {"producer", &a.producer},
                                                        {"producer_version", &a.producer_version},
                                                        {"git_commit", &a.git_commit},
                                                        {"scenario_name", &a.scenario_name},
                                                        {"scenario_xxh64", &a.scenario_xxh64},
                                                        {"t0_utc", &a.t0_utc},
                                                        {"host", &a.host},
                                                        {"cpu", &a.cpu},
                                                        {"compiler", &a.compiler},
                                                        {"simgrid_version", &a.simgrid_version},
                                                        {"hdf5_version", &a.hdf5_version}};
  for (const auto& [name, text] : texts) *text = text_of(file, name);
  a.scenario = long_text_of(file, "scenario");
  a.overrides = long_text_of(file, "overrides");
  a.strategy = long_text_of(file, "strategy");
  a.master_seed = read_unsigned_attribute(file, "master_seed").value_or(0);
  a.replication =
      static_cast<std::uint32_t>(read_integer_attribute(file, "replication").value_or(0));
  a.warmup_s = read_number_attribute(file, "warmup_s").value_or(0);
  a.duration_s = read_number_attribute(file, "duration_s").value_or(0);
  a.writer_pid = static_cast<int>(read_integer_attribute(file, "writer_pid").value_or(0));
  a.complete = read_integer_attribute(file, "complete").value_or(0) == 1;
  return a;
}

Status check_format(hid_t file, const std::string& path) {
  const std::string format = text_of(file, "format");
  if (format != kRecordFormat) {
    return no_record(
        path, fmt::format("its attribute format is '{}' where {} belongs", format, kRecordFormat));
  }
  const std::string version = text_of(file, "format_version");
  const std::string_view known = kRecordVersion;
  const std::string_view major = known.substr(0, known.find('.') + 1);
  if (!version.starts_with(major)) {
    return unreadable(
        path, fmt::format("it has format version '{}'; this program reads {}x", version, major));
  }
  return success();
}

// Extent of a one-dimensional dataset, negative where HDF5 refuses.
hssize_t length_of(hid_t dataset) {
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  return space ? H5Sget_simple_extent_npoints(space) : -1;
}

}  // namespace

Result<RecordReader> RecordReader::open(const std::string& path) {
  if (Status signature = check_signature(path); !signature) return Error{signature.error()};
  prepare_hdf5();
  RecordReader reader;
  reader.path_ = path;
  reader.file_ = open_file(path);
  if (!reader.file_) return unreadable(path, hdf5_reason());
  if (Status format = check_format(reader.file_, path); !format) return Error{format.error()};
  reader.attributes_ = read_attributes(reader.file_);
  reader.is_live_ = path.ends_with(kPartEnding) &&
                    RecordLock::is_held(path.substr(0, path.size() - kPartEnding.size()));
  return reader;
}

Result<Hdf5Handle> RecordReader::open_table(const TableSchema& schema) const {
  if (H5Lexists(file_, schema.name, H5P_DEFAULT) <= 0) {
    return unreadable(path_, fmt::format("it has no table '{}'", schema.name));
  }
  Hdf5Handle dataset(H5Dopen2(file_, schema.name, H5P_DEFAULT), H5Dclose);
  const Hdf5Handle type(dataset ? H5Dget_type(dataset) : H5I_INVALID_HID, H5Tclose);
  if (!type) return unreadable(path_, fmt::format("table '{}': {}", schema.name, hdf5_reason()));
  const bool is_compound = H5Tget_class(type) == H5T_COMPOUND;
  // Columns that an earlier version of the format did not have read as missing.
  const bool may_lack = attributes_.format_version != kRecordVersion;
  for (const Column& column : schema.columns) {
    if (!is_compound || (!may_lack && H5Tget_member_index(type, column.name) < 0)) {
      return unreadable(path_,
                        fmt::format("its table '{}' has no column '{}'", schema.name, column.name));
    }
  }
  return dataset;
}

Result<std::int64_t> RecordReader::row_count(const TableSchema& schema) const {
  const Result<Hdf5Handle> dataset = open_table(schema);
  if (!dataset) return Error{dataset.error()};
  const hssize_t rows = length_of(*dataset);
  if (rows < 0) return unreadable(path_, fmt::format("table '{}': {}", schema.name, hdf5_reason()));
  // A full disk can leave a table longer than its data; the count is of rows that are safe.
  const std::int64_t counted = read_integer_attribute(*dataset, "rows").value_or(rows);
  return std::clamp<std::int64_t>(counted, 0, rows);
}

Status RecordReader::read_rows(const TableSchema& schema, std::int64_t first, std::size_t count,
                               void* rows) const {
  const Result<Hdf5Handle> dataset = open_table(schema);
  if (!dataset) return Error{dataset.error()};
  const auto start = static_cast<hsize_t>(first);
  const hsize_t length = count;
  const Hdf5Handle type = row_type(schema, false);
  const Hdf5Handle file_space(H5Dget_space(*dataset), H5Sclose);
  const Hdf5Handle memory_space(H5Screate_simple(1, &length, nullptr), H5Sclose);
  if (!type || !file_space || !memory_space ||
      H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, nullptr, &length, nullptr) < 0 ||
      H5Dread(*dataset, type, memory_space, file_space, H5P_DEFAULT, rows) < 0) {
    return unreadable(path_, fmt::format("table '{}': {}", schema.name, hdf5_reason()));
  }
  return success();
}

Result<std::vector<std::string>> RecordReader::names(const std::string& kind) const {
  const std::string place = "names/" + kind;
  if (H5Lexists(file_, "names", H5P_DEFAULT) <= 0 ||
      H5Lexists(file_, place.c_str(), H5P_DEFAULT) <= 0) {
    return unreadable(path_, fmt::format("it has no table '{}'", place));
  }
  const Hdf5Handle dataset(H5Dopen2(file_, place.c_str(), H5P_DEFAULT), H5Dclose);
  const Hdf5Handle type = text_type(kNameBytes);
  const hssize_t count = dataset ? length_of(dataset) : -1;
  std::vector<FixedText<kNameBytes>> texts(static_cast<std::size_t>(count > 0 ? count : 0));
  if (count < 0 ||
      (count > 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()) < 0)) {
    return unreadable(path_, fmt::format("table '{}': {}", place, hdf5_reason()));
  }
  std::vector<std::string> names;
  for (const auto& text : texts) names.emplace_back(text.view());
  return names;
}

Result<RunSummary> RecordReader::summary() const {
  const Result<std::vector<SummaryRow>> table = rows<SummaryRow>();
  if (!table) return Error{table.error()};
  if (table->empty()) {
    return unreadable(path_, is_live_ ? "its run is under way and has no summary yet"
                                      : "its run died before it could write a summary; the other "
                                        "tables hold what it did until then");
  }
  RunSummary summary = RunSummary::from_rows(*table);
  summary.scenario = attributes_.scenario_name;
  summary.world = attributes_.world;
  summary.balancer = attributes_.strategy;
  summary.seed = attributes_.master_seed;
  summary.replication = attributes_.replication;
  summary.complete = summary.complete && attributes_.complete;
  return summary;
}

}  // namespace phoenix
