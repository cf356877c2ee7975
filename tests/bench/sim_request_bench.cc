// Runs one scenario as `phoenix run` does and prints what it cost, for run.py to compare. All of
// the process counts: reading the file, building the cluster, the run, the summary, the record.
//
//   sim_request_bench SCENARIO RECORD [KEY=VALUE]...     RECORD: path, or "-" for none
#include <cstdio>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "scenarios/parser.h"
#include "sim/simulate.h"

namespace {

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

int fail(const std::string& why) {
  std::fprintf(stderr, "sim_request_bench: %s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fail("usage: sim_request_bench SCENARIO RECORD [KEY=VALUE]...");
  const std::vector<std::string> overrides(argv + 3, argv + argc);
  const phoenix::ParsedScenario parsed = phoenix::parse_scenario_file(argv[1], overrides);
  for (const auto& problem : parsed.problems) fail(problem.text());
  if (!parsed.scenario) return 1;

  phoenix::sim::SimulationOptions options;
  if (std::string(argv[2]) != "-") options.record_path = argv[2];
  const auto result = phoenix::sim::simulate(*parsed.scenario, options);
  if (!result) return fail(result.error());
  if (!result->record) return fail(result->record.error());

  const phoenix::ClassSummary& total = result->summary.total;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  std::printf(
      "{\"requests\": %llu, \"cpu_s\": %.6f, \"mean_ms\": %.6f, \"p99_ms\": %.6f, "
      "\"peak_bytes\": %lld, \"events\": %llu}\n",
      static_cast<unsigned long long>(total.offered),
      seconds(used.ru_utime) + seconds(used.ru_stime), total.latency.mean * 1e3,
      total.latency.p99 * 1e3, static_cast<long long>(used.ru_maxrss) * 1024,
      static_cast<unsigned long long>(result->summary.events));
  return 0;
}
