#include "strategies/metrics/compliance.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace phoenix {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TargetVerdict lower(double current, double target) {
  return judge({"latency", TargetSense::kLowerIsBetter, target, current});
}

TargetVerdict higher(double current, double target, double attainable = kInf) {
  return judge({"throughput", TargetSense::kHigherIsBetter, target, current, attainable});
}

TargetVerdict set_point(double current, double target) {
  return judge({"utilization", TargetSense::kSetPoint, target, current});
}

TEST(Compliance, LowerIsBetterFallsAsTargetOverCurrent) {
  EXPECT_DOUBLE_EQ(lower(0.050, 0.050).compliance, 1.0);
  EXPECT_DOUBLE_EQ(lower(0.001, 0.050).compliance, 1.0);
  EXPECT_DOUBLE_EQ(lower(0.200, 0.050).compliance, 0.25);
  EXPECT_DOUBLE_EQ(lower(0.200, 0.050).deviation, 3.0);  // (200 - 50) / 50
  EXPECT_EQ(lower(0.200, 0.050).side, TargetSide::kOver);
  EXPECT_DOUBLE_EQ(lower(kInf, 0.050).compliance, 0.0);
}

TEST(Compliance, HigherIsBetterFallsAsCurrentOverTarget) {
  EXPECT_DOUBLE_EQ(higher(12'000, 10'000).compliance, 1.0);
  EXPECT_DOUBLE_EQ(higher(8'000, 10'000).compliance, 0.8);
  EXPECT_DOUBLE_EQ(higher(8'000, 10'000).deviation, 0.2);
  EXPECT_EQ(higher(8'000, 10'000).side, TargetSide::kShort);
  EXPECT_DOUBLE_EQ(higher(0, 10'000).compliance, 0.0);
}

TEST(Compliance, ThroughputIsHeldAgainstTheOfferedLoad) {
  EXPECT_DOUBLE_EQ(higher(500, 10'000, 500).compliance, 1.0);
  EXPECT_DOUBLE_EQ(higher(400, 10'000, 500).compliance, 0.8);
  EXPECT_DOUBLE_EQ(higher(0, 10'000, 0).compliance, 1.0);
  EXPECT_DOUBLE_EQ(higher(0, 10'000, 0).deviation, 0.0);
  EXPECT_DOUBLE_EQ(higher(5'000, 10'000, 20'000).compliance, 0.5);
  EXPECT_DOUBLE_EQ(higher(5'000, 10'000, kNan).compliance, 0.5);
}

TEST(Compliance, UtilizationPeaksAtTheTargetAndStaysWithinZeroAndOne) {
  // The design document's table for a target of 0.75, and beyond its end at 1.5.
  const double table[][2] = {{0, 0},           {0.375, 0.5}, {0.75, 1}, {0.9, 0.8},
                             {1.0, 2.0 / 3.0}, {1.5, 0},     {1.6, 0},  {9, 0}};
  for (const auto& row : table) {
    EXPECT_NEAR(set_point(row[0], 0.75).compliance, row[1], 1e-12) << row[0];
  }
  EXPECT_NEAR(set_point(0.375, 0.75).deviation, 0.5, 1e-12);
  EXPECT_NEAR(set_point(0.9, 0.75).deviation, 0.2, 1e-12);
}

TEST(Compliance, UtilizationTellsOverFromUnder) {
  EXPECT_EQ(set_point(0.3, 0.75).side, TargetSide::kUnder);
  EXPECT_EQ(set_point(0.9, 0.75).side, TargetSide::kOver);
  EXPECT_EQ(set_point(0.75, 0.75).side, TargetSide::kMet);
}

TEST(Compliance, MissingIsUnknownAndNotZero) {
  for (const TargetVerdict& verdict :
       {lower(kNan, 0.05), higher(kNan, 10), set_point(kNan, 0.75), lower(0.01, kNan),
        lower(0.01, 0), higher(1, -1), set_point(0.5, 0)}) {
    EXPECT_TRUE(std::isnan(verdict.compliance));
    EXPECT_TRUE(std::isnan(verdict.deviation));
    EXPECT_EQ(verdict.side, TargetSide::kUnknown);
  }
}

TEST(Compliance, OverallNamesTheWorstBesideTheMean) {
  const std::vector<TargetReading> readings = {
      {"latency", TargetSense::kLowerIsBetter, 0.05, 0.1},           // 0.5
      {"throughput", TargetSense::kHigherIsBetter, 10'000, 10'000},  // 1.0
      {"scaling", TargetSense::kLowerIsBetter, 30, kNan},            // unknown
      {"availability", TargetSense::kHigherIsBetter, 1.0, 0.9},      // 0.9
  };
  const Compliance compliance = overall(readings);
  EXPECT_DOUBLE_EQ(compliance.mean, 0.8);  // (0.5 + 1.0 + 0.9) / 3
  EXPECT_DOUBLE_EQ(compliance.minimum, 0.5);
  EXPECT_EQ(compliance.worst, "latency");
}

TEST(Compliance, UnusedCapacityIsNoMissedServiceTarget) {
  const std::vector<TargetReading> readings = {
      {"latency", TargetSense::kLowerIsBetter, 0.05, 0.0625},  // 0.8
      {"utilization", TargetSense::kSetPoint, 0.75, 0.075},    // 0.1, but under
  };
  EXPECT_DOUBLE_EQ(overall(readings).mean, 0.8);
  EXPECT_EQ(overall(readings).worst, "latency");
  const std::vector<TargetReading> overloaded = {readings[0],
                                                 {"utilization", TargetSense::kSetPoint, 0.5, 0.9}};
  EXPECT_EQ(overall(overloaded).worst, "utilization");
}

TEST(Compliance, OverallOfNothingKnownIsUnknown) {
  EXPECT_TRUE(std::isnan(overall({}).mean));
  EXPECT_TRUE(std::isnan(overall({}).minimum));
  EXPECT_EQ(overall({}).worst, "");
}

}  // namespace
}  // namespace phoenix
