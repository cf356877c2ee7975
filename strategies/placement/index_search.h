// The search behind every placer that scores nodes by their free shares: the best eligible node of
// all, found by branch and bound over FreeIndex.
//
// A Rule is made for one agent (`Rule(const Options&, const Eligibility&)`) and has
//   void enter(const GroupTerms&)                 what it needs to know of a group, once a group
//   double value(const NodeShares&) const         of one node, higher is better
//   double bound(const NodeShares& low, const NodeShares& high) const
//       at least the value of every node between the two; `low` has room for the agent
// Bounds computed by the same operations as values keep rounding on the safe side.
//
// Exact: the answer is that of a scan over all nodes, ties to the lowest id. O(groups + leaves) and
// the few leaves that are opened.
#pragma once

#include <algorithm>
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
  std::array<double, kResourceKinds> least{};  // that must be free, base units
  double price_per_hour = 0;
  Shares needs() const { return {need.data(), count}; }
  // The largest share of the node the agent takes.
  double dominant_need() const {
    return count == 0 ? 0 : *std::max_element(need.begin(), need.begin() + count);
  }
};

// Free shares of a node before placing, one per kind it has, and its merits.
struct NodeShares {
  std::array<double, kResourceKinds> free{};
  Merits merits;
  Shares frees(const GroupTerms& terms) const { return {free.data(), terms.count}; }
  bool operator==(const NodeShares&) const = default;
};

// Shares after placing, never below 0.
class SharesAfter {
 public:
  SharesAfter(const GroupTerms& terms, const NodeShares& node, bool used) : count_(terms.count) {
    for (std::size_t k = 0; k < count_; ++k) {
      const double free = std::max(node.free[k] - terms.need[k], 0.0);
      shares_[k] = used ? 1 - free : free;
    }
  }
  operator Shares() const { return {shares_.data(), count_}; }  // NOLINT: implicit on purpose

 private:
  std::size_t count_;
  std::array<double, kResourceKinds> shares_;
};
inline SharesAfter free_after(const GroupTerms& terms, const NodeShares& node) {
  return {terms, node, false};
}
inline SharesAfter used_after(const GroupTerms& terms, const NodeShares& node) {
  return {terms, node, true};
}

// balanced_allocation() after placing: how far kinds lie apart is the same for free and used
// shares.
double evenness(const GroupTerms& terms, const NodeShares& node);
// At least the evenness of any node between the two: two values R apart deviate by R / 2, k values
// of range R by at least R / sqrt(2 k).
double evenness_bound(const GroupTerms& terms, const NodeShares& low, const NodeShares& high);

GroupTerms group_terms(const Eligibility& who, std::uint32_t group);
NodeShares node_shares(const NodeBook& node, const GroupTerms& terms);

struct Found {
  NodeId node = kNoNode;
  double score = 0;
  bool beaten_by(double other, NodeId other_node) const {
    return node == kNoNode || other > score || (other == score && other_node < node);
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
  // Groups and nodes a caller wants left out.
  struct AllGroups {
    bool operator()(std::uint32_t) const { return true; }
  };
  struct AllNodes {
    bool operator()(NodeId) const { return true; }
  };

  template <class GroupFilter = AllGroups, class NodeFilter = AllNodes>
  Found best(Rule& rule, const Eligibility& who, GroupFilter allows_group = {},
             NodeFilter allows_node = {}) {
    Found found;
    if (who.is_confined()) {
      for (const NodeId node : who.confines()) {
        if (who.refusal(node) || !allows_node(node)) continue;
        if (!allows_group(who.inventory().node(node).group)) continue;
        const double score = value_of(rule, who, node);
        if (found.beaten_by(score, node)) found = {node, score};
      }
      return found;
    }
    const std::size_t first = bound_all(rule, who, allows_group);
    if (first == leaves_.size()) return found;
    open(rule, who, leaves_[first], allows_node, found);
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      if (i != first && found.beaten_by(leaves_[i].bound, leaves_[i].least)) {
        open(rule, who, leaves_[i], allows_node, found);
      }
    }
    return found;
  }

 private:
  struct Candidate {
    double bound;
    NodeId least;
    std::uint32_t leaf;
    std::uint32_t terms;
  };

  // Fills leaves_; the place of the most promising, the end if there is none.
  template <class GroupFilter>
  std::size_t bound_all(Rule& rule, const Eligibility& who, GroupFilter allows_group) {
    leaves_.clear();
    terms_.clear();
    Found best;
    std::size_t place = 0;
    const auto groups = who.inventory().index_of_free().groups();
    for (std::uint32_t g = 0; g < groups.size(); ++g) {
      if (groups[g].size == 0 || !allows_group(g) || !who.allows_group(g)) continue;
      terms_.push_back(group_terms(who, g));
      const GroupTerms& terms = terms_.back();
      rule.enter(terms);
      for (const FreeIndex::Box& box : groups[g].boxes) {
        if (!has_room(box, terms)) continue;
        const NodeShares low = corner(box.low, terms, true);
        const NodeShares high = corner(box.high, terms, false);
        // Nodes in the same state are as good as each other: what is not better need not be opened.
        const double bound = low == high ? rule.value(low) : rule.bound(low, high);
        if (best.beaten_by(bound, box.least)) {
          best = {box.least, bound};
          place = leaves_.size();
        }
        leaves_.push_back(
            {bound, box.least, box.leaf, static_cast<std::uint32_t>(terms_.size() - 1)});
      }
    }
    return place;
  }

  static bool has_room(const FreeIndex::Box& box, const GroupTerms& terms) {
    for (std::size_t r = 0; r < kResourceKinds; ++r) {
      if (box.high[r] < terms.least[r]) return false;
    }
    return true;
  }

  static NodeShares corner(const IndexValues& values, const GroupTerms& terms, bool is_low) {
    NodeShares shares;
    for (std::size_t k = 0; k < terms.count; ++k) {
      const std::size_t r = terms.kinds[k];
      shares.free[k] = (is_low ? std::max(values[r], terms.least[r]) : values[r]) * terms.scale[k];
    }
    shares.merits = {values[kResourceKinds], values[kResourceKinds + 1],
                     values[kResourceKinds + 2]};
    return shares;
  }

  template <class NodeFilter>
  void open(Rule& rule, const Eligibility& who, const Candidate& candidate, NodeFilter& allows_node,
            Found& found) {
    const FreeIndex::Leaf& leaf = who.inventory().index_of_free().leaf(candidate.leaf);
    const GroupTerms& terms = terms_[candidate.terms];
    rule.enter(terms);
    for (std::uint32_t i = 0; i < leaf.size; ++i) {
      bool has_room = true;
      for (std::size_t r = 0; r < kResourceKinds; ++r) {
        has_room &= leaf.values[r][i] >= terms.least[r];
      }
      if (!has_room) continue;
      NodeShares shares;
      for (std::size_t k = 0; k < terms.count; ++k) {
        shares.free[k] = leaf.values[terms.kinds[k]][i] * terms.scale[k];
      }
      shares.merits = {leaf.values[kResourceKinds][i], leaf.values[kResourceKinds + 1][i],
                       leaf.values[kResourceKinds + 2][i]};
      const double score = rule.value(shares);
      const NodeId node = leaf.nodes[i];
      if (!found.beaten_by(score, node)) continue;
      if (who.allows_node(node) && allows_node(node)) found = {node, score};
    }
  }

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
