#include "analysis/statistics/rank_agreement.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "analysis/statistics/distributions.h"
#include "analysis/statistics/sample.h"

namespace phoenix::statistics {
namespace {

// Pairs of two lists, told one by one by how each list orders them.
template <class Counts>
void count_pair(Counts& counts, int order_a, int order_b) {
  counts.tied_a += order_a == 0;
  counts.tied_b += order_b == 0;
  counts.concordant += order_a * order_b > 0;
  counts.discordant += order_a * order_b < 0;
}

template <class Counts>
double tau_b(const Counts& counts, std::size_t pairs) {
  const auto untied_a = static_cast<double>(pairs - counts.tied_a);
  const auto untied_b = static_cast<double>(pairs - counts.tied_b);
  if (untied_a == 0 || untied_b == 0) return kUnknown;
  const double surplus =
      static_cast<double>(counts.concordant) - static_cast<double>(counts.discordant);
  return surplus / std::sqrt(untied_a * untied_b);
}

int sign_of(double x) { return (x > 0) - (x < 0); }

// The share of permutations of n with at most this many inversions: adding the i-th element adds 0
// to i - 1 of them, all as likely.
double share_of_permutations(std::size_t n, std::size_t inversions) {
  std::vector<double> share(inversions + 1, 0.0);
  share[0] = 1;
  for (std::size_t i = 2; i <= n; ++i) {
    std::vector<double> next(inversions + 1, 0.0);
    double window = 0;
    for (std::size_t k = 0; k <= inversions; ++k) {
      window += share[k];
      if (k >= i) window -= share[k - i];
      next[k] = window / static_cast<double>(i);
    }
    share = std::move(next);
  }
  double sum = 0;
  for (const double of_count : share) sum += of_count;
  return sum;
}

// What ties of one list take from Kendall's variance.
struct TieSums {
  double pairs = 0;    // sum t (t - 1)
  double triples = 0;  // sum t (t - 1)(t - 2)
  double fives = 0;    // sum t (t - 1)(2 t + 5)
};

TieSums tie_sums(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  TieSums sums;
  for_each_tie(values, [&sums](std::size_t begin, std::size_t end) {
    const auto t = static_cast<double>(end - begin);
    sums.pairs += t * (t - 1);
    sums.triples += t * (t - 1) * (t - 2);
    sums.fives += t * (t - 1) * (2 * t + 5);
  });
  return sums;
}

double normal_p(const KendallTau& tau, const Pairs& lists) {
  const TieSums a = tie_sums(lists.a);
  const TieSums b = tie_sums(lists.b);
  const auto n = static_cast<double>(tau.n);
  const double all = n * (n - 1);
  const double variance = (all * (2 * n + 5) - a.fives - b.fives) / 18 +
                          a.pairs * b.pairs / (2 * all) +
                          a.triples * b.triples / (9 * all * (n - 2));
  const double surplus = static_cast<double>(tau.concordant) - static_cast<double>(tau.discordant);
  return normal_two_sided(surplus / std::sqrt(variance));
}

}  // namespace

KendallTau kendall_tau(std::span<const double> a, std::span<const double> b) {
  const Pairs lists = complete_pairs(a, b);
  KendallTau result;
  result.n = lists.size();
  result.dropped = lists.dropped;
  for (std::size_t i = 0; i < result.n; ++i) {
    for (std::size_t j = i + 1; j < result.n; ++j) {
      count_pair(result, sign_of(lists.a[j] - lists.a[i]), sign_of(lists.b[j] - lists.b[i]));
    }
  }
  const std::size_t pairs = result.n < 2 ? 0 : result.n * (result.n - 1) / 2;
  result.tau = tau_b(result, pairs);
  if (std::isnan(result.tau)) return result;
  result.is_exact = result.n <= kExactKendall && result.tied_a == 0 && result.tied_b == 0;
  result.p = result.is_exact
                 ? std::min(1.0, 2 * share_of_permutations(
                                         result.n, std::min(result.concordant, result.discordant)))
                 : normal_p(result, lists);
  return result;
}

RankAgreement rank_agreement(const MetricComparison& a, const MetricComparison& b) {
  assert(a.means.size() == b.means.size());
  const auto order_of = [](const PairedDifference& d) {
    return d.interval.is_known() && !d.interval.contains(0) ? sign_of(d.mean) : 0;
  };
  const auto winner_of = [](const MetricComparison& comparison) -> std::optional<std::size_t> {
    const std::vector<RankedCell>& ranking = comparison.ranking;
    if (ranking.empty() || ranking.front().first == 0) return std::nullopt;
    return ranking.front().cell;
  };
  RankAgreement result;
  for (std::size_t i = 0; i < a.pairs.size(); ++i) {
    count_pair(result, order_of(a.pairs[i].difference), order_of(b.pairs[i].difference));
  }
  result.tau = tau_b(result, a.pairs.size());
  result.winner_a = winner_of(a);
  result.winner_b = winner_of(b);
  return result;
}

}  // namespace phoenix::statistics
