#include "sim/cli/cell_job.h"

#include <csignal>
#include <filesystem>
#include <iostream>
#include <optional>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/record_reader.h"
#include "sim/cli/commands.h"
#include "sim/cli/local_world.h"
#include "sim/simulate.h"

namespace phoenix::cli {
namespace {

bool keeps(KeptRecords kept, const ComparisonPlan& plan, std::uint64_t cell) {
  return kept == KeptRecords::kAll ||
         (kept == KeptRecords::kFirst && plan.replication_of(cell) == 0);
}

// Series are what results are made of; rows of nodes and requests are for who looks at a run.
void trim_record(Scenario& scenario) {
  scenario.record.nodes = false;
  scenario.record.requests = RecordSettings::Requests::kNone;
}

int simulate_cell(const ComparisonPlan& plan, std::uint64_t cell, const std::string& record_path,
                  bool is_kept) {
  Result<Scenario> scenario = plan.scenario(cell);
  if (!scenario) {
    std::cerr << scenario.error() << "\n";
    return kBadInput;
  }
  if (!is_kept) trim_record(*scenario);
  sim::SimulationOptions options;
  options.record_path = record_path;
  const Result<sim::SimulationResult> result = sim::simulate(*scenario, options);
  if (!result) {
    std::cerr << result.error() << "\n";
    return kBadInput;
  }
  if (!result->record) {
    std::cerr << "the record is not complete: " << result->record.error() << "\n";
    return kFailed;
  }
  return kGood;
}

// The local world is a program of its own: it takes the place of a child of this process.
int play_cell_on_local(const ComparisonPlan& plan, std::uint64_t cell,
                       const std::string& record_path) {
  const PlanRequest& request = plan.request();
  const Result<std::string> text = read_whole_file(request.scenario_path);
  if (!text) {
    std::cerr << text.error() << "\n";
    return kBadInput;
  }
  if (*text != request.scenario_text) {
    std::cerr << request.scenario_path << " is not what it was when this comparison was planned\n";
    return kBadInput;
  }
  LocalRun run;
  run.file = request.scenario_path;
  run.overrides = plan.variations()[plan.variation_of(cell)].overrides;
  run.overrides.push_back("replication=" + std::to_string(plan.replication_of(cell)));
  run.output = record_path;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // so that it cleans up
    ::_exit(become_local_world(run));
  }
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return kFailed;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
}

}  // namespace

int play_cell(const ResultsFolder& folder, std::uint64_t cell, KeptRecords kept) {
  const ComparisonPlan& plan = folder.plan();
  const std::string path = folder.record_path(cell);
  const bool is_kept = keeps(kept, plan, cell);
  const int code = plan.request().world == "local" ? play_cell_on_local(plan, cell, path)
                                                   : simulate_cell(plan, cell, path, is_kept);
  if (code != kGood) return code;
  Result<CellResult> result = [&]() -> Result<CellResult> {
    const Result<RecordReader> record = RecordReader::open(path);
    if (!record) return Error{record.error()};
    return CellResult::from_record(*record);
  }();
  if (!result) {
    std::cerr << result.error() << "\n";
    return kFailed;
  }
  std::error_code ignored;
  if (!is_kept) std::filesystem::remove(path, ignored);
  result->cell = cell;
  if (const Status saved = folder.save(*result); !saved) {
    std::cerr << saved.error() << "\n";
    return kFailed;
  }
  return kGood;
}

}  // namespace phoenix::cli
