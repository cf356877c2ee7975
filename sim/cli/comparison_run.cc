#include "sim/cli/comparison_run.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "analysis/compare/process_pool.h"
#include "analysis/compare/warm_up.h"
#include "analysis/progress.h"

namespace phoenix::cli {
namespace {

// Up to `replications` of every variation, but for those that were `tried` before; false when
// stopped.
Result<bool> play_missing(const ResultsFolder& folder, std::uint32_t replications,
                          const ComparisonOptions& options, const std::atomic<bool>& stop,
                          std::set<std::uint64_t>& tried) {
  const Result<std::set<std::uint64_t>> finished = folder.finished();
  if (!finished) return Error{finished.error()};
  std::vector<std::uint64_t> missing;
  const std::uint64_t end = std::uint64_t{replications} * folder.plan().variations().size();
  for (std::uint64_t cell = 0; cell < end; ++cell) {
    if (!finished->contains(cell) && tried.insert(cell).second) missing.push_back(cell);
  }
  if (missing.empty()) return true;

  Progress progress(static_cast<double>(missing.size()), "runs");
  std::size_t begun = 0;
  std::size_t ended = 0;
  Status kept = success();
  ProcessPool pool(
      folder.plan().request().world == "local" ? 1 : options.jobs,
      [&](std::uint64_t cell) { return play_cell(folder, cell, options.kept); },
      [&](const JobEnd& one) {
        ++ended;
        if (one.ok || !kept) return;
        CellResult failed;
        failed.cell = one.job;
        failed.failure = one.why;
        failed.metrics.fill(std::numeric_limits<double>::quiet_NaN());
        kept = folder.save(failed);
      });
  const bool is_done = pool.run(
      [&](std::uint64_t& cell) {
        if (begun == missing.size() || !kept) return false;
        cell = missing[begun++];
        return true;
      },
      stop, [&] { progress.update(static_cast<double>(ended)); });
  if (!kept) return Error{kept.error()};
  return is_done;
}

// Without one of its pilots the variation that it is of could ask for a longer warm-up, and the
// rule would depend on who failed.
Result<std::vector<CellResult>> play_pilots(const ResultsFolder& folder,
                                            const ComparisonOptions& options,
                                            const std::atomic<bool>& stop) {
  const Result<ResultsFolder> pilot = folder.pilot();
  if (!pilot) return Error{pilot.error()};
  std::set<std::uint64_t> tried;
  const Result<bool> played =
      play_missing(*pilot, 1, {options.jobs, KeptRecords::kNone}, stop, tried);
  if (!played) return Error{played.error()};
  if (!*played) return Error{"stopped"};
  Result<std::vector<CellResult>> results = pilot->load();
  if (!results) return results;
  for (const CellResult& one : *results) {
    if (one.is_usable()) continue;
    return Error{fmt::format("the pilot run of {} failed, and says no warm-up: {}",
                             pilot->plan().variations()[pilot->plan().variation_of(one.cell)].name,
                             one.failure.empty() ? "it was not played to its end" : one.failure)};
  }
  return results;
}

// Empty: each has one that counts. More replications of one that always fails make nothing precise.
std::string variation_without_runs(const Study& study) {
  const auto lost = std::ranges::find(study.variations, 0U, &VariationStudy::runs);
  return lost == study.variations.end() ? "" : lost->name;
}

}  // namespace

Status settle_warm_up(ResultsFolder& folder, const ComparisonOptions& options,
                      const std::atomic<bool>& stop) {
  if (!folder.needs_pilot()) return success();
  const Result<PlanLock> lock = folder.wait_for_plan(stop);
  if (!lock) return Error{lock.error()};
  if (Status read = folder.read_plan_again(); !read) return read;
  if (!folder.needs_pilot()) return success();  // settled by another process meanwhile
  const Result<std::vector<CellResult>> results = play_pilots(folder, options, stop);
  if (!results) return Error{results.error()};
  const Result<Scenario> scenario = folder.plan().scenario(0);
  if (!scenario) return Error{scenario.error()};
  return folder.decide_warm_up(warm_up_of(*results, scenario->record.interval));
}

Result<ComparisonEnd> play_comparison(const ResultsFolder& folder, const ComparisonOptions& options,
                                      const StudyOptions& study, const std::atomic<bool>& stop) {
  const Result<RecordLock> lock = folder.lock();
  if (!lock) return Error{lock.error()};
  const ComparisonPlan& plan = folder.plan();
  ComparisonEnd end;
  std::set<std::uint64_t> tried;
  for (end.replications = plan.request().replications;;
       end.replications = std::min(end.replications + kPrecisionBlock, plan.replications_max())) {
    const Result<bool> played = play_missing(folder, end.replications, options, stop, tried);
    if (!played) return Error{played.error()};
    end.is_stopped = !*played;
    if (end.is_stopped || !plan.request().precision) return end;
    const Result<std::vector<CellResult>> results = folder.load();
    if (!results) return Error{results.error()};
    const Result<Study> so_far = make_study(plan, *results, end.replications, study);
    if (!so_far) return Error{so_far.error()};
    end.is_precise = is_precise(*so_far, *plan.request().precision);
    end.lost = variation_without_runs(*so_far);
    const bool is_last = end.replications == plan.replications_max();
    if (end.is_precise || is_last || !end.lost.empty()) return end;
  }
}

}  // namespace phoenix::cli
