// Tables of an HDF5 file by their schema, as the records of runs and the files of comparisons have
// them. Errors name the file and what is wrong with it.
//
// One thread in the process at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "scenarios/hdf5_handle.h"
#include "scenarios/record_schema.h"
#include "strategies/core/result.h"

namespace phoenix {

// Where tables are looked for. Does not own the object.
struct TablePlace {
  hid_t object = H5I_INVALID_HID;
  std::string path;               // of the file, for messages
  bool may_lack_columns = false;  // those not there are left as they are
};

// Whether the file can be read and is HDF5 at all; `what` is what it should be: "a run record".
Status check_hdf5_signature(const std::string& path, std::string_view what);

// Rows that are safe: a full disk can leave a table longer than its data.
Result<std::int64_t> count_table_rows(const TablePlace& place, const TableSchema& schema);
// REQUIRES: first + count are there; `rows` has room.
Status read_table_rows(const TablePlace& place, const TableSchema& schema, std::int64_t first,
                       std::size_t count, void* rows);

// An attribute, or a u1 dataset of the same name where it was too long for one; "" for neither.
std::string read_long_text(hid_t object, const char* name);

// Extent of a one-dimensional dataset, negative where HDF5 refuses.
std::int64_t table_length(hid_t dataset);

Error unreadable_file(const std::string& path, std::string_view reason);

}  // namespace phoenix
