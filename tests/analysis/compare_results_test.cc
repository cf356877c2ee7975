// Results of runs: whole or not there, equal bytes for equal results, joined only where they belong
// together.
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/compare/comparison_file.h"
#include "analysis/compare/csv_export.h"
#include "analysis/compare/results_folder.h"
#include "tests/analysis/compare_samples.h"

namespace phoenix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

TEST(CellResult, ComesBackFromJsonToTheBit) {
  CellResult result = sample_result(3, 0.1 + 0.2);
  result.metrics[2] = std::numeric_limits<double>::quiet_NaN();
  result.window_mean = {0.25, std::numeric_limits<double>::quiet_NaN(), 1e-9};
  result.warning = "late \"by\" 3 ms";
  const auto back = CellResult::from_json(result.to_json());
  ASSERT_TRUE(back.ok()) << back.error();
  EXPECT_EQ(back->to_json(), result.to_json());
  EXPECT_EQ(back->metric(CellMetric::kMean), result.metric(CellMetric::kMean));
  EXPECT_TRUE(std::isnan(back->metrics[2]));
  EXPECT_EQ(back->histogram, result.histogram);
  EXPECT_EQ(back->digest, result.digest);
}

TEST(CellResult, RefusesWhatIsNone) {
  for (const char* text : {"", "[]", "{}", R"({"format":"phoenix-cell","version":1})"}) {
    EXPECT_FALSE(CellResult::from_json(text).ok()) << text;
  }
}

TEST(CellResult, OfAnyOtherJsonIsAnErrorAndNoException) {
  for (const char* text : {R"({"format":3})", R"({"format":"phoenix-cell","version":"one"})",
                           R"({"format":"phoenix-cell","version":[]})"}) {
    EXPECT_THAT(CellResult::from_json(text).error(), HasSubstr("found a broken result")) << text;
  }
}

TEST(CellResult, TellsLastWordsThatAreNoText) {
  CellResult result = sample_result(3, 1);
  result.failure = "said \xff\xfe";
  const auto back = CellResult::from_json(result.to_json());
  ASSERT_TRUE(back.ok()) << back.error();
  EXPECT_THAT(back->failure, testing::StartsWith("said "));
}

// Intervals of 0.1 s, all over the target, the first so many of them warm-up.
double slo_violating_after(int warm_up_intervals) {
  constexpr int kIntervals = 100;
  const TempFolder temp;
  RunSummary run = run_a();
  run.duration_s = kIntervals / 10.0;
  run.measured_s = run.duration_s - warm_up_intervals / 10.0;
  TargetSummary& target = run.targets.emplace_back();
  target.name = "response_time_p95";
  target.target = 0.1;
  const auto fill = [](RecordWriter& writer) {
    for (int i = 1; i <= kIntervals; ++i) {
      WindowRow window;
      window.t = i * 100'000'000LL;
      window.completed = 10;
      window.p95 = 0.2F;
      writer.append(window);
    }
  };
  const auto result = CellResult::from_record(opened(write_record(temp.file("r.h5"), run, fill)));
  EXPECT_TRUE(result.ok()) << (result ? "" : result.error());
  return result ? result->metric(CellMetric::kSloViolating) : -1;
}

TEST(CellResult, CountsEveryIntervalAfterTheWarmUpThatIsOverTheTarget) {
  for (const int warm_up : {0, 1, 3, 7, 11, 23, 99}) {
    EXPECT_DOUBLE_EQ(slo_violating_after(warm_up), (100 - warm_up) / 10.0) << warm_up;
  }
}

TEST(HistogramOfRuns, MergesAndKeepsEveryRequest) {
  std::vector<HistogramBucket> sum = {{0, 10, 2}, {20, 30, 1}};
  merge_histogram(sum, {{10, 20, 4}, {20, 30, 5}, {30, 40, 1}});
  EXPECT_THAT(sum, ElementsAre(HistogramBucket{0, 10, 2}, HistogramBucket{10, 20, 4},
                               HistogramBucket{20, 30, 6}, HistogramBucket{30, 40, 1}));
  EXPECT_DOUBLE_EQ(histogram_quantile(sum, 0.5), 24.5e-9);
  EXPECT_DOUBLE_EQ(histogram_quantile(sum, 0), 4.5e-9);
  EXPECT_DOUBLE_EQ(histogram_quantile(sum, 1), 34.5e-9);
  EXPECT_TRUE(std::isnan(histogram_quantile({}, 0.5)));
}

TEST(ResultsFolder, KeepsWhatItWasGivenAndSaysWhatIsMissing) {
  const TempFolder temp;
  const auto folder = ResultsFolder::create(temp.file("r"), sample_plan());
  ASSERT_TRUE(folder.ok()) << folder.error();
  EXPECT_TRUE(folder->save(sample_result(4, 2)).ok());
  EXPECT_TRUE(folder->save(sample_result(1, 1)).ok());
  CellResult failed = sample_result(2, 0);
  failed.failure = "killed by signal 11";
  EXPECT_TRUE(folder->save(failed).ok());
  const auto again = ResultsFolder::open(temp.file("r"));
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_THAT(*again->finished(), ElementsAre(1, 4)) << "failed runs are to be played again";
  EXPECT_EQ(again->load()->size(), 3U);
  EXPECT_EQ(again->plan().to_json(), sample_plan().to_json());
}

TEST(ResultsFolder, HalfWrittenFilesOfTheDeadDoNotCount) {
  const TempFolder temp;
  const auto folder = ResultsFolder::create(temp.file("r"), sample_plan());
  ASSERT_TRUE(folder.ok());
  std::ofstream(temp.file("r/cells/0000003.json.4711.part")) << "{\"form";
  EXPECT_THAT(*folder->finished(), IsEmpty());
  std::ofstream(temp.file("r/cells/0000003.json")) << "{\"form";
  EXPECT_THAT(folder->finished().error(), HasSubstr("0000003.json: found no result"));
}

TEST(ResultsFolder, ItsMasterRemovesHalfWrittenFilesOfTheDeadOnly) {
  const TempFolder temp;
  const auto folder = ResultsFolder::create(temp.file("r"), sample_plan());
  ASSERT_TRUE(folder.ok());
  const std::string dead = temp.file("r/cells/0000003.json.4711.part");
  const std::string alive = temp.file("r/cells/0000004.json.4712.part");
  for (const std::string& part : {dead, alive}) std::ofstream(part) << "{\"form";
  fs::last_write_time(dead, fs::file_time_type::clock::now() - std::chrono::hours(1));
  ASSERT_TRUE(folder->lock().ok());
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(alive));
}

TEST(ResultsFolder, IsNotUsedForAnotherComparison) {
  const TempFolder temp;
  ASSERT_TRUE(ResultsFolder::create(temp.file("r"), sample_plan()).ok());
  EXPECT_TRUE(ResultsFolder::create(temp.file("r"), sample_plan()).ok()) << "the same goes on";
  EXPECT_THAT(ResultsFolder::create(temp.file("r"), sample_plan(4)).error(),
              HasSubstr("holds another comparison"));
  EXPECT_THAT(ResultsFolder::open(temp.file("nothing")).error(), HasSubstr("cannot read"));
}

TEST(ResultsFolder, HasOneMaster) {
  const TempFolder temp;
  const auto folder = ResultsFolder::create(temp.file("r"), sample_plan());
  ASSERT_TRUE(folder.ok());
  const auto first = folder->lock();
  ASSERT_TRUE(first.ok()) << first.error();
  EXPECT_FALSE(folder->lock().ok());
}

TEST(WholeFile, ThatCannotBeWrittenLeavesWhatWasThere) {
  const TempFolder temp;
  ASSERT_TRUE(write_whole_file(temp.file("a"), "old").ok());
  fs::create_directory(temp.file("b"));
  EXPECT_FALSE(write_whole_file(temp.file("b"), "text").ok()) << "a folder";
  EXPECT_FALSE(write_whole_file(temp.file("no/such/folder"), "text").ok());
  // /dev/full takes no byte: the disk is full.
  fs::create_symlink("/dev/full", temp.file("c." + std::to_string(getpid()) + ".part"));
  EXPECT_THAT(write_whole_file(temp.file("c"), "text").error(), HasSubstr("No space left"));
  EXPECT_FALSE(fs::exists(temp.file("c")));
  EXPECT_EQ(*read_whole_file(temp.file("a")), "old");
}

TEST(WholeFile, IsWrittenWhereALinkLeads) {
  const TempFolder temp;
  fs::create_directory(temp.file("far"));
  fs::create_symlink("far/there", temp.file("link"));
  for (const char* text : {"new", "newer"}) {
    ASSERT_TRUE(write_whole_file(temp.file("link"), text).ok());
    EXPECT_TRUE(fs::is_symlink(temp.file("link")));
    EXPECT_EQ(*read_whole_file(temp.file("far/there")), text);
  }
}

TEST(WholeFile, OfAPipeIsWrittenIntoIt) {
  const TempFolder temp;
  ASSERT_EQ(::mkfifo(temp.file("pipe").c_str(), 0600), 0);
  const int reader = ::open(temp.file("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(write_whole_file(temp.file("pipe"), "text").ok());
  char text[8] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 4);
  EXPECT_STREQ(text, "text");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(temp.file("pipe")));
}

Comparison comparison_of(std::string path, std::vector<std::uint64_t> cells,
                         std::uint32_t replications = 3) {
  Comparison comparison{sample_plan(replications), {}, {}, std::move(path)};
  for (const std::uint64_t cell : cells) {
    comparison.results.push_back(sample_result(cell, 1 + static_cast<double>(cell)));
  }
  return comparison;
}

TEST(MergeComparisons, JoinsByCellWhateverCameFirst) {
  const auto merged = merge_comparisons({comparison_of("b", {5, 2}), comparison_of("a", {0, 3})});
  ASSERT_TRUE(merged.ok()) << merged.error();
  std::vector<std::uint64_t> cells;
  for (const CellResult& result : merged->results) cells.push_back(result.cell);
  EXPECT_THAT(cells, ElementsAre(0, 2, 3, 5));
}

TEST(MergeComparisons, RefusesWhatDoesNotBelongTogether) {
  EXPECT_THAT(merge_comparisons({comparison_of("a", {0, 1}), comparison_of("b", {1})}).error(),
              HasSubstr("a and b both have run 1"));
  Comparison other = comparison_of("c", {2});
  PlanRequest request = other.plan.request();
  request.overrides.push_back("seed=9");
  other.plan = *ComparisonPlan::make(request);
  EXPECT_THAT(merge_comparisons({comparison_of("a", {0}), other}).error(),
              HasSubstr("a and c are not of one experiment"));
  Comparison broken = comparison_of("b", {1});
  broken.results[0].failure = "killed by signal 9";
  EXPECT_THAT(merge_comparisons({broken}).error(),
              HasSubstr("b: run 1 failed: killed by signal 9; play it again"));
  broken.results[0].failure.clear();
  broken.results[0].is_complete = false;
  EXPECT_THAT(merge_comparisons({broken}).error(), HasSubstr("was not played to its end"));
}

TEST(ComparisonFile, HoldsEverythingThatTheFoldersHeld) {
  const TempFolder temp;
  const Comparison before = comparison_of("a", {0, 1, 2, 3, 4, 5});
  ASSERT_TRUE(write_comparison(temp.file("all.h5"), before).ok());
  EXPECT_TRUE(is_comparison(temp.file("all.h5")));
  const auto after = load_comparison(temp.file("all.h5"));
  ASSERT_TRUE(after.ok()) << after.error();
  EXPECT_EQ(after->plan.to_json(), before.plan.to_json());
  ASSERT_EQ(after->results.size(), before.results.size());
  for (std::size_t i = 0; i < before.results.size(); ++i) {
    EXPECT_EQ(after->results[i].to_json(), before.results[i].to_json());
  }
  EXPECT_EQ(replications_of(*after), 3U);
}

TEST(ComparisonFile, ReplacesOnlyItsLike) {
  const TempFolder temp;
  std::ofstream(temp.file("letter.txt")) << "dear";
  EXPECT_THAT(write_comparison(temp.file("letter.txt"), comparison_of("a", {0})).error(),
              HasSubstr("exists and is not a comparison"));
  EXPECT_EQ(*read_whole_file(temp.file("letter.txt")), "dear");
  EXPECT_FALSE(load_comparison(temp.file("letter.txt")).ok());
  ASSERT_TRUE(write_comparison(temp.file("all.h5"), comparison_of("a", {0})).ok());
  EXPECT_TRUE(write_comparison(temp.file("all.h5"), comparison_of("a", {0, 1})).ok());
  EXPECT_EQ(load_comparison(temp.file("all.h5"))->results.size(), 2U);
}

TEST(CsvField, IsQuotedWhereItHasToBe) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"a\"\n"), "\"say \"\"a\"\"\n\"");
}

}  // namespace
}  // namespace phoenix
