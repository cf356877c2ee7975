// The rows of a comparison's file.
#pragma once

#include <array>
#include <cstdint>

#include "analysis/compare/cell_result.h"
#include "scenarios/record_schema.h"

namespace phoenix {

struct ComparedRunRow {
  std::int64_t cell = 0;
  std::int32_t variation = 0;
  std::int32_t replication = 0;
  std::uint64_t offered = 0;
  std::uint64_t completed = 0;
  std::uint64_t digest = 0;
  FixedText<128> warning;
  std::array<double, kCellMetrics> metrics{};  // a column each, by its name
};

struct ComparedBucketRow {
  std::int64_t cell = 0;
  std::int64_t low_ns = 0, high_ns = 0;  // [low, high)
  std::int64_t count = 0;
};

struct ComparedWindowRow {
  std::int64_t cell = 0;
  std::int64_t window = 0;  // from 0
  double mean = 0;
};

template <>
const TableSchema& schema_of<ComparedRunRow>();
template <>
const TableSchema& schema_of<ComparedBucketRow>();
template <>
const TableSchema& schema_of<ComparedWindowRow>();

}  // namespace phoenix
