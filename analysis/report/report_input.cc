#include "analysis/report/report_input.h"

#include <filesystem>
#include <sstream>

#include <fmt/format.h>

#include "analysis/compare/comparison_file.h"
#include "analysis/report/selection.h"

namespace phoenix::report {
namespace {

Error input_error(const std::string& path, const std::string& why) {
  return Error{path + ": " + why};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Result<Comparison> comparison_of_record(const std::string& path) {
  const Result<RecordReader> record = RecordReader::open(path);
  if (!record) return Error{record.error()};
  Result<CellResult> result = CellResult::from_record(*record);
  if (!result) return Error{result.error()};
  const RecordAttributes& attributes = record->attributes();
  PlanRequest request;
  request.scenario_path = attributes.scenario_name;
  request.scenario_text = attributes.scenario;
  request.overrides = lines_of(attributes.overrides);
  request.world = attributes.world;
  request.replications = 1;
  Result<ComparisonPlan> plan = ComparisonPlan::of_played(std::move(request));
  if (!plan) return input_error(path, plan.error());
  result->cell = 0;
  // What there is of a run that was cut short is what the report is about.
  if (!result->is_complete) result->warning = "the run did not get to its end; this is what it had";
  result->is_complete = true;
  return Comparison{std::move(*plan), {std::move(*result)}, {{0, {path, ""}}}, path};
}

Result<Comparison> open_input(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return input_error(path, "there is no such file or folder");
  }
  return is_comparison(path) || std::filesystem::is_directory(path, error)
             ? load_comparison(path)
             : comparison_of_record(path);
}

Result<ComparisonData> judge(Comparison& comparison, const std::string& path,
                             const StudyOptions& options) {
  Result<Study> study =
      make_study(comparison.plan, comparison.results, replications_of(comparison), options);
  if (!study) return input_error(path, study.error());
  ComparisonData data{path, comparison.plan, std::move(*study), comparison.results.size(), {}, {}};
  data.shown.resize(comparison.plan.variations().size());
  comparison.results = {};  // most of the memory, and no longer needed
  return data;
}

// Records need not be kept; those that cannot be read are told.
void look_into(const Comparison& comparison, std::size_t variation, ComparisonData& data) {
  if (!comparison.records.contains(variation)) return;
  const Result<RecordReader> record = comparison.open_record(variation);
  Result<ShownRun> run = record ? read_shown_run(*record) : Error{record.error()};
  if (!run) {
    data.unreadable.push_back(run.error());
    return;
  }
  run->variation = variation;
  data.shown[variation] = std::move(*run);
}

}  // namespace

Result<ComparisonData> load_study(const std::string& path, const StudyOptions& options) {
  Result<Comparison> comparison = open_input(path);
  if (!comparison) return Error{comparison.error()};
  return judge(*comparison, path, options);
}

Result<ComparisonData> load_report_input(const std::string& path, const StudyOptions& options) {
  Result<Comparison> comparison = open_input(path);
  if (!comparison) return Error{comparison.error()};
  Result<ComparisonData> data = judge(*comparison, path, options);
  if (!data) return data;
  for (const std::size_t variation : variations_to_show(data->study)) {
    look_into(*comparison, variation, *data);
  }
  return data;
}

}  // namespace phoenix::report
