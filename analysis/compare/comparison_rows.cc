#include "analysis/compare/comparison_rows.h"

namespace phoenix {
namespace {

TableSchema run_schema() {
  using R = ComparedRunRow;
  using enum ColumnType;
  TableSchema schema = {"runs",
                        "table",
                        "the runs that were compared",
                        "one per run",
                        sizeof(R),
                        1024,
                        {{"cell", offsetof(R, cell), 8, kInt64, "id", ""},
                         {"variation", offsetof(R, variation), 4, kInt32, "id", ""},
                         {"replication", offsetof(R, replication), 4, kInt32, "id", ""},
                         {"offered", offsetof(R, offered), 8, kUInt64, "1", ""},
                         {"completed", offsetof(R, completed), 8, kUInt64, "1", ""},
                         {"digest", offsetof(R, digest), 8, kUInt64, "1", ""},
                         {"warning", offsetof(R, warning), sizeof(R::warning), kText, "text", ""}}};
  for (std::size_t i = 0; i < kCellMetrics; ++i) {
    const CellMetricInfo& metric = metric_infos()[i];
    schema.columns.push_back({metric.name, offsetof(R, metrics) + i * sizeof(double),
                              sizeof(double), kFloat64, unit_symbol(metric.unit), ""});
  }
  return schema;
}

}  // namespace

template <>
const TableSchema& schema_of<ComparedRunRow>() {
  static const TableSchema schema = run_schema();
  return schema;
}

template <>
const TableSchema& schema_of<ComparedBucketRow>() {
  using R = ComparedBucketRow;
  using enum ColumnType;
  static const TableSchema schema = {"histograms",
                                     "table",
                                     "response times of each run",
                                     "one per filled bucket",
                                     sizeof(R),
                                     8192,
                                     {{"cell", offsetof(R, cell), 8, kInt64, "id", ""},
                                      {"low", offsetof(R, low_ns), 8, kInt64, "ns", ""},
                                      {"high", offsetof(R, high_ns), 8, kInt64, "ns", ""},
                                      {"count", offsetof(R, count), 8, kInt64, "1", ""}}};
  return schema;
}

template <>
const TableSchema& schema_of<ComparedWindowRow>() {
  using R = ComparedWindowRow;
  using enum ColumnType;
  static const TableSchema schema = {"windows",
                                     "series",
                                     "mean response time of each run over time",
                                     "one per interval of a run",
                                     sizeof(R),
                                     8192,
                                     {{"cell", offsetof(R, cell), 8, kInt64, "id", ""},
                                      {"window", offsetof(R, window), 8, kInt64, "1", ""},
                                      {"mean", offsetof(R, mean), 8, kFloat64, "s", ""}}};
  return schema;
}

}  // namespace phoenix
