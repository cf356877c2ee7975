// Scalers of what is known in advance (calendar, events, forecast) and scalers made of scalers.
#include <chrono>

#include <gmock/gmock.h>

#include "strategies/scaling/calendar.h"
#include "strategies/scaling/forecast_need.h"
#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::at_s;
using phoenix::testing::error_of;
using phoenix::testing::FakeForecast;
using phoenix::testing::Forecasted;
using phoenix::testing::scaler_of;
using phoenix::testing::Scene;
using phoenix::testing::wish_of;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr int kNone = ScalingWish::kNone;

Duration utc(std::string_view text) {
  const Result<Duration> parsed = parse_utc(text);
  EXPECT_TRUE(parsed.ok()) << (parsed ? "" : parsed.error());
  return *parsed;
}

TEST(Calendar, DatesAreReadWithTheirOffset) {
  EXPECT_EQ(utc("1970-01-02T00:00Z"), Duration(hours(24)));
  EXPECT_EQ(utc("2026-11-27T08:00:30+01:00"), utc("2026-11-27T07:00:30Z"));
  EXPECT_EQ(utc("2024-03-01T00:00Z") - utc("2024-02-28T00:00Z"), Duration(hours(48)));
  for (const char* bad : {"", "2026-11-27", "2026-11-27T08:00", "2026-02-30T08:00Z",
                          "2026-11-27T25:00Z", "2026-11-27T08:00+1:00", "26-11-27T08:00Z"}) {
    EXPECT_FALSE(parse_utc(bad).ok()) << bad;
  }
}

// Whether `text` is active at a UTC time.
bool active(const char* text, std::string_view when, Duration lead = Duration{0}) {
  const Result<CalendarRule> rule = parse_calendar_rule(text);
  EXPECT_TRUE(rule.ok()) << (rule ? "" : rule.error());
  return is_active(*rule, at_s(100), lead, utc(when) - seconds(100));
}

TEST(Calendar, WeekdaysInLocalTime) {
  const char* office =
      "weekly[days=[mon, tue, wed, thu, fri], from=8 h, to=18 h, utc_offset=1 h, minimum=8]";
  EXPECT_FALSE(active(office, "2026-11-27T06:59Z"));  // a Friday
  EXPECT_TRUE(active(office, "2026-11-27T07:00Z"));
  EXPECT_TRUE(active(office, "2026-11-27T16:59Z"));
  EXPECT_FALSE(active(office, "2026-11-27T17:00Z"));
  EXPECT_FALSE(active(office, "2026-11-28T12:00Z"));
  EXPECT_TRUE(active(office, "2026-11-30T12:00Z"));
}

TEST(Calendar, ADayThatWrapsBelongsToTheDayItBegins) {
  const char* night = "weekly[days=fri, from=22 h, to=4 h, minimum=8]";
  EXPECT_TRUE(active(night, "2026-11-27T23:00Z"));
  EXPECT_TRUE(active(night, "2026-11-28T03:59Z"));
  EXPECT_FALSE(active(night, "2026-11-28T23:00Z"));
  EXPECT_FALSE(active(night, "2026-11-27T03:00Z"));
}

TEST(Calendar, TheOffsetIsFixedWhateverTheSeason) {
  const char* rule = "weekly[from=8 h, to=9 h, utc_offset=1 h, minimum=8]";
  EXPECT_TRUE(active(rule, "2026-01-15T07:30Z"));
  EXPECT_TRUE(active(rule, "2026-07-15T07:30Z"));
  EXPECT_FALSE(active(rule, "2026-07-15T06:30Z"));
}

TEST(Calendar, LeadBeginsARuleEarlier) {
  const char* rule = "date[from=2026-11-27T08:00Z, to=2026-11-27T09:00Z, minimum=8]";
  EXPECT_FALSE(active(rule, "2026-11-27T07:58Z", seconds(90)));
  EXPECT_TRUE(active(rule, "2026-11-27T07:58:30Z", seconds(90)));
  EXPECT_FALSE(active(rule, "2026-11-27T09:00Z", seconds(90)));  // in the past
}

TEST(Calendar, RecurrenceFromTheRunsStart) {
  const Result<CalendarRule> rule =
      parse_calendar_rule("every[period=1 h, from=50 min, to=70 min, minimum=4]");
  ASSERT_TRUE(rule.ok());
  const auto is_on = [&](double minute) {
    return is_active(*rule, at_s(minute * 60), Duration{0}, Duration{0});
  };
  EXPECT_FALSE(is_on(5));  // the window that would have begun before the run
  EXPECT_FALSE(is_on(49));
  EXPECT_TRUE(is_on(55));
  EXPECT_TRUE(is_on(69));  // beyond the period's end
  EXPECT_FALSE(is_on(70));
  EXPECT_TRUE(is_on(115));
}

TEST(Calendar, OverlapsTakeTheLargestMinimumAndTheSmallestMaximum) {
  std::vector<CalendarRule> rules;
  for (const char* text : {"once[from=0 s, to=100 s, minimum=4, maximum=20]",
                           "once[from=50 s, to=100 s, minimum=6, maximum=10]",
                           "once[from=80 s, to=90 s, maximum=3]"}) {
    rules.push_back(*parse_calendar_rule(text));
  }
  const CalendarLimits both = limits_at(rules, at_s(60), Duration{0}, Duration{0});
  EXPECT_EQ(both.minimum, 6);
  EXPECT_EQ(both.maximum, 10);
  EXPECT_EQ(both.by, &rules[1]);
  EXPECT_FALSE(both.contradicts);
  const CalendarLimits clash = limits_at(rules, at_s(85), Duration{0}, Duration{0});
  EXPECT_TRUE(clash.contradicts);  // the minimum wins
  EXPECT_EQ(clash.minimum, 6);
  EXPECT_EQ(clash.maximum, 6);
}

TEST(Calendar, RulesAreChecked) {
  const auto refused = [](const char* text) {
    const Result<CalendarRule> rule = parse_calendar_rule(text);
    return rule ? std::string() : rule.error();
  };
  EXPECT_THAT(refused("weekly[days=[mon, fry], minimum=1]"), HasSubstr("unknown day \"fry\""));
  EXPECT_THAT(refused("once[from=2 s, to=1 s, minimum=1]"), HasSubstr("must be after"));
  EXPECT_THAT(refused("once[from=1 s, to=2 s]"), HasSubstr("needs a minimum or a maximum"));
  EXPECT_THAT(refused("monthly[minimum=1]"), HasSubstr("unknown calendar rule"));
  EXPECT_THAT(error_of("scheduled[rules=[once[to=soon, minimum=1]]]"), HasSubstr("to = soon"));
}

TEST(Scheduled, AMinimumHoldsEarlyEnoughToBootAndAMaximumOnTime) {
  const auto rule =
      scaler_of("scheduled[rules=[once[from=600 s, to=900 s, minimum=8, maximum=9]]]");
  const auto wished = [&](double at) {
    Scene scene(3);
    scene.view.now = at_s(at);
    scene.view.boot_time = seconds(90);
    return rule->wish(scene.seen());
  };
  EXPECT_EQ(wished(509).desired, 1);  // the pool's minimum
  EXPECT_EQ(wished(510).desired, 8);
  EXPECT_EQ(wished(510).most, kNone);
  EXPECT_EQ(wished(600).most, 9);
  EXPECT_THAT(wished(600).reason, HasSubstr("scheduled: once[from=10 min"));
  EXPECT_EQ(wished(900).desired, 1);
  Scene scene(3);
  EXPECT_EQ(wish_of("scheduled", scene).desired, kNone);
}

class Events : public ::testing::Test {
 protected:
  ScalingWish wished(double at, int nodes = 4) {
    Scene scene(nodes);
    scene.view.now = at_s(at);
    return rule->wish(scene.seen());
  }
  std::unique_ptr<Scaler> rule = scaler_of(
      "event_driven[events=[promo[minimum=9, duration=10 min], batch[factor=2, duration=5 min]]]");
};

TEST_F(Events, AskForAMinimumForADuration) {
  EXPECT_EQ(wished(0).desired, 1);
  rule->on_event({"promo", at_s(10), 0, 0, Duration{0}});
  EXPECT_EQ(wished(10).desired, 9);
  EXPECT_THAT(wished(10).reason, HasSubstr("promo asks for 9 nodes"));
  EXPECT_EQ(wished(609).desired, 9);
  EXPECT_EQ(wished(610).desired, 1);
}

TEST_F(Events, AFactorIsOfTheNodesThereWhenItCame) {
  rule->on_event({"batch", at_s(0), 0, 0, Duration{0}});
  EXPECT_EQ(wished(0, 4).desired, 8);
  EXPECT_EQ(wished(60, 8).desired, 8);  // does not feed on itself
}

TEST_F(Events, ADuplicateLastsLongerAndAsksForNoMore) {
  rule->on_event({"promo", at_s(0), 0, 0, Duration{0}});
  rule->on_event({"promo", at_s(300), 0, 0, Duration{0}});
  EXPECT_EQ(wished(400).desired, 9);
  EXPECT_EQ(wished(899).desired, 9);
  EXPECT_EQ(wished(900).desired, 1);
}

TEST_F(Events, OutOfOrderPastAndUnknownOnesDoNoHarm) {
  rule->on_event({"promo", at_s(500), 0, 0, Duration{0}});
  rule->on_event({"promo", at_s(100), 0, 0, Duration{0}});
  EXPECT_EQ(wished(600).desired, 9);
  EXPECT_EQ(wished(1100).desired, 1);
  rule->on_event({"nobody_knows", at_s(1100), 0, 0, Duration{0}});
  EXPECT_EQ(wished(1100).desired, 1);
  rule->on_event({"told_in_full", at_s(1100), 6, 0, minutes(1)});
  EXPECT_EQ(wished(1101).desired, 6);
}

TEST(EventSource, IsReadWithCoolDownAndFallback) {
  const auto rule =
      scaler_of("event_driven[metric=jobs, per_node=10, failures=2, fallback=7, maximum=20]");
  EXPECT_EQ(rule->interval(), Duration(seconds(30)));
  const auto wished = [&](double at, double jobs) {
    Scene scene(4);
    scene.view.now = at_s(at);
    scene.view.minimum = 0;
    if (!std::isnan(jobs)) scene.with("jobs", jobs);
    return rule->wish(scene.seen());
  };
  EXPECT_EQ(wished(0, 0).desired, 0);
  EXPECT_EQ(wished(30, 45).desired, 5);
  EXPECT_EQ(wished(60, 4500).desired, 20);
  EXPECT_EQ(wished(90, 0).desired, 1);  // cools down
  EXPECT_EQ(wished(359, 0).desired, 1);
  EXPECT_EQ(wished(360, 0).desired, 0);
  EXPECT_TRUE(wished(390, std::nan("")).blocks_scale_in);
  EXPECT_EQ(wished(420, std::nan("")).desired, 7);
  EXPECT_EQ(wished(450, 45).desired, 5);
}

const char* kPlain = "predictive[buffer=0, extra=0, horizon=10 min]";

TEST(Predictive, QuantileOfTheLoadWithinTheLead) {
  Forecasted normal(8, 900);  // mean 900, sd 60: the 0.9-quantile is 976.893
  normal.forecast.path = [](int, double q) { return q == 0.9 ? 976.893 : 900.0; };
  EXPECT_EQ(wish_of(kPlain, normal).desired, 14);
  Forecasted growing(8, 500);  // by 5 a second: 1025 when a node asked for now can serve
  growing.forecast.path = [](int steps, double) { return 500 + 5 * 15.0 * steps; };
  const ScalingWish wish = wish_of(kPlain, growing);
  EXPECT_EQ(wish.desired, 15);
  EXPECT_THAT(wish.seen, HasSubstr("forecast 1025 within 105 s"));
  growing.forecast.trusted = false;
  EXPECT_EQ(wish_of(kPlain, growing).desired, 8);  // what the present needs
}

TEST(Predictive, APeakWithinTheLeadIsNotMissed) {
  Forecasted scene(8, 500);
  scene.forecast.path = [](int steps, double) { return steps == 3 ? 1400.0 : 500.0; };
  EXPECT_EQ(wish_of(kPlain, scene).desired, 20);
}

TEST(Predictive, NeverBelowThePresentNeed) {
  Forecasted scene(8, 900);
  scene.forecast.path = [](int, double) { return 100.0; };
  EXPECT_EQ(wish_of(kPlain, scene).desired, 13);
  scene.with(metric::kQueueLength, 60000);  // a thousand a second more for a minute
  EXPECT_EQ(wish_of(kPlain, scene).desired, 19);
}

TEST(Predictive, TheLoadOfTheMomentMayRunHotterThanThePlan) {
  Forecasted scene(8, 900);
  scene.forecast.path = [](int, double) { return 700.0; };
  const char* hot = "predictive[buffer=0, extra=0, present_utilization=0.95]";
  EXPECT_EQ(wish_of(hot, scene).desired, 10);  // 900 at 95 %
  scene.forecast.trusted = false;              // then the present is the plan
  EXPECT_EQ(wish_of(hot, scene).desired, 13);
}

TEST(Predictive, AnOldForecastIsReadFurtherAhead) {
  Forecasted scene(8, 500);
  scene.forecast.path = [](int steps, double) { return steps >= 9 ? 1400.0 : 500.0; };
  EXPECT_EQ(wish_of(kPlain, scene).desired, 8);
  scene.view.forecast_age = seconds(30);  // 135 s after its last value is the ninth step
  EXPECT_EQ(wish_of(kPlain, scene).desired, 20);
}

TEST(Predictive, ShrinksOnlyAsFarAsTheHorizonAllows) {
  Forecasted scene(20, 300);
  scene.forecast.path = [](int steps, double) { return steps == 40 ? 1000.0 : 300.0; };
  EXPECT_EQ(wish_of(kPlain, scene).desired, 15);  // the peak in ten minutes
  scene.forecast.path = [](int steps, double) { return steps == 41 ? 1000.0 : 300.0; };
  EXPECT_EQ(wish_of(kPlain, scene).desired, 5);
}

TEST(Predictive, DefaultsKeepABufferAndAddATenth) {
  const auto wished = [](int nodes, double rate) {
    Forecasted scene(nodes, 300);
    scene.forecast.path = [rate](int, double) { return rate; };
    return wish_of("predictive", scene).desired;
  };
  EXPECT_EQ(wished(10, 840), 10);  // 12 is not above 10 * 1.2
  EXPECT_EQ(wished(10, 841), 15);  // 13: 14.3 rounded up
  EXPECT_EQ(wished(10, 560), 10);  // 8 is not below 10 * 0.8
  EXPECT_EQ(wished(10, 490), 8);   // 7: 7.7 rounded up, with the same head-room
  const auto rule = scaler_of("predictive");
  EXPECT_EQ(rule->interval(), Duration(seconds(300)));
}

TEST(Predictive, AbsurdForecastsAreBoundedAndUnusableOnesLeftOut) {
  Forecasted scene(8, 500);
  scene.forecast.path = [](int, double) { return 1e9; };
  EXPECT_EQ(wish_of(kPlain, scene).desired, 29);  // four times the recent peak: 2000
  for (const double bad : {std::nan(""), -5.0, std::numeric_limits<double>::infinity()}) {
    scene.forecast.path = [bad](int, double) { return bad; };
    EXPECT_EQ(wish_of(kPlain, scene).desired, 8) << bad;
  }
  RecentPeak peak;
  peak.see(at_s(0), 900);
  peak.see(at_s(23 * 3600), 100);
  EXPECT_EQ(peak.value(), 900);
  peak.see(at_s(25 * 3600), 100);
  EXPECT_EQ(peak.value(), 100);
  peak.see(at_s(1e6), 7);
  EXPECT_EQ(peak.value(), 7);
}

TEST(Predictive, SizesForTheResponseTimeWhereOneIsSet) {
  Forecasted scene(8, 500);
  scene.forecast.path = [](int, double) { return 500.0; };
  scene.view.target_utilization = 0.99;
  EXPECT_EQ(wish_of(kPlain, scene).desired, 6);
  scene.view.target_response_p95 = std::chrono::milliseconds(60);
  // M/M/1 of 100 a second: p95 = ln 20 / (100 - rate), so a node takes 50.07 a second.
  EXPECT_EQ(wish_of(kPlain, scene).desired, 10);
}

TEST(Predictive, WithoutANodesCapacityItIsMeasuredOrThereIsNoWish) {
  Forecasted scene(8, 500);
  scene.forecast.path = [](int, double) { return 1000.0; };
  scene.view.node_capacity_per_s = std::nan("");
  EXPECT_EQ(wish_of(kPlain, scene).desired, kNone);
  scene.with(metric::kThroughput, 400).with(metric::kCpu, 0.5);  // 100 a node
  EXPECT_EQ(wish_of(kPlain, scene).desired, 15);
}

TEST(Predictive, AnUnknownRateBlocksShrinkingNotGrowth) {
  Forecasted scene(8, 500);
  scene.metrics.forget(metric::kArrivalRate);
  scene.forecast.path = [](int, double) { return 1000.0; };
  const ScalingWish wish = wish_of(kPlain, scene);
  EXPECT_EQ(wish.desired, 15);
  EXPECT_TRUE(wish.blocks_scale_in);
  scene.forecast.trusted = false;
  EXPECT_EQ(wish_of(kPlain, scene).desired, kNone);
}

std::string combined(const char* how) {
  return std::string("composite[combination_strategy=") + how +
         ", sub_policies=[threshold, threshold[metric=cluster_memory_avg, scale_increment=5], "
         "threshold[metric=cluster_disk_avg, scale_increment=3]]]";
}

int composite(const char* how, double cpu, double memory, double disk) {
  Scene scene(10);
  scene.with(metric::kCpu, cpu).with(metric::kMemory, memory).with(metric::kDisk, disk);
  return wish_of(combined(how), scene).desired;
}

TEST(Composite, AnyTakesOutBeforeInAndThenTheLargest) {
  EXPECT_EQ(composite("any", 0.1, 0.9, 0.5), 15);  // the first wants to shrink
  EXPECT_EQ(composite("any", 0.9, 0.9, 0.9), 15);
  EXPECT_EQ(composite("any", 0.1, 0.1, 0.5), 8);
  EXPECT_EQ(composite("any", 0.5, 0.5, 0.5), 10);
}

TEST(Composite, AllMustWantTheSameDirection) {
  EXPECT_EQ(composite("all", 0.9, 0.9, 0.9), 15);
  EXPECT_EQ(composite("all", 0.9, 0.9, 0.5), 10);
  EXPECT_EQ(composite("all", 0.1, 0.9, 0.9), 10);
  EXPECT_EQ(composite("all", 0.1, 0.1, 0.1), 8);
  EXPECT_EQ(composite("all", 0.9, 0.9, std::nan("")), 10);  // not known is no agreement
}

TEST(Composite, MajorityIsCountedPerDirection) {
  EXPECT_EQ(composite("majority", 0.9, 0.9, 0.1), 15);
  EXPECT_EQ(composite("majority", 0.1, 0.1, 0.9), 8);
  EXPECT_EQ(composite("majority", 0.9, 0.1, 0.5), 10);
}

TEST(Composite, NestsToADepthAndNoDeeper) {
  std::string text = "threshold";
  for (int depth = 1; depth < 4; ++depth) text = "composite[sub_policies=[" + text + "]]";
  EXPECT_EQ(error_of(text), "");
  Scene scene(4);
  EXPECT_EQ(wish_of(text, scene.with(metric::kCpu, 0.9)).desired, 6);
  EXPECT_THAT(error_of("composite[sub_policies=[" + text + "]]"), HasSubstr("4 deep at most"));
  EXPECT_THAT(error_of("hybrid[reactive=" + text + "]"), HasSubstr("4 deep at most"));
}

TEST(Composite, AnEmptyListAndUnknownPartsAreRefused) {
  EXPECT_EQ(error_of("composite"), "composite: sub_policies must not be empty");
  EXPECT_THAT(error_of("composite[sub_policies=[thresold]]"), HasSubstr("unknown scaler"));
  EXPECT_THAT(error_of("composite[sub_policies=[queue[a=1]]]"), HasSubstr("unknown setting"));
}

TEST(Hybrid, TheLargestSourceWinsAndIsNamed) {
  const char* text =
      "hybrid[reactive=threshold, predictive=predictive[buffer=0, extra=0], "
      "scheduled=scheduled[rules=[once[from=0 s, to=1 h, minimum=12]]], "
      "event=event_driven[events=[promo[minimum=30]]]]";
  const auto rule = scaler_of(text);
  Forecasted scene(8, 500);
  scene.view.maximum = 100;
  scene.forecast.path = [](int, double) { return 500.0; };
  scene.with(metric::kCpu, 0.9);
  EXPECT_EQ(rule->wish(scene.seen()).desired, 12);
  EXPECT_THAT(rule->wish(scene.seen()).reason, HasSubstr("hybrid: scheduled wins"));
  EXPECT_THAT(rule->wish(scene.seen()).seen,
              HasSubstr("reactive 10, predictive 8, scheduled 12, event 1"));
  scene.forecast.path = [](int, double) { return 1000.0; };
  EXPECT_EQ(rule->wish(scene.seen()).desired, 15);
  EXPECT_THAT(rule->wish(scene.seen()).reason, HasSubstr("predictive wins"));
  rule->on_event({"promo", kStart, 0, 0, Duration{0}});
  EXPECT_EQ(rule->wish(scene.seen()).desired, 30);
  EXPECT_THAT(rule->wish(scene.seen()).reason, HasSubstr("event wins"));
}

TEST(Hybrid, SilentSourcesAreLeftOutAndWhenAllAreItHolds) {
  Scene scene(4);
  const ScalingWish wish = wish_of("hybrid", scene);
  EXPECT_EQ(wish.desired, kNone);
  EXPECT_THAT(wish.reason, HasSubstr("every source is silent"));
  EXPECT_TRUE(wish.blocks_scale_in);
  Scene known(4);
  EXPECT_EQ(wish_of("hybrid", known.with(metric::kCpu, 0.9)).desired, 5);
  EXPECT_THAT(error_of("hybrid[reactive=none, predictive=none, scheduled=none, event=none]"),
              HasSubstr("at least one source"));
}

}  // namespace
}  // namespace phoenix
