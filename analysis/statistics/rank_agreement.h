// Whether two lists rank the same things alike: both worlds the strategies, two metrics the runs.
//
// Kendall's tau-b = (C - D) / sqrt((n0 - n1)(n0 - n2)): C concordant and D discordant pairs, n0 =
// n(n-1)/2, n1 and n2 pairs tied in each list (Kendall 1945). The p value, of two sides, is exact
// where there are no ties and n is at most kExactKendall, from the number of permutations with so
// many inversions; else by the normal law with Kendall's variance for ties (1970), no continuity
// correction. Few strategies prove little: four in the same order are p = 0.083.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "analysis/statistics/comparison.h"
#include "analysis/statistics/interval.h"

namespace phoenix::statistics {

inline constexpr std::size_t kExactKendall = 33;

struct KendallTau {
  std::size_t n = 0;
  std::size_t dropped = 0;  // a side is not finite, or has no partner
  std::size_t concordant = 0, discordant = 0;
  std::size_t tied_a = 0, tied_b = 0;  // pairs; those tied in both count in both
  double tau = kUnknown;               // NaN, as p, where a list is all tied, or of less than two
  double p = kUnknown;
  bool is_exact = false;
};

// O(n^2); meant for lists of strategies.
KendallTau kendall_tau(std::span<const double> a, std::span<const double> b);

// How two comparisons of the same strategies rank them. Strategies whose paired interval contains 0
// (or is not known) count as tied, which need not be transitive, so that there is no p value.
struct RankAgreement {
  std::size_t concordant = 0, discordant = 0, tied_a = 0, tied_b = 0;  // pairs of strategies
  double tau = kUnknown;  // tau-b; NaN where one of them tells no strategies apart
  // By mean alone, and whether it is the same; nothing where a side ranked no strategy.
  std::optional<std::size_t> winner_a, winner_b;
  bool has_same_winner() const { return winner_a && winner_a == winner_b; }
};

// REQUIRES: as many cells on both sides, both ranked with the same `Better`.
RankAgreement rank_agreement(const MetricComparison& a, const MetricComparison& b);

}  // namespace phoenix::statistics
