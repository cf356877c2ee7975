// Placers that are one formula of what a node has free.
#include <cmath>

#include "strategies/placement/index_search.h"

namespace phoenix {
namespace {

constexpr std::string_view kFitNames[] = {"mean", "nomad"};

struct BestFitOptions {
  int rule = 0;
  void visit(SettingVisitor& v) {
    v.choice("rule", rule, kFitNames,
             "mean share used over all kinds, or Nomad's 20 - 10^free of CPU and memory");
  }
};

// All nodes are as good: ties go to the lowest id.
class FirstFitRule {
 public:
  static constexpr bool kReadsMerits = false;
  using Options = NoOptions;
  FirstFitRule(const Options&, const Eligibility&) {}

  void enter(const GroupTerms&) {}
  double value(const NodeShares&) const { return 0; }
  double bound(const NodeShares&, const NodeShares&) const { return 0; }
};

class BestFitRule {
 public:
  static constexpr bool kReadsMerits = false;
  using Options = BestFitOptions;
  BestFitRule(const Options& options, const Eligibility&) : is_nomad_(options.rule == 1) {}

  void enter(const GroupTerms& terms) { terms_ = &terms; }
  double value(const NodeShares& node) const {
    if (!is_nomad_) return mean_used_after(*terms_, node);
    double free[2] = {0, 0};
    const FreeAfter left(*terms_, node);
    const Shares after = left;
    for (std::size_t k = 0; k < terms_->count; ++k) {
      if (terms_->kinds[k] < 2) free[terms_->kinds[k]] = after[k];
    }
    return nomad_fit(free[0], free[1]);
  }
  double bound(const NodeShares& low, const NodeShares&) const { return value(low); }

 private:
  bool is_nomad_;
  const GroupTerms* terms_ = nullptr;
};

class WorstFitRule {
 public:
  static constexpr bool kReadsMerits = false;
  using Options = NoOptions;
  WorstFitRule(const Options&, const Eligibility&) {}

  void enter(const GroupTerms& terms) { terms_ = &terms; }
  double value(const NodeShares& node) const { return mean_free_after(*terms_, node); }
  double bound(const NodeShares&, const NodeShares& high) const { return value(high); }

 private:
  const GroupTerms* terms_ = nullptr;
};

class BalancedRule {
 public:
  static constexpr bool kReadsMerits = false;
  static constexpr IndexOrder kOrder = IndexOrder::kSkew;
  using Options = NoOptions;
  BalancedRule(const Options&, const Eligibility&) {}

  void enter(const GroupTerms& terms) { terms_ = &terms; }
  double value(const NodeShares& node) const { return evenness(*terms_, node); }
  double bound(const NodeShares& low, const NodeShares& high) const {
    return evenness_bound(*terms_, low, high);
  }

 private:
  const GroupTerms* terms_ = nullptr;
};

constexpr std::string_view kMeasureNames[] = {"dot", "l2", "cosine"};

struct DotProductOptions {
  int measure = 1;
  void visit(SettingVisitor& v) {
    v.choice("measure", measure, kMeasureNames,
             "largest dot product, smallest distance, or smallest angle of need and room");
  }
};

// Kinds count by how scarce they are: by the share of the cluster's capacity that is in use. An
// idle node comes last: two of the measures favour the most room, and would open a node for every
// agent.
class DotProductRule {
 public:
  static constexpr bool kReadsMerits = false;
  using Options = DotProductOptions;
  DotProductRule(const Options& options, const Eligibility& who) : measure_(options.measure) {
    const Resources& reserved = who.inventory().total_reserved();
    const Resources& capacity = who.inventory().total_capacity();
    for (std::size_t r = 0; r < kResourceKinds; ++r) {
      const Amount used = reserved[r] + who.agent().need[r];
      weights_[r] =
          capacity[r] > 0 ? static_cast<double>(used) / static_cast<double>(capacity[r]) : 0;
    }
  }

  void enter(const GroupTerms& terms) {
    terms_ = &terms;
    for (std::size_t k = 0; k < terms.count; ++k) weight_[k] = weights_[terms.kinds[k]];
  }

  double value(const NodeShares& node) const { return closeness(node) - idle_penalty(node); }

  double bound(const NodeShares& low, const NodeShares& high) const {
    if (measure_ == 0) return closeness(high) - idle_penalty(low);
    if (measure_ == 1) return value(low);
    // Over a box: the numerator is largest at the far corner, the length smallest at the near one.
    const Shares need = terms_->needs();
    double dot = 0;
    double needs = 0;
    double rooms = 0;
    for (std::size_t k = 0; k < terms_->count; ++k) {
      dot += need[k] * high.free[k];
      needs += need[k] * need[k];
      rooms += low.free[k] * low.free[k];
    }
    const double closest =
        needs > 0 && rooms > 0 ? std::min(dot / std::sqrt(needs * rooms), 1 + 1e-12) : 1 + 1e-12;
    return closest - idle_penalty(low);
  }

 private:
  double closeness(const NodeShares& node) const {
    const Shares weight{weight_.data(), terms_->count};
    if (measure_ == 0) return dot_product(terms_->needs(), node.frees(*terms_), weight);
    if (measure_ == 1) return -l2_distance(terms_->needs(), node.frees(*terms_), weight);
    return cosine(terms_->needs(), node.frees(*terms_));
  }
  // More than any measure can differ by.
  double idle_penalty(const NodeShares& node) const {
    return is_idle(*terms_, node) ? 2.0 * kResourceKinds : 0;
  }

  int measure_;
  std::array<double, kResourceKinds> weights_{};
  std::array<double, kResourceKinds> weight_{};
  const GroupTerms* terms_ = nullptr;
};

}  // namespace

PlacerEntry first_fit() {
  return strategy_entry<Placer, IndexedPlacer<FirstFitRule>, NoOptions>(
      "first_fit", "the first node that fits, in the order of their numbers");
}

PlacerEntry best_fit() {
  return strategy_entry<Placer, IndexedPlacer<BestFitRule>, BestFitOptions>(
      "best_fit", "the node that is fullest afterwards: packs, leaves whole nodes free");
}

PlacerEntry worst_fit() {
  return strategy_entry<Placer, IndexedPlacer<WorstFitRule>, NoOptions>(
      "worst_fit", "the node that is emptiest afterwards: spreads load");
}

PlacerEntry balanced_fit() {
  return strategy_entry<Placer, IndexedPlacer<BalancedRule>, NoOptions>(
      "balanced", "the node whose kinds of resources are used most evenly afterwards");
}

PlacerEntry dot_product_fit() {
  return strategy_entry<Placer, IndexedPlacer<DotProductRule>, DotProductOptions>(
      "dot_product", "vector packing: the node whose free resources have the shape of the agent's");
}

}  // namespace phoenix
