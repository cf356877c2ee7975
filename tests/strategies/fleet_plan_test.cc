// How many nodes are worth their price over a forecast's minutes: worked examples, and the dynamic
// program against all schedules there are.
#include "strategies/scaling/fleet_plan.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::FakeForecast;
using std::chrono::seconds;

constexpr ForecastSpan kMinutes{seconds(60), Duration{0}};

// Nodes carry 100 each.
PlannedPool pool_of(int ready, int least, int most = 100) {
  return {ready, 0, 0, least, most, 100};
}

// As many nodes as the load needs, for certain, in each minute; the last goes on.
FakeForecast needing(std::vector<int> nodes) {
  FakeForecast forecast;
  forecast.path = [nodes = std::move(nodes)](int step, double) {
    const auto i = std::min(static_cast<std::size_t>(step), nodes.size()) - 1;
    return 100.0 * nodes[i];
  };
  return forecast;
}

TEST(FleetPlan, WithoutBootsAndDrainsItIsTheNewsvendorsRule) {
  const PlanCosts dear{15, Duration{0}, Duration{0}, Duration{0}};
  const PlanCosts cheap{8, Duration{0}, Duration{0}, Duration{0}};
  FakeForecast forecast;
  // Each of ten nodes beyond the tenth matters with a chance of 0.1: worth a price of 1 at 10.
  forecast.path = [](int, double q) { return 1000 + 1000 * q; };
  EXPECT_EQ(planned_nodes(forecast, kMinutes, pool_of(10, 10), dear), 20);
  EXPECT_EQ(planned_nodes(forecast, kMinutes, pool_of(10, 10), cheap), 10);
  EXPECT_EQ(planned_nodes(forecast, kMinutes, pool_of(20, 10), cheap), 10);
  EXPECT_EQ(planned_nodes(forecast, kMinutes, pool_of(10, 10, 12), dear), 12) << "no more allowed";
}

TEST(FleetPlan, WhereFewDoNotHelpItBuysAsManyAsDoOrNone) {
  FakeForecast forecast;  // 1,000 half of the time, else 1,500: five nodes more, or nothing
  forecast.path = [](int, double q) { return q < 0.5 ? 1000 : 1500; };
  const PlanCosts worth{12, Duration{0}, Duration{0}, Duration{0}};
  const PlanCosts not_worth{8, Duration{0}, Duration{0}, Duration{0}};
  EXPECT_EQ(planned_nodes(forecast, kMinutes, pool_of(10, 10), worth), 15);
  EXPECT_EQ(planned_nodes(forecast, kMinutes, pool_of(10, 10), not_worth), 10);
}

TEST(FleetPlan, APeakIsWorthABootOrNot) {
  const FakeForecast forecast = needing({4, 4, 5, 4});  // boot of 90 s: serves the third minute
  // 60 s served; 180 s paid in boot, peak and drain.
  const auto planned = [&](double miss_cost) {
    const PlanCosts costs{miss_cost, seconds(90), seconds(90), seconds(30)};
    return planned_nodes(forecast, kMinutes, pool_of(4, 4), costs);
  };
  EXPECT_EQ(planned(2), 4);
  EXPECT_EQ(planned(6), 5);
}

TEST(FleetPlan, StartsWhenItIsTimeAndNotBefore) {
  const PlanCosts costs{20, seconds(60), seconds(60), seconds(30)};
  EXPECT_EQ(planned_nodes(needing({4, 4, 4, 6, 6}), kMinutes, pool_of(4, 4), costs), 4);
  EXPECT_EQ(planned_nodes(needing({4, 4, 6, 6}), kMinutes, pool_of(4, 4), costs), 4);
  EXPECT_EQ(planned_nodes(needing({4, 6, 6}), kMinutes, pool_of(4, 4), costs), 6);
}

// A peak in the third minute: a node started now serves all of it, paid for three minutes and its
// drain; one started 45 s later only three quarters.
TEST(FleetPlan, TimeThatHasPassedSinceTheForecastCounts) {
  const PlanCosts costs{3.6, seconds(90), seconds(90), seconds(30)};
  const FakeForecast forecast = needing({4, 4, 5, 4});
  ForecastSpan span = kMinutes;
  EXPECT_EQ(planned_nodes(forecast, span, pool_of(4, 4), costs), 5) << "216 s for 210 s";
  span.age = seconds(45);
  EXPECT_EQ(planned_nodes(forecast, span, pool_of(4, 4), costs), 4) << "162 s for 165 s";
}

TEST(FleetPlan, ALullIsSatOutIfItIsShorterThanAnotherStart) {
  const PlanCosts costs{20, seconds(90), seconds(90), seconds(30)};
  EXPECT_EQ(planned_nodes(needing({4, 6}), kMinutes, pool_of(6, 4), costs), 6);
  EXPECT_EQ(planned_nodes(needing({4}), kMinutes, pool_of(6, 4), costs), 4);
}

TEST(FleetPlan, ANodeThatDrainsIsTakenBackWhereNoneWouldBeStarted) {
  const FakeForecast forecast = needing({5, 4});  // over before a new one could serve
  const PlanCosts costs{20, seconds(90), seconds(90), seconds(30)};
  PlannedPool pool = pool_of(4, 4);
  EXPECT_EQ(planned_nodes(forecast, kMinutes, pool, costs), 4);
  pool.draining = 1;
  EXPECT_EQ(planned_nodes(forecast, kMinutes, pool, costs), 5);
}

TEST(FleetPlan, WhoBootsStays) {
  const PlanCosts costs{20, seconds(90), seconds(90), seconds(30)};
  PlannedPool pool = pool_of(6, 4);
  pool.starting = 2;
  EXPECT_EQ(planned_nodes(needing({6}), kMinutes, pool, costs), 8);
  EXPECT_EQ(planned_nodes(needing({4}), kMinutes, pool, costs), 6) << "two ready ones go";
  EXPECT_EQ(planned_nodes(needing({6, 6, 9}), kMinutes, pool, costs), 9) << "one beside those two";
}

TEST(FleetPlan, AnUnsureBootIsBegunEarlier) {
  // Steps of 15 s; the load comes in the eighth. A node that boots 60 s for sure can wait.
  FakeForecast forecast;
  forecast.path = [](int step, double) { return step >= 8 ? 500.0 : 400.0; };
  const ForecastSpan span{seconds(15), Duration{0}};
  EXPECT_EQ(planned_nodes(forecast, span, pool_of(4, 4), {100, seconds(60), seconds(60), {}}), 4);
  EXPECT_EQ(planned_nodes(forecast, span, pool_of(4, 4), {100, seconds(60), seconds(110), {}}), 5);
}

TEST(FleetPlan, KeepsToItsBoundsAndToLoadsThatAreBelieved) {
  const PlanCosts costs{20, seconds(90), seconds(90), seconds(30)};
  EXPECT_EQ(planned_nodes(needing({50}), kMinutes, pool_of(4, 4, 10), costs), 10)
      << "all there may be, though they are not enough";
  EXPECT_EQ(planned_nodes(needing({0}), kMinutes, pool_of(4, 3, 10), costs), 3);
  ForecastSpan believed = kMinutes;
  believed.most_load = 800;
  EXPECT_EQ(planned_nodes(needing({50}), believed, pool_of(4, 4), costs), 8);
}

TEST(FleetPlan, ShortStepsAndManyNodesArePlannedAsWell) {
  const ForecastSpan span{seconds(1), Duration{0}};
  const PlanCosts costs{50, seconds(600), seconds(700), seconds(30)};
  FakeForecast forecast;
  forecast.path = [](int, double q) { return 100'000 + 300'000 * q; };
  const int planned = planned_nodes(forecast, span, pool_of(1000, 1000, 5000), costs);
  // Each node matters with a chance of 1 / 3,000: none is worth its price beyond those that are
  // needed for sure; with a far higher price of a miss nearly all are.
  EXPECT_EQ(planned, 1000);
  const PlanCosts dear{1e5, seconds(600), seconds(700), seconds(30)};
  EXPECT_NEAR(planned_nodes(forecast, span, pool_of(1000, 1000, 5000), dear), 4000, 200);
}

// One node that could be there or not, in slots of a minute; it boots for half of one. The gain of
// a schedule, a bit a slot, tried one by one.
class OneNode {
 public:
  static constexpr int kSlots = 4;
  static constexpr double kDrain_s = 121;

  // The first slot is `age_s` old, below half.
  OneNode(std::array<double, kSlots> worth, double age_s) : worth_(worth), age_s_(age_s) {}

  bool is_best_on_at_first(bool was_on) const {
    double best[2] = {-1e9, -1e9};
    for (unsigned schedule = 0; schedule < 1U << kSlots; ++schedule) {
      double& first = best[schedule & 1U];
      first = std::max(first, gain(schedule, was_on));
    }
    return best[1] > best[0];
  }

 private:
  double gain(unsigned schedule, bool is_on) const {
    double sum = 0;
    for (unsigned k = 0; k < kSlots; ++k) {
      const bool next = (schedule >> k & 1U) != 0;
      const bool starts = next && !is_on;
      if (starts && k + 1 == kSlots) return -1e9;  // would be worth it beyond the horizon only
      const double left_s = k == 0 ? 60 - age_s_ : 60;
      if (next) sum += (left_s - (starts ? 30 : 0)) / 60 * worth_[k] - left_s;
      if (!next && is_on) sum -= kDrain_s;
      is_on = next;
    }
    return sum;
  }

  std::array<double, kSlots> worth_;
  double age_s_;
};

TEST(FleetPlan, IsTheBestOfAllSchedules) {
  Random random(11);
  int started = 0;
  int stopped = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::array<double, OneNode::kSlots> chances{};  // that it is needed
    for (double& chance : chances) chance = 0.05 + 0.4 * random.uniform();
    const double miss_cost = 0.5 + 4 * random.uniform();
    FakeForecast forecast;  // even between 1 and a load that is above 100 with that chance
    forecast.path = [&](int step, double q) {
      const double p = chances[std::min(static_cast<std::size_t>(step), chances.size()) - 1];
      return 1 + q * ((100 - p) / (1 - p) - 1);
    };
    std::array<double, OneNode::kSlots> worth{};
    for (std::size_t k = 0; k < worth.size(); ++k) worth[k] = 60 * miss_cost * (1 - chances[k]);
    const ForecastSpan span{seconds(60), seconds(random.below(30))};
    const OneNode node(worth, to_seconds(span.age));
    const PlanCosts costs{miss_cost, seconds(30), seconds(30), from_seconds(OneNode::kDrain_s)};
    for (const int ready : {0, 1}) {
      const int planned = planned_nodes(forecast, span, pool_of(ready, 0, 2), costs);
      ASSERT_EQ(planned >= 1, node.is_best_on_at_first(ready == 1)) << round << ' ' << ready;
      started += planned > ready ? 1 : 0;
      stopped += planned < ready ? 1 : 0;
    }
  }
  EXPECT_GT(started, 20);
  EXPECT_GT(stopped, 20);
}

}  // namespace
}  // namespace phoenix
