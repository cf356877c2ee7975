#include "scenarios/record_table.h"

#include <string>

namespace phoenix {
namespace {

constexpr std::size_t kCacheBytes = std::size_t{4} << 20;
constexpr std::size_t kCacheSlots = 521;
constexpr unsigned kAttributesInHeader = 100;  // beyond that HDF5 spends kilobytes on an index

bool describe(hid_t dataset, const TableSchema& schema) {
  std::string units;
  bool ok = true;
  for (const Column& column : schema.columns) {
    const std::string name = column.name;
    units += (units.empty() ? "" : ";") + name + "=" + column.unit;
    ok = ok && write_attribute(dataset, ("units." + name).c_str(), std::string_view(column.unit));
    if (!column.values.empty()) {
      ok = ok && write_attribute(dataset, ("values." + name).c_str(), column.values);
    }
  }
  return ok && write_attribute(dataset, "class", std::string_view(schema.kind)) &&
         write_attribute(dataset, "description", std::string_view(schema.description)) &&
         write_attribute(dataset, "row", std::string_view(schema.row)) &&
         write_attribute(dataset, "missing",
                         std::string_view("NaN for numbers, -1 for ids and times, empty text")) &&
         write_attribute(dataset, "units", units) &&
         write_attribute(dataset, "rows", std::int64_t{0});
}

Hdf5Handle creation_properties(const TableSchema& schema) {
  Hdf5Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  const hsize_t chunk = schema.chunk_rows;
  const bool ok = H5Pset_chunk(properties, 1, &chunk) >= 0 && H5Pset_shuffle(properties) >= 0 &&
                  H5Pset_deflate(properties, 1) >= 0 && H5Pset_fletcher32(properties) >= 0 &&
                  H5Pset_attr_phase_change(properties, kAttributesInHeader, 0) >= 0;
  return ok ? std::move(properties) : Hdf5Handle{};
}

}  // namespace

bool TableFile::create(hid_t file, const TableSchema& schema) {
  const hsize_t empty = 0;
  const hsize_t unlimited = H5S_UNLIMITED;
  const Hdf5Handle space(H5Screate_simple(1, &empty, &unlimited), H5Sclose);
  const Hdf5Handle file_type = row_type(schema, true);
  const Hdf5Handle creation = creation_properties(schema);
  const Hdf5Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  if (!space || !file_type || !creation ||
      H5Pset_chunk_cache(access, kCacheSlots, kCacheBytes, 1.0) < 0) {
    return false;
  }
  dataset_ = {H5Dcreate2(file, schema.name, file_type, space, H5P_DEFAULT, creation, access),
              H5Dclose};
  memory_type_ = row_type(schema, false);
  return dataset_ && memory_type_ && describe(dataset_, schema);
}

bool TableFile::append(const void* rows, std::size_t count) {
  const auto start = static_cast<hsize_t>(rows_);
  const hsize_t added = count;
  const hsize_t total = start + added;
  if (H5Dset_extent(dataset_, &total) < 0) return false;
  const Hdf5Handle file_space(H5Dget_space(dataset_), H5Sclose);
  const Hdf5Handle memory_space(H5Screate_simple(1, &added, nullptr), H5Sclose);
  if (!file_space || !memory_space ||
      H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, nullptr, &added, nullptr) < 0 ||
      H5Dwrite(dataset_, memory_type_, memory_space, file_space, H5P_DEFAULT, rows) < 0) {
    return false;
  }
  rows_ += static_cast<std::int64_t>(count);
  return true;
}

bool TableFile::store_count() {
  if (counted_ == rows_) return true;
  counted_ = rows_;
  return rewrite_attribute(dataset_, "rows", rows_);
}

bool TableFile::close() { return dataset_.close(); }

}  // namespace phoenix
