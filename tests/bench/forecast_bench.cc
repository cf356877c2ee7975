// What forecasting costs.
//
// step/<model>        a value taken in and 12 steps forecast, on a noisy daily load
// calibrated/<model>  the same with 90 % intervals
// servers/<load>      the least number of servers for a response-time target
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "strategies/core/random.h"
#include "strategies/forecasting/calibrated_forecast.h"
#include "strategies/forecasting/erlang.h"
#include "strategies/registry.h"

namespace phoenix {
namespace {

constexpr int kHorizon = 12;
constexpr int kDay = 288;

std::vector<double> daily_load() {
  Random random(1, 2);
  std::vector<double> values;
  for (int i = 0; i < 8 * kDay; ++i) {
    const double wave = 1 + 0.5 * std::sin(2 * std::numbers::pi * i / kDay);
    values.push_back(1000 * wave * (0.8 + 0.4 * random.uniform()));
  }
  return values;
}

std::unique_ptr<Forecaster> make(const std::string& model) {
  Result<MadeForecaster> made = make_forecaster(model);
  if (!made) {
    std::fprintf(stderr, "%s\n", made.error().c_str());
    std::abort();
  }
  return std::move(made->strategy);
}

void step(benchmark::State& state, const std::string& model) {
  const std::vector<double> values = daily_load();
  const std::unique_ptr<Forecaster> forecaster = make(model);
  for (const double value : values) forecaster->observe(value);
  std::size_t i = 0;
  for (auto _ : state) {
    forecaster->observe(values[i++ % values.size()]);
    double sum = 0;
    for (int steps = 1; steps <= kHorizon; ++steps) sum += forecaster->predict(steps);
    benchmark::DoNotOptimize(sum);
  }
}

void calibrated(benchmark::State& state, const std::string& model) {
  const std::vector<double> values = daily_load();
  CalibratedForecast forecast(make(model), {});
  for (const double value : values) forecast.observe(value);
  std::size_t i = 0;
  for (auto _ : state) {
    forecast.observe(values[i++ % values.size()]);
    double sum = 0;
    for (int steps = 1; steps <= kHorizon; ++steps) {
      sum += forecast.mean(steps) + forecast.quantile(steps, 0.05) + forecast.quantile(steps, 0.95);
    }
    benchmark::DoNotOptimize(sum);
  }
}

void servers(benchmark::State& state) {
  const QueueLoad queue{static_cast<double>(state.range(0)), 1.0};
  for (auto _ : state) benchmark::DoNotOptimize(servers_for_response(queue, 4.0, 0.05).ok());
}

}  // namespace
}  // namespace phoenix

int main(int argc, char** argv) {
  for (const phoenix::ForecasterEntry& entry : phoenix::forecasters()) {
    benchmark::RegisterBenchmark(("step/" + entry.name).c_str(), phoenix::step, entry.name);
    benchmark::RegisterBenchmark(("calibrated/" + entry.name).c_str(), phoenix::calibrated,
                                 entry.name);
  }
  benchmark::RegisterBenchmark("servers", phoenix::servers)->Arg(10)->Arg(1'000)->Arg(100'000);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
