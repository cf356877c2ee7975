#include "analysis/compare/comparison_file.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <unordered_map>

#include <fmt/format.h>
#include <unistd.h>

#include "analysis/compare/comparison_rows.h"
#include "analysis/compare/results_folder.h"
#include "analysis/table_reader.h"
#include "scenarios/record_provenance.h"
#include "scenarios/record_table.h"
#include "scenarios/version.h"

namespace phoenix {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVersionText = "1.0";
constexpr const char* kRecordsGroup = "records";

Hdf5Handle open_group(hid_t file, const std::string& name) {
  return {H5Gopen2(file, name.c_str(), H5P_DEFAULT), H5Gclose};
}

Result<Hdf5Handle> open_comparison(const std::string& path) {
  if (Status signature = check_hdf5_signature(path, "a comparison"); !signature) {
    return Error{signature.error()};
  }
  prepare_hdf5();
  Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file) return unreadable_file(path, hdf5_reason());
  const std::string format = read_text_attribute(file, "format").value_or("");
  if (format != kComparisonFormat) {
    return Error{
        fmt::format("{} is not a comparison: its attribute format is '{}' where {} belongs", path,
                    format, kComparisonFormat)};
  }
  const std::string version = read_text_attribute(file, "format_version").value_or("");
  if (version != kVersionText) {
    return unreadable_file(path, fmt::format("it has format version '{}'; this program reads {}",
                                             version, kVersionText));
  }
  return file;
}

// Calls `take` with each row, a piece of the table in memory at a time.
template <class Row, class Take>
Status for_each_row(const TablePlace& place, Take take) {
  constexpr std::int64_t kPiece = 65'536;
  const Result<std::int64_t> count = count_table_rows(place, schema_of<Row>());
  if (!count) return Error{count.error()};
  std::vector<Row> rows;
  for (std::int64_t first = 0; first < *count; first += kPiece) {
    rows.resize(static_cast<std::size_t>(std::min(kPiece, *count - first)));
    Status read = read_table_rows(place, schema_of<Row>(), first, rows.size(), rows.data());
    if (!read) return read;
    for (const Row& row : rows) take(row);
  }
  return success();
}

// Writes all rows of a table at once, by the chunk.
template <class Row>
class RowsWriter {
 public:
  bool create(hid_t file) { return table_.create(file, schema_of<Row>()); }
  bool add(const Row& row) {
    rows_.push_back(row);
    return rows_.size() < schema_of<Row>().chunk_rows || flush();
  }
  bool finish() { return flush() && table_.store_count() && table_.close(); }

 private:
  bool flush() {
    const bool ok = rows_.empty() || table_.append(rows_.data(), rows_.size());
    rows_.clear();
    return ok;
  }
  TableFile table_;
  std::vector<Row> rows_;
};

ComparedRunRow run_row(const ComparisonPlan& plan, const CellResult& result) {
  ComparedRunRow row;
  row.cell = static_cast<std::int64_t>(result.cell);
  row.variation = static_cast<std::int32_t>(plan.variation_of(result.cell));
  row.replication = static_cast<std::int32_t>(plan.replication_of(result.cell));
  row.offered = result.offered;
  row.completed = result.completed;
  row.digest = result.digest;
  row.warning = std::string_view(result.warning);
  row.metrics = result.metrics;
  return row;
}

bool write_runs(hid_t file, const Comparison& comparison) {
  RowsWriter<ComparedRunRow> runs;
  RowsWriter<ComparedBucketRow> buckets;
  RowsWriter<ComparedWindowRow> windows;
  bool ok = runs.create(file) && buckets.create(file) && windows.create(file);
  for (const CellResult& result : comparison.results) {
    const auto cell = static_cast<std::int64_t>(result.cell);
    ok = ok && runs.add(run_row(comparison.plan, result));
    for (const HistogramBucket& bucket : result.histogram) {
      ok = ok && buckets.add({cell, bucket.low_ns, bucket.high_ns, bucket.count});
    }
    std::int64_t window = 0;
    for (const double mean : result.window_mean) ok = ok && windows.add({cell, window++, mean});
  }
  return ok && runs.finish() && buckets.finish() && windows.finish();
}

Status copy_records(hid_t file, const Comparison& comparison) {
  const Hdf5Handle group(H5Gcreate2(file, kRecordsGroup, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                         H5Gclose);
  if (!group) return Error{hdf5_reason()};
  for (const auto& [cell, place] : comparison.records) {
    const Result<RecordReader> record = comparison.open_record(cell);
    if (!record) return Error{record.error()};
    const std::string name = fmt::format("{:07}", cell);
    if (H5Ocopy(record->place().object, ".", group, name.c_str(), H5P_DEFAULT, H5P_DEFAULT) < 0) {
      return Error{fmt::format("record of run {}: {}", cell, hdf5_reason())};
    }
  }
  return success();
}

Status write_file(const std::string& path, const Comparison& comparison) {
  prepare_hdf5();
  Hdf5Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  const bool ok = file && write_attribute(file, "format", std::string_view(kComparisonFormat)) &&
                  write_attribute(file, "format_version", std::string_view(kVersionText)) &&
                  write_attribute(file, "producer_version", std::string_view(kVersion)) &&
                  write_attribute(file, "git_commit", std::string_view(kSourceRevision)) &&
                  write_long_text(file, "plan", comparison.plan.to_json()) &&
                  write_runs(file, comparison);
  if (!ok) return Error{hdf5_reason()};
  if (Status copied = copy_records(file, comparison); !copied) return copied;
  return file.close() ? success() : Status(Error{hdf5_reason()});
}

CellResult result_of(const ComparedRunRow& row) {
  CellResult result;
  result.cell = static_cast<std::uint64_t>(row.cell);
  result.metrics = row.metrics;
  result.offered = row.offered;
  result.completed = row.completed;
  result.digest = row.digest;
  result.warning = row.warning.view();
  return result;
}

Status read_results(const TablePlace& place, std::vector<CellResult>& results) {
  std::unordered_map<std::int64_t, std::size_t> places;
  Status read = for_each_row<ComparedRunRow>(place, [&](const ComparedRunRow& row) {
    places.emplace(row.cell, results.size());
    results.push_back(result_of(row));
  });
  if (!read) return read;
  const auto find = [&](std::int64_t cell) -> CellResult* {
    const auto at = places.find(cell);
    return at == places.end() ? nullptr : &results[at->second];
  };
  read = for_each_row<ComparedBucketRow>(place, [&](const ComparedBucketRow& row) {
    if (CellResult* const result = find(row.cell)) {
      result->histogram.push_back({row.low_ns, row.high_ns, row.count});
    }
  });
  if (!read) return read;
  for (CellResult& result : results) result.histogram.shrink_to_fit();
  return for_each_row<ComparedWindowRow>(place, [&](const ComparedWindowRow& row) {
    if (CellResult* const result = find(row.cell)) result->window_mean.push_back(row.mean);
  });
}

herr_t note_record(hid_t, const char* name, const H5L_info_t*, void* into) {
  std::uint64_t cell = 0;
  const auto [end, error] = std::from_chars(name, name + std::strlen(name), cell);
  if (error == std::errc() && *end == '\0') {
    static_cast<Comparison*>(into)->records.emplace(
        cell, RecordPlace{"", std::string(kRecordsGroup) + "/" + name});
  }
  return 0;
}

Result<Comparison> load_file(const std::string& path) {
  const Result<Hdf5Handle> file = open_comparison(path);
  if (!file) return Error{file.error()};
  Result<ComparisonPlan> plan = ComparisonPlan::from_json(read_long_text(*file, "plan"));
  if (!plan) return unreadable_file(path, "its plan: " + plan.error());
  const TablePlace place{*file, path, false};
  Comparison comparison{std::move(*plan), {}, {}, path};
  if (Status read = read_results(place, comparison.results); !read) return Error{read.error()};
  for (const CellResult& result : comparison.results) {
    if (result.cell < comparison.plan.cells_max()) continue;
    return unreadable_file(
        path, fmt::format("found run {}; its plan has {}", static_cast<std::int64_t>(result.cell),
                          comparison.plan.cells_max()));
  }
  if (H5Lexists(*file, kRecordsGroup, H5P_DEFAULT) > 0) {
    hsize_t at = 0;
    H5Literate(open_group(*file, kRecordsGroup), H5_INDEX_NAME, H5_ITER_INC, &at, note_record,
               &comparison);
    for (auto& [cell, place_of] : comparison.records) place_of.file = path;
  }
  return comparison;
}

Result<Comparison> load_folder(const std::string& path) {
  const Result<ResultsFolder> folder = ResultsFolder::open(path);
  if (!folder) return Error{folder.error()};
  Result<std::vector<CellResult>> results = folder->load();
  if (!results) return Error{results.error()};
  Comparison comparison{folder->plan(), std::move(*results), {}, path};
  for (const CellResult& result : comparison.results) {
    std::error_code ignored;
    const std::string record = folder->record_path(result.cell);
    if (fs::exists(record, ignored)) comparison.records[result.cell].file = record;
  }
  return comparison;
}

}  // namespace

Result<RecordReader> Comparison::open_record(std::uint64_t cell) const {
  const RecordPlace& place = records.at(cell);
  if (place.group.empty()) return RecordReader::open(place.file);
  const Result<Hdf5Handle> file = open_comparison(place.file);
  if (!file) return Error{file.error()};
  Hdf5Handle group = open_group(*file, place.group);
  if (!group) {
    return unreadable_file(place.file, fmt::format("record of run {}: {}", cell, hdf5_reason()));
  }
  return RecordReader::open_inside(std::move(group), place.file);
}

std::uint32_t replications_of(const Comparison& comparison) {
  std::uint32_t most = comparison.plan.request().replications;
  for (const CellResult& result : comparison.results) {
    most = std::max(most, comparison.plan.replication_of(result.cell) + 1);
  }
  return most;
}

bool is_comparison(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return fs::exists(path + "/plan.json", ignored);
  return open_comparison(path).ok();
}

Result<Comparison> load_comparison(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? load_folder(path) : load_file(path);
}

Result<Comparison> merge_comparisons(std::vector<Comparison> parts) {
  assert(!parts.empty());
  std::map<std::uint64_t, std::string> owners;
  for (const Comparison& part : parts) {
    if (!part.plan.is_same_experiment(parts.front().plan)) {
      return Error{
          fmt::format("{} and {} are not of one experiment: scenario, world or what is "
                      "varied differ",
                      parts.front().path, part.path)};
    }
    for (const CellResult& result : part.results) {
      if (!result.is_usable()) {
        return Error{fmt::format(
            "{}: run {} {}; play it again with `phoenix compare --resume {}`", part.path,
            result.cell,
            result.failure.empty() ? "was not played to its end" : "failed: " + result.failure,
            part.path)};
      }
      const auto [known, is_new] = owners.emplace(result.cell, part.path);
      if (is_new) continue;
      return Error{fmt::format("{} and {} both have run {}; each run may come once", known->second,
                               part.path, result.cell)};
    }
  }
  const auto most = std::ranges::max_element(
      parts, {}, [](const Comparison& part) { return part.plan.cells_max(); });
  Comparison merged{most->plan, {}, {}, ""};
  for (Comparison& part : parts) {
    std::ranges::move(part.results, std::back_inserter(merged.results));
    merged.records.merge(part.records);
  }
  std::ranges::sort(merged.results, {}, &CellResult::cell);
  return merged;
}

Status write_comparison(const std::string& path, const Comparison& comparison) {
  std::error_code ignored;
  if (fs::exists(path, ignored) && !is_comparison(path)) {
    return Error{fmt::format("cannot write {}: it exists and is not a comparison", path)};
  }
  const std::string part = fmt::format("{}.{}.part", path, ::getpid());
  Status written = write_file(part, comparison);
  if (written && std::rename(part.c_str(), path.c_str()) != 0) {
    written = Error{std::strerror(errno)};
  }
  if (written) return written;
  fs::remove(part, ignored);
  return Error{fmt::format("cannot write {}: {}", path, written.error())};
}

}  // namespace phoenix
