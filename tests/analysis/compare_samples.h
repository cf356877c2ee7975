// Plans and results for tests of comparisons: two balancers on a small scenario.
#pragma once

#include <algorithm>
#include <cstdint>

#include "analysis/compare/cell_result.h"
#include "analysis/compare/plan.h"
#include "tests/analysis/diff_records.h"

namespace phoenix {

inline PlanRequest sample_request() {
  PlanRequest request;
  request.scenario_path = "small.toml";
  request.scenario_text = R"toml(
duration = "2 s"
[[cluster.group]]
name = "web"
count = 4
cores = 1
[[service]]
name = "shop"
[[service.class]]
name = "all"
work = "exponential(1 ms)"
[workload]
arrivals = "poisson"
rate = "100 /s"
)toml";
  request.axes = {{"balancer", {"p2c", "random"}}};
  request.replications = 3;
  return request;
}

inline ComparisonPlan sample_plan(std::uint32_t replications = 3,
                                  std::vector<std::string> balancers = {"p2c", "random"}) {
  PlanRequest request = sample_request();
  request.axes = {{"balancer", std::move(balancers)}};
  request.replications = replications;
  return std::move(ComparisonPlan::make(request).value());
}

// Every metric has this value.
inline CellResult sample_result(std::uint64_t cell, double value) {
  CellResult result;
  result.cell = cell;
  result.metrics.fill(value);
  result.offered = 200'000;
  result.completed = 199'990;
  result.digest = 0xfeed'0000'0000'0000ULL + cell;
  result.window_mean = {value, value};
  result.histogram = {{1'000'000, 1'010'000, 150'000}, {2'000'000, 2'020'000, 49'990}};
  return result;
}

}  // namespace phoenix
