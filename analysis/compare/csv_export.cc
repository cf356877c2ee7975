#include "analysis/compare/csv_export.h"

#include <cmath>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "analysis/compare/results_folder.h"
#include "analysis/compare/study_text.h"

namespace phoenix {
namespace {

constexpr std::int64_t kPiece = 10'000;  // rows read at a time

std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

std::string line(const std::vector<std::string>& fields) {
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    text += (i > 0 ? "," : "") + csv_field(fields[i]);
  }
  return text + "\n";
}

std::string runs_csv(const Comparison& comparison) {
  const ComparisonPlan& plan = comparison.plan;
  std::vector<std::string> header = {"run", "replication"};
  for (const Axis& axis : plan.request().axes) header.push_back(axis.key);
  header.insert(header.end(), {"offered", "completed", "failure", "warning"});
  for (const CellMetricInfo& metric : metric_infos()) header.emplace_back(metric.name);
  std::string text = line(header);
  for (const CellResult& result : comparison.results) {
    std::vector<std::string> row = {fmt::format("{}", result.cell),
                                    fmt::format("{}", plan.replication_of(result.cell))};
    for (const std::string& value : plan.variations()[plan.variation_of(result.cell)].values) {
      row.push_back(value);
    }
    row.insert(row.end(), {fmt::format("{}", result.offered), fmt::format("{}", result.completed),
                           result.failure, result.warning});
    for (const double value : result.metrics) row.push_back(number(value));
    text += line(row);
  }
  return text;
}

std::string histograms_csv(const Comparison& comparison) {
  std::string text = "run,low_s,high_s,count\n";
  for (const CellResult& result : comparison.results) {
    for (const HistogramBucket& bucket : result.histogram) {
      text += fmt::format("{},{},{},{}\n", result.cell, static_cast<double>(bucket.low_ns) * 1e-9,
                          static_cast<double>(bucket.high_ns) * 1e-9, bucket.count);
    }
  }
  return text;
}

std::string differences_csv(const Comparison& comparison, const Study& study) {
  std::string text = line({"group", "variation", "baseline", "metric", "primary", "pairs", "mean",
                           "low", "high", "relative", "relative_low", "relative_high", "p",
                           "adjusted_p", "hedges_gz", "separated"});
  for (const BlockStudy& block : study.blocks) {
    for (std::size_t i = 0; i < kCellMetrics && block.baseline; ++i) {
      const auto metric = static_cast<CellMetric>(i);
      for (std::size_t v = 0; v < block.variations.size(); ++v) {
        const BaselineDifference* const one = block.against_baseline(metric, v);
        if (one == nullptr) continue;
        const statistics::PairedDifference& d = one->difference;
        text += line({block.name, short_name(comparison.plan, block.variations[v]),
                      short_name(comparison.plan, block.variations[*block.baseline]),
                      info(metric).name, study.is_primary(metric) ? "1" : "0",
                      fmt::format("{}", d.n), number(d.mean), number(d.interval.low),
                      number(d.interval.high), number(d.relative), number(d.relative_interval.low),
                      number(d.relative_interval.high), number(d.student.p),
                      number(one->adjusted_p), number(d.hedges_gz), one->is_separated ? "1" : "0"});
      }
    }
  }
  return text;
}

template <class T>
T value_at(const char* row, const Column& column) {
  T value;
  std::memcpy(&value, row + column.offset, sizeof value);
  return value;
}

std::string cell_text(const char* row, const Column& column) {
  switch (column.type) {
    case ColumnType::kInt64:
      return fmt::format("{}", value_at<std::int64_t>(row, column));
    case ColumnType::kUInt64:
      return fmt::format("{}", value_at<std::uint64_t>(row, column));
    case ColumnType::kInt32:
      return fmt::format("{}", value_at<std::int32_t>(row, column));
    case ColumnType::kUInt8:
      return fmt::format("{}", value_at<std::uint8_t>(row, column));
    case ColumnType::kFloat32: {
      const float value = value_at<float>(row, column);
      return std::isfinite(value) ? fmt::format("{}", value) : "";
    }
    case ColumnType::kFloat64:
      return number(value_at<double>(row, column));
    case ColumnType::kText:
      return std::string(row + column.offset, strnlen(row + column.offset, column.size));
  }
  return "";
}

Result<std::string> table_csv(const RecordReader& record, const TableSchema& schema) {
  std::vector<std::string> header;
  for (const Column& column : schema.columns) header.emplace_back(column.name);
  std::string text = line(header);
  const Result<std::int64_t> count = count_table_rows(record.place(), schema);
  if (!count) return Error{count.error()};
  std::vector<char> rows(static_cast<std::size_t>(kPiece) * schema.row_bytes);
  for (std::int64_t first = 0; first < *count; first += kPiece) {
    const auto piece = static_cast<std::size_t>(std::min(kPiece, *count - first));
    if (Status read = read_table_rows(record.place(), schema, first, piece, rows.data()); !read) {
      return Error{read.error()};
    }
    for (std::size_t i = 0; i < piece; ++i) {
      std::vector<std::string> fields;
      for (const Column& column : schema.columns) {
        fields.push_back(cell_text(rows.data() + i * schema.row_bytes, column));
      }
      text += line(fields);
    }
  }
  return text;
}

Status make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? Status(Error{"cannot make the folder " + folder + ": " + error.message()})
               : success();
}

}  // namespace

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

Result<std::vector<std::string>> export_comparison(const Comparison& comparison, const Study& study,
                                                   const std::string& folder) {
  if (Status made = make_folder(folder); !made) return Error{made.error()};
  const std::pair<std::string, std::string> files[] = {
      {folder + "/runs.csv", runs_csv(comparison)},
      {folder + "/differences.csv", differences_csv(comparison, study)},
      {folder + "/histograms.csv", histograms_csv(comparison)}};
  std::vector<std::string> names;
  for (const auto& [name, text] : files) {
    if (Status written = write_whole_file(name, text); !written) return Error{written.error()};
    names.push_back(name);
  }
  return names;
}

Result<std::vector<std::string>> export_record(const RecordReader& record,
                                               const std::string& folder) {
  if (Status made = make_folder(folder); !made) return Error{made.error()};
  std::vector<std::string> names;
  for (const TableSchema* schema : all_schemas()) {
    const Result<std::string> text = table_csv(record, *schema);
    if (!text) return Error{text.error()};
    names.push_back(fmt::format("{}/{}.csv", folder, schema->name));
    if (Status written = write_whole_file(names.back(), *text); !written) {
      return Error{written.error()};
    }
  }
  return names;
}

}  // namespace phoenix
