// What the tables of a run record are: names, meanings, columns, units. The one description that
// writer and reader both work from; `record_rows.h` has the structs it describes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "scenarios/hdf5_handle.h"
#include "scenarios/record_rows.h"

namespace phoenix {

inline constexpr const char* kRecordFormat = "phoenix-run";
inline constexpr const char* kRecordVersion = "1.1";  // readers refuse another major version
inline constexpr std::size_t kNameBytes = 64;         // of an entry of names/...
inline constexpr const char* kNameTables[] = {"nodes", "groups", "classes", "services", "faults"};

enum class ColumnType { kInt64, kUInt64, kInt32, kUInt8, kFloat32, kFloat64, kText };

struct Column {
  const char* name;
  std::size_t offset;  // in the row struct
  std::size_t size;    // bytes
  ColumnType type;
  const char* unit;    // "ns", "s", "B", "1" for counts and shares, "id", "text"
  std::string values;  // of codes: "0=down,1=up"; else empty
};

struct TableSchema {
  const char* name;
  const char* kind;  // "table" or "series"
  const char* description;
  const char* row;         // what a row stands for: "one per ..."
  std::size_t row_bytes;   // of the struct
  std::size_t chunk_rows;  // unit of buffering, compression and loss
  std::vector<Column> columns;
};

// For each of the row structs.
template <class Row>
const TableSchema& schema_of();

std::vector<const TableSchema*> all_schemas();

// The compound type of the struct as it lies in memory; `packed` is its form in files, without
// gaps and little endian. Invalid where HDF5 refuses.
Hdf5Handle row_type(const TableSchema& schema, bool packed);

}  // namespace phoenix
