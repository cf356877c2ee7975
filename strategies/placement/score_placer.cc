#include "strategies/placement/index_search.h"
#include "strategies/placement/weight_check.h"

namespace phoenix {
namespace {

constexpr std::string_view kGoalNames[] = {"spread", "pack"};

// Defaults: design document's policy table.
struct ScoreOptions {
  double resource = 0.3;
  double affinity = 0.2;
  double load_balance = 0.3;
  double performance = 0.2;
  int goal = 0;

  void visit(SettingVisitor& v) {
    v.number("resource", resource, 0, 1, "weight of how the need fits what is free");
    v.number("affinity", affinity, 0, 1, "weight of the soft affinity rules met");
    v.number("load_balance", load_balance, 0, 1, "weight of the use afterwards");
    v.number("performance", performance, 0, 1, "weight of latency, throughput and availability");
    v.choice("goal", goal, kGoalNames,
             "whether a node with more room is better (spread) or one that is filled (pack)");
  }
  double sum() const { return resource + affinity + load_balance + performance; }
};

// Both terms of room point the same way, whichever the goal: to pack, tightness and a high use; to
// spread, their opposites. Evenness of kinds is good for either, and too little of the sum for an
// idle node to win by it where a used one has room.
class ScoreRule {
 public:
  static constexpr bool kReadsMerits = true;
  using Options = ScoreOptions;
  ScoreRule(const Options& options, const Eligibility&) : options_(options) {}

  void enter(const GroupTerms& terms) {
    terms_ = &terms;
    int needed = 0;
    for (std::size_t k = 0; k < terms.count; ++k) needed += terms.need[k] > 0;
    const double sign = packs() ? 1 : -1;
    tight_weight_ = needed > 0 ? sign * options_.resource / needed : 0;
    merit_weight_ = options_.performance / 3;
    fixed_ = options_.affinity * affinity_;
    if (packs() == (needed == 0)) fixed_ += options_.resource;
  }
  // Of nodes that host nothing the soft rules are about; 0.5 where there are none. Before enter().
  void set_affinity(double share) { affinity_ = share; }

  double value(const NodeShares& node) const {
    const double balance = packs() ? (mean_used_after(*terms_, node) + evenness(*terms_, node)) / 2
                                   : load_balance(*terms_, node);
    return total(taken_of_free(*terms_, node), balance, node.merits);
  }

  double bound(const NodeShares& low, const NodeShares& high) const {
    if (packs()) {
      const double even = evenness_bound(*terms_, low, high);
      return total(taken_of_free(*terms_, low), (mean_used_after(*terms_, low) + even) / 2,
                   high.merits);
    }
    return total(least_taken_of_free(*terms_, high), load_balance_bound(*terms_, low, high),
                 high.merits);
  }

 private:
  bool packs() const { return options_.goal == 1; }

  double total(double tight, double balance, const Merits& merits) const {
    const double merit = merits.latency + merits.throughput + merits.availability;
    return fixed_ + tight_weight_ * tight + options_.load_balance * balance + merit_weight_ * merit;
  }

  Options options_;
  double affinity_ = 0.5;
  const GroupTerms* terms_ = nullptr;
  double fixed_ = 0;  // the same for all nodes of a group
  double tight_weight_ = 0;
  double merit_weight_ = 0;
};

bool has_soft_rules(const AgentSpec& agent) {
  if (!agent.rules) return false;
  const auto is_soft = [](const AffinityRule& rule) { return !rule.is_hard; };
  const AgentRules& rules = *agent.rules;
  return std::any_of(rules.affinity.begin(), rules.affinity.end(), is_soft) ||
         std::any_of(rules.anti_affinity.begin(), rules.anti_affinity.end(), is_soft);
}

// Nodes that host something a soft rule is about are looked at one by one; all others are alike in
// that, and come from the index.
class ScorePlacer : public Placer {
 public:
  explicit ScorePlacer(ScoreOptions options) : options_(options) {}

  Choice choose(const AgentSpec& agent, const Inventory& inventory, Random&) override {
    const Eligibility who(agent, inventory);
    ScoreRule rule(options_, who);
    if (!has_soft_rules(agent)) return choice_of(search_.best(rule, who), inventory);
    const std::vector<NodeId> hosts = soft_hosts(agent, inventory);
    rule.set_affinity(affinity_elsewhere(agent));
    Found found = search_.best(
        rule, who, typename IndexSearch<ScoreRule>::AllClasses{},
        [&](NodeId node) { return !std::binary_search(hosts.begin(), hosts.end(), node); });
    for (const NodeId node : hosts) {
      if (who.refusal(node)) continue;
      rule.set_affinity(soft_affinity(agent, node, inventory));
      const double score = value_of(rule, who, node);
      if (found.beaten_by(score, node)) found = {node, score};
    }
    return choice_of(found, inventory);
  }

  double score(const AgentSpec& agent, NodeId node, const Inventory& inventory) const override {
    const Eligibility who(agent, inventory);
    ScoreRule rule(options_, who);
    rule.set_affinity(soft_affinity(agent, node, inventory));
    return value_of(rule, who, node);
  }

 private:
  static std::vector<NodeId> soft_hosts(const AgentSpec& agent, const Inventory& inventory) {
    AffinityRule all;
    for (const auto* rules : {&agent.rules->affinity, &agent.rules->anti_affinity}) {
      for (const AffinityRule& rule : *rules) {
        if (rule.is_hard) continue;
        all.any_of.insert(all.any_of.end(), rule.any_of.begin(), rule.any_of.end());
      }
    }
    return hosts_of(all, inventory, agent.id);
  }

  static double affinity_elsewhere(const AgentSpec& agent) {
    double met = 0;
    double total = 0;
    for (const AffinityRule& rule : agent.rules->affinity) total += rule.is_hard ? 0 : rule.weight;
    for (const AffinityRule& rule : agent.rules->anti_affinity) {
      if (rule.is_hard) continue;
      total += rule.weight;
      met += rule.weight;
    }
    return met / total;
  }

  ScoreOptions options_;
  IndexSearch<ScoreRule> search_;
};

}  // namespace

PlacerEntry score_placer() {
  return weighted_entry<Placer, ScorePlacer, ScoreOptions>(
      "score", "weighted sum of fit, soft affinity, load balance and measured performance");
}

}  // namespace phoenix
