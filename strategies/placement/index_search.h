// The search behind every placer that scores nodes by their free shares: the best eligible node of
// all, found by branch and bound over FreeIndex.
//
// A Rule is made for one agent (`Rule(const Options&, const Eligibility&)`) and has
//   void enter(const GroupTerms&)                 what it needs to know of a group, once a group
//   double value(const NodeShares&) const         of one node, higher is better
//   double bound(const NodeShares& low, const NodeShares& high) const
//       at least the value of every node between the two; `low` has room for the agent
//   static constexpr bool kReadsMerits            whether they look at NodeShares::merits
//   static constexpr IndexOrder kOrder            of the index, where its bounds want another
// Bounds computed by the same operations as values keep rounding on the safe side; others need
// slack.
//
// Exact: the answer is that of a scan over all nodes, ties to the lowest id. O(groups + branches)
// and the few branches and leaves that are opened.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "strategies/placement/eligibility.h"
#include "strategies/placement/placer.h"
#include "strategies/placement/scores.h"

namespace phoenix {

// What a rule may know of a group of nodes. Arrays hold one value per kind the nodes have.
struct GroupTerms {
  std::size_t count = 0;  // kinds
  std::array<std::uint8_t, kResourceKinds> kinds{};
  std::array<double, kResourceKinds> scale{};  // 1 / capacity
  std::array<double, kResourceKinds> need{};   // share of the capacity
  double need_sum = 0;
  double need_skew = 0;                        // as FreeIndex::Group::skew()
  double per_kind = 0;                         // 1 / count
  std::array<double, kResourceKinds> least{};  // that must be free, base units
  double price_per_hour = 0;
  bool lacks_a_kind = false;  // that the agent needs
  bool has_merits = false;    // else all are 0
  Shares needs() const { return {need.data(), count}; }
  // The largest share of the node the agent takes.
  double dominant_need() const {
    return count == 0 ? 0 : *std::max_element(need.begin(), need.begin() + count);
  }
};

// Free shares of a node before placing, one per kind it has, and its merits.
struct NodeShares {
  std::array<double, kResourceKinds> free;  // those beyond the count are not set
  double room = 0;                          // their sum; of a bound, that of the nodes
  double skew = 0;                          // as FreeIndex::Group::skew(), of a bound likewise
  Merits merits;
  Shares frees(const GroupTerms& terms) const { return {free.data(), terms.count}; }
};

// Free share of the k-th kind after placing, never below 0; and of all kinds.
inline double free_after(const GroupTerms& terms, const NodeShares& node, std::size_t k) {
  return std::max(node.free[k] - terms.need[k], 0.0);
}
class FreeAfter {
 public:
  FreeAfter(const GroupTerms& terms, const NodeShares& node) : count_(terms.count) {
    for (std::size_t k = 0; k < count_; ++k) shares_[k] = free_after(terms, node, k);
  }
  operator Shares() const { return {shares_.data(), count_}; }  // NOLINT: implicit on purpose

 private:
  std::size_t count_;
  std::array<double, kResourceKinds> shares_;
};

// kube-scheduler's least and most allocated / 100: the mean share free or used after placing, 1
// free where there is no kind. By the sum of the shares, whose range in a box the index knows
// better than the shares one by one tell.
inline double mean_free_after(const GroupTerms& terms, const NodeShares& node) {
  return terms.count == 0 ? 1 : (node.room - terms.need_sum) * terms.per_kind;
}
inline double mean_used_after(const GroupTerms& terms, const NodeShares& node) {
  return 1 - mean_free_after(terms, node);
}

// Nothing is taken of any kind the node has.
inline bool is_idle(const GroupTerms& terms, const NodeShares& node) {
  const Shares free = node.frees(terms);
  return std::all_of(free.begin(), free.end(), [](double share) { return share >= 1; });
}

// balanced_allocation() after placing: how far kinds lie apart is the same for free and used
// shares. Two kinds are what most clusters have, and asked for a hundred times a placement.
double evenness_of_many(const GroupTerms& terms, const NodeShares& node);
inline double evenness(const GroupTerms& terms, const NodeShares& node) {
  if (terms.count != 2) return evenness_of_many(terms, node);
  return 1 - std::abs(node.skew - terms.need_skew) / 2;
}

// By how much the skew of any node between the two differs from the agent's at least.
inline double skew_gap(const GroupTerms& terms, const NodeShares& low, const NodeShares& high) {
  return std::max(std::max(low.skew - terms.need_skew, terms.need_skew - high.skew), 0.0);
}

// At least the evenness of any node between the two: two values R apart deviate by R / 2, k values
// of range R by at least R / sqrt(2 k).
double evenness_bound_of_many(const GroupTerms& terms, const NodeShares& low,
                              const NodeShares& high);
inline double evenness_bound(const GroupTerms& terms, const NodeShares& low,
                             const NodeShares& high) {
  if (terms.count != 2) return evenness_bound_of_many(terms, low, high);
  return 1 - skew_gap(terms, low, high) / 2;
}

// The mean of how much is free and how evenly, after placing. Mean and deviation of two kinds make
// the scarcer of them, which the range of each kind bounds better than those of their sum and
// difference.
inline double load_balance(const GroupTerms& terms, const NodeShares& node) {
  return (mean_free_after(terms, node) + evenness(terms, node)) / 2;
}
inline double load_balance_bound(const GroupTerms& terms, const NodeShares& low,
                                 const NodeShares& high) {
  const double apart = (mean_free_after(terms, high) + evenness_bound(terms, low, high)) / 2;
  if (terms.count != 2) return apart;
  const double scarcer = std::min(free_after(terms, high, 0), free_after(terms, high, 1));
  return std::min(apart, (1 + scarcer) / 2 + 1e-15);  // rounds differently from the value
}

// Of each kind, how much of what is free the agent takes, at most all of it, summed; nothing of a
// kind without room.
inline double taken_of_free(const GroupTerms& terms, const NodeShares& node) {
  double sum = 0;
  for (std::size_t k = 0; k < terms.count; ++k) {
    if (node.free[k] > 0) sum += std::min(1.0, terms.need[k] * (1 / node.free[k]));
  }
  return sum;
}

// At most that of any node below `high`. None has as much of every kind as `high`, if their sum is
// less; and it is convex, so its slope at `high` bounds by how much it is more there.
inline double least_taken_of_free(const GroupTerms& terms, const NodeShares& high) {
  double sum = 0;
  double slope = std::numeric_limits<double>::infinity();
  double missing = -high.room - 1e-12;
  for (std::size_t k = 0; k < terms.count; ++k) {
    if (terms.need[k] == 0) continue;
    const double inverse = 1 / high.free[k];
    const double taken = terms.need[k] * inverse;
    sum += taken;
    slope = std::min(slope, taken * inverse);
    missing += high.free[k];
  }
  // Rounds differently from the sum itself.
  return missing > 0 ? std::max(sum, (sum + missing * slope) * (1 - 1e-14)) : sum;
}

GroupTerms group_terms(const Eligibility& who, std::uint32_t group);
NodeShares node_shares(const NodeBook& node, const GroupTerms& terms);

struct Found {
  NodeId node = kNoNode;
  double score = -std::numeric_limits<double>::infinity();
  bool beaten_by(double other, NodeId other_node) const {
    return other > score || (other == score && other_node < node);
  }
};

template <class Rule>
double value_of(Rule& rule, const Eligibility& who, NodeId id) {
  const NodeBook& node = who.inventory().node(id);
  const GroupTerms terms = group_terms(who, node.group);
  rule.enter(terms);
  return rule.value(node_shares(node, terms));
}

// Keeps its arrays from search to search.
template <class Rule>
class IndexSearch {
 public:
  // Classes and nodes a caller wants left out.
  struct AllClasses {
    bool operator()(std::uint32_t) const { return true; }
  };
  struct AllNodes {
    bool operator()(NodeId) const { return true; }
  };

  template <class ClassFilter = AllClasses, class NodeFilter = AllNodes>
  Found best(Rule& rule, const Eligibility& who, ClassFilter allows_class = {},
             NodeFilter allows_node = {}) {
    Found found;
    if (who.is_confined()) {
      for (const NodeId node : who.confines()) {
        if (who.refusal(node) || !allows_node(node)) continue;
        if (!allows_class(who.inventory().node(node).node_class)) continue;
        const double score = value_of(rule, who, node);
        if (found.beaten_by(score, node)) found = {node, score};
      }
      return found;
    }
    admit_classes(who, allows_class);
    bound_branches(rule, who);
    while (const Candidate* next = most_promising(branches_, found)) {
      const GroupTerms& terms = terms_[next->terms];
      rule.enter(terms);
      bound_leaves(rule, *next->branch, terms, found);
      while (const Candidate* leaf = most_promising(leaves_, found)) {
        open(rule, who, who.inventory().index_of_free().leaf(leaf->leaf), terms, allows_node,
             found);
      }
    }
    return found;
  }

 private:
  struct Candidate {
    double bound;
    NodeId least;
    std::uint32_t terms;
    std::uint32_t leaf;
    const FreeIndex::Branch* branch;
  };

  // The best of those that may hold something better than what is found, taken out; else null.
  const Candidate* most_promising(std::vector<Candidate>& candidates, const Found& found) {
    std::size_t best = candidates.size();
    Found ahead = found;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const Candidate& candidate = candidates[i];
      if (!ahead.beaten_by(candidate.bound, candidate.least)) continue;
      ahead = {candidate.least, candidate.bound};
      best = i;
    }
    if (best == candidates.size()) return nullptr;
    taken_ = candidates[best];
    candidates[best] = candidates.back();
    candidates.pop_back();
    return &taken_;
  }

  template <class ClassFilter>
  void admit_classes(const Eligibility& who, ClassFilter allows_class) {
    const auto classes = who.inventory().classes();
    is_admitted_.assign(classes.size(), false);
    admitted_bits_ = 0;
    admits_all_ = true;
    for (std::uint32_t c = 0; c < classes.size(); ++c) {
      if (classes[c].ready == 0) continue;
      is_admitted_[c] = allows_class(c) && who.allows_class(c);
      if (is_admitted_[c]) admitted_bits_ |= FreeIndex::class_bit(c);
      admits_all_ &= is_admitted_[c];
    }
  }

  void bound_branches(Rule& rule, const Eligibility& who) {
    branches_.clear();
    terms_.clear();
    const auto groups = who.inventory().index_of_free().groups();
    for (std::uint32_t g = 0; g < groups.size(); ++g) {
      if (groups[g].size == 0) continue;
      const auto number = static_cast<std::uint32_t>(terms_.size());
      terms_.push_back(group_terms(who, g));
      if (terms_.back().lacks_a_kind) continue;
      rule.enter(terms_.back());
      for (const FreeIndex::Branch& branch : groups[g].branches) {
        const double bound = bound_of(rule, branch.box, terms_.back());
        if (bound > kNothing) branches_.push_back({bound, branch.box.least, number, 0, &branch});
      }
    }
  }

  void bound_leaves(Rule& rule, const FreeIndex::Branch& branch, const GroupTerms& terms,
                    const Found& found) {
    leaves_.clear();
    for (const FreeIndex::Box& box : branch.leaves) {
      const double bound = bound_of(rule, box, terms);
      if (bound > kNothing && found.beaten_by(bound, box.least)) {
        leaves_.push_back({bound, box.least, 0, box.leaf, nullptr});
      }
    }
  }

  static constexpr double kNothing = -std::numeric_limits<double>::infinity();

  // At least the value of any node in the box that the agent may go to; kNothing if there is none.
  double bound_of(const Rule& rule, const FreeIndex::Box& box, const GroupTerms& terms) const {
    if ((box.classes & admitted_bits_) == 0) return kNothing;
    NodeShares low;
    NodeShares high;
    for (std::size_t k = 0; k < terms.count; ++k) {
      const FreeIndex::Range& free = box.values[terms.kinds[k]];
      if (free.high < terms.least[k]) return kNothing;
      low.free[k] = std::max(free.low, terms.least[k]) * terms.scale[k];
      high.free[k] = free.high * terms.scale[k];
      low.room += low.free[k];
    }
    low.room = std::max(low.room, box.values[kRoomValue].low);
    high.room = box.values[kRoomValue].high;
    low.skew = box.values[kSkewValue].low;
    high.skew = box.values[kSkewValue].high;
    if (Rule::kReadsMerits && terms.has_merits) {
      const FreeIndex::Range* merits = &box.values[kMeritValues];
      low.merits = {merits[0].low, merits[1].low, merits[2].low};
      high.merits = {merits[0].high, merits[1].high, merits[2].high};
    }
    // Nodes in the same state are as good as each other: what is not better need not be opened.
    return is_point(box, terms) ? rule.value(low) : rule.bound(low, high);
  }

  // By room first: it nearly always tells.
  static bool is_point(const FreeIndex::Box& box, const GroupTerms& terms) {
    const auto is_one = [&](std::size_t v) { return box.values[v].low == box.values[v].high; };
    if (!is_one(kRoomValue)) return false;
    for (std::size_t k = 0; k < terms.count; ++k) {
      if (!is_one(terms.kinds[k])) return false;
    }
    for (std::size_t v = kMeritValues; Rule::kReadsMerits && v < kIndexValues; ++v) {
      if (!is_one(v)) return false;
    }
    return true;
  }

  template <class NodeFilter>
  void open(Rule& rule, const Eligibility& who, const FreeIndex::Leaf& leaf,
            const GroupTerms& terms, NodeFilter& allows_node, Found& found) {
    NodeShares shares;
    for (std::uint32_t i = 0; i < leaf.size; ++i) {
      bool has_room = true;
      for (std::size_t k = 0; k < terms.count; ++k) {
        const double free = leaf.values[terms.kinds[k]][i];
        has_room &= free >= terms.least[k];
        shares.free[k] = free * terms.scale[k];
      }
      if (!has_room) continue;
      shares.room = leaf.values[kRoomValue][i];
      shares.skew = leaf.values[kSkewValue][i];
      if (Rule::kReadsMerits && terms.has_merits) {
        shares.merits = {leaf.values[kMeritValues][i], leaf.values[kMeritValues + 1][i],
                         leaf.values[kMeritValues + 2][i]};
      }
      const double score = rule.value(shares);
      const NodeId node = leaf.nodes[i];
      if (!found.beaten_by(score, node)) continue;
      if (!admits_all_ && !is_admitted_[leaf.classes[i]]) continue;
      if (who.allows_node(node) && allows_node(node)) found = {node, score};
    }
  }

  std::vector<bool> is_admitted_;    // by class
  std::uint64_t admitted_bits_ = 0;  // as FreeIndex::class_bit()
  bool admits_all_ = true;
  Candidate taken_{};
  std::vector<Candidate> branches_;
  std::vector<Candidate> leaves_;
  std::vector<GroupTerms> terms_;
};

inline Choice choice_of(const Found& found, const Inventory& inventory) {
  if (found.node == kNoNode) return {};
  return {found.node, found.score, inventory.node(found.node).generation, false};
}

// A placer that is nothing but its rule.
template <class Rule>
class IndexedPlacer : public Placer {
 public:
  explicit IndexedPlacer(typename Rule::Options options) : options_(options) {}

  Choice choose(const AgentSpec& agent, const Inventory& inventory, Random&) override {
    const Eligibility who(agent, inventory);
    Rule rule(options_, who);
    return choice_of(search_.best(rule, who), inventory);
  }

  IndexOrder index_order() const override {
    if constexpr (requires { Rule::kOrder; }) return Rule::kOrder;
    return IndexOrder::kRoom;
  }

  double score(const AgentSpec& agent, NodeId node, const Inventory& inventory) const override {
    const Eligibility who(agent, inventory);
    Rule rule(options_, who);
    return value_of(rule, who, node);
  }

 private:
  typename Rule::Options options_;
  IndexSearch<Rule> search_;
};

}  // namespace phoenix
