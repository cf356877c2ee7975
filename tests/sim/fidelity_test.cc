// The fast fidelity against the slow one: requests as events of our own, and every message and
// service as an activity of SimGrid's. Same seeds, so the same requests; the means over the seeds
// must agree within 2 %.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/ideal.h"
#include "tests/sim/runs.h"

namespace phoenix::sim {
namespace {

constexpr int kSeeds = 5;
constexpr double kTolerance = 0.02;

// Four nodes of two cores, 70 % busy. Random choice, as a choice by load would amplify the
// nanoseconds in which the two differ.
Ideal small(const char* discipline) {
  Ideal ideal;
  ideal.nodes = 4;
  ideal.cores = 2;
  ideal.discipline = discipline;
  ideal.work = "exponential(5 ms)";
  ideal.rate = "1120 /s";
  ideal.duration = "6 s";
  ideal.warmup = "500 ms";
  return ideal;
}

template <class Read>
double mean_over(const std::vector<RunSummary>& runs, Read read) {
  double sum = 0;
  for (const RunSummary& run : runs) sum += read(run);
  return sum / static_cast<double>(runs.size());
}

template <class Read>
void expect_close(const std::vector<RunSummary>& fast, const std::vector<RunSummary>& slow,
                  const char* what, Read read) {
  const double expected = mean_over(slow, read);
  EXPECT_GT(expected, 0) << what;
  EXPECT_NEAR(mean_over(fast, read), expected, kTolerance * expected) << what;
}

void expect_agreement(const std::vector<RunSummary>& fast, const std::vector<RunSummary>& slow) {
  ASSERT_EQ(fast.size(), slow.size());
  for (std::size_t i = 0; i < fast.size(); ++i) {
    EXPECT_EQ(fast[i].total.offered, slow[i].total.offered) << "seed " << i + 1;
    expect_conserved(fast[i]);
    expect_conserved(slow[i]);
  }
  expect_close(fast, slow, "mean", [](const RunSummary& run) { return run.total.latency.mean; });
  expect_close(fast, slow, "p50", [](const RunSummary& run) { return run.total.latency.p50; });
  expect_close(fast, slow, "p95", [](const RunSummary& run) { return run.total.latency.p95; });
  expect_close(fast, slow, "throughput",
               [](const RunSummary& run) { return run.total.throughput_per_s; });
}

class Fidelity : public ::testing::TestWithParam<const char*> {};

TEST_P(Fidelity, FastAndSlowAgree) {
  const std::string text = small(GetParam()).text();
  expect_agreement(run_replications(text, {"fidelity=request"}, kSeeds),
                   run_replications(text, {"fidelity=flow"}, kSeeds));
}

// Two deaths: what was on the node is lost and times out; both must lose alike.
TEST_P(Fidelity, FastAndSlowAgreeOnKills) {
  Ideal ideal = small(GetParam());
  ideal.more = R"toml(
[[fault]]
kind = "crash_restart"
target = "node:1"
start = "1 s"
duration = "700 ms"
[[fault]]
kind = "crash_restart"
id = "again"
target = "node:2"
start = "3 s"
duration = "700 ms"
)toml";
  const Overrides common = {"service.s.class.c.deadline=1 s"};
  Overrides fast_overrides = common;
  fast_overrides.push_back("fidelity=request");
  Overrides slow_overrides = common;
  slow_overrides.push_back("fidelity=flow");
  const auto fast = run_replications(ideal.text(), fast_overrides, kSeeds);
  const auto slow = run_replications(ideal.text(), slow_overrides, kSeeds);
  expect_agreement(fast, slow);
  const auto failures = [](const RunSummary& run) {
    return static_cast<double>(run.total.failed_total());
  };
  const auto lost = [](const RunSummary& run) { return static_cast<double>(run.lost_messages); };
  const auto affected = [](const RunSummary& run) {
    double sum = 0;
    for (const FaultSummary& fault : run.faults) sum += static_cast<double>(fault.affected);
    return sum;
  };
  expect_close(fast, slow, "failures", failures);
  expect_close(fast, slow, "lost messages", lost);
  expect_close(fast, slow, "jobs killed", affected);
}

// At one request a second nothing is ever under way beside it: the engine is idle in between, and
// every answer takes the work (5 ms) and the way there and back.
TEST_P(Fidelity, ALonelyRequestTakesItsWorkAndItsWay) {
  Ideal lonely = small(GetParam());
  lonely.nodes = 1;
  lonely.work = "5 ms";
  lonely.rate = "1 /s";
  lonely.duration = "60 s";
  for (const char* fidelity : {"request", "flow"}) {
    const RunSummary run = run_in_child(lonely.text(), {std::string("fidelity=") + fidelity});
    ASSERT_GT(run.total.completed, 30U) << fidelity;
    EXPECT_NEAR(run.total.latency.mean, 0.005, 0.0005) << fidelity;
    EXPECT_NEAR(run.total.latency.max, 0.005, 0.0005) << fidelity;
  }
}

INSTANTIATE_TEST_SUITE_P(Disciplines, Fidelity, ::testing::Values("fifo", "ps"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace phoenix::sim
