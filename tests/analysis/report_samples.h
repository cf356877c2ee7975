// Comparisons for tests of the report, made by hand, and a reader that tells whether a page is
// well-formed.
#pragma once

#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/report/report_model.h"
#include "tests/analysis/compare_samples.h"

namespace phoenix::report {

inline CellResult varied_result(std::uint64_t cell, double value, double noise) {
  CellResult result = sample_result(cell, value + noise);
  result.metrics[static_cast<std::size_t>(CellMetric::kThroughput)] = 1000 - noise;
  result.metrics[static_cast<std::size_t>(CellMetric::kAvailability)] = 0.999;
  return result;
}

// p99 of the i-th variation is about i + 1 (s); runs differ a little.
inline ComparisonData sample_data(std::uint32_t replications,
                                  std::vector<std::string> values = {"p2c", "random"},
                                  const std::string& world = "sim", double factor = 1) {
  PlanRequest request = sample_request();
  request.axes = {{"balancer", std::move(values)}};
  request.replications = replications;
  request.world = world;
  ComparisonPlan plan = std::move(ComparisonPlan::of_played(request).value());
  std::vector<CellResult> results;
  for (std::uint64_t cell = 0; cell < plan.cells_max(); ++cell) {
    const double noise = 0.01 * std::sin(static_cast<double>(plan.replication_of(cell)) * 1.7 +
                                         static_cast<double>(plan.variation_of(cell)));
    const double value = static_cast<double>(plan.variation_of(cell) + 1) * factor;
    results.push_back(varied_result(cell, value, noise));
  }
  Study study = make_study(plan, results, replications, {}).value();
  ComparisonData data{
      "results-" + world, std::move(plan), std::move(study), results.size(), {}, {}};
  data.shown.resize(data.plan.variations().size());
  return data;
}

// Ten seconds on two nodes, with a fault and a decision.
inline ShownRun sample_run() {
  ShownRun run;
  run.summary = run_a();
  run.summary.duration_s = 10;
  run.summary.balancer = "p2c[choices=2]";
  run.attributes.master_seed = 7;
  for (int i = 1; i <= 10; ++i) {
    WindowRow row;
    row.t = i * 1'000'000'000LL;
    row.offered = 100 + i;
    row.completed = 100;
    row.failed = i;
    row.p50 = 0.010F;
    row.p95 = 0.020F;
    row.p99 = 0.030F;
    row.cpu = 0.5F;
    row.nodes_up = 2;
    run.windows.push_back(row);
  }
  run.nodes.rows = {"web-0", "web-1"};
  run.nodes.nodes = 2;
  run.nodes.columns = 10;
  run.nodes.column_s = 1;
  run.nodes.cpu.assign(20, 0.4F);
  run.nodes.off_share.assign(20, 0);
  run.decisions_total = 1;
  DecisionRow decision;
  decision.t = 4'000'000'000;
  decision.family = "routing";
  decision.action = "eject";
  decision.subject = "node:1";
  decision.outcome = "done";
  decision.reason = "5 errors in a row";
  run.decisions = {decision};
  run.decision_marks = {{"routing", "done", 4, 1, "eject node:1"}};
  FaultRow begin;
  begin.t_applied = 3'000'000'000;
  begin.fault = 0;
  begin.kind = "crash";
  begin.phase = "begin";
  begin.target = "node:1";
  FaultRow end = begin;
  end.phase = "end";
  end.t_applied = 6'000'000'000;
  run.faults = {begin, end};
  run.fault_names = {"crash"};
  return run;
}

inline std::string name_of_tag(std::string_view tag) {
  return std::string(tag.substr(0, tag.find_first_of(" \n/>")));
}

// What is wrong with the nesting of elements, or with numbers in attributes; "" where nothing is.
inline std::string flaw_of(std::string_view page) {
  const std::set<std::string> kVoid = {"!DOCTYPE", "meta", "link"};
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = page.find('<', at)) != std::string_view::npos; ++at) {
    const std::size_t end = page.find('>', at);
    if (end == std::string_view::npos) return "a tag without an end";
    const std::string_view tag = page.substr(at + 1, end - at - 1);
    for (const char* const wrong : {"\"nan", " nan", "inf%", "nan%", "\"inf\""}) {
      if (tag.find(wrong) != std::string_view::npos) return "not a number: " + std::string(tag);
    }
    if (tag.starts_with('/')) {
      const std::string name = name_of_tag(tag.substr(1));
      if (open.empty() || open.back() != name) {
        return "</" + name + "> in <" + (open.empty() ? "nothing" : open.back()) + ">";
      }
      open.pop_back();
    } else if (!tag.ends_with('/') && !kVoid.contains(name_of_tag(tag))) {
      open.push_back(name_of_tag(tag));
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> stays open";
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++count;
  return count;
}

}  // namespace phoenix::report
