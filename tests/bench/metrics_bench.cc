// What recording a value costs, by instrument, and what the control plane pays for its store.
#include <cmath>
#include <vector>

#include <benchmark/benchmark.h>

#include "strategies/core/random.h"
#include "strategies/metrics/alerts.h"
#include "strategies/metrics/cluster_metrics.h"
#include "strategies/metrics/instruments.h"
#include "strategies/metrics/metric_store.h"
#include "strategies/metrics/sketch.h"

namespace phoenix {
namespace {

// Response times between 0.1 ms and 1 s, drawn beforehand.
std::vector<Duration> response_times() {
  Random random(1);
  std::vector<Duration> times;
  for (int i = 0; i < 4096; ++i) {
    times.push_back(from_seconds(1e-4 * std::exp(9.2 * random.uniform())));
  }
  return times;
}

void counter(benchmark::State& state) {
  Counter counter;
  for (auto _ : state) {
    counter.add();
    benchmark::DoNotOptimize(counter);
  }
}
BENCHMARK(counter)->Name("record/counter");

void gauge(benchmark::State& state) {
  Gauge gauge;
  double value = 0;
  for (auto _ : state) {
    gauge.set(value += 1);
    benchmark::DoNotOptimize(gauge);
  }
}
BENCHMARK(gauge)->Name("record/gauge");

template <class Record>
void each_time(benchmark::State& state, Record record) {
  const std::vector<Duration> times = response_times();
  std::size_t i = 0;
  for (auto _ : state) record(times[i++ & 4095]);
}

void summary(benchmark::State& state) {
  Summary summary;
  each_time(state, [&](Duration time) { summary.record(to_seconds(time)); });
  benchmark::DoNotOptimize(summary);
}
BENCHMARK(summary)->Name("record/summary");

void histogram(benchmark::State& state) {
  Histogram histogram;
  each_time(state, [&](Duration time) { histogram.record(time); });
  benchmark::DoNotOptimize(histogram);
}
BENCHMARK(histogram)->Name("record/histogram");

void timer(benchmark::State& state) {
  LatencyTimer timer;
  each_time(state, [&](Duration time) { timer.record(time, time.count() % 64 != 0); });
  benchmark::DoNotOptimize(timer);
}
BENCHMARK(timer)->Name("record/timer");

void sketch(benchmark::State& state) {
  Sketch sketch;
  each_time(state, [&](Duration time) { sketch.record(to_seconds(time)); });
  benchmark::DoNotOptimize(sketch);
}
BENCHMARK(sketch)->Name("record/sketch");

// A value into all windows and roll-ups; time moves on a microsecond each.
void store(benchmark::State& state) {
  MetricStore store;
  const MetricId id = *store.find(metric::kResponseTime);
  Time now = kStart;
  each_time(state, [&](Duration time) { store.time(id, time, true, now += Duration{1'000}); });
}
BENCHMARK(store)->Name("record/store");

// The p95 of the last hour, of a thousand requests a second.
void quantile(benchmark::State& state) {
  MetricStore store;
  const MetricId id = *store.find(metric::kResponseTime);
  const std::vector<Duration> times = response_times();
  for (int i = 0; i < 3'600'000; ++i) {
    store.time(id, times[static_cast<std::size_t>(i) & 4095], true,
               kStart + Duration{std::int64_t{i} * 1'000'000});
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(*store.quantile("response_time", MetricWindow::kLastHour, 0.95));
  }
}
BENCHMARK(quantile)->Name("store/quantile_hour")->Unit(benchmark::kMicrosecond);

void aggregation(benchmark::State& state) {
  Random random(2);
  std::vector<NodeReading> nodes(static_cast<std::size_t>(state.range(0)));
  for (NodeReading& node : nodes) {
    node.measured_at = kStart;
    for (const auto& field : kNodeMetricFields) node.metrics.*field.field = random.uniform();
    node.requests = 100;
    node.failures = 1;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(aggregate(nodes, kStart, std::chrono::seconds(5)));
  }
}
BENCHMARK(aggregation)
    ->Name("cluster/aggregate")
    ->Arg(20)
    ->Arg(2'000)
    ->Unit(benchmark::kMicrosecond);

void alerts(benchmark::State& state) {
  MetricStore store;
  Alerts rules = *Alerts::make(default_alert_rules(), store);
  std::vector<AlertEvent> events;
  Time now = kStart;
  for (auto _ : state) {
    now += std::chrono::seconds(1);
    store.record(*store.find(metric::kCpu), 0.85, now);
    rules.evaluate(store, {}, now, std::chrono::seconds(5), events);
  }
}
BENCHMARK(alerts)->Name("alerts/evaluate");

}  // namespace
}  // namespace phoenix

BENCHMARK_MAIN();
