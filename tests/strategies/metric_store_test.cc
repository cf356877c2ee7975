// The metric store: names, kinds, windows, roll-ups, and that unknown stays unknown.
#include "strategies/metrics/metric_store.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "strategies/metrics/histogram.h"
#include "strategies/metrics/rank.h"

namespace phoenix {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

Time at(double s) { return kStart + from_seconds(s); }

MetricStats stats(const MetricStore& store, std::string_view name, MetricWindow window) {
  const Result<MetricStats> result = store.get_metric_stats(name, window);
  EXPECT_TRUE(result.ok());
  return result.ok() ? *result : MetricStats{};
}

TEST(MetricStore, KeepsEverySampleAndNotOnlyTheNewest) {
  MetricStore store;
  for (int i = 1; i <= 10; ++i) {
    ASSERT_TRUE(store.record_metric("cluster_cpu_avg", i / 10.0, at(i)));
  }
  const MetricStats s = stats(store, "cluster_cpu_avg", MetricWindow::kLastMinute);
  EXPECT_EQ(s.count, 10U);
  EXPECT_EQ(s.min, 0.1);
  EXPECT_EQ(s.max, 1.0);
  EXPECT_NEAR(s.average, 0.55, 1e-12);
  EXPECT_NEAR(s.p50, 0.5, 0.005);
  EXPECT_NEAR(s.p95, 1.0, 0.01);
  EXPECT_EQ(store.get_metric("cluster_cpu_avg")->value, 1.0);
  EXPECT_EQ(store.get_metric("cluster_cpu_avg")->at, at(10));
}

TEST(MetricStore, NothingRecordedIsUnknown) {
  const MetricStore store;
  EXPECT_FALSE(store.get_metric("cluster_cpu_avg")->is_known());
  const MetricStats s = stats(store, "cluster_cpu_avg", MetricWindow::kLastHour);
  EXPECT_EQ(s.count, 0U);
  EXPECT_TRUE(std::isnan(s.average));
  EXPECT_TRUE(std::isnan(s.p99));
  EXPECT_FALSE(store.latest("cluster_cpu_avg").is_known());
}

TEST(MetricStore, UnknownNamesAndWindowsAreErrors) {
  MetricStore store;
  EXPECT_THAT(store.record_metric("cluster_cpu_av", 1, kStart).error(),
              HasSubstr("did you mean \"cluster_cpu_avg\"?"));
  EXPECT_FALSE(store.get_metric("system.cpu"));
  EXPECT_FALSE(store.get_metric_stats("nothing"));
  const Result<MetricStats> window = store.get_metric_stats("cluster_cpu_avg", "last_hours");
  ASSERT_FALSE(window);
  EXPECT_THAT(window.error(), HasSubstr("known: last_minute, last_hour, last_day"));
  EXPECT_TRUE(store.get_metric_stats("cluster_cpu_avg", "last_day"));
}

TEST(MetricStore, DefinitionsAreChecked) {
  MetricStoreSettings settings;
  settings.metrics_max = standard_metrics().size() + 1;
  MetricStore store(settings);
  EXPECT_FALSE(store.define({"collector.name"}));
  EXPECT_FALSE(store.define({""}));
  EXPECT_THAT(store.define({"cluster_cpu_avg"}).error(), HasSubstr("defined twice"));
  EXPECT_TRUE(store.define({"cache_hits", MetricKind::kCounter}));
  EXPECT_THAT(store.define({"cache_misses"}).error(), HasSubstr("the most allowed"));
}

TEST(MetricStore, EveryKindHasItsOwnOperations) {
  MetricStore store;
  ASSERT_TRUE(store.define({"a_counter", MetricKind::kCounter}));
  ASSERT_TRUE(store.define({"a_gauge", MetricKind::kGauge}));
  ASSERT_TRUE(store.define({"a_histogram", MetricKind::kHistogram}));
  ASSERT_TRUE(store.define({"a_timer", MetricKind::kTimer}));
  ASSERT_TRUE(store.define({"a_summary", MetricKind::kSummary}));
  const Histogram values;
  const struct {
    const char* name;
    bool records, increments, times, merges;
  } kinds[] = {{"a_counter", false, true, false, false},
               {"a_gauge", true, false, false, false},
               {"a_histogram", true, false, false, true},
               {"a_timer", false, false, true, true},
               {"a_summary", true, false, false, false}};
  for (const auto& kind : kinds) {
    EXPECT_EQ(store.record_metric(kind.name, 1, kStart).ok(), kind.records) << kind.name;
    EXPECT_EQ(store.increment(kind.name, 1, kStart).ok(), kind.increments) << kind.name;
    EXPECT_EQ(store.time(kind.name, seconds(1), true, kStart).ok(), kind.times) << kind.name;
    EXPECT_EQ(store.merge(kind.name, values, kStart).ok(), kind.merges) << kind.name;
  }
  EXPECT_EQ(store.increment("a_gauge", 1, kStart).error(),
            "metric \"a_gauge\" is a gauge, which has no increment");
}

TEST(MetricStore, EveryCategoryHasMetrics) {
  std::set<MetricCategory> categories;
  for (const MetricInfo& info : standard_metrics()) categories.insert(info.category);
  EXPECT_EQ(categories.size(), kMetricCategories);
}

TEST(MetricStore, CountersLoseNothingAndHaveARate) {
  MetricStore store;
  const MetricId hits = *store.define({"hits", MetricKind::kCounter});
  for (int i = 0; i < 6'000; ++i) store.increment(hits, 1, at(i * 0.01));
  EXPECT_EQ(store.get_metric("hits")->value, 6'000);
  store.advance(at(60));
  EXPECT_NEAR(*store.rate("hits", MetricWindow::kLastMinute), 100, 0.1);
  EXPECT_NEAR(store.latest("hits").value, 100, 0.1);
  store.increment(hits, -5, at(60));
  EXPECT_EQ(store.get_metric("hits")->value, 6'000);
  EXPECT_EQ(store.counts().refused, 1U);
  // Nothing for two minutes is a rate of 0, and known.
  store.advance(at(180));
  EXPECT_EQ(store.latest("hits").value, 0);
  EXPECT_FALSE(store.rate("cluster_cpu_avg", MetricWindow::kLastMinute));
}

TEST(MetricStore, TimersCountFailures) {
  MetricStore store;
  ASSERT_TRUE(store.time("response_time", milliseconds(20), true, at(1)));
  ASSERT_TRUE(store.time("response_time", milliseconds(80), false, at(1)));
  EXPECT_EQ(*store.failures("response_time"), 1U);
  EXPECT_DOUBLE_EQ(stats(store, "response_time", MetricWindow::kLastMinute).average, 0.05);
}

TEST(MetricStore, BadValuesAreCountedAndNotKept) {
  MetricStore store;
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", std::nan(""), at(1)));
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", -0.5, at(1)));
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", INFINITY, at(1)));
  EXPECT_EQ(store.counts().unknown, 1U);
  EXPECT_EQ(store.counts().refused, 2U);
  EXPECT_FALSE(store.get_metric("cluster_cpu_avg")->is_known());
}

TEST(MetricStore, AnOldValueIsNotTheLatest) {
  MetricStore store;
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", 0.4, at(10), NodeId{3}));
  EXPECT_EQ(store.reported_by(*store.find("cluster_cpu_avg")), NodeId{3});
  store.advance(at(15));
  EXPECT_EQ(store.latest("cluster_cpu_avg").value, 0.4);
  store.advance(at(15.001));
  EXPECT_FALSE(store.latest("cluster_cpu_avg").is_known());
  EXPECT_EQ(store.get_metric("cluster_cpu_avg")->value, 0.4);  // whoever asks for the age gets it
}

TEST(MetricWindows, AreAMinuteAnHourAndADay) {
  EXPECT_EQ(length_of(MetricWindow::kLastMinute), seconds(60));
  EXPECT_EQ(length_of(MetricWindow::kLastHour), seconds(3'600));
  EXPECT_EQ(length_of(MetricWindow::kLastDay), seconds(86'400));
}

// A window has everything of its last (k - 1) / k and nothing older than itself.
TEST(MetricWindows, HoldWhatIsInThemAndNothingElse) {
  MetricStore store;
  const MetricId cpu = *store.find("cluster_cpu_avg");
  Random random(1);
  std::vector<std::pair<double, double>> samples;
  double now = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += 20 * random.uniform_positive();
    const double value = 0.01 + random.uniform();
    samples.emplace_back(now, value);
    store.record(cpu, value, at(now));
  }
  const std::pair<MetricWindow, int> windows[] = {
      {MetricWindow::kLastMinute, 6}, {MetricWindow::kLastHour, 12}, {MetricWindow::kLastDay, 24}};
  for (const auto& [window, parts] : windows) {
    const double length = to_seconds(length_of(window));
    std::vector<double> inside;
    // By the calendar of its parts.
    const double part = length / parts;
    const double from = std::floor(now / part) * part - length + part;
    for (const auto& [t, v] : samples) {
      if (t >= from) inside.push_back(v);
    }
    ASSERT_GE(now - from, length - part);
    ASSERT_LE(now - from, length);
    const MetricStats s = stats(store, "cluster_cpu_avg", window);
    EXPECT_EQ(s.count, inside.size()) << to_text(window);
    std::sort(inside.begin(), inside.end());
    const double p95 = inside[nearest_rank(inside.size(), 0.95) - 1];
    EXPECT_NEAR(s.p95, p95, p95 * 0.01);
    EXPECT_EQ(s.min, inside.front());
    EXPECT_EQ(s.max, inside.back());
  }
}

TEST(MetricWindows, AGapLongerThanAWindowEmptiesIt) {
  MetricStore store;
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", 0.4, at(5)));
  store.advance(at(66));
  EXPECT_EQ(stats(store, "cluster_cpu_avg", MetricWindow::kLastMinute).count, 0U);
  EXPECT_EQ(stats(store, "cluster_cpu_avg", MetricWindow::kLastHour).count, 1U);
  store.advance(at(4'000));
  EXPECT_EQ(stats(store, "cluster_cpu_avg", MetricWindow::kLastHour).count, 0U);
  EXPECT_EQ(stats(store, "cluster_cpu_avg", MetricWindow::kLastDay).count, 1U);
  store.advance(at(100'000));
  EXPECT_EQ(stats(store, "cluster_cpu_avg", MetricWindow::kLastDay).count, 0U);
}

TEST(MetricWindows, AHistogramsPercentilesStayWithinOnePercent) {
  MetricStore store;
  Histogram histogram;
  for (int ms = 1; ms <= 1'000; ++ms) histogram.record(milliseconds(ms));
  ASSERT_TRUE(store.merge("response_time", histogram, at(1)));
  ASSERT_TRUE(store.merge("response_time", histogram, at(2)));
  EXPECT_EQ(stats(store, "response_time", MetricWindow::kLastMinute).count, 2'000U);
  for (const double q : {0.01, 0.5, 0.95, 0.99}) {
    EXPECT_NEAR(*store.quantile("response_time", MetricWindow::kLastMinute, q), q, q * 0.01);
  }
}

TEST(RollUps, AreOneSecondOneMinuteFiveMinutesAndAnHour) {
  EXPECT_EQ(length_of(RollUp::kRealTime), milliseconds(1'000));
  EXPECT_EQ(length_of(RollUp::kShortTerm), milliseconds(60'000));
  EXPECT_EQ(length_of(RollUp::kMediumTerm), milliseconds(300'000));
  EXPECT_EQ(length_of(RollUp::kLongTerm), milliseconds(3'600'000));
}

TEST(RollUps, EveryLevelHoldsTheSameValues) {
  MetricStore store;
  const MetricId cpu = *store.find("cluster_cpu_avg");
  double sum = 0;
  for (int s = 0; s < 7'200; ++s) {
    store.record(cpu, 0.2 + (s % 100) / 200.0, at(s));
    sum += 0.2 + (s % 100) / 200.0;
  }
  store.advance(at(7'200));
  const auto windows = *store.roll_up("cluster_cpu_avg", RollUp::kLongTerm);
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[0].start, at(0));
  EXPECT_EQ(windows[0].count, 3'600U);
  EXPECT_NEAR(windows[0].sum + windows[1].sum, sum, 1e-6);
  EXPECT_NEAR(windows[1].p95, 0.2 + 94 / 200.0, 0.007);
  const auto minutes = *store.roll_up("cluster_cpu_avg", RollUp::kShortTerm);
  // The newest hundred of the calendar, of which the last is still open.
  ASSERT_EQ(minutes.size(), 99U);
  EXPECT_EQ(minutes.back().start, at(7'140));
  EXPECT_EQ(minutes.back().count, 60U);
  EXPECT_EQ(store.roll_up("cluster_cpu_avg", RollUp::kMediumTerm)->size(), 24U);
  EXPECT_EQ(store.roll_up("cluster_cpu_avg", RollUp::kRealTime)->size(), 99U);
}

TEST(RollUps, WindowsWithoutValuesDoNotExist) {
  MetricStore store;
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", 0.1, at(10)));
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", 0.2, at(30)));
  store.advance(at(40));
  const auto windows = *store.roll_up("cluster_cpu_avg", RollUp::kRealTime);
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[0].start, at(10));
  EXPECT_EQ(windows[1].start, at(30));
}

TEST(MetricSeriesView, GivesKnownValuesOfTheWindowOldestFirst) {
  MetricStore store;
  const MetricId cpu = *store.find("cluster_cpu_avg");
  for (int s = 0; s <= 200; ++s) {
    if (s % 10 != 5) store.record(cpu, s / 1000.0, at(s));
  }
  std::vector<MetricPoint> points;
  store.series("cluster_cpu_avg", seconds(30), points);
  ASSERT_EQ(points.size(), 28U);  // 170 to 200 without 175, 185 and 195
  EXPECT_NEAR(points.front().value, 0.17, 1e-12);
  EXPECT_NEAR(points.back().value, 0.2, 1e-12);
  for (std::size_t i = 1; i < points.size(); ++i) EXPECT_LT(points[i - 1].at, points[i].at);
  // An hour is beyond the finest level: minutes.
  store.series("cluster_cpu_avg", seconds(3'600), points);
  ASSERT_EQ(points.size(), 4U);
  store.series("nothing", seconds(30), points);
  EXPECT_TRUE(points.empty());
}

TEST(MetricSeriesView, ACountersQuietSecondsAreZero) {
  MetricStore store;
  ASSERT_TRUE(store.define({"hits", MetricKind::kCounter}));
  ASSERT_TRUE(store.increment("hits", 5, at(1.2)));
  ASSERT_TRUE(store.increment("hits", 7, at(4.9)));
  store.advance(at(6));
  std::vector<MetricPoint> points;
  store.series("hits", seconds(60), points);
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[0].value, 5);
  EXPECT_EQ(points[1].value, 0);
  EXPECT_EQ(points[2].value, 0);
  EXPECT_EQ(points[3].value, 7);
}

TEST(MetricStore, MemoryIsBounded) {
  MetricStore store;
  const MetricId time = *store.find("response_time");
  Random random(2);
  std::size_t before = 0;
  for (int day = 0; day < 4; ++day) {
    if (day == 2) before = store.memory_bytes();
    for (int i = 0; i < 86'400; i += 2) {
      const double value = std::exp(18 * random.uniform() - 12);  // eight decades
      store.time(time, from_seconds(value), true, at(day * 86'400.0 + i));
    }
  }
  EXPECT_LT(static_cast<double>(store.memory_bytes()), static_cast<double>(before) * 1.05);
  const std::size_t one = (store.memory_bytes() - MetricStore{}.memory_bytes());
  EXPECT_LT(one, 280U * 1024);
  EXPECT_LT(MetricStore{}.memory_bytes() / store.size(), 60U * 1024);
}

TEST(MetricStore, TimeThatGoesBackCountsAsNow) {
  MetricStore store;
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", 0.5, at(100)));
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", 0.7, at(3)));
  EXPECT_EQ(store.get_metric("cluster_cpu_avg")->at, at(100));
  EXPECT_EQ(stats(store, "cluster_cpu_avg", MetricWindow::kLastMinute).count, 2U);
}

}  // namespace
}  // namespace phoenix
