// Moving an agent: the formulas by their worked numbers, and the protocol with a failure at every
// step: exactly one copy serves in the end and the books balance.
#include <cmath>
#include <functional>

#include <gmock/gmock.h>

#include "strategies/placement/migration.h"
#include "tests/strategies/placement_world.h"

namespace phoenix {
namespace {

using namespace phoenix::testing;  // NOLINT: builders
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Action = MigrationAction;

constexpr double kUnknown = AgentObservation::kUnknown;

MigrationMeans instant_switch() {
  MigrationMeans means;
  means.freeze = means.switch_over = Duration{0};
  return means;
}

// V 1000 MB, B 125 MB/s, D 25 MB/s: rho 0.2; rounds of 1000, 200, 40 and 8 MB, 1.6 MB left.
TEST(MigrationModel, WorkedNumbers) {
  const AgentState state{1000e6, 25e6};
  const PreCopy copy = pre_copy(state, 125e6, {});
  EXPECT_EQ(copy.rounds, 4);
  EXPECT_TRUE(copy.converges);
  EXPECT_NEAR(copy.rest_bytes, 1.6e6, 1);
  EXPECT_NEAR(copy.sent_bytes, 1249.6e6, 1);

  MigrationMeans means = instant_switch();
  const MigrationEstimate live = estimate(MigrationMethod::kLive, state, means);
  EXPECT_NEAR(to_seconds(live.downtime), 0.0128, 1e-9);
  EXPECT_NEAR(to_seconds(live.duration), 9.9968, 1e-9);
  EXPECT_NEAR(to_seconds(live.duration), 8 * (1 - std::pow(0.2, 5)) / (1 - 0.2), 1e-9);

  const MigrationEstimate stored = estimate(MigrationMethod::kCheckpoint, state, means);
  EXPECT_NEAR(to_seconds(stored.downtime), 15.5, 1e-9);  // 5 + 8 + 2.5
  means.is_pipelined = true;
  EXPECT_NEAR(to_seconds(estimate(MigrationMethod::kCheckpoint, state, means).downtime), 8, 1e-9);
  means.freeze = milliseconds(30);
  means.switch_over = milliseconds(10);
  EXPECT_NEAR(to_seconds(estimate(MigrationMethod::kLive, state, means).downtime), 0.0528, 1e-9);
}

TEST(MigrationModel, ColdTakesTheDesignDocumentsTenSeconds) {
  const MigrationEstimate cold = estimate(MigrationMethod::kCold, {1e9, 0}, {});
  EXPECT_EQ(cold.downtime, seconds(10));
  EXPECT_EQ(cold.bytes, 0);
}

TEST(MigrationModel, ADirtyRateAboveTheBandwidthDoesNotConverge) {
  for (const double rate : {125e6, 130e6, 1e9}) {
    const PreCopy copy = pre_copy({1000e6, rate}, 125e6, {});
    EXPECT_FALSE(copy.converges) << rate;
    EXPECT_LE(copy.rounds, 4);  // gives up once 3 times the state was sent
    EXPECT_EQ(choose_method({1000e6, rate}, {}), MigrationMethod::kCheckpoint);
  }
  // rho = 1: every round sends the same, so n rounds and the rest take (n + 1) V / B.
  const PreCopy even = pre_copy({1000e6, 125e6}, 125e6, {});
  EXPECT_NEAR(even.sent_bytes, (even.rounds + 1) * 1000e6, 1);
}

TEST(MigrationModel, SharedBandwidthIsOneKth) {
  const AgentState state{1000e6, 25e6};
  const MigrationEstimate alone = estimate(MigrationMethod::kCheckpoint, state, instant_switch());
  const MigrationEstimate four = estimate(MigrationMethod::kCheckpoint, state, instant_switch(), 4);
  EXPECT_NEAR(to_seconds(four.duration) - to_seconds(alone.duration), 3 * 8, 1e-9);
  EXPECT_EQ(choose_method(state, {}, 1), MigrationMethod::kLive);
  EXPECT_EQ(choose_method(state, {}, 8), MigrationMethod::kCheckpoint);  // 25 > 125 / 8
}

TEST(MigrationModel, WhatIsNotKnownIsMovedByCheckpoint) {
  EXPECT_EQ(choose_method({1e6, kUnknown}, {}), MigrationMethod::kCheckpoint);
  EXPECT_EQ(choose_method({kUnknown, 1e6}, {}), MigrationMethod::kCheckpoint);
  EXPECT_EQ(choose_method({0, 0}, {}), MigrationMethod::kLive);
}

TEST(MigrationModel, AnUnknownMethodListsTheKnownOnes) {
  EXPECT_EQ(*migration_method("cold"), MigrationMethod::kCold);
  EXPECT_THAT(migration_method("warm").error(),
              HasSubstr("unknown migration method \"warm\" (known: live, checkpoint, cold)"));
}

// The world as the protocol sees it: copies of one agent on two nodes, and a route.
class OneAgentWorld {
 public:
  explicit OneAgentWorld(double bytes = 100e6, double dirty_rate = 25e6)
      : books(cluster_of(3, resources(100, 100))), moves(books, {}) {
    must(books.place(agent_spec(0, resources(60, 10)), node_id(0), kStart));
    books.observe(agent_id(0), AgentObservation{bytes, dirty_rate, 10});
  }

  Status begin(const std::string& method, std::size_t target = 1) {
    return moves.begin({agent_id(0), node_id(target), method}, now, orders);
  }

  // Carries out orders until none is left. `meddle` may answer in the world's place.
  using Meddle = std::function<bool(const MigrationOrder&)>;
  void run(const Meddle& meddle = [](const MigrationOrder&) { return false; }) {
    while (!orders.empty()) {
      const MigrationOrder order = orders.front();
      orders.erase(orders.begin());
      done.push_back(order.action);
      now += milliseconds(10);
      if (meddle(order)) continue;
      act(order);
      moves.step_done(order.token, now, kUnknown, orders);
    }
  }

  void act(const MigrationOrder& order) {
    switch (order.action) {
      case Action::kStartTarget:
        target_is_up = true;
        break;
      case Action::kFreeze:
        source_serves = false;
        break;
      case Action::kStopSource:
      case Action::kReleaseSource:
        source_is_up = source_serves = false;
        break;
      case Action::kResume:
        target_serves = true;
        break;
      case Action::kStopTarget:
        target_is_up = target_serves = false;
        break;
      case Action::kUnfreeze:
        source_serves = source_is_up;
        break;
      case Action::kRestartSource:
        source_is_up = true;
        break;
      case Action::kSwitchRoute:
        routes_to_target = true;
        break;
      case Action::kSwitchBack:
        routes_to_target = false;
        break;
      default:
        break;
    }
  }

  void kill(std::size_t node) {
    moves.node_died(node_id(node), now, orders);
    books.remove_node(node_id(node));
    if (node == 0) source_is_up = source_serves = false;
    if (node == 1) target_is_up = target_serves = false;
  }

  // One copy serves, the route points at it, and it is where the books say.
  void expect_one_copy(const std::string& what) {
    EXPECT_EQ(source_serves + target_serves, 1) << what;
    EXPECT_EQ(source_is_up + target_is_up, 1) << what;
    EXPECT_EQ(routes_to_target, target_serves) << what;
    EXPECT_EQ(books.agent(agent_id(0)).node, node_id(target_serves ? 1 : 0)) << what;
    EXPECT_EQ(books.agent(agent_id(0)).moving_to, kNoNode) << what;
    EXPECT_EQ(moves.running(), 0U) << what;
    expect_balanced(books);
  }

  MigrationOutcome outcome() {
    std::vector<MigrationOutcome> all = moves.take_outcomes();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? MigrationOutcome{} : all.front();
  }

  Inventory books;
  Migrations moves;
  Migrations::Orders orders;
  std::vector<Action> done;
  Time now = kStart;
  bool source_is_up = true;
  bool source_serves = true;
  bool target_is_up = false;
  bool target_serves = false;
  bool routes_to_target = false;
};

TEST(Migration, LiveCopiesInRoundsThenFreezesForTheRest) {
  OneAgentWorld world;
  must(world.begin("live"));
  // The target is reserved before anything starts there.
  EXPECT_EQ(world.books.node(node_id(1)).reserved, resources(60, 10));
  EXPECT_THAT(world.orders, ::testing::SizeIs(1));
  world.run();
  // 100, 20 MB; 4 MB are left, below 5.
  EXPECT_THAT(world.done, ElementsAre(Action::kStartTarget, Action::kCopyRound, Action::kCopyRound,
                                      Action::kFreeze, Action::kSendRest, Action::kSwitchRoute,
                                      Action::kResume, Action::kReleaseSource));
  const MigrationOutcome outcome = world.outcome();
  EXPECT_EQ(outcome.kind, OutcomeKind::kDone);
  EXPECT_EQ(outcome.rounds, 2);
  EXPECT_NEAR(outcome.bytes, 124e6, 1);
  EXPECT_EQ(outcome.downtime, milliseconds(40));  // freeze, rest, switch, resume
  EXPECT_EQ(outcome.took, milliseconds(80));
  world.expect_one_copy("live");
  EXPECT_TRUE(world.target_serves);
  EXPECT_THAT(world.books.agent(agent_id(0)).history, ElementsAre(node_id(0)));
}

TEST(Migration, CheckpointAndColdHaveTheirOwnSteps) {
  OneAgentWorld stored;
  must(stored.begin("checkpoint"));
  stored.run();
  EXPECT_THAT(stored.done,
              ElementsAre(Action::kStartTarget, Action::kFreeze, Action::kWriteCheckpoint,
                          Action::kSendRest, Action::kSwitchRoute, Action::kResume,
                          Action::kReleaseSource));
  stored.expect_one_copy("checkpoint");
  OneAgentWorld cold;
  must(cold.begin("cold"));
  cold.run();
  EXPECT_THAT(cold.done, ElementsAre(Action::kFreeze, Action::kStopSource, Action::kStartTarget,
                                     Action::kSwitchRoute, Action::kResume));
  cold.expect_one_copy("cold");
}

TEST(Migration, TheMethodIsChosenWhereNoneIsNamed) {
  OneAgentWorld live;
  must(live.begin(""));
  live.run();
  EXPECT_EQ(live.outcome().method, MigrationMethod::kLive);
  OneAgentWorld unknown(100e6, kUnknown);
  must(unknown.begin(""));
  unknown.run();
  EXPECT_EQ(unknown.outcome().method, MigrationMethod::kCheckpoint);
}

TEST(Migration, ErrorsAreToldApart) {
  OneAgentWorld world;
  EXPECT_THAT(world.begin("warm").error(), HasSubstr("known: live, checkpoint, cold"));
  EXPECT_THAT(world.moves.begin({agent_id(9), node_id(1), ""}, kStart, world.orders).error(),
              HasSubstr("agent_not_found: agent 9"));
  world.books.set_state(node_id(1), NodeState::kDown);
  EXPECT_THAT(world.begin("live").error(),
              HasSubstr("migration_failed: agent 0 cannot move: node 1 refused by health"));
  EXPECT_TRUE(world.orders.empty());
  must(world.begin("live", 2));
  EXPECT_THAT(world.begin("live", 2).error(), HasSubstr("is moving already"));
  EXPECT_THAT(world.begin("live", 0).error(), HasSubstr("is moving already"));
  EXPECT_EQ(world.orders.size(), 1U);
  expect_balanced(world.books);
}

TEST(Migration, ToItsOwnNodeIsDoneAtOnce) {
  OneAgentWorld world;
  must(world.begin("live", 0));
  EXPECT_TRUE(world.orders.empty());
  EXPECT_EQ(world.outcome().kind, OutcomeKind::kDone);
  world.expect_one_copy("no move");
}

TEST(Migration, AWriterFasterThanTheLinkIsFrozenAfterThreeTimesTheState) {
  OneAgentWorld world(100e6, 200e6);
  must(world.begin("live"));
  world.run();
  const MigrationOutcome outcome = world.outcome();
  EXPECT_EQ(outcome.kind, OutcomeKind::kDone);
  EXPECT_FALSE(outcome.has_converged);
  EXPECT_LE(outcome.rounds, 4);
  world.expect_one_copy("no convergence");
}

TEST(Migration, RequestsWaitWhileFrozenUpToTheLimit) {
  OneAgentWorld world;
  std::vector<AgentRoute> routes;
  must(world.begin("checkpoint"));
  EXPECT_EQ(world.moves.route(agent_id(0)), AgentRoute::kSource);
  world.run([&](const MigrationOrder& order) {
    routes.push_back(world.moves.route(agent_id(0)));
    if (order.action != Action::kSendRest) return false;
    for (int i = 0; i < 2'000; ++i) world.moves.route(agent_id(0));
    EXPECT_EQ(world.moves.route(agent_id(0)), AgentRoute::kFull);
    return false;
  });
  EXPECT_THAT(routes, ElementsAre(AgentRoute::kSource, AgentRoute::kHold, AgentRoute::kHold,
                                  AgentRoute::kHold, AgentRoute::kFull, AgentRoute::kFull,
                                  AgentRoute::kTarget));
  const MigrationOutcome outcome = world.outcome();
  EXPECT_EQ(outcome.held, 1'000U);
  EXPECT_EQ(outcome.refused, 2'000U + 1 + 3 + 2 - 1'000);
}

// A step that fails once: done again after the switch, undone before it.
TEST(Migration, AFailureAtEveryStepLeavesExactlyOneCopy) {
  for (const char* method : {"live", "checkpoint", "cold"}) {
    for (int fail_at = 0; fail_at < 8; ++fail_at) {
      // Whether what failed had an effect nobody was told of.
      for (const bool had_effect : {false, true}) {
        OneAgentWorld world;
        must(world.begin(method));
        int step = 0;
        bool has_failed = false;
        bool was_forward = false;
        world.run([&](const MigrationOrder& order) {
          if (step++ != fail_at) return false;
          has_failed = true;
          was_forward = order.action == Action::kResume || order.action == Action::kReleaseSource;
          if (had_effect) world.act(order);
          world.moves.step_failed(order.token, "no answer", world.now, world.orders);
          return true;
        });
        if (!has_failed) continue;
        const std::string what = std::string(method) + ", step " + std::to_string(fail_at);
        world.expect_one_copy(what);
        EXPECT_EQ(world.target_serves, was_forward) << what;
        const MigrationOutcome outcome = world.outcome();
        EXPECT_EQ(outcome.kind, was_forward ? OutcomeKind::kDone : OutcomeKind::kFailed) << what;
        EXPECT_EQ(outcome.cause.find("migration_failed: ") == 0, !was_forward) << what;
        EXPECT_EQ(outcome.cause.find("no answer") != std::string::npos, !was_forward) << what;
      }
    }
  }
}

TEST(Migration, AResumeThatNeverSucceedsTurnsBack) {
  OneAgentWorld world;
  must(world.begin("live"));
  world.run([&](const MigrationOrder& order) {
    if (order.action != Action::kResume) return false;
    world.moves.step_failed(order.token, "no answer", world.now, world.orders);
    return true;
  });
  world.expect_one_copy("resume");
  EXPECT_TRUE(world.source_serves);
  EXPECT_EQ(std::count(world.done.begin(), world.done.end(), Action::kResume), 5);
  // The target, which may have begun to serve, ends before the source serves again.
  const auto stop = std::find(world.done.begin(), world.done.end(), Action::kStopTarget);
  EXPECT_NE(std::find(stop, world.done.end(), Action::kUnfreeze), world.done.end());
}

TEST(Migration, AnUndoThatNeverSucceedsIsGivenUpAndTold) {
  OneAgentWorld world;
  must(world.begin("live"));
  world.run([&](const MigrationOrder& order) {
    const bool fails = order.action == Action::kFreeze || order.action == Action::kStopTarget;
    if (fails) world.moves.step_failed(order.token, "gone", world.now, world.orders);
    return fails;
  });
  EXPECT_TRUE(world.source_serves);
  EXPECT_TRUE(world.outcome().is_unclean);
  EXPECT_EQ(world.moves.running(), 0U);
  expect_balanced(world.books);
}

TEST(Migration, TheTargetsDeathAtAnyStepTurnsBackToTheSource) {
  for (const char* method : {"live", "checkpoint", "cold"}) {
    for (int die_at = 0; die_at < 8; ++die_at) {
      OneAgentWorld world;
      must(world.begin(method));
      int step = 0;
      bool was_last = false;
      bool has_died = false;
      world.run([&](const MigrationOrder& order) {
        if (step++ != die_at) return false;
        has_died = true;
        was_last = order.action == Action::kReleaseSource;
        world.kill(1);
        return true;  // nobody answers for this step any more
      });
      if (!has_died) continue;
      const std::string what = std::string(method) + ", step " + std::to_string(die_at);
      const MigrationOutcome outcome = world.outcome();
      EXPECT_EQ(outcome.kind, OutcomeKind::kFailed) << what;
      EXPECT_EQ(outcome.is_lost, was_last) << what;  // the source was ending already
      EXPECT_EQ(world.books.has_agent(agent_id(0)), !was_last) << what;
      if (!was_last) {
        world.expect_one_copy(what);
      }
      expect_balanced(world.books);
    }
  }
}

TEST(Migration, TheSourcesDeathGoesForwardOnceTheTargetHasAll) {
  for (const char* method : {"live", "checkpoint", "cold"}) {
    for (int die_at = 0; die_at < 8; ++die_at) {
      OneAgentWorld world;
      must(world.begin(method));
      int step = 0;
      bool goes_on = false;
      bool has_died = false;
      world.run([&](const MigrationOrder& order) {
        if (step++ != die_at) return false;
        has_died = true;
        const bool cold_has_stopped = std::string_view(method) == "cold" && die_at >= 1;
        goes_on = cold_has_stopped || order.action == Action::kSwitchRoute ||
                  order.action == Action::kResume || order.action == Action::kReleaseSource;
        world.kill(0);
        const bool is_of_source =
            order.action == Action::kReleaseSource || order.action == Action::kStopSource;
        if (!goes_on || is_of_source) return true;
        return false;  // the step is the target's or the route's, and is done
      });
      if (!has_died) continue;
      const std::string what = std::string(method) + ", step " + std::to_string(die_at);
      const MigrationOutcome outcome = world.outcome();
      EXPECT_EQ(outcome.kind, goes_on ? OutcomeKind::kDone : OutcomeKind::kFailed) << what;
      EXPECT_EQ(outcome.is_lost, !goes_on) << what;
      EXPECT_EQ(world.target_serves, goes_on) << what;
      EXPECT_EQ(world.target_is_up, goes_on) << what;
      EXPECT_EQ(world.books.has_agent(agent_id(0)), goes_on) << what;
      EXPECT_EQ(world.moves.running(), 0U) << what;
      expect_balanced(world.books);
    }
  }
}

TEST(Migration, LateAndRepeatedReportsAreIgnoredAndCounted) {
  OneAgentWorld world;
  must(world.begin("live"));
  world.run([&](const MigrationOrder& order) {
    world.act(order);
    world.moves.step_done(order.token, world.now, kUnknown, world.orders);
    world.moves.step_done(order.token, world.now, kUnknown, world.orders);
    world.moves.step_failed(order.token, "late", world.now, world.orders);
    return true;
  });
  world.expect_one_copy("repeated");
  EXPECT_TRUE(world.target_serves);
  EXPECT_EQ(world.moves.stale_reports(), 2 * world.done.size());
}

TEST(Migration, AStepWithoutAnAnswerTimesOut) {
  OneAgentWorld world;
  must(world.begin("live"));
  world.run([&](const MigrationOrder& order) {
    if (order.action != Action::kCopyRound || order.round != 2) return false;
    // 60 s and four times the 20 MB at 125 MB/s.
    EXPECT_EQ(world.moves.next_deadline(), world.now - milliseconds(10) + from_seconds(60.64));
    world.moves.on_time(world.moves.next_deadline() - Duration{1}, world.orders);
    EXPECT_TRUE(world.orders.empty());
    world.now = world.moves.next_deadline();
    world.moves.on_time(world.now, world.orders);
    return true;
  });
  world.expect_one_copy("timeout");
  EXPECT_THAT(world.outcome().cause, HasSubstr("copy_round: timed out"));
  EXPECT_EQ(world.moves.next_deadline(), kNever);
}

TEST(Migration, MovesUnderWayShareTheBandwidth) {
  OneAgentWorld world;
  must(world.books.place(agent_spec(1, resources(5, 5)), node_id(2), kStart));
  must(world.begin("live"));
  EXPECT_EQ(world.orders.back().sharing, 1);
  must(world.moves.begin({agent_id(1), node_id(1), "live"}, kStart, world.orders));
  EXPECT_EQ(world.orders.back().sharing, 2);
  world.run();
  EXPECT_EQ(world.moves.take_outcomes().size(), 2U);
  expect_balanced(world.books);
}

}  // namespace
}  // namespace phoenix
