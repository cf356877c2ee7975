// Placers that look at some nodes only.
#include <cmath>

#include "strategies/placement/eligibility.h"
#include "strategies/placement/index_search.h"
#include "strategies/placement/weight_check.h"

namespace phoenix {
namespace {

Choice choice_at(NodeId node, double score, const Inventory& inventory) {
  return {node, score, inventory.node(node).generation, false};
}

// A node that is there, uniformly. REQUIRES: there is one.
NodeId draw(const Inventory& inventory, Random& random) {
  while (true) {
    const NodeId node = id_at<NodeId>(random.below(inventory.node_limit()));
    if (inventory.has_node(node)) return node;
  }
}

// The first node that passes, from `start` on and round.
Choice scan_from(std::size_t start, const Eligibility& who, const Inventory& inventory) {
  const std::size_t limit = inventory.node_limit();
  for (std::size_t i = 0; i < limit; ++i) {
    const NodeId node = id_at<NodeId>((start + i) % limit);
    if (inventory.has_node(node) && !who.refusal(node)) return choice_at(node, 0, inventory);
  }
  return {};
}

struct RandomFitOptions {
  int tries = 32;
  void visit(SettingVisitor& v) {
    v.integer("tries", tries, 1, 10'000, "nodes drawn before all are looked at");
  }
};

class RandomFit : public Placer {
 public:
  explicit RandomFit(RandomFitOptions options) : options_(options) {}

  Choice choose(const AgentSpec& agent, const Inventory& inventory, Random& random) override {
    if (inventory.node_count() == 0) return {};
    const Eligibility who(agent, inventory);
    for (int i = 0; i < options_.tries; ++i) {
      const NodeId node = draw(inventory, random);
      if (!who.refusal(node)) return choice_at(node, 0, inventory);
    }
    Choice choice = scan_from(index(draw(inventory, random)), who, inventory);
    choice.fell_back = true;
    return choice;
  }
  double score(const AgentSpec&, NodeId, const Inventory&) const override { return 0; }

 private:
  RandomFitOptions options_;
};

struct SampledOptions {
  double cpu = 0.4;
  double memory = 0.2;
  double available_memory = 0.2;
  double agents = 0.2;
  double local_margin = 0.05;

  void visit(SettingVisitor& v) {
    v.number("cpu", cpu, 0, 1, "weight of the share of CPU in use");
    v.number("memory", memory, 0, 1, "weight of the share of memory in use");
    v.number("available_memory", available_memory, 0, 1,
             "weight of having less free memory than the best of the sample");
    v.number("agents", agents, 0, 1, "weight of the number of agents, to the most in the sample");
    v.number("local_margin", local_margin, 0, 1,
             "the node the agent was asked for on wins when its load is at most this much higher");
  }
  double sum() const { return cpu + memory + available_memory + agents; }
};

// Orleans' resource-optimised placement: the least loaded of a random sqrt(n).
class Sampled : public Placer {
 public:
  explicit Sampled(SampledOptions options) : options_(options) {}

  Choice choose(const AgentSpec& agent, const Inventory& inventory, Random& random) override {
    if (inventory.node_count() == 0) return {};
    const Eligibility who(agent, inventory);
    draw_sample(who, agent.origin, inventory, random);
    if (sample_.empty()) {
      Choice choice = scan_from(index(draw(inventory, random)), who, inventory);
      choice.fell_back = true;
      return choice;
    }
    const Extremes extremes = extremes_of(inventory);
    NodeId best = sample_.front();
    for (const NodeId node : sample_) {
      const double gap = load(node, inventory, extremes) - load(best, inventory, extremes);
      if (gap < 0 || (gap == 0 && node < best)) best = node;
    }
    if (sample_.back() == agent.origin &&
        load(agent.origin, inventory, extremes) <=
            load(best, inventory, extremes) + options_.local_margin) {
      best = agent.origin;
    }
    return choice_at(best, -load(best, inventory, extremes), inventory);
  }

  // As if the node were all there is to compare with.
  double score(const AgentSpec&, NodeId node, const Inventory& inventory) const override {
    const NodeBook& book = inventory.node(node);
    const Extremes own{free_memory(book), static_cast<double>(book.agents.size())};
    return -load(node, inventory, own);
  }

 private:
  struct Extremes {
    double free_memory = 0;
    double agents = 0;
  };

  static double free_memory(const NodeBook& node) {
    return static_cast<double>(node.free()[Resource::kMemory]);
  }

  // The origin, where it passes, comes last.
  void draw_sample(const Eligibility& who, NodeId origin, const Inventory& inventory,
                   Random& random) {
    sample_.clear();
    const auto size =
        static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(inventory.node_count()))));
    for (std::size_t i = 0; i < size; ++i) {
      const NodeId node = draw(inventory, random);
      if (node != origin && !who.refusal(node)) sample_.push_back(node);
    }
    if (origin != kNoNode && inventory.has_node(origin) && !who.refusal(origin)) {
      sample_.push_back(origin);
    }
  }

  Extremes extremes_of(const Inventory& inventory) const {
    Extremes extremes;
    for (const NodeId node : sample_) {
      const NodeBook& book = inventory.node(node);
      extremes.free_memory = std::max(extremes.free_memory, free_memory(book));
      extremes.agents = std::max(extremes.agents, static_cast<double>(book.agents.size()));
    }
    return extremes;
  }

  double load(NodeId id, const Inventory& inventory, const Extremes& extremes) const {
    const NodeBook& node = inventory.node(id);
    const double scarcity =
        extremes.free_memory > 0 ? 1 - free_memory(node) / extremes.free_memory : 1;
    const double crowd =
        extremes.agents > 0 ? static_cast<double>(node.agents.size()) / extremes.agents : 0;
    return options_.cpu * node.use_share(static_cast<std::size_t>(Resource::kCpu)) +
           options_.memory * node.use_share(static_cast<std::size_t>(Resource::kMemory)) +
           options_.available_memory * scarcity + options_.agents * crowd;
  }

  SampledOptions options_;
  std::vector<NodeId> sample_;
};

}  // namespace

PlacerEntry random_fit() {
  return strategy_entry<Placer, RandomFit, RandomFitOptions>("random", "any node that fits");
}

PlacerEntry sampled() {
  return weighted_entry<Placer, Sampled, SampledOptions>(
      "sampled", "the least loaded of a random sqrt(n), or the node it was asked for on");
}

}  // namespace phoenix
