// Every scenario of the library runs, to its end, with sane numbers. The folder decides: a new file
// is run by itself. Long ones are cut short; what they then miss, other tests of the cluster have.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/runs.h"

namespace phoenix::sim {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> library() {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::directory_iterator(fs::path(PHOENIX_SOURCE_DIR) / "scenarios" / "library")) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

Overrides shortened(const std::string& name) {
  static const std::map<std::string, Overrides> kShorter = {
      {"large", {"duration=1200 ms", "warmup=0 s"}},
      {"node_failures", {"duration=100 s"}},
      {"heterogeneous", {"duration=40 s"}},
      {"partition", {"duration=40 s"}},
  };
  const auto found = kShorter.find(name);
  return found == kShorter.end() ? Overrides{} : found->second;
}

TEST(Library, IsWhereItShouldBe) { EXPECT_FALSE(library().empty()); }

class LibraryRun : public ::testing::TestWithParam<fs::path> {};

TEST_P(LibraryRun, EndsWithSaneNumbers) {
  const fs::path& file = GetParam();
  const RunSummary run =
      ChildRun(text_of(file), shortened(file.stem().string()), "", file.string()).wait();
  EXPECT_TRUE(run.complete);
  expect_conserved(run);
  EXPECT_GT(run.total.offered, 500U);
  // Nothing in the library fails more than half of its requests.
  EXPECT_GT(run.total.availability, 0.5);
  EXPECT_LE(run.total.availability, 1.0);
  EXPECT_EQ(run.total.availability == 1.0, run.total.failed_total() == 0);
  EXPECT_GE(run.attempts, run.total.completed);
  const LatencySummary& latency = run.total.latency;
  EXPECT_GT(latency.p50, 0);
  EXPECT_LE(latency.p50, latency.p95);
  EXPECT_LE(latency.p95, latency.p99);
  EXPECT_LE(latency.p99, latency.max);
  double shares = 0;
  for (const GroupSummary& group : run.groups) {
    EXPECT_GT(group.utilization, 0) << group.name;
    EXPECT_LE(group.utilization, 1 + 1e-9) << group.name;
    shares += group.request_share;
  }
  EXPECT_NEAR(shares, 1, 1e-9);
  EXPECT_NE(run.digest, 0U);
}

INSTANTIATE_TEST_SUITE_P(Files, LibraryRun, ::testing::ValuesIn(library()),
                         [](const auto& test) { return test.param.stem().string(); });

// A third of what a narrow line loses without a tuner is lost before either has found what
// helps.
TEST(SlowNetwork, EitherTunerFindsWhatHelps) {
  const fs::path file = fs::path(PHOENIX_SOURCE_DIR) / "scenarios/library/slow_network.toml";
  const auto run = [&](const char* tuner) {
    return run_in_child(text_of(file), {std::string("strategies.tuner=") + tuner});
  };
  const RunSummary none = run("none");
  EXPECT_GT(none.total.latency.p50, 1.5);
  for (const char* tuner : {"rules", "search"}) {
    const RunSummary tuned = run(tuner);
    expect_conserved(tuned);
    EXPECT_LT(tuned.total.failed_total(), none.total.failed_total() / 2) << tuner;
    EXPECT_LT(tuned.total.latency.p50, 0.1) << tuner;
    EXPECT_GT(tuned.wire.compressed, 10'000U) << tuner;
  }
}

}  // namespace
}  // namespace phoenix::sim
