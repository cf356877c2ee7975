// What each fault of the network means, seen in small runs whose answers can be worked out by hand.
// Undisturbed, every request takes 7 ms: a millisecond there, five of work, a millisecond back.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/fault_runs.h"

namespace phoenix::sim {
namespace {

constexpr const char* kThere = "link:gateway:0->node:0";
constexpr const char* kBack = "link:node:0->gateway:0";
constexpr const char* kBothWays = "pair:gateway:0,node:0";

double mean_between(const RecordedRun& run, std::int64_t from, std::int64_t until) {
  return mean_response_ms(arrived_within(run, 0, from, until));
}

std::int64_t failed_between(const RecordedRun& run, int node, std::int64_t from,
                            std::int64_t until) {
  const auto requests = arrived_within(run, node, from, until);
  return std::ranges::count_if(requests, [](const RequestRow& r) { return !is_ok(r); });
}

// The nodes none of whose requests of [from, until) were answered well.
std::set<int> unreachable(const RecordedRun& run, int nodes, std::int64_t from,
                          std::int64_t until) {
  std::set<int> found;
  for (int node = 0; node < nodes; ++node) {
    const auto sent = static_cast<std::int64_t>(arrived_within(run, node, from, until).size());
    const std::int64_t lost = failed_between(run, node, from, until);
    EXPECT_GT(sent, 0);
    EXPECT_TRUE(lost == 0 || lost == sent) << "node " << node;
    if (lost > 0) found.insert(node);
  }
  return found;
}

TEST(Delay, AddsToEveryMessageOfItsDirection) {
  for (const char* one_way : {kThere, kBack}) {
    FaultRig rig{.faults = fault("delay", one_way, "1 s", "1 s", "delay = \"10 ms\"")};
    const RecordedRun run = rig.run();
    EXPECT_NEAR(mean_between(run, 0, ms(980)), 7, 1e-3);
    EXPECT_NEAR(mean_between(run, ms(1000), ms(1970)), 17, 1e-3);
    EXPECT_NEAR(mean_between(run, ms(2010), ms(4900)), 7, 1e-3);
    for (const RequestRow& r : arrived_within(run, 1, 0, ms(4900))) {
      EXPECT_NEAR(response_ms(r), 7, 1e-3);
    }
  }
  FaultRig rig{.faults = fault("delay", "node:0", "1 s", "1 s", "delay = \"10 ms\"")};
  const RecordedRun run = rig.run();
  EXPECT_NEAR(mean_between(run, ms(1000), ms(1970)), 27, 1e-3);
}

// 95 requests, two exponential delays of mean 10 ms each: 7 + 20 ms with a standard error of
// sqrt(2) * 10 / sqrt(95) = 1.45 ms; without the constant part none is faster than 7 ms.
TEST(Delay, VariesByItsJitter) {
  FaultRig rig{.faults = fault("delay", kBothWays, "1 s", "2 s",
                               "delay = \"1 us\"\ndelay_jitter = \"10 ms\"")};
  const RecordedRun run = rig.run();
  EXPECT_NEAR(mean_between(run, ms(1000), ms(2900)), 27, 4 * 1.45);
  for (const RequestRow& r : arrived_within(run, 0, ms(1000), ms(2900))) {
    EXPECT_GE(response_ms(r), 7);
  }
}

TEST(Delay, AddsToOtherDelays) {
  FaultRig rig{.faults = fault("delay", kThere, "1 s", "3 s", "delay = \"10 ms\"") +
                         fault("delay", kThere, "2 s", "1 s", "delay = \"30 ms\"")};
  const RecordedRun run = rig.run();
  EXPECT_NEAR(mean_between(run, ms(1000), ms(1960)), 17, 1e-3);
  EXPECT_NEAR(mean_between(run, ms(2000), ms(2960)), 47, 1e-3);
  EXPECT_NEAR(mean_between(run, ms(3000), ms(3960)), 17, 1e-3);
}

// Binomial(n, p): four standard deviations, 6e-5.
void expect_share(std::int64_t hit, std::size_t of, double p) {
  const auto n = static_cast<double>(of);
  EXPECT_NEAR(static_cast<double>(hit), n * p, 4 * std::sqrt(n * p * (1 - p)));
}

TEST(Loss, LosesItsShareOfMessages) {
  FaultRig rig{.rate = "1000 /s", .duration = "8 s"};
  rig.faults = fault("loss", kThere, "1 s", "5 s", "p = 0.3");
  const RecordedRun run = rig.run();
  const std::size_t sent = arrived_within(run, 0, ms(1000), ms(6000)).size();
  const std::int64_t lost = failed_between(run, 0, ms(1000), ms(6000));
  expect_share(lost, sent, 0.3);
  EXPECT_EQ(phases(run, "end")[0].affected, lost);
  EXPECT_EQ(run.summary.lost_messages, static_cast<std::uint64_t>(lost));
  EXPECT_EQ(failed(run.summary, FailureReason::kDeadline), static_cast<std::uint64_t>(lost));
}

// Request and reply each get through with 0.8, or, where two faults meet, with 0.8 * 0.5.
TEST(Loss, CombinesWithOtherLosses) {
  FaultRig rig{.rate = "1000 /s", .duration = "8 s"};
  rig.faults = fault("loss", kBothWays, "1 s", "5 s", "p = 0.2") +
               fault("loss", kThere, "1 s", "5 s", "p = 0.5");
  const RecordedRun run = rig.run();
  const std::size_t sent = arrived_within(run, 0, ms(1000), ms(5990)).size();
  expect_share(failed_between(run, 0, ms(1000), ms(5990)), sent, 1 - 0.8 * 0.5 * 0.8);
}

TEST(Cut, OfTheWayThereKeepsRequestsFromBeingServed) {
  const RecordedRun run = FaultRig{.faults = fault("cut", kThere, "1 s", "1 s")}.run();
  EXPECT_EQ(completed_within(run, 0, ms(1100), ms(2000)), 0);
  EXPECT_EQ(unreachable(run, 2, ms(1000), ms(1990)), std::set<int>{0});
  EXPECT_EQ(failed_between(run, 0, ms(2000), ms(3900)), 0);
  EXPECT_GE(phases(run, "end")[0].affected, 50);
}

TEST(Cut, OfTheWayBackLosesRepliesOfServedRequests) {
  const RecordedRun run = FaultRig{.faults = fault("cut", kBack, "1 s", "1 s")}.run();
  EXPECT_EQ(completed_within(run, 0, ms(1100), ms(2000)), 45);
  EXPECT_EQ(unreachable(run, 2, ms(1000), ms(1990)), std::set<int>{0});
  EXPECT_EQ(failed_between(run, 0, ms(2000), ms(3900)), 0);
}

// Sent at 1.0 s, on their way for a millisecond; the cut begins half a millisecond later.
TEST(Cut, LosesMessagesOnTheWay) {
  FaultRig rig{.nodes = 1, .faults = fault("cut", kThere, "1000500 us", "1 ms")};
  const RecordedRun run = rig.run();
  EXPECT_EQ(failed_between(run, 0, 0, ms(4000)), 1);
  EXPECT_EQ(failed_between(run, 0, ms(999), ms(1000.4)), 1);
}

TEST(Cut, IsNotHealedByTheEndOfAnother) {
  const RecordedRun run = FaultRig{.faults = fault("cut", kBothWays, "1 s", "2 s") +
                                             fault("cut", kThere, "1500 ms", "500 ms")}
                              .run();
  EXPECT_EQ(unreachable(run, 2, ms(1000), ms(2990)), std::set<int>{0});
  EXPECT_EQ(failed_between(run, 0, ms(3000), ms(3900)), 0);
}

RecordedRun run_partition(int nodes, const std::string& sides, const std::string& more = "") {
  FaultRig rig{.nodes = nodes, .rate = "400 /s"};
  rig.faults = fault("partition", "", "1 s", "1 s", sides) + more;
  return rig.run();
}

std::size_t partitioned_off(const RecordedRun& run, int nodes) {
  EXPECT_TRUE(unreachable(run, nodes, ms(100), ms(980)).empty());
  EXPECT_TRUE(unreachable(run, nodes, ms(2000), ms(3900)).empty());
  return unreachable(run, nodes, ms(1000), ms(1980)).size();
}

// The one gateway keeps two of four nodes; all but one; with four nodes a ring of five in which
// everybody sees a neighbour on either side; half of what is left beside the bridge, which it sees.
TEST(Partition, LeavesEachModeItsOwnSides) {
  EXPECT_EQ(partitioned_off(run_partition(4, "mode = \"halves\""), 4), 2U);
  EXPECT_EQ(partitioned_off(run_partition(4, "mode = \"isolate_one\""), 4), 1U);
  EXPECT_EQ(partitioned_off(run_partition(4, "mode = \"majority_ring\""), 4), 2U);
  EXPECT_EQ(partitioned_off(run_partition(5, "mode = \"bridge\""), 5), 2U);
}

TEST(Partition, SeparatesZonesAndNamedGroups) {
  const std::string zone_b = "[[cluster.group]]\nname = \"b\"\ncount = 2\nzone = \"b\"\n";
  const RecordedRun zones = run_partition(2, "mode = \"zones\"", zone_b);
  EXPECT_EQ(unreachable(zones, 4, ms(1000), ms(1980)), (std::set<int>{2, 3}));
  const RecordedRun groups =
      run_partition(4, "groups = \"gateway:0, node:1, node:2 | node:3, node:0\"");
  EXPECT_EQ(unreachable(groups, 4, ms(1000), ms(1980)), (std::set<int>{0, 3}));
}

TEST(Clog, HoldsMessagesAndReleasesThemInOrder) {
  FaultRig rig{.cores = 1, .faults = fault("clog", kThere, "1 s", "500 ms")};
  const RecordedRun run = rig.run();
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  EXPECT_EQ(run.summary.lost_messages, 0U);
  EXPECT_EQ(completed_within(run, 0, ms(1100), ms(1500)), 0);
  const auto held = arrived_within(run, 0, ms(1000), ms(1499));
  EXPECT_NEAR(static_cast<double>(held.size()), 25, 1);
  EXPECT_EQ(phases(run, "end")[0].affected, static_cast<std::int64_t>(held.size()));
  // Released at once, a millisecond from the node, which takes 5 ms for each.
  for (std::size_t i = 0; i < held.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(held[i].answered) / 1e6, 1507 + 5.0 * static_cast<double>(i),
                1e-3);
  }
}

TEST(Clog, LosesWhatIsBeyondItsCapacity) {
  FaultRig rig{.faults = fault("clog", kThere, "1 s", "500 ms", "capacity = 10")};
  const RecordedRun run = rig.run();
  const auto sent = arrived_within(run, 0, ms(999), ms(1500));
  std::size_t answered = 0;
  for (const RequestRow& r : sent) {
    EXPECT_EQ(is_ok(r), answered < 10) << r.seq;
    answered += is_ok(r);
  }
  EXPECT_EQ(answered, 10U);
  EXPECT_EQ(run.summary.lost_messages, sent.size() - 10);
}

TEST(Clog, OfTheWayBackHoldsReplies) {
  const RecordedRun run = FaultRig{.faults = fault("clog", kBack, "1 s", "500 ms")}.run();
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  EXPECT_EQ(completed_within(run, 0, ms(1100), ms(1500)), 20);
  for (const RequestRow& r : arrived_within(run, 0, ms(1000), ms(1490))) {
    EXPECT_NEAR(static_cast<double>(r.answered) / 1e6, 1501, 1e-3);
  }
}

// 500 kB over 100 Mbit/s take 40 ms, at a quarter of it 160 ms.
TEST(Bandwidth, LengthensBigResponses) {
  FaultRig rig{.rate = "4 /s",
               .faults = fault("bandwidth", "node:0", "1 s", "2 s", "factor = 0.25")};
  const RecordedRun run =
      rig.run({"cluster.group.n.network=100 Mbps", "service.s.class.c.response=500 kB"});
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  EXPECT_NEAR(mean_between(run, 0, ms(900)), 47, 0.1);
  EXPECT_NEAR(mean_between(run, ms(1000), ms(2700)), 167, 0.1);
  EXPECT_NEAR(mean_between(run, ms(3000), ms(4700)), 47, 0.1);
  for (const RequestRow& r : arrived_within(run, 1, 0, ms(4700))) {
    EXPECT_NEAR(response_ms(r), 47, 0.1);
  }
}

// A request is lost exactly if the way there is cut at some moment of its millisecond on it.
TEST(Flap, LosesWhatMeetsOneOfItsCuts) {
  FaultRig rig{.nodes = 1, .rate = "1000 /s", .duration = "6 s"};
  rig.faults = fault("flap", kThere, "1 s", "3 s", "mean_on = \"100 ms\"\nmean_off = \"150 ms\"");
  const RecordedRun run = rig.run();
  const auto begins = phases(run, "begin");
  const auto ends = phases(run, "end");
  ASSERT_EQ(begins.size(), ends.size());
  EXPECT_GT(begins.size(), 5U);
  EXPECT_EQ(begins[0].t_applied, ms(1000));
  std::int64_t lost = 0;
  for (const RequestRow& r : run.requests) {
    if (r.arrived > ms(4900)) continue;
    bool is_cut = false;
    for (std::size_t i = 0; i < begins.size(); ++i) {
      is_cut |= begins[i].t_applied <= r.arrived + ms(1) && r.arrived < ends[i].t_applied;
    }
    EXPECT_EQ(is_ok(r), !is_cut) << r.seq;
    lost += is_cut;
  }
  EXPECT_GT(lost, 200);
  EXPECT_LT(lost, 2800);
}

}  // namespace
}  // namespace phoenix::sim
