// Open loops: do arrivals follow the rate that the scenario asks for? Expected counts per window
// are integrals of the rate, done by hand or by Simpson's rule, apart from the code under test.
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "tests/scenarios/laws.h"
#include "tests/scenarios/workloads.h"

namespace phoenix {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::arrivals_of;
using testing::counts_of;
using testing::expect_counts;
using testing::plain_scenario;
using testing::times_of;

using Rate = std::function<double(double)>;

// Simpson's rule with steps small against everything that happens in these scenarios.
std::vector<double> integrals_of(const Rate& rate, double window_s, std::size_t windows) {
  constexpr int kSteps = 2000;
  std::vector<double> integrals;
  for (std::size_t w = 0; w < windows; ++w) {
    const double from = static_cast<double>(w) * window_s;
    const double h = window_s / kSteps;
    double sum = 0;
    for (int i = 0; i < kSteps; ++i) {
      const double t = from + i * h;
      sum += h / 6 * (rate(t) + 4 * rate(t + h / 2) + rate(t + h * (1 - 1e-9)));
    }
    integrals.push_back(sum);
  }
  return integrals;
}

void expect_rate(const Scenario& scenario, const Rate& rate, double window_s) {
  const auto windows =
      static_cast<std::size_t>(std::llround(to_seconds(scenario.duration) / window_s));
  expect_counts(counts_of(arrivals_of(scenario), window_s, windows),
                integrals_of(rate, window_s, windows));
}

TEST(ConstantArrivals, ComeAtEqualDistances) {
  Scenario scenario = plain_scenario();
  scenario.workload.arrivals = ArrivalKind::kConstant;
  const auto arrivals = arrivals_of(scenario);
  // The first at 1 ms, the last at 99.999 s: one at 100 s would be past the end.
  ASSERT_EQ(arrivals.size(), 99'999U);
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    ASSERT_EQ(arrivals[i].at, kStart + milliseconds(i + 1));
  }
}

// Rate 20 t: the integral 10 t^2 reaches k at sqrt(k / 10).
TEST(ConstantArrivals, ComeWhereTheIntegratedRateReachesTheNextNumber) {
  Scenario scenario = plain_scenario();
  scenario.workload.arrivals = ArrivalKind::kConstant;
  scenario.workload.rate = {{Duration{0}, 0}, {seconds(100), 2000}};
  const auto times = times_of(arrivals_of(scenario));
  ASSERT_EQ(times.size(), 99'999U);
  for (std::size_t i = 0; i < times.size(); ++i) {
    ASSERT_NEAR(times[i], std::sqrt(static_cast<double>(i + 1) / 10), 2e-9);
  }
}

// 2 /s until 1 s, a jump to nothing until 3 s, 4 /s from there: the third comes at 3.25 s.
TEST(ConstantArrivals, PassOverTimesWithoutRate) {
  Scenario scenario = plain_scenario();
  scenario.duration = seconds(4);
  scenario.workload.arrivals = ArrivalKind::kConstant;
  scenario.workload.rate = {{seconds(1), 2}, {seconds(1), 0}, {seconds(3), 0}, {seconds(3), 4}};
  std::vector<Time> times;
  for (const Arrival& arrival : arrivals_of(scenario)) times.push_back(arrival.at);
  EXPECT_EQ(times, (std::vector{kStart + milliseconds(500), kStart + milliseconds(1000),
                                kStart + milliseconds(3250), kStart + milliseconds(3500),
                                kStart + milliseconds(3750)}));
}

TEST(ConstantArrivals, EndWhereTheRateDoes) {
  Scenario scenario = plain_scenario();
  scenario.workload.arrivals = ArrivalKind::kConstant;
  scenario.workload.rate = {{Duration{0}, 10}, {seconds(1), 0}};
  // 5 arrivals in all, the fifth exactly where the rate reaches 0.
  const auto times = times_of(arrivals_of(scenario));
  ASSERT_GE(times.size(), 4U);
  EXPECT_LE(times.size(), 5U);
  // 10 t - 5 t^2 = 4 at 1 - sqrt(0.2).
  EXPECT_NEAR(times[3], 1 - std::sqrt(0.2), 2e-9);
}

TEST(Arrivals, WithoutRateThereAreNone) {
  for (const ArrivalKind kind :
       {ArrivalKind::kConstant, ArrivalKind::kPoisson, ArrivalKind::kDiurnal,
        ArrivalKind::kFlashCrowd, ArrivalKind::kMmpp}) {
    Scenario scenario = plain_scenario();
    scenario.workload.arrivals = kind;
    scenario.workload.rate = {{Duration{0}, 0}};
    EXPECT_TRUE(arrivals_of(scenario).empty());
  }
}

TEST(PoissonArrivals, GapsAreExponential) {
  const auto times = times_of(arrivals_of(plain_scenario()));
  std::vector<double> gaps;
  for (std::size_t i = 1; i < times.size(); ++i) gaps.push_back(times[i] - times[i - 1]);
  testing::expect_law(gaps, [](double x) { return 1 - std::exp(-1000 * x); });
  // The count of 100,000 expected has a standard deviation of 316.
  EXPECT_NEAR(static_cast<double>(times.size()), 100'000, 5 * 316);
}

// Counts of a Poisson process vary as much as they measure: index of dispersion 1 +- 5 sqrt(2 / n).
TEST(PoissonArrivals, CountsHaveTheVarianceOfTheirMean) {
  const auto counts = counts_of(arrivals_of(plain_scenario()), 0.01, 10'000);
  EXPECT_NEAR(testing::variance_of(counts) / testing::mean_of(counts), 1,
              5 * std::sqrt(2.0 / 10'000));
}

TEST(PoissonArrivals, FollowARateThatIsLinearBetweenPoints) {
  Scenario scenario = plain_scenario();
  scenario.workload.rate = {{seconds(10), 500}, {seconds(40), 500}, {seconds(45), 3000},
                            {seconds(60), 0},   {seconds(70), 0},   {seconds(70), 1000}};
  const Rate rate = [](double t) {
    if (t < 40) return 500.0;
    if (t < 45) return 500 + 500 * (t - 40);
    if (t < 60) return 3000 - 200 * (t - 45);
    return t < 70 ? 1e-9 : 1000.0;
  };
  const auto arrivals = arrivals_of(scenario);
  auto counts = counts_of(arrivals, 2.5, 40);
  auto means = integrals_of(rate, 2.5, 40);
  for (std::size_t w = 24; w < 28; ++w) EXPECT_EQ(counts[w], 0) << "no rate from 60 s to 70 s";
  counts.erase(counts.begin() + 24, counts.begin() + 28);
  means.erase(means.begin() + 24, means.begin() + 28);
  expect_counts(counts, means);
}

// Given their number, times on a rising rate 20 t have the density t / 5000.
TEST(PoissonArrivals, HaveTheRightDensityWithinOneSegment) {
  Scenario scenario = plain_scenario();
  scenario.workload.rate = {{Duration{0}, 0}, {seconds(100), 2000}};
  testing::expect_law(times_of(arrivals_of(scenario)), [](double t) { return t * t / 1e4; });
}

TEST(DiurnalArrivals, FollowTheCosine) {
  Scenario scenario = plain_scenario();
  Workload& workload = scenario.workload;
  workload.arrivals = ArrivalKind::kDiurnal;
  workload.period = seconds(40);
  workload.peak = seconds(15);
  for (const double amplitude : {0.0, 0.5, 1.0}) {
    workload.amplitude = amplitude;
    expect_rate(
        scenario,
        [&](double t) {
          return 1000 * (1 + amplitude * std::cos(2 * std::numbers::pi * (t - 15) / 40));
        },
        2.5);
  }
}

TEST(DiurnalArrivals, MultiplyTheRateCurve) {
  Scenario scenario = plain_scenario();
  Workload& workload = scenario.workload;
  workload.arrivals = ArrivalKind::kDiurnal;
  workload.rate = {{Duration{0}, 100}, {seconds(100), 2100}};
  workload.period = seconds(50);
  workload.peak = Duration{0};
  expect_rate(
      scenario,
      [](double t) { return (100 + 20 * t) * (1 + 0.5 * std::cos(2 * std::numbers::pi * t / 50)); },
      2.5);
}

Scenario flash_crowd() {
  Scenario scenario = plain_scenario();
  scenario.workload.arrivals = ArrivalKind::kFlashCrowd;
  scenario.workload.crowd_start = seconds(20);
  scenario.workload.crowd_ramp = seconds(10);
  scenario.workload.crowd_hold = seconds(15);
  scenario.workload.crowd_decay = seconds(5);
  return scenario;
}

// 1 until 20 s, linear to 5 at 30 s, held to 45 s, then the excess halves every 5 s.
double crowd_at(double t) {
  if (t < 20) return 1;
  if (t < 30) return 1 + 4 * (t - 20) / 10;
  return t < 45 ? 5 : 1 + 4 * std::exp2(-(t - 45) / 5);
}

// At 20,000 /s a half-life that is off by 2 % shows.
TEST(FlashCrowd, RisesHoldsAndDecaysByHalfLives) {
  Scenario scenario = flash_crowd();
  scenario.workload.rate = {{Duration{0}, 20'000}};
  expect_rate(
      scenario, [](double t) { return 20'000 * crowd_at(t); }, 2.5);
}

TEST(FlashCrowd, MultipliesTheRateCurve) {
  Scenario scenario = flash_crowd();
  scenario.workload.rate = {{Duration{0}, 2000}, {seconds(100), 0}};
  expect_rate(
      scenario, [](double t) { return (2000 - 20 * t) * crowd_at(t); }, 2.5);
}

TEST(FlashCrowd, WithoutRampAndDecayIsABox) {
  Scenario scenario = flash_crowd();
  scenario.workload.crowd_ramp = Duration{0};
  scenario.workload.crowd_decay = Duration{0};
  expect_rate(
      scenario, [](double t) { return t >= 20 && t < 35 ? 5000.0 : 1000.0; }, 2.5);
}

TEST(FlashCrowd, MayBeALull) {
  Scenario scenario = flash_crowd();
  scenario.workload.crowd_factor = 0.2;
  expect_rate(
      scenario, [](double t) { return 1000 * (1 + (crowd_at(t) - 1) / 4 * -0.8); }, 2.5);
}

Scenario bursty() {
  Scenario scenario = plain_scenario();
  scenario.workload.arrivals = ArrivalKind::kMmpp;
  scenario.workload.rate = {{Duration{0}, 100}};
  scenario.workload.burst_factor = 11;
  scenario.workload.burst_mean = milliseconds(100);
  scenario.workload.calm_mean = milliseconds(300);
  scenario.duration = seconds(2000);
  return scenario;
}

// A quarter of the time at 1,100 /s, the rest at 100 /s: 350 /s. The rate's autocovariance is
// v exp(-t / tau), v = p (1 - p) 1000^2 = 187,500, 1 / tau = 10 + 10 / 3, so the variance of the
// count N over T is 350 T + 2 v tau T = 28,475 T.
TEST(Bursts, HaveTheLongRunMeanRate) {
  const auto n = static_cast<double>(arrivals_of(bursty()).size());
  EXPECT_NEAR(n, 350.0 * 2000, 5 * std::sqrt(28'475.0 * 2000));
}

// Var N(w) = 350 w + 2 v tau (w - tau (1 - exp(-w / tau))), over windows of 0.05 s:
// 17.5 + 2 * 187,500 * 0.075 * (0.05 - 0.075 * (1 - exp(-2 / 3))) = 397.3; mean 17.5.
TEST(Bursts, AreAsIrregularAsTheTheorySays) {
  const auto counts = counts_of(arrivals_of(bursty()), 0.05, 40'000);
  EXPECT_NEAR(testing::variance_of(counts) / 397.3, 1, 0.05);
}

// 400 runs of the first 20 ms, in which states hardly change: 7 arrivals each on average.
TEST(Bursts, HaveTheMeanRateFromTheStart) {
  Scenario scenario = bursty();
  scenario.duration = milliseconds(20);
  double n = 0;
  for (scenario.seed = 1; scenario.seed <= 400; ++scenario.seed) {
    n += static_cast<double>(arrivals_of(scenario).size());
  }
  // Each run's count has a variance of at most 7 + 187,500 * 0.02^2 = 82.
  EXPECT_NEAR(n, 400 * 7, 5 * std::sqrt(400 * 82.0));
}

TEST(Bursts, OfFactorOneAreAPoissonProcess) {
  Scenario scenario = bursty();
  scenario.workload.burst_factor = 1;
  const auto counts = counts_of(arrivals_of(scenario), 0.1, 20'000);
  EXPECT_NEAR(testing::variance_of(counts) / testing::mean_of(counts), 1,
              5 * std::sqrt(2.0 / 20'000));
}

}  // namespace
}  // namespace phoenix
