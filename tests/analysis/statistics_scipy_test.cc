// Thousands of random samples, of which scipy makes the same numbers to 1e-9. Where scipy is not
// there the test fails: it is one of the project's packages.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "analysis/statistics/difference.h"
#include "analysis/statistics/equivalence.h"
#include "analysis/statistics/mean.h"
#include "analysis/statistics/power.h"
#include "analysis/statistics/quantile.h"
#include "analysis/statistics/rank_agreement.h"
#include "analysis/statistics/warm_up.h"
#include "strategies/core/random.h"

namespace phoenix::statistics {
namespace {

using Json = nlohmann::json;
using Values = std::vector<double>;

class Peer : public testing::Test {
 protected:
  void SetUp() override {
    const std::string stem = testing::TempDir() + "phoenix-statistics-" + std::to_string(getpid());
    cases_path_ = stem + ".jsonl";
    answer_path_ = stem + ".txt";
  }
  void TearDown() override {
    std::remove(cases_path_.c_str());
    std::remove(answer_path_.c_str());
  }

  void add(Json one) { cases_.push_back(std::move(one)); }

  // Whether the peer finds every case right; it must have looked at all of them in any case.
  bool agrees() {
    std::ofstream out(cases_path_);
    for (const Json& one : cases_) out << one.dump() << '\n';
    out.close();
    const std::string command = "/usr/bin/python3 '" PHOENIX_SOURCE_DIR
                                "/tests/analysis/statistics_peer.py' '" +
                                cases_path_ + "' >'" + answer_path_ + "' 2>&1";
    const int status = std::system(command.c_str());
    std::ifstream in(answer_path_);
    std::stringstream text;
    text << in.rdbuf();
    answer_ = text.str();
    const std::string count = std::to_string(cases_.size()) + "\n";
    EXPECT_TRUE(answer_.ends_with(count)) << answer_;
    return status == 0;
  }

  // Normal enough: a sum of four uniform numbers; scattered around 10 unless told.
  Values sample(std::size_t n, double center = 10) {
    Values values(n);
    for (double& value : values) {
      value = center;
      for (int i = 0; i < 4; ++i) value += random_.uniform() - 0.5;
    }
    return values;
  }
  // Whole numbers, with many ties.
  Values coarse(std::size_t n, std::uint64_t different) {
    Values values(n);
    for (double& value : values) value = static_cast<double>(random_.below(different));
    return values;
  }
  std::size_t size(std::size_t least, std::size_t most) {
    return least + random_.below(most - least + 1);
  }
  double confidence() { return 0.5 + 0.499 * random_.uniform(); }

  Random random_ = Streams(20).named("test/statistics");
  std::vector<Json> cases_;
  std::string cases_path_, answer_path_, answer_;
};

TEST_F(Peer, MeansAndDifferences) {
  for (int i = 0; i < 500; ++i) {
    const double level = confidence();
    const Values a = sample(size(3, 60), 10 + random_.uniform());
    Values b = sample(a.size());
    for (std::size_t j = 0; j < b.size(); ++j) b[j] += 0.5 * a[j];
    const MeanEstimate mean = estimate_mean(a, level);
    add({{"op", "mean"},
         {"a", a},
         {"confidence", level},
         {"found",
          {{"mean", mean.mean},
           {"sd", mean.sd},
           {"low", mean.interval().low},
           {"high", mean.interval().high}}}});
    const PairedDifference d = paired_difference(a, b, level);
    add({{"op", "paired"},
         {"a", a},
         {"b", b},
         {"confidence", level},
         {"found",
          {{"mean", d.mean},
           {"low", d.interval.low},
           {"high", d.interval.high},
           {"t", d.student.t},
           {"p", d.student.p},
           {"dz", d.cohen_dz},
           {"gz", d.hedges_gz},
           {"correlation", d.correlation},
           {"relative", d.relative},
           {"relative_low", d.relative_interval.low},
           {"relative_high", d.relative_interval.high}}}});
    const Values c = sample(size(2, 40), 10.2);
    const WelchDifference w = welch_difference(a, c, level);
    add({{"op", "welch"},
         {"a", a},
         {"b", c},
         {"found", {{"t", w.student.t}, {"p", w.student.p}, {"nu", w.student.nu}}}});
  }
  EXPECT_TRUE(agrees()) << answer_;
}

TEST_F(Peer, SignedRanks) {
  for (int i = 0; i < 600; ++i) {
    Values d = i % 2 == 0 ? sample(size(1, 60), 0.3) : coarse(size(4, 60), 12);
    if (i % 2 == 1) {
      for (double& value : d) value -= 5;
    }
    if (std::all_of(d.begin(), d.end(), [](double x) { return x == 0; })) continue;
    const SignedRanks ranks = signed_ranks(d);
    add({{"op", "wilcoxon"},
         {"a", d},
         {"found",
          {{"w", std::min(ranks.w_plus, ranks.w_minus)},
           {"p", ranks.p},
           {"exact", ranks.is_exact ? 1.0 : 0.0}}}});
  }
  EXPECT_TRUE(agrees()) << answer_;
}

TEST_F(Peer, Kendall) {
  for (int i = 0; i < 600; ++i) {
    const std::size_t n = size(3, 45);
    const Values a = i % 2 == 0 ? sample(n) : coarse(n, 8);
    Values b = i % 3 == 0 ? coarse(n, 8) : sample(n, 0);
    if (i % 4 == 0) {
      for (std::size_t j = 0; j < n; ++j) b[j] += a[j];
    }
    const KendallTau tau = kendall_tau(a, b);
    if (std::isnan(tau.tau)) continue;
    add({{"op", "kendall"},
         {"a", a},
         {"b", b},
         {"found", {{"tau", tau.tau}, {"p", tau.p}, {"exact", tau.is_exact ? 1.0 : 0.0}}}});
  }
  EXPECT_TRUE(agrees()) << answer_;
}

TEST_F(Peer, Equivalence) {
  for (int i = 0; i < 300; ++i) {
    const Values a = sample(size(2, 40));
    const bool is_paired = i % 2 == 0;
    const Values b = sample(is_paired ? a.size() : size(2, 40));
    const double margin = 0.05 + random_.uniform();
    const Result<Equivalence> found =
        is_paired ? equivalence_of_pairs(a, b, margin) : equivalence_of_samples(a, b, margin);
    ASSERT_TRUE(found);
    add({{"op", "tost"},
         {"a", a},
         {"b", b},
         {"margin", margin},
         {"paired", is_paired},
         {"found", {{"p", found->p}}}});
  }
  EXPECT_TRUE(agrees()) << answer_;
}

TEST_F(Peer, PowerQuantilesAndWarmUp) {
  for (int i = 0; i < 300; ++i) {
    const std::size_t n = size(2, 200);
    const double effect = 0.05 + 1.5 * random_.uniform();
    const double level = 0.001 + 0.2 * random_.uniform();
    add({{"op", "power"},
         {"n", n},
         {"effect", effect},
         {"level", level},
         {"found", {{"power", paired_power(n, effect, 1, level)}}}});

    Values sorted = sample(size(1, 300));
    std::sort(sorted.begin(), sorted.end());
    const double q = static_cast<double>(1 + random_.below(998)) / 1000;
    const double inside = confidence();
    const RankInterval ranks = quantile_ranks(sorted.size(), q, inside);
    add({{"op", "quantile"},
         {"a", sorted},
         {"q", q},
         {"confidence", inside},
         {"found",
          {{"nearest", nearest_rank_quantile(sorted, q)},
           {"interpolated", interpolated_quantile(sorted, q)},
           {"low", static_cast<double>(ranks.low)},
           {"high", static_cast<double>(ranks.high)}}}});

    Values windows = sample(size(10, 400));
    for (std::size_t j = 0; j < windows.size(); ++j) {
      windows[j] += 30 * std::exp(-static_cast<double>(j) / 15);
    }
    const WarmUp warm_up = mser5(windows);
    add({{"op", "warm_up"},
         {"a", windows},
         {"found",
          {{"deleted", static_cast<double>(warm_up.deleted)},
           {"mean", warm_up.mean_after},
           {"short", warm_up.is_run_too_short ? 1.0 : 0.0}}}});
  }
  EXPECT_TRUE(agrees()) << answer_;
}

// The peer is no rubber stamp.
TEST_F(Peer, FindsASmallError) {
  const Values a = sample(12);
  const MeanEstimate mean = estimate_mean(a);
  add({{"op", "mean"},
       {"a", a},
       {"confidence", 0.95},
       {"found",
        {{"mean", mean.mean},
         {"sd", mean.sd * (1 + 1e-5)},
         {"low", mean.interval().low},
         {"high", mean.interval().high}}}});
  EXPECT_FALSE(agrees());
  EXPECT_NE(answer_.find("case 0, mean.sd"), std::string::npos) << answer_;
}

}  // namespace
}  // namespace phoenix::statistics
