#include "analysis/record_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "analysis/table_reader.h"
#include "scenarios/record_lock.h"

namespace phoenix {
namespace {

constexpr std::string_view kPartEnding = ".part";

Error unreadable(const std::string& path, std::string_view reason) {
  return Error{fmt::format("cannot read {}: {}", path, reason)};
}

Error no_record(const std::string& path, std::string_view reason) {
  return Error{fmt::format("{} is not a run record: {}", path, reason)};
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
  a.scenario = read_long_text(file, "scenario");
  a.overrides = read_long_text(file, "overrides");
  a.strategy = read_long_text(file, "strategy");
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

}  // namespace

Result<RecordReader> RecordReader::open(const std::string& path) {
  if (Status signature = check_hdf5_signature(path, "a run record"); !signature) {
    return Error{signature.error()};
  }
  prepare_hdf5();
  Hdf5Handle file = open_file(path);
  if (!file) return unreadable(path, hdf5_reason());
  Result<RecordReader> reader = open_inside(std::move(file), path);
  if (!reader) return reader;
  reader->is_live_ = path.ends_with(kPartEnding) &&
                     RecordLock::is_held(path.substr(0, path.size() - kPartEnding.size()));
  return reader;
}

Result<RecordReader> RecordReader::open_inside(Hdf5Handle object, const std::string& path) {
  if (Status format = check_format(object, path); !format) return Error{format.error()};
  RecordReader reader;
  reader.path_ = path;
  reader.file_ = std::move(object);
  reader.attributes_ = read_attributes(reader.file_);
  // Columns that an earlier version of the format did not have read as missing.
  reader.place_ = {reader.file_, path, reader.attributes_.format_version != kRecordVersion};
  return reader;
}

Result<std::int64_t> RecordReader::row_count(const TableSchema& schema) const {
  return count_table_rows(place_, schema);
}

Status RecordReader::read_rows(const TableSchema& schema, std::int64_t first, std::size_t count,
                               void* rows) const {
  return read_table_rows(place_, schema, first, count, rows);
}

Result<std::vector<std::string>> RecordReader::names(const std::string& kind) const {
  const std::string place = "names/" + kind;
  if (H5Lexists(file_, "names", H5P_DEFAULT) <= 0 ||
      H5Lexists(file_, place.c_str(), H5P_DEFAULT) <= 0) {
    return unreadable(path_, fmt::format("it has no table '{}'", place));
  }
  const Hdf5Handle dataset(H5Dopen2(file_, place.c_str(), H5P_DEFAULT), H5Dclose);
  const Hdf5Handle type = text_type(kNameBytes);
  const std::int64_t count = dataset ? table_length(dataset) : -1;
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
