// What the statistics of a comparison cost; goal: 10,000 runs with bootstrap well under 5 s.
//
// compare/<strategies>/<runs of each>   all pairs on five metrics, adjusted and ranked
// bootstrap/<statistic>/<runs>          the interval of one number, 4,000 resamples
// whole/<strategies>/<runs of each>     both: every cell's intervals of five metrics, of means,
// medians
//                                       and of differences to the first strategy
// power, mser5/<windows>, kendall/<things>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "analysis/statistics/bootstrap.h"
#include "analysis/statistics/comparison.h"
#include "analysis/statistics/power.h"
#include "analysis/statistics/rank_agreement.h"
#include "analysis/statistics/warm_up.h"
#include "strategies/core/random.h"

namespace phoenix::statistics {
namespace {

constexpr std::size_t kMetrics = 5;

using Values = std::vector<double>;

Values sample(std::size_t n, std::string_view name, double center = 100) {
  Random random = Streams(1).named(name);
  Values values(n);
  for (double& value : values) value = center - 10 * std::log(random.uniform_positive());
  return values;
}

struct Runs {
  std::vector<Values> samples;  // metric by metric
  std::vector<MetricCells> metrics;

  Runs(std::size_t strategies, std::size_t runs) {
    for (std::size_t i = 0; i < kMetrics * strategies; ++i) {
      samples.push_back(sample(runs, "bench", 100 + static_cast<double>(i % strategies)));
    }
    for (std::size_t m = 0; m < kMetrics; ++m) {
      MetricCells metric;
      for (std::size_t s = 0; s < strategies; ++s) {
        metric.cells.emplace_back(samples[m * strategies + s]);
      }
      metrics.push_back(std::move(metric));
    }
  }
};

void compare(benchmark::State& state) {
  const Runs runs(static_cast<std::size_t>(state.range(0)),
                  static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) benchmark::DoNotOptimize(compare_cells(runs.metrics));
}

void bootstrap(benchmark::State& state, Center center) {
  const Values values = sample(static_cast<std::size_t>(state.range(0)), "bench");
  for (auto _ : state) benchmark::DoNotOptimize(bootstrap_center(values, center));
}

void bootstrap_pairs(benchmark::State& state, Center center) {
  const Values a = sample(static_cast<std::size_t>(state.range(0)), "bench/a");
  const Values b = sample(a.size(), "bench/b");
  for (auto _ : state) benchmark::DoNotOptimize(bootstrap_difference(a, b, center));
}

void whole(benchmark::State& state) {
  const Runs runs(static_cast<std::size_t>(state.range(0)),
                  static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(compare_cells(runs.metrics));
    for (const MetricCells& metric : runs.metrics) {
      for (const std::span<const double>& cell : metric.cells) {
        for (const Center center : {Center::kMean, Center::kMedian}) {
          benchmark::DoNotOptimize(bootstrap_center(cell, center));
        }
        benchmark::DoNotOptimize(bootstrap_difference(cell, metric.cells[0], Center::kMean));
      }
    }
  }
}

void power(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(replications_needed(0.05, 1));
}

void warm_up(benchmark::State& state) {
  const Values windows = sample(static_cast<std::size_t>(state.range(0)), "bench");
  for (auto _ : state) benchmark::DoNotOptimize(mser5(windows));
}

void kendall(benchmark::State& state) {
  const Values a = sample(static_cast<std::size_t>(state.range(0)), "bench/a");
  const Values b = sample(a.size(), "bench/b");
  for (auto _ : state) benchmark::DoNotOptimize(kendall_tau(a, b));
}

BENCHMARK(compare)->Args({10, 1'000})->Args({2, 5'000})->Args({100, 100});
BENCHMARK_CAPTURE(bootstrap, mean, Center::kMean)->Arg(20)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(bootstrap, median, Center::kMedian)->Arg(20)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(bootstrap_pairs, mean, Center::kMean)->Arg(10'000);
BENCHMARK_CAPTURE(bootstrap_pairs, median, Center::kMedian)->Arg(10'000);
BENCHMARK(whole)
    ->Args({10, 1'000})
    ->Args({2, 5'000})
    ->Args({100, 100})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(power);
BENCHMARK(warm_up)->Arg(3'600);
BENCHMARK(kendall)->Arg(10)->Arg(50);

}  // namespace
}  // namespace phoenix::statistics

BENCHMARK_MAIN();
