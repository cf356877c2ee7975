// One growing table of a record: buffers a chunk of rows and hands whole chunks to HDF5, so that
// each chunk is compressed once. Parts of chunks go out only when asked for.
//
// The row count in the table's attribute is brought up to date by store_count(). Calls that reach
// the file return false where they fail; hdf5_reason() then says why. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/hdf5_handle.h"
#include "scenarios/record_schema.h"

namespace phoenix {

// The HDF5 side, the same for all rows.
class TableFile {
 public:
  bool create(hid_t file, const TableSchema& schema);
  bool append(const void* rows, std::size_t count);
  bool store_count();
  bool close();
  void abandon() { dataset_.abandon(); }

 private:
  Hdf5Handle dataset_;
  Hdf5Handle memory_type_;
  std::int64_t rows_ = 0;
  std::int64_t counted_ = 0;
};

template <class Row>
class RecordTable {
 public:
  bool create(hid_t file) { return file_.create(file, schema_of<Row>()); }

  // True when the buffer is full and must be written out before the next row.
  bool append(const Row& row) {
    if (buffer_.empty()) buffer_.reserve(chunk_rows_);
    buffer_.push_back(row);
    return buffer_.size() == chunk_rows_;
  }

  // Hands over what is buffered. The buffer is kept until its chunk is full, so that chunks stay
  // aligned.
  bool write_out() {
    const std::size_t count = buffer_.size() - written_;
    if (count == 0) return true;
    if (!file_.append(buffer_.data() + written_, count)) return false;
    written_ = buffer_.size();
    if (written_ == chunk_rows_) {
      buffer_.clear();
      written_ = 0;
    }
    return true;
  }

  bool store_count() { return file_.store_count(); }
  bool close() { return file_.close(); }
  // Leaves the dataset open for good, so that HDF5 does not try to write what is left in its cache.
  void abandon() { file_.abandon(); }

 private:
  std::vector<Row> buffer_;
  std::size_t written_ = 0;  // rows at the front of the buffer that the file has
  std::size_t chunk_rows_ = schema_of<Row>().chunk_rows;
  TableFile file_;
};

}  // namespace phoenix
