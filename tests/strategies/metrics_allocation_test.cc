// Recording a value must not allocate, not even while windows close: this program counts.
#include <gtest/gtest.h>

#include "strategies/metrics/instruments.h"
#include "strategies/metrics/metric_store.h"
#include "tests/strategies/counted_allocations.h"

namespace phoenix {
namespace {

TEST(RecordingValues, DoesNotAllocate) {
  Counter counter;
  Gauge gauge;
  Summary summary;
  LatencyTimer timer;
  const std::size_t before = allocations;
  for (int i = 0; i < 10'000; ++i) {
    counter.add();
    gauge.set(i);
    summary.record(i);
    timer.record(Duration{std::int64_t{i} * i * i}, i % 3 == 0);
  }
  EXPECT_EQ(allocations, before);
}

TEST(RecordingValues, IntoTheStoreDoesNotAllocateOnceTheSpanOfValuesIsKnown) {
  MetricStore store;
  const MetricId id = *store.find(metric::kResponseTime);
  const auto record_days = [&](int from, int to) {
    for (int second = from * 86'400; second < to * 86'400; second += 5) {
      const Time now = kStart + std::chrono::seconds(second);
      store.time(id, Duration{1'000'000 + second % 997 * 1'000'000}, true, now);
      // The extremes of every second, so that all sketches have the same span.
      store.time(id, Duration{1'000'000}, true, now);
      store.time(id, Duration{997'000'000}, true, now);
      store.advance(now);
    }
  };
  record_days(0, 3);
  const std::size_t before = allocations;
  record_days(3, 5);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace phoenix
