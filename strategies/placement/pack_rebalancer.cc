// The rebalancer that empties nodes: what departures leave behind is gathered on fewer of them, so
// that the others can be given back.
#include <algorithm>
#include <cmath>

#include "strategies/core/units.h"
#include "strategies/placement/plan_builder.h"

namespace phoenix {
namespace {

// Amounts of all kinds as one number: 1 is the capacity of a node of mean size.
class Scale {
 public:
  explicit Scale(const Inventory& books)
      : cluster_(books.total_capacity()),
        nodes_(static_cast<double>(books.node_count())),
        kinds_(summed_share(cluster_, cluster_)) {}

  double of(const Resources& amounts) const {
    return kinds_ > 0 ? nodes_ * summed_share(amounts, cluster_) / kinds_ : 0;
  }

 private:
  Resources cluster_;
  double nodes_;
  double kinds_;  // that the cluster has
};

struct NodeLoad {
  double used = 0;
  double capacity = 0;
  bool is_in_use = false;

  // What lies on it, weighed by how empty it is: least where the same load lies on full nodes.
  double cost(double more = 0) const {
    return capacity > 0 ? (used + more) * (1 - (used + more) / capacity) : 0;
  }
};

// What is on its way counts where it is going.
template <class TakesPart>
std::vector<NodeLoad> loads_of(const Inventory& books, const Scale& scale, TakesPart takes_part) {
  std::vector<NodeLoad> loads(books.node_limit());
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const NodeId id = id_at<NodeId>(i);
    if (!takes_part(id)) continue;
    loads[i].capacity = scale.of(books.node(id).capacity);
    for (const AgentId agent : books.node(id).agents) {
      const AgentBook& book = books.agent(agent);
      if (book.node == id && book.moving_to != kNoNode) continue;
      loads[i].used += scale.of(book.spec.need);
      loads[i].is_in_use = true;
    }
  }
  return loads;
}

double sum_of_costs(const std::vector<NodeLoad>& loads) {
  double sum = 0;
  for (const NodeLoad& load : loads) sum += load.cost();
  return sum;
}

class Packer {
 public:
  Packer(PlanBuilder& builder, const RebalanceLimits& limits, Placer& placer, const Scale& scale)
      : builder_(builder),
        limits_(limits),
        placer_(placer),
        scale_(scale),
        loads_(loads_of(builder.books(), scale,
                        [&](NodeId node) { return builder.takes_part(node); })),
        has_received_(loads_.size()) {}

  double objective() const { return sum_of_costs(loads_); }
  std::size_t in_use() const {
    return static_cast<std::size_t>(std::count_if(
        loads_.begin(), loads_.end(), [](const NodeLoad& load) { return load.is_in_use; }));
  }

  // Nodes emptied.
  int run() {
    close_all_but_those_in_use();
    int emptied = 0;
    int failures = 0;
    for (const NodeId node : emptiest_first()) {
      if (builder_.is_full() || failures == limits_.tries) break;
      if (has_received_[index(node)]) continue;
      const bool is_empty = empty(node);
      emptied += is_empty;
      failures = is_empty ? 0 : failures + 1;
    }
    return emptied;
  }

 private:
  struct Handed {
    NodeId to = kNoNode;
    double size = 0;
  };

  // And take part: not idle, and with moves left.
  void close_all_but_those_in_use() {
    const Inventory& books = builder_.books();
    for (std::size_t i = 0; i < loads_.size(); ++i) {
      const NodeId id = id_at<NodeId>(i);
      if (loads_[i].is_in_use || !books.has_node(id)) continue;
      if (books.node(id).state == NodeState::kReady) builder_.cordon(id);
    }
  }

  std::vector<NodeId> emptiest_first() const {
    std::vector<std::pair<double, NodeId>> order;
    for (std::size_t i = 0; i < loads_.size(); ++i) {
      if (loads_[i].is_in_use && loads_[i].capacity > 0) {
        order.emplace_back(loads_[i].used / loads_[i].capacity, id_at<NodeId>(i));
      }
    }
    std::sort(order.begin(), order.end());
    std::vector<NodeId> nodes;
    for (const auto& [use, node] : order) nodes.push_back(node);
    return nodes;
  }

  // All of its agents or none: a node that keeps one is not given back.
  bool empty(NodeId node) {
    const std::vector<AgentId> agents = largest_first(node);
    if (agents.empty()) return false;
    if (agents.size() > builder_.room()) {
      builder_.plan().is_cut_short = true;
      return false;
    }
    builder_.cordon(node);
    std::vector<Handed> handed;
    for (const AgentId agent : agents) {
      if (!builder_.has_moves_left(node) || !hand_on(agent, node, handed)) {
        take_back(node, handed);
        return false;
      }
    }
    for (const Handed& one : handed) has_received_[index(one.to)] = true;
    return true;
  }

  // None where one of them has to stay.
  std::vector<AgentId> largest_first(NodeId node) {
    std::vector<std::pair<double, AgentId>> order;
    for (const AgentId agent : builder_.books().node(node).agents) {
      const AgentBook& book = builder_.books().agent(agent);
      if (book.node != node || !builder_.may_move(agent)) return {};
      order.emplace_back(-scale_.of(book.spec.need), agent);
    }
    std::sort(order.begin(), order.end());
    std::vector<AgentId> agents;
    for (const auto& [size, agent] : order) agents.push_back(agent);
    return agents;
  }

  bool hand_on(AgentId agent, NodeId from, std::vector<Handed>& handed) {
    Random unused(0);
    const AgentSpec& spec = builder_.books().agent(agent).spec;
    const double size = scale_.of(spec.need);
    const Choice choice = placer_.choose(spec, builder_.books(), unused);
    if (!choice.found()) return false;
    NodeLoad& source = loads_[index(from)];
    NodeLoad& target = loads_[index(choice.node)];
    const double before = source.cost() + target.cost();
    const double gain =
        beyond_rounding(before - source.cost(-size) - target.cost(size), std::abs(before));
    const Move move = builder_.draft(agent, choice.node, gain);
    if (!builder_.is_worth(move) || !builder_.take(move)) return false;
    source.used -= size;
    target.used += size;
    handed.push_back({choice.node, size});
    if (!builder_.has_moves_left(choice.node)) builder_.cordon(choice.node);
    return true;
  }

  void take_back(NodeId from, const std::vector<Handed>& handed) {
    for (const Handed& one : handed) {
      loads_[index(from)].used += one.size;
      loads_[index(one.to)].used -= one.size;
    }
    builder_.take_back(handed.size());
    for (const Handed& one : handed) builder_.admit(one.to);
    builder_.admit(from);
  }

  PlanBuilder& builder_;
  const RebalanceLimits& limits_;
  Placer& placer_;
  const Scale& scale_;
  std::vector<NodeLoad> loads_;  // by node; those that take no part are empty
  std::vector<bool> has_received_;
};

// A node is emptied whole in a round, also where the fleet is small.
struct PackOptions {
  PackOptions() {
    limits.moves_per_node = 100;
    limits.budget_share = 0.2;
  }
  RebalanceLimits limits;
  void visit(SettingVisitor& v) { limits.visit(v); }
};

class PackRebalancer : public Rebalancer {
 public:
  explicit PackRebalancer(PackOptions options) : options_(options) {}

  RebalancePlan plan(const RebalanceView& view) override {
    PlanBuilder builder(view, options_.limits);
    Result<MadePlacer> placer = best_fit().make({"best_fit", {}});
    builder.drain(*placer->strategy);
    const Scale scale(*view.inventory);
    Packer packer(builder, options_.limits, *placer->strategy, scale);
    RebalancePlan& plan = builder.plan();
    plan.before = packer.objective();
    plan.seen = std::to_string(packer.in_use()) + " nodes in use";
    const int emptied = packer.run();
    plan.reason = std::to_string(emptied) + " of them emptied";
    return builder.finish(packer.objective());
  }

  double objective(const RebalanceView& view) const override {
    const Inventory& books = *view.inventory;
    const auto takes_part = [&](NodeId id) {
      return PlanBuilder::is_known(books, id, view.now, options_.limits.stale);
    };
    return sum_of_costs(loads_of(books, Scale(books), takes_part));
  }

 private:
  PackOptions options_;
};

}  // namespace

RebalancerEntry packing() {
  return strategy_entry<Rebalancer, PackRebalancer, PackOptions>(
      "pack", "the same agents on fewer nodes: the emptiest are emptied, or left as they are");
}

}  // namespace phoenix
