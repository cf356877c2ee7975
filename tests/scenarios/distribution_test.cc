#include "scenarios/distribution.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <boost/math/special_functions/gamma.hpp>
#include <gtest/gtest.h>

#include "tests/scenarios/laws.h"

namespace phoenix {
namespace {

using testing::expect_law;
using testing::mean_of;
using testing::variance_of;
using Unit = Distribution::Unit;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kDraws = 200'000;

std::vector<double> sample_of(const Distribution& distribution, int draws = kDraws) {
  Random random(41);
  std::vector<double> sample;
  for (int i = 0; i < draws; ++i) sample.push_back(distribution.draw(random));
  return sample;
}

// The sample mean is within 5 of its standard errors.
void expect_mean(const std::vector<double>& sample, double mean, double variance) {
  EXPECT_NEAR(mean_of(sample), mean, 5 * std::sqrt(variance / static_cast<double>(sample.size())));
}

Distribution parsed(const std::string& text, Unit unit = Unit::kSeconds) {
  const Result<Distribution> result = Distribution::parse(text, unit, "");
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error());
  return result.ok() ? *result : Distribution::constant(-0.0);
}

std::string error_of(const std::string& text, Unit unit = Unit::kSeconds,
                     const std::string& folder = "") {
  const Result<Distribution> result = Distribution::parse(text, unit, folder);
  return result.ok() ? "no error" : result.error();
}

std::string file_with(const std::string& name, const std::string& content) {
  const std::string folder = ::testing::TempDir() + "distribution_test/";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + name) << content;
  return folder;
}

TEST(DistributionLaw, ConstantTakesNothingFromTheGenerator) {
  Random random(1);
  Random untouched(1);
  EXPECT_EQ(Distribution::constant(0.005).draw(random), 0.005);
  EXPECT_EQ(random(), untouched());
}

TEST(DistributionLaw, SameSeedSameDraws) {
  for (const char* text : {"exponential(1 s)", "gamma(1 s, 0.5)", "hyperexponential(1 s, 3)"}) {
    EXPECT_EQ(sample_of(parsed(text), 100), sample_of(parsed(text), 100));
  }
}

TEST(DistributionLaw, Exponential) {
  const auto sample = sample_of(Distribution::exponential(0.005));
  expect_law(sample, [](double x) { return 1 - std::exp(-x / 0.005); });
  expect_mean(sample, 0.005, 0.005 * 0.005);
}

TEST(DistributionLaw, Uniform) {
  const auto sample = sample_of(Distribution::uniform(1, 3));
  expect_law(sample, [](double x) { return (x - 1) / 2; });
  expect_mean(sample, 2, 4.0 / 12);
}

// The spread is one standard deviation of the logarithm, within which are 68.3 % of the draws.
TEST(DistributionLaw, LognormalByMedianAndSpread) {
  const Distribution distribution = Distribution::lognormal(0.008, 2.0);
  const auto sample = sample_of(distribution);
  const double sigma = std::log(2.0);
  expect_law(sample, [&](double x) {
    return 0.5 * std::erfc(-std::log(x / 0.008) / (sigma * std::sqrt(2.0)));
  });
  const double mean = 0.008 * std::exp(sigma * sigma / 2);
  expect_mean(sample, mean, mean * mean * (std::exp(sigma * sigma) - 1));
  EXPECT_NEAR(distribution.mean(), mean, 1e-15);
}

TEST(DistributionLaw, Pareto) {
  const auto sample = sample_of(Distribution::pareto(1, 3, kInfinity));
  expect_law(sample, [](double x) { return 1 - std::pow(x, -3.0); });
  // Variance shape / ((shape - 1)^2 (shape - 2)) = 3 / 4.
  expect_mean(sample, 1.5, 0.75);
}

// Larger draws become the cap: shape 1.5, cap 9 leaves (1/9)^1.5 = 1/27 of them there, and
// E = 1 + integral of x^-1.5 from 1 to 9 = 1 + 2 (1 - 1/3) = 7/3.
TEST(DistributionLaw, ParetoWithCap) {
  const Distribution distribution = Distribution::pareto(1, 1.5, 9);
  EXPECT_NEAR(distribution.mean(), 7.0 / 3, 1e-12);
  const auto sample = sample_of(distribution);
  // E[X^2] = 1 + integral of 2x x^-1.5 = 1 + 4 (3 - 1) = 9.
  expect_mean(sample, 7.0 / 3, 9 - 49.0 / 9);
  const auto capped = std::count(sample.begin(), sample.end(), 9.0);
  const double p = 1.0 / 27;
  EXPECT_NEAR(static_cast<double>(capped), kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p)));
}

TEST(DistributionLaw, Gamma) {
  for (const double shape : {0.3, 1.0, 2.0, 25.0}) {
    SCOPED_TRACE(shape);
    const auto sample = sample_of(Distribution::gamma(0.005, shape));
    expect_law(sample, [&](double x) { return boost::math::gamma_p(shape, x * shape / 0.005); });
    expect_mean(sample, 0.005, 0.005 * 0.005 / shape);
  }
}

// Two phases with balanced means: each carries half of the mean.
TEST(DistributionLaw, Hyperexponential) {
  const double mean = 0.005;
  const double squared_cv = 4;
  const double p = 0.5 * (1 + std::sqrt(3.0 / 5));
  const auto sample = sample_of(Distribution::hyperexponential(mean, squared_cv));
  expect_law(sample, [&](double x) {
    return 1 - p * std::exp(-2 * p * x / mean) - (1 - p) * std::exp(-2 * (1 - p) * x / mean);
  });
  expect_mean(sample, mean, squared_cv * mean * mean);
  // The standard error of the squared coefficient is below 0.06 for these tails.
  EXPECT_NEAR(variance_of(sample) / (mean * mean), squared_cv, 0.3);
}

TEST(DistributionLaw, EmpiricalDrawsEachValueEqually) {
  const auto sample = sample_of(Distribution::empirical({1, 2, 2, 10}, "f"));
  std::vector<double> counts(3);
  for (const double x : sample) counts[x == 1 ? 0 : x == 2 ? 1 : 2] += 1;
  testing::expect_counts(counts, {kDraws * 0.25, kDraws * 0.5, kDraws * 0.25});
}

TEST(Distribution, KnowsItsMean) {
  EXPECT_EQ(parsed("5 ms").mean(), 0.005);
  EXPECT_EQ(parsed("exponential(5 ms)").mean(), 0.005);
  EXPECT_EQ(parsed("uniform(1 s, 3 s)").mean(), 2);
  EXPECT_EQ(parsed("gamma(2 s, 7)").mean(), 2);
  EXPECT_EQ(parsed("hyperexponential(2 s, 7)").mean(), 2);
  EXPECT_EQ(parsed("pareto(1 s, 1.5)").mean(), 3);
  EXPECT_EQ(parsed("pareto(1 s, 1)").mean(), kInfinity);
  // Shape 1: E = 1 + integral of 1/x from 1 to e = 2.
  EXPECT_NEAR(Distribution::pareto(1, 1, std::exp(1.0)).mean(), 2, 1e-12);
  EXPECT_EQ(Distribution::empirical({1, 2, 6}, "f").mean(), 3);
}

TEST(Distribution, KnowsItsUpperBound) {
  EXPECT_EQ(parsed("5 s").upper_bound(), 5);
  EXPECT_EQ(parsed("uniform(1 s, 3 s)").upper_bound(), 3);
  EXPECT_EQ(parsed("pareto(1 s, 1.5, 60 s)").upper_bound(), 60);
  EXPECT_EQ(parsed("pareto(1 s, 1.5)").upper_bound(), kInfinity);
  EXPECT_EQ(parsed("exponential(1 s)").upper_bound(), kInfinity);
  EXPECT_EQ(Distribution::empirical({1, 7, 6}, "f").upper_bound(), 7);
}

TEST(DistributionText, PrintsItselfInTheFormItReads) {
  for (const char* text : {"5 ms", "0 s", "exponential(5 ms)", "uniform(1 ms, 3 ms)",
                           "lognormal(5 ms, 1.2)", "pareto(1 ms, 1.5)", "pareto(1 ms, 1.5, 30 s)",
                           "gamma(5 ms, 2)", "hyperexponential(5 ms, 4)"}) {
    EXPECT_EQ(parsed(text).print(Unit::kSeconds), text);
  }
  for (const char* text : {"2 KiB", "lognormal(12 kB, 1.5)", "uniform(1 B, 1 GiB)"}) {
    EXPECT_EQ(parsed(text, Unit::kBytes).print(Unit::kBytes), text);
  }
}

TEST(DistributionText, BlanksAndTheWordConstantAreFree) {
  EXPECT_EQ(parsed("constant(5 ms)").print(Unit::kSeconds), "5 ms");
  EXPECT_EQ(parsed("  lognormal ( 5ms ,1.2 ) ").print(Unit::kSeconds), "lognormal(5 ms, 1.2)");
}

TEST(DistributionText, ErrorsNameTheNearestKnownForm) {
  EXPECT_EQ(error_of("exponental(5 ms)"),
            "found \"exponental\"; allowed constant, exponential, uniform, lognormal, pareto, "
            "gamma, hyperexponential, empirical; did you mean \"exponential\"?");
  EXPECT_EQ(error_of("normal"),
            "found \"normal\"; allowed constant, exponential, uniform, lognormal, pareto, gamma, "
            "hyperexponential, empirical");
}

TEST(DistributionText, ErrorsSayWhatEachFormTakes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"exponential", "exponential(MEAN), MEAN above 0"},
      {"exponential()", "a duration such as"},
      {"exponential(0 s)", "exponential(MEAN), MEAN above 0"},
      {"exponential(1 s, 2 s)", "exponential(MEAN), MEAN above 0"},
      {"exponential(1 s", "exponential(MEAN), MEAN above 0"},
      {"exponential(1 s) x", "exponential(MEAN), MEAN above 0"},
      {"uniform(3 ms, 1 ms)", "LOW at most HIGH"},
      {"uniform(3 ms)", "LOW at most HIGH"},
      {"lognormal(5 ms, 0.9)", "SPREAD at least 1"},
      {"lognormal(5 ms, 2 ms)", "a number such as"},
      {"pareto(1 ms, 0)", "SMALLEST and SHAPE above 0"},
      {"pareto(1 ms, 1.5, 1 us)", "CAP at least SMALLEST"},
      {"gamma(5 ms, 0)", "both above 0"},
      {"hyperexponential(5 ms, 0.5)", "SQUARED_CV at least 1"},
      {"hyperexponential(5 ms, 4, 1)", "SQUARED_CV at least 1"},
      {"empirical()", "empirical(FILE)"},
      {"constant(5 ms, 6 ms)", "constant(VALUE)"},
      {"-5 ms", "0 s or more"},
      {"exponential(-5 ms)", "0 s or more"},
      {"inf", "constant, exponential"},
      {"exponential(inf)", "a finite duration"},
      {"5", "a duration such as"},
      {"", "a duration such as"},
      {"exponential(5 KiB)", "a duration such as"},
  };
  for (const auto& [text, allowed] : cases) {
    const std::string error = error_of(text);
    EXPECT_NE(error.find("; allowed "), std::string::npos) << text << ": " << error;
    EXPECT_NE(error.find(allowed), std::string::npos) << text << ": " << error;
  }
  EXPECT_NE(error_of("5 ms", Unit::kBytes).find("a size such as"), std::string::npos);
  EXPECT_NE(error_of("-1 B", Unit::kBytes).find("0 B or more"), std::string::npos);
}

TEST(EmpiricalFile, IsReadFromTheFolderWithOrWithoutUnits) {
  const std::string folder = file_with("work.csv", "5 ms\r\n\n0.25\n 1 s \n");
  const Result<Distribution> result =
      Distribution::parse("empirical(work.csv)", Unit::kSeconds, folder);
  ASSERT_TRUE(result.ok()) << result.error();
  EXPECT_NEAR(result->mean(), 1.255 / 3, 1e-12);
  EXPECT_EQ(result->upper_bound(), 1);
  EXPECT_EQ(result->print(Unit::kSeconds), "empirical(work.csv)");
  EXPECT_EQ(Distribution::parse("empirical(" + folder + "work.csv)", Unit::kSeconds, "/elsewhere")
                ->upper_bound(),
            1);
}

TEST(EmpiricalFile, ErrorsNameTheLine) {
  const std::string folder = file_with("bad.csv", "5 ms\n\nfast\n");
  EXPECT_EQ(error_of("empirical(bad.csv)", Unit::kSeconds, folder),
            folder +
                "bad.csv:3: found \"fast\"; allowed a duration such as \"50 ms\" (ns, us, ms, s, "
                "min, h, d)");
  file_with("negative.csv", "-1\n");
  EXPECT_EQ(error_of("empirical(negative.csv)", Unit::kSeconds, folder),
            folder + "negative.csv:1: found \"-1\"; allowed 0 or more");
  file_with("empty.csv", "\n");
  EXPECT_EQ(error_of("empirical(empty.csv)", Unit::kSeconds, folder),
            folder + "empty.csv: found no values; allowed one value a line");
  EXPECT_EQ(error_of("empirical(none.csv)", Unit::kSeconds, folder),
            "cannot read \"" + folder + "none.csv\"; allowed a file with one value a line");
}

}  // namespace
}  // namespace phoenix
