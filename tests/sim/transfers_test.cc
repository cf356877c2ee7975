// Bulk data on the links that requests use: it slows messages while it lasts, as bytes and
// bandwidth say, and not a moment longer.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/ideal.h"
#include "tests/sim/runs.h"

namespace phoenix::sim {
namespace {

// One request every 50 ms, served in no time worth mentioning; the answer of 125 kB leaves by a
// card of 1 Gbps = 125 MB/s, so it is under way for 1 ms. No latency anywhere.
std::string answers(const std::string& more) {
  Ideal ideal;
  ideal.nodes = 2;
  ideal.work = "constant(1 us)";
  ideal.rate = "20 /s";
  ideal.duration = "10 s";
  ideal.warmup = "0 s";
  ideal.balancer = "round_robin";
  ideal.more = more;
  return ideal.text();
}

const Overrides kAnswers = {"workload.arrivals=constant", "cluster.group.n.network=1 Gbps",
                            "service.s.class.c.response=125 kB", "record.requests=all"};

Overrides with(Overrides all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

double seconds(const RequestRow& request) {
  return static_cast<double>(request.answered - request.arrived) * 1e-9;
}

const DecisionRow* find(const RecordedRun& run, std::string_view action) {
  for (const DecisionRow& row : run.decisions) {
    if (row.family.view() == "transfer" && row.action.view() == action) return &row;
  }
  return nullptr;
}

// 250 MB over node 0's card of 125 MB/s, alone on it, is 2 s by itself: from 3 s to 5 s. While it
// lasts, an answer of node 0 gets its half of the card, 62.5 MB/s, and takes 2 ms instead of 1 ms.
// Node 1 has its own card.
TEST(Transfer, HalvesTheBandwidthOfMessagesOnItsLinksWhileItLasts) {
  const RecordedRun run = run_recorded(answers(R"toml(
[[transfer]]
name = "backup"
from = "node:0"
to = "gateway:0"
size = "250 MB"
start = "3 s"
)toml"),
                                       kAnswers);
  const DecisionRow* start = find(run, "start");
  const DecisionRow* end = find(run, "end");
  ASSERT_NE(start, nullptr);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(start->t, 3'000'000'000);
  EXPECT_EQ(start->outcome.view(), "done");
  const double length = static_cast<double>(end->t - start->t) * 1e-9;
  EXPECT_NEAR(length, 2.0, 0.1);
  int slowed = 0;
  for (const RequestRow& request : run.requests) {
    if (request.result != 0) continue;
    const bool beside = request.arrived > start->t && request.answered < end->t;
    const bool apart = request.answered < start->t || request.arrived > end->t;
    if (request.node == 0 && beside) {
      ++slowed;
      EXPECT_NEAR(seconds(request), 2e-3, 1e-4) << "at " << request.arrived;
    } else if (request.node == 1 || apart) {
      EXPECT_NEAR(seconds(request), 1e-3, 1e-4) << "at " << request.arrived;
    }
  }
  EXPECT_GE(slowed, 15);  // every other of 40 requests
}

// 25 MB is above the 1 MiB up to which messages are events of our own: a SimGrid flow, alone on a
// card of 125 MB/s for 0.2 s; SimGrid's model takes a few per cent for protocol.
TEST(Transfer, AResponseAboveTheLimitTakesItsBytesOverTheBandwidth) {
  const RecordedRun run =
      run_recorded(answers(""), with(kAnswers, {"service.s.class.c.response=25 MB",
                                                "workload.rate=2 /s", "cluster.flow_above=1 MiB"}));
  expect_conserved(run.summary);
  ASSERT_GE(run.requests.size(), 15U);
  for (const RequestRow& request : run.requests) {
    if (request.result == 255) continue;
    EXPECT_EQ(request.result, 0);
    EXPECT_NEAR(seconds(request), 0.2, 0.02);
  }
}

// Two such answers of one node at once share its card: each gets half, 0.4 s.
TEST(Transfer, TwoLargeResponsesShareACard) {
  const RecordedRun run =
      run_recorded(answers(R"toml(
[[transfer]]
name = "other"
from = "node:0"
to = "gateway:0"
size = "1250 MB"
start = "0 s"
)toml"),
                   with(kAnswers, {"service.s.class.c.response=25 MB", "workload.rate=1 /s"}));
  int shared = 0;
  for (const RequestRow& request : run.requests) {
    if (request.node != 0 || request.result != 0) continue;
    ++shared;
    EXPECT_NEAR(seconds(request), 0.4, 0.04);
  }
  EXPECT_GE(shared, 3);
}

TEST(Transfer, ToANodeThatIsDownIsRefusedAndSaidSo) {
  const RecordedRun run = run_recorded(answers(R"toml(
[[fault]]
kind = "crash_restart"
target = "node:1"
start = "2 s"
duration = "3 s"
[[transfer]]
name = "image"
from = "node:0"
to = "node:1"
size = "10 MB"
start = "3 s"
)toml"),
                                       kAnswers);
  const DecisionRow* start = find(run, "start");
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(start->t, 3'000'000'000);
  EXPECT_EQ(start->subject.view(), "image");
  EXPECT_EQ(start->outcome.view(), "refused");
  EXPECT_EQ(start->reason.view(), "an end is down");
  EXPECT_EQ(find(run, "end"), nullptr);
  expect_conserved(run.summary);
}

}  // namespace
}  // namespace phoenix::sim
