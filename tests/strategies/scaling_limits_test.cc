// The governor's limits, one by one, by name and as properties over random and periodic loads.
#include <chrono>

#include <gmock/gmock.h>

#include "strategies/core/random.h"
#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::at_s;
using phoenix::testing::Fleet;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

GovernorOptions at_once() {
  GovernorOptions options;
  options.cooldown_out = options.cooldown_in = options.stabilise_in = Duration{0};
  options.reversals_per_hour = 1000;
  return options;
}

// A fleet whose policy wishes for what `metric` says, in nodes.
class Wished : public Fleet {
 public:
  Wished(ScalingPool pool, GovernorOptions options, int ready)
      : Fleet(std::move(pool), options, ready) {
    add_policy("wish",
               "event_driven[metric=wish, per_node=1, poll=15 s, cool_down=0, maximum=1000]");
  }
  void wish(int size) { metrics.set("wish", size); }
  const Decision& last() const { return decisions.back(); }
};

TEST(Bounds, GrowthEndsAtTheMaximumAndSaysSo) {
  Wished fleet(ScalingPool{"compute", 1, 12, 0}, at_once(), 10);
  fleet.wish(14);
  fleet.tick();
  EXPECT_EQ(fleet.supply(), 12);
  EXPECT_THAT(fleet.last().reason, HasSubstr("limited by maximum 12 (wanted 14)"));
  EXPECT_TRUE(fleet.governor.status(fleet.look()).maximum_reached);
  fleet.wish(11);
  fleet.run_to(at_s(100));
  EXPECT_FALSE(fleet.governor.status(fleet.look()).maximum_reached);
}

TEST(Bounds, ShrinkingEndsAtTheMinimum) {
  Wished fleet(ScalingPool{"compute", 3, 50, 0}, at_once(), 5);
  fleet.wish(0);
  fleet.run_to(at_s(300));
  EXPECT_EQ(fleet.ready(), 3);
}

TEST(Bounds, NodesThatAreLostAreReplacedWhateverTheCooldown) {
  Wished fleet(ScalingPool{"compute", 4, 50, 0}, GovernorOptions{}, 5);
  fleet.wish(6);
  fleet.run_to(at_s(70));
  ASSERT_EQ(fleet.ready(), 6);
  fleet.nodes.resize(2);
  fleet.run_to(at_s(100));
  EXPECT_EQ(fleet.supply(), 4);
}

TEST(Bounds, APoolAboveItsMaximumIsBroughtDown) {
  Wished fleet(ScalingPool{"compute", 1, 4, 0}, GovernorOptions{}, 6);
  fleet.wish(6);
  fleet.run_to(at_s(60));
  EXPECT_EQ(fleet.ready(), 4);
}

TEST(RateOfChange, DoublesOrAddsFourPerPeriod) {
  Wished small(ScalingPool{}, at_once(), 2);
  small.wish(40);
  small.tick();
  EXPECT_EQ(small.supply(), 6);
  EXPECT_THAT(small.last().reason, HasSubstr("rate of growth (wanted 40)"));
  Wished large(ScalingPool{}, at_once(), 10);
  large.wish(40);
  large.tick();
  EXPECT_EQ(large.supply(), 20);
}

TEST(Stabilisation, ShrinksToTheMostOfTheWindow) {
  GovernorOptions options = at_once();
  options.stabilise_in = seconds(300);
  Wished fleet(ScalingPool{}, options, 10);
  fleet.wish(10);
  fleet.tick();
  fleet.wish(4);
  fleet.run_to(at_s(299));
  EXPECT_EQ(fleet.ready(), 10);
  EXPECT_THAT(fleet.last().reason, HasSubstr("stabilisation (wanted 4)"));
  fleet.run_to(at_s(316));
  EXPECT_EQ(fleet.ready(), 4);
}

TEST(Cooldown, GrowthWaitsFromDecisionToDecision) {
  Wished fleet(ScalingPool{}, GovernorOptions{}, 5);
  fleet.wish(6);
  fleet.tick();
  fleet.wish(8);
  fleet.run_to(at_s(299));
  EXPECT_EQ(fleet.supply(), 6);
  EXPECT_THAT(fleet.last().reason, HasSubstr("cooldown after growing"));
  fleet.run_to(at_s(300));
  EXPECT_EQ(fleet.supply(), 8);
}

TEST(Cooldown, ShrinkingWaitsFromTheCompletionOfAnyChange) {
  Wished fleet(ScalingPool{}, GovernorOptions{}, 5);
  fleet.wish(6);
  fleet.tick();
  fleet.wish(4);
  fleet.run_to(at_s(659));  // grown at 60 s
  EXPECT_EQ(fleet.ready(), 6);
  fleet.run_to(at_s(660));
  EXPECT_EQ(fleet.ready(), 4);
}

TEST(Cooldown, NoneRunsAtFirstEvenBeforeTheClocksZero) {
  Wished fleet(ScalingPool{}, GovernorOptions{}, 5);
  fleet.view.now = at_s(-1000);
  fleet.wish(7);
  fleet.tick();
  EXPECT_EQ(fleet.supply(), 7);
}

TEST(Cooldown, GrowthIsImmediateWhileShrinkingCools) {
  Wished fleet(ScalingPool{}, GovernorOptions{}, 8);
  fleet.wish(6);
  fleet.run_to(at_s(30));
  ASSERT_EQ(fleet.ready(), 6);
  fleet.wish(7);
  fleet.run_to(at_s(61));
  EXPECT_EQ(fleet.supply(), 7);
}

TEST(InFlight, OneChangeAtATimeAndWhatIsUnderWayCounts) {
  Wished fleet(ScalingPool{}, at_once(), 5);
  fleet.boot = minutes(4);
  fleet.wish(8);
  fleet.tick();
  fleet.wish(10);
  fleet.run_to(at_s(200));
  EXPECT_EQ(fleet.supply(), 8);
  EXPECT_THAT(fleet.last().reason, HasSubstr("change under way"));
  fleet.run_to(at_s(256));
  EXPECT_EQ(fleet.supply(), 10);  // two more, not five
}

TEST(InFlight, SeveralMayBeAllowedInOneDirection) {
  GovernorOptions options = at_once();
  options.changes_at_once = 3;
  Wished fleet(ScalingPool{}, options, 5);
  fleet.boot = minutes(10);
  for (int i = 1; i <= 5; ++i) {
    fleet.wish(5 + i);
    fleet.run_to(at_s(i * 40));
  }
  EXPECT_EQ(fleet.supply(), 8);
  fleet.wish(5);
  fleet.run_to(at_s(400));
  EXPECT_EQ(fleet.supply(), 8);
}

TEST(BootTime, NodesLongOverdueCountNothingAndRaiseAFlag) {
  Wished fleet(ScalingPool{"compute", 1, 9, 0}, at_once(), 4);
  fleet.boot = hours(1);  // the view says 60 s
  fleet.wish(6);
  fleet.tick();
  fleet.run_to(at_s(170));
  EXPECT_FALSE(fleet.governor.status(fleet.look()).has_stale_nodes);
  fleet.run_to(at_s(240));
  EXPECT_TRUE(fleet.governor.status(fleet.look()).has_stale_nodes);
  const CountedSupply counted = counted_supply(fleet.look(), 3);
  EXPECT_EQ(counted.stale, 2);
  EXPECT_EQ(counted.capacity.supply(), 4);
  // The change is given up in time and others are asked for; those overdue may still come, so
  // growth leaves room for them below the maximum.
  fleet.wish(20);
  fleet.run_to(at_s(1900));
  EXPECT_EQ(fleet.supply(), 9);
}

TEST(BootTime, IsTheNinetyFifthPercentileOfWhatWasSeen) {
  Wished fleet(ScalingPool{}, at_once(), 1);
  for (int i = 1; i <= 5; ++i) {
    fleet.boot = seconds(i * 10);
    fleet.wish(1 + i);
    fleet.run_to(at_s(i * 100));
  }
  EXPECT_EQ(fleet.governor.status(fleet.look()).boot_time, Duration(seconds(50)));
}

// Sooner than the fleet would have it.
void becomes_ready(ScalingNode& node, Time at) {
  node.is_ready = true;
  node.ready_since = at;
}

// Two were asked for together, and one is ready a minute before the other.
TEST(BootTime, IsSeenNodeByNode) {
  Wished fleet(ScalingPool{}, at_once(), 1);
  fleet.boot = seconds(90);
  fleet.wish(3);
  fleet.tick();
  fleet.run_to(at_s(31));
  becomes_ready(fleet.nodes[1], at_s(31));
  fleet.run_to(at_s(200));
  const std::string state = fleet.governor.export_state(fleet.view.now);
  EXPECT_THAT(state, HasSubstr("boot 31000000000\nboot 90000000000\n"));
}

// Ready at the moment of a look, and told after it.
TEST(BootTime, OneThatEndsAtALookIsSeenAtTheNext) {
  Wished fleet(ScalingPool{}, at_once(), 1);
  fleet.boot = seconds(1000);
  fleet.wish(2);
  fleet.tick();
  fleet.run_to(at_s(30));
  becomes_ready(fleet.nodes.back(), fleet.view.now);
  fleet.run_to(at_s(100));
  EXPECT_THAT(fleet.governor.export_state(fleet.view.now), HasSubstr("boot 30000000000\n"));
}

TEST(FlapBudget, AllowsNoMoreThanItsReversalsInAnyHour) {
  FlapBudget budget;
  using Direction = FlapBudget::Direction;
  budget.note(Direction::kOut, at_s(0));
  EXPECT_TRUE(budget.allows_shrinking(at_s(1), 4));
  EXPECT_TRUE(budget.note(Direction::kIn, at_s(1)));
  EXPECT_TRUE(budget.note(Direction::kOut, at_s(2)));
  EXPECT_TRUE(budget.allows_shrinking(at_s(3), 4));
  budget.note(Direction::kIn, at_s(3));
  EXPECT_TRUE(budget.allows_shrinking(at_s(4), 4));  // more of the same direction
  budget.note(Direction::kOut, at_s(4));
  EXPECT_FALSE(budget.allows_shrinking(at_s(5), 4));
  EXPECT_FALSE(budget.allows_shrinking(at_s(3601), 4));
  EXPECT_TRUE(budget.allows_shrinking(at_s(3602), 4));
}

int reversals_within_an_hour(const std::deque<ScalingEvent>& history) {
  std::vector<Time> reversals;
  for (std::size_t i = 1; i < history.size(); ++i) {
    if (history[i].kind != history[i - 1].kind) reversals.push_back(history[i].at);
  }
  int most = 0;
  for (const Time begin : reversals) {
    const auto within = [&](Time at) { return at >= begin && at - begin < hours(1); };
    most =
        std::max(most, static_cast<int>(std::count_if(reversals.begin(), reversals.end(), within)));
  }
  return most;
}

TEST(FlapBudget, ASquareWaveOfTenMinutesCostsNoServiceAndFourReversalsAnHour) {
  GovernorOptions options = at_once();
  options.reversals_per_hour = 4;
  Wished fleet(ScalingPool{}, options, 5);
  std::int64_t short_of = 0;
  fleet.run_to(at_s(6 * 3600), [&](Time now) {
    const bool high = static_cast<std::int64_t>(to_seconds(now)) / 300 % 2 == 0;
    const int needed = high ? 10 : 5;
    fleet.wish(needed);
    // Late by a look and a boot at the most: growth is never refused.
    const double since_rise = to_seconds(now) - std::floor(to_seconds(now) / 600) * 600;
    if (high && since_rise > 30 + 60) short_of += std::max(0, needed - fleet.ready());
  });
  EXPECT_EQ(short_of, 0);
  EXPECT_LE(reversals_within_an_hour(fleet.governor.history()), 4);
  EXPECT_GE(fleet.governor.history().size(), 12U);  // and it still saves what it may
  EXPECT_TRUE(std::any_of(fleet.decisions.begin(), fleet.decisions.end(), [](const Decision& held) {
    return held.reason.find("flap budget (") != std::string::npos;
  }));
}

// Random wishes, failures and losses; every limit is checked against the record of what was done.
class AnyWishes : public ::testing::TestWithParam<int> {};

TEST_P(AnyWishes, BoundsCooldownsAndBudgetHold) {
  const ScalingPool pool{"compute", 3, 17, 0};
  const GovernorOptions options;
  Wished fleet(pool, options, 5);
  Random chance(static_cast<std::uint64_t>(GetParam()), 7);
  fleet.survivors = [&](int asked) {
    return static_cast<int>(chance.below(static_cast<std::uint64_t>(asked) + 1));
  };
  fleet.run_to(at_s(30 * 3600), [&](Time) {
    if (chance.below(60) == 0) fleet.wish(static_cast<int>(chance.below(22)));
    if (chance.below(2000) == 0) fleet.drains_fail = !fleet.drains_fail;
    EXPECT_GE(fleet.supply(), pool.minimum);
    EXPECT_LE(fleet.supply() + fleet.draining(), pool.maximum);
  });
  Time last_out = at_s(-1e6);
  Time last_end = at_s(-1e6);
  const auto& history = fleet.governor.history();
  ASSERT_GT(history.size(), 50U);
  for (const ScalingEvent& event : history) {
    EXPECT_GE(event.to, pool.minimum);
    EXPECT_LE(event.to, pool.maximum);
    if (event.kind == DecisionKind::kScaleOut) {
      EXPECT_GE(event.at - last_out, options.cooldown_out);
      if (event.count > 0) last_out = event.at;
    } else {
      EXPECT_GE(event.at - last_end, options.cooldown_in);
    }
    if (event.count > 0) last_end = event.at + event.took;
  }
  EXPECT_LE(reversals_within_an_hour(history), options.reversals_per_hour);
}

TEST_P(AnyWishes, TheSameInputsGiveTheSameDecisions) {
  const auto run = [&] {
    Wished fleet(ScalingPool{"compute", 3, 17, 0}, GovernorOptions{}, 5);
    Random chance(static_cast<std::uint64_t>(GetParam()), 7);
    fleet.run_to(at_s(4 * 3600), [&](Time) { fleet.wish(static_cast<int>(chance.below(22))); });
    return fleet.governor.export_state(fleet.view.now);
  };
  EXPECT_EQ(run(), run());
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyWishes, ::testing::Range(1, 7));

// The order in which limits are told is the order in which they apply.
TEST(Order, EachLimitThatAlteredTheNumberIsNamed) {
  GovernorOptions options = at_once();
  options.cooldown_out = seconds(300);
  Wished fleet(ScalingPool{"compute", 1, 30, 0}, options, 5);
  fleet.wish(6);
  fleet.tick();
  fleet.wish(99);
  fleet.run_to(at_s(100));
  EXPECT_THAT(fleet.last().reason,
              HasSubstr("limited by maximum 30 (wanted 99), rate of growth (wanted 30), "
                        "cooldown after growing"));
}

}  // namespace
}  // namespace phoenix
