// Series from files and backtests on them: the grid, what is told of gaps and repeated times, bad
// files; scores against hand-made ones; and the promise of intervals on real loads, where they are.
#include "analysis/backtest.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numbers>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "analysis/forecast_text.h"
#include "analysis/series_file.h"

namespace phoenix {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class SeriesFileTest : public ::testing::Test {
 protected:
  SeriesFileTest() : file_("/tmp/phoenix_series_" + std::to_string(::getpid()) + ".csv") {}
  ~SeriesFileTest() override { std::filesystem::remove(file_); }

  Result<Series> read(const std::string& content, const std::string& time = "") {
    std::ofstream(file_) << content;
    return read_series(file_, "count", time);
  }

  std::string error_of(const std::string& content, const std::string& time = "") {
    const Result<Series> series = read(content, time);
    return series.ok() ? "" : series.error();
  }

  std::string file_;
};

TEST_F(SeriesFileTest, RowsAreStepsWithoutATimeColumn) {
  const Result<Series> series = read("count,other\n1,x\n2.5,y\n\"3\",z\n");
  ASSERT_TRUE(series.ok()) << series.error();
  EXPECT_THAT(series->values, ElementsAre(1, 2.5, 3));
  EXPECT_EQ(series->rows, 3U);
  EXPECT_EQ(series->step, 0);
}

TEST_F(SeriesFileTest, GapsAndRepeatedTimesArePutOnTheGridAndTold) {
  const Result<Series> series = read(
      "at,count\n"
      "2024-01-01 00:00:00,10\n"
      "2024-01-01 00:05:00,\n"
      "2024-01-01 00:10:00,30\n"
      "2024-01-01 00:10:00,50\n"
      "2024-01-01 00:15:01,60\n"
      "2024-01-01 00:25:00,NaN\n"
      "2024-01-01 00:30:00,80\n",
      "at");
  ASSERT_TRUE(series.ok()) << series.error();
  EXPECT_EQ(series->step, 300);
  EXPECT_TRUE(series->has_dates);
  ASSERT_EQ(series->values.size(), 7U);
  EXPECT_EQ(series->values[0], 10);
  EXPECT_TRUE(std::isnan(series->values[1]));
  EXPECT_EQ(series->values[2], 40) << "the mean of both rows";
  EXPECT_EQ(series->values[3], 60) << "a second late";
  EXPECT_TRUE(std::isnan(series->values[4]));
  EXPECT_TRUE(std::isnan(series->values[5]));
  EXPECT_EQ(series->values[6], 80);
  EXPECT_EQ(series->unknown, 2U);
  EXPECT_EQ(series->missing, 1U);
  EXPECT_EQ(series->repeated, 1U);
  EXPECT_THAT(series_text(*series, {}),
              AllOf(HasSubstr("7 rows, 7 steps of 300 s"), HasSubstr("2 cells without a number"),
                    HasSubstr("1 times without a row"), HasSubstr("1 rows at a time that had one"),
                    HasSubstr("shorter than two periods")));
}

TEST_F(SeriesFileTest, ErrorsNameFileLineColumnFoundAndAllowed) {
  EXPECT_EQ(error_of("count\n1\n-2\n"),
            file_ +
                ":3: count: found \"-2\"; allowed a number from 0 to 1e15, or for a gap "
                "nothing, NaN, NA or null");
  EXPECT_THAT(error_of("count\n1\nfoo\n"), HasSubstr(":3: count: found \"foo\""));
  EXPECT_THAT(error_of("count\ninf\n"), HasSubstr("found \"inf\""));
  EXPECT_THAT(error_of("counts\n1\n"),
              AllOf(HasSubstr(":1: found no column \"count\""), HasSubstr("did you mean")));
  EXPECT_THAT(error_of("count\n"), EndsWith("found no rows; allowed at least one"));
  EXPECT_THAT(error_of("at,count\n1,1\n3,1\n2,1\n", "at"),
              EndsWith(":4: at: found \"2\"; allowed rows in the order of time"));
  EXPECT_THAT(error_of("at,count\n1,1\nlater,1\n", "at"),
              EndsWith(":3: at: found \"later\"; allowed a number, as before"));
  EXPECT_THAT(error_of("at,count\n2024-01-01 00:00,1\n7,1\n", "at"), HasSubstr(":3: at: found"));
  EXPECT_THAT(error_of("at,count\n1,1\n1,1\n", "at"), HasSubstr("the same time in all rows"));
  EXPECT_THAT(error_of("at,count\n0,1\n1,1\n2,1\n1e9,1\n", "at"),
              HasSubstr("steps of 1 from the first row to the last; allowed 1,000 for 4 rows"));
  EXPECT_THAT(read_series("/nowhere.csv", "count", "").error(), HasSubstr("/nowhere.csv"));
}

std::vector<double> saw(int steps, int period) {
  std::vector<double> values;
  for (int i = 0; i < steps; ++i) values.push_back(100 + i % period);
  return values;
}

const BacktestScore& score_of(const Backtest& test, const std::string& name) {
  for (const BacktestScore& score : test.scores) {
    if (score.model.starts_with(name)) return score;
  }
  ADD_FAILURE() << name;
  return test.scores[0];
}

TEST(Backtest, ScoresAreWhatTheyAreDefinedAs) {
  // 0, 10, 0, 10, ...: the last value is wrong by 10 one step ahead and right two steps ahead.
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(i % 2 == 0 ? 0 : 10);
  const Result<Backtest> test =
      backtest(values, {"last_value", "seasonal_naive[period=3]"}, {3, 0, 2});
  ASSERT_TRUE(test.ok()) << test.error();
  EXPECT_EQ(test->warm_up, 6U);
  EXPECT_EQ(test->origins, 393U);
  // The season of 3 is wrong by 10 at both horizons.
  EXPECT_NEAR(test->scores[1].mase, 1, 1e-12);
  EXPECT_NEAR(test->scores[0].mase, 0.5, 2e-3);
  EXPECT_NEAR(test->scores[0].smape, 100, 0.3);  // 200 % and 0 % in turns
  EXPECT_GT(test->scores[0].us_per_step, 0);
}

TEST(Backtest, AllModelsOnASeasonThatRepeatsItself) {
  const Result<Backtest> test = backtest(saw(1'000, 24), split_models("all"), {24, 0, 6});
  ASSERT_TRUE(test.ok()) << test.error();
  EXPECT_EQ(test->scores.size(), split_models("all").size());
  EXPECT_EQ(score_of(*test, "seasonal_naive").mase, 1) << "0 over 0";
  EXPECT_TRUE(std::isnan(score_of(*test, "ewma").mase)) << "an error over none";
  EXPECT_LT(score_of(*test, "mixture").smape, 0.2);
  EXPECT_EQ(score_of(*test, "holt_winters").model.find("holt_winters[period=24, "), 0U);
}

TEST(Backtest, GapsAreNotScoredAndDoNotPoison) {
  std::vector<double> values = saw(600, 24);
  for (std::size_t i = 100; i < values.size(); i += 7) values[i] = kNaN;
  const Result<Backtest> test = backtest(values, split_models("all"), {24, 0, 6});
  ASSERT_TRUE(test.ok());
  for (const BacktestScore& score : test->scores) {
    EXPECT_TRUE(std::isfinite(score.smape)) << score.model;
    EXPECT_TRUE(std::isfinite(score.pinball[1])) << score.model;
  }
}

// What is forecast from values up to the origin must not change when later ones do.
TEST(Backtest, NoModelSeesTheFuture) {
  std::vector<double> values = saw(400, 24);
  const std::vector<std::string> models = split_models("all");
  const Result<Backtest> whole =
      backtest({values.begin(), values.begin() + 300}, models, {24, 0, 6});
  for (std::size_t i = 300; i < values.size(); ++i) values[i] = kNaN;
  const Result<Backtest> blind = backtest(values, models, {24, 0, 6});
  ASSERT_TRUE(whole.ok() && blind.ok());
  for (std::size_t i = 0; i < models.size(); ++i) {
    EXPECT_NEAR(whole->scores[i].smape, blind->scores[i].smape, 1e-9) << models[i];
    EXPECT_NEAR(whole->scores[i].width, blind->scores[i].width, 1e-9) << models[i];
  }
}

TEST(Backtest, RefusesTooFewValuesAndUnknownModels) {
  EXPECT_EQ(backtest({1, 2, kNaN, 4}, {"ewma"}, {}).error(), "found 3 values; allowed at least 20");
  const Status unknown = check_models({"ewma", "emwa"}, {});
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error(), AllOf(HasSubstr("emwa"), HasSubstr("did you mean \"ewma\"")));
  EXPECT_FALSE(check_models({""}, {}).ok());
}

TEST(Backtest, ModelTextsAreSplitAtCommasOutsideBrackets) {
  EXPECT_THAT(split_models("ewma, holt_winters[period=12, level=0.3],ar"),
              ElementsAre("ewma", "holt_winters[period=12, level=0.3]", "ar"));
}

TEST(Backtest, JsonHasExactlyTheNamedFieldsOfEachModel) {
  const Result<Backtest> test = backtest(saw(200, 24), {"ewma", "seasonal_naive"}, {24, 0, 3});
  ASSERT_TRUE(test.ok());
  const auto json = nlohmann::json::parse(backtest_json({}, {24, 0, 3}, *test));
  ASSERT_EQ(json["models"].size(), 2U);
  std::vector<std::string> keys;
  for (const auto& [key, value] : json["models"][0].items()) keys.push_back(key);
  EXPECT_THAT(keys,
              ElementsAre("coverage", "mase", "model", "pinball", "smape", "us_per_step", "width"));
  EXPECT_EQ(json["models"][0]["pinball"].size(), 3U);
  EXPECT_TRUE(json["models"][0]["pinball"]["0.99"].is_number());
  EXPECT_TRUE(json["models"][0]["mase"].is_null()) << "over a naive forecast without error";
}

TEST(RealLoads, TheMixtureBeatsItsPartsAndItsIntervalsCover) {
  const std::string folder = PHOENIX_SOURCE_DIR "/../shared/data/nab/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no data at " << folder;
  double mixture = 0;
  double holt_winters = 0;
  for (const char* name : {"elb_request_count_8c0756", "ec2_cpu_utilization_5f5533",
                           "rds_cpu_utilization_cc0c53", "ec2_network_in_257a54"}) {
    const Result<Series> series = read_series(folder + name + ".csv", "value", "timestamp");
    ASSERT_TRUE(series.ok()) << series.error();
    const Result<Backtest> test = backtest(series->values, {"mixture", "holt_winters"}, {});
    ASSERT_TRUE(test.ok());
    mixture += test->scores[0].mase;
    holt_winters += test->scores[1].mase;
    EXPECT_GE(test->scores[0].coverage, 0.88) << name;
    EXPECT_LE(test->scores[0].coverage, 0.92) << name;
  }
  EXPECT_LT(mixture, 0.9 * holt_winters);
}

}  // namespace
}  // namespace phoenix
