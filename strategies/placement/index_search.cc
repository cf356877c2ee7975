#include "strategies/placement/index_search.h"

#include <cmath>

namespace phoenix {

double evenness_of_many(const GroupTerms& terms, const NodeShares& node) {
  return balanced_allocation(FreeAfter(terms, node));
}

double evenness_bound_of_many(const GroupTerms& terms, const NodeShares& low,
                              const NodeShares& high) {
  if (terms.count < 2) return 1;
  const FreeAfter low_after(terms, low);
  const FreeAfter high_after(terms, high);
  const Shares lows = low_after;
  const Shares highs = high_after;
  const double range = std::max(
      *std::max_element(lows.begin(), lows.end()) - *std::min_element(highs.begin(), highs.end()),
      skew_gap(terms, low, high));
  // Rounds differently from the deviation itself.
  return 1 - range / std::sqrt(2.0 * static_cast<double>(terms.count)) * (1 - 1e-12) + 1e-15;
}

GroupTerms group_terms(const Eligibility& who, std::uint32_t group) {
  const FreeIndex::Group& nodes = who.inventory().index_of_free().groups()[group];
  GroupTerms terms;
  terms.count = nodes.kinds.size();
  terms.per_kind = terms.count > 0 ? 1.0 / static_cast<double>(terms.count) : 0;
  for (std::size_t k = 0; k < terms.count; ++k) {
    const std::size_t r = nodes.kinds[k];
    terms.kinds[k] = nodes.kinds[k];
    terms.scale[k] = nodes.scale[r];
    terms.need[k] = static_cast<double>(who.agent().need[r]) * terms.scale[k];
    terms.need_sum += terms.need[k];
  }
  if (terms.count >= 2) terms.need_skew = terms.need[0] - terms.need[1];
  const std::array<double, kResourceKinds> least = who.least_free(group);
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    terms.lacks_a_kind |= least[r] > nodes.capacity[r];
  }
  for (std::size_t k = 0; k < terms.count; ++k) terms.least[k] = least[terms.kinds[k]];
  terms.has_merits = nodes.has_merits();
  terms.price_per_hour = who.inventory().price_of_group(group);
  return terms;
}

NodeShares node_shares(const NodeBook& node, const GroupTerms& terms) {
  const Resources free = node.free();
  NodeShares shares;
  for (std::size_t k = 0; k < terms.count; ++k) {
    shares.free[k] = static_cast<double>(free[terms.kinds[k]]) * terms.scale[k];
    shares.room += shares.free[k];
  }
  shares.skew = terms.count < 2 ? 0 : shares.free[0] - shares.free[1];
  shares.merits = node.merits;
  return shares;
}

}  // namespace phoenix
