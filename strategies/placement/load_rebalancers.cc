// Rebalancers that level load: the sum of squared distances from the mean falls with every move.
// One of them weighs that against what it charges for the nodes the load is on.
#include <algorithm>
#include <cmath>
#include <set>

#include "strategies/core/units.h"
#include "strategies/placement/plan_builder.h"
#include "strategies/placement/weight_check.h"

namespace phoenix {
namespace {

using Load = std::array<double, kResourceKinds>;

// Loads of the nodes that take part, as shares of their capacity, with an order from the emptiest
// to the fullest.
class LoadTable {
 public:
  // What counts beside the distance from the mean.
  struct Terms {
    double distance = 1;        // weight of its square
    double overload = 0;        // weight of the square of use beyond the limit
    double overload_limit = 1;  // share of use
    bool has_charges = false;   // load of the first kind costs what its node charges
  };

  LoadTable(std::size_t nodes, std::size_t kinds, const Terms& terms)
      : kinds_(kinds), terms_(terms), nodes_(nodes) {}

  void add(NodeId id, const Load& capacity, double charge) {
    Node& node = nodes_[index(id)];
    node.capacity = capacity;
    node.charge = charge;
    ids_.push_back(id);
  }
  void load(NodeId id, const Load& size) {
    for (std::size_t k = 0; k < kinds_; ++k) nodes_[index(id)].load[k] += size[k];
  }
  // Once all is loaded.
  void settle() {
    Load loads{};
    Load capacities{};
    for (const NodeId id : ids_) {
      for (std::size_t k = 0; k < kinds_; ++k) {
        loads[k] += nodes_[index(id)].load[k];
        capacities[k] += nodes_[index(id)].capacity[k];
      }
    }
    for (std::size_t k = 0; k < kinds_; ++k) {
      mean_[k] = capacities[k] > 0 ? loads[k] / capacities[k] : 0;
    }
    for (const NodeId id : ids_) order_.emplace(pressure(id), id);
  }

  const std::set<std::pair<double, NodeId>>& order() const { return order_; }
  std::size_t size() const { return ids_.size(); }
  void leave_order(NodeId id) { order_.erase({pressure(id), id}); }

  // Of the fullest kind, to the mean.
  double ratio(NodeId id) const {
    double ratio = 0;
    for (std::size_t k = 0; k < kinds_; ++k) {
      if (mean_[k] > 0) ratio = std::max(ratio, share(nodes_[index(id)], k, 0) / mean_[k]);
    }
    return ratio;
  }
  double highest_ratio() const {
    double highest = 0;
    for (const NodeId id : ids_) highest = std::max(highest, ratio(id));
    return highest;
  }

  double objective() const {
    double sum = 0;
    for (const NodeId id : ids_) sum += cost(nodes_[index(id)], {}, 0);
    return sum;
  }

  // By how much the objective falls when `size` moves.
  double gain(const Load& size, NodeId from, NodeId to) const {
    const Node& a = nodes_[index(from)];
    const Node& b = nodes_[index(to)];
    const double before = cost(a, size, 0) + cost(b, size, 0);
    return beyond_rounding(before - cost(a, size, -1) - cost(b, size, 1), before);
  }

  void move(const Load& size, NodeId from, NodeId to) {
    change(from, size, -1);
    change(to, size, 1);
  }

 private:
  struct Node {
    Load load{};
    Load capacity{};
    double charge = 0;
  };

  // What a little more load would cost, or without charges what comes in the same order.
  double pressure(NodeId id) const {
    if (!terms_.has_charges) return ratio(id);
    const Node& node = nodes_[index(id)];
    if (node.capacity[0] <= 0) return node.charge;
    return node.charge + 2 * terms_.distance * (share(node, 0, 0) - mean_[0]) / node.capacity[0];
  }

  static double share(const Node& node, std::size_t k, double more) {
    if (node.capacity[k] <= 0) return 0;
    return (node.load[k] + more) / node.capacity[k];
  }

  double cost(const Node& node, const Load& size, double sign) const {
    double sum = node.charge * (node.load[0] + sign * size[0]);
    for (std::size_t k = 0; k < kinds_; ++k) {
      const double use = share(node, k, sign * size[k]);
      const double over = std::max(use - terms_.overload_limit, 0.0);
      sum += terms_.distance * (use - mean_[k]) * (use - mean_[k]) + terms_.overload * over * over;
    }
    return sum;
  }

  void change(NodeId id, const Load& size, double sign) {
    const bool was_ordered = order_.erase({pressure(id), id}) > 0;
    for (std::size_t k = 0; k < kinds_; ++k) nodes_[index(id)].load[k] += sign * size[k];
    if (was_ordered) order_.emplace(pressure(id), id);
  }

  std::size_t kinds_;
  Terms terms_;
  Load mean_{};
  std::vector<Node> nodes_;  // by id
  std::vector<NodeId> ids_;
  std::set<std::pair<double, NodeId>> order_;
};

// How a goal sees agents and nodes.
struct Goal {
  std::size_t kinds = 1;
  LoadTable::Terms terms;
  bool counts_agents = false;  // one each, nodes are alike
  bool sums_kinds = false;     // one number for all kinds: the mean share of the cluster
  Resources cluster;
  // Where there are charges: what a unit of load costs on a node that is the worst in that respect.
  double latency = 0;
  double throughput = 0;
  double price = 0;
  double dearest = 0;  // price of a unit of load

  Load of(const Resources& amounts) const {
    if (sums_kinds) return Load{summed_share(amounts, cluster)};
    Load load{};
    for (std::size_t r = 0; r < kResourceKinds; ++r) load[r] = static_cast<double>(amounts[r]);
    return load;
  }
  Load size(const AgentBook& agent) const { return counts_agents ? Load{1} : of(agent.spec.need); }
  Load capacity(const NodeBook& node) const { return counts_agents ? Load{1} : of(node.capacity); }
  double unit_price(const NodeBook& node) const {
    const double room = capacity(node)[0];
    return room > 0 ? node.spec.price_per_hour / room : 0;
  }
  double charge(const NodeBook& node) const {
    const double dear = dearest > 0 ? unit_price(node) / dearest : 0;
    return latency * (1 - node.merits.latency) + throughput * (1 - node.merits.throughput) +
           price * dear;
  }
};

template <class TakesPart>
LoadTable table_of(const Goal& goal, const Inventory& books, TakesPart takes_part) {
  LoadTable table(books.node_limit(), goal.kinds, goal.terms);
  for (std::size_t i = 0; i < books.node_limit(); ++i) {
    const NodeId id = id_at<NodeId>(i);
    if (!takes_part(id)) continue;
    table.add(id, goal.capacity(books.node(id)), goal.charge(books.node(id)));
    // What is on its way counts where it is going.
    for (const AgentId agent : books.node(id).agents) {
      const AgentBook& book = books.agent(agent);
      if (book.node != id || book.moving_to == kNoNode) table.load(id, goal.size(book));
    }
  }
  table.settle();
  return table;
}

class Search {
 public:
  Search(const Goal& goal, const RebalanceLimits& limits, PlanBuilder& builder)
      : goal_(goal),
        limits_(limits),
        builder_(builder),
        table_(table_of(goal, builder.books(),
                        [&](NodeId node) { return builder.takes_part(node); })) {}

  double objective() const { return table_.objective(); }
  double highest_ratio() const { return table_.highest_ratio(); }
  std::size_t nodes() const { return table_.size(); }

  void run() {
    while (!builder_.is_full() && table_.order().size() >= 2) {
      const NodeId fullest = table_.order().rbegin()->second;
      if (!goal_.terms.has_charges && table_.ratio(fullest) <= limits_.stop_ratio) return;
      if (!relieve(fullest)) table_.leave_order(fullest);
    }
  }

 private:
  struct Option {
    Move move;
    Load size;
    double gain_per_cost;
  };

  // The best move off the node that is allowed; false if there is none.
  bool relieve(NodeId node) {
    std::vector<Option> options = options_of(node);
    std::sort(options.begin(), options.end(), [](const Option& a, const Option& b) {
      if (a.gain_per_cost != b.gain_per_cost) return a.gain_per_cost > b.gain_per_cost;
      if (a.move.cost != b.move.cost) return a.move.cost < b.move.cost;
      if (a.move.agent != b.move.agent) return a.move.agent < b.move.agent;
      return a.move.to < b.move.to;
    });
    for (const Option& option : options) {
      if (!builder_.take(option.move)) continue;
      table_.move(option.size, option.move.from, option.move.to);
      for (const NodeId end : {option.move.from, option.move.to}) {
        if (!builder_.takes_part(end)) table_.leave_order(end);
      }
      return true;
    }
    return false;
  }

  std::vector<Option> options_of(NodeId from) {
    std::vector<Option> options;
    for (const AgentId agent : builder_.books().node(from).agents) {
      if (builder_.books().agent(agent).node != from || !builder_.may_move(agent)) continue;
      const Load size = goal_.size(builder_.books().agent(agent));
      const Move draft = builder_.draft(agent, kNoNode, 0);
      int tries = limits_.tries;
      for (const auto& [ratio, to] : table_.order()) {
        if (to == from || tries-- == 0) break;
        Move move = draft;
        move.to = to;
        move.gain = table_.gain(size, from, to);
        if (!builder_.is_worth(move)) continue;
        options.push_back({move, size, move.gain / std::max(move.cost, 1e-9)});
      }
    }
    return options;
  }

  const Goal& goal_;
  const RebalanceLimits& limits_;
  PlanBuilder& builder_;
  LoadTable table_;
};

RebalancePlan level(const Goal& goal, const RebalanceLimits& limits, const RebalanceView& view) {
  PlanBuilder builder(view, limits);
  Result<MadePlacer> placer = worst_fit().make({"worst_fit", {}});
  builder.drain(*placer->strategy);
  Search search(goal, limits, builder);
  RebalancePlan& plan = builder.plan();
  plan.before = search.objective();
  const double ratio = search.highest_ratio();
  plan.seen = "fullest of " + std::to_string(search.nodes()) + " nodes at " +
              print_number(std::round(ratio * 1000) / 1000) + " times the mean";
  if (goal.terms.has_charges) {
    plan.reason = "weighted objectives";
    search.run();
  } else if (ratio > limits.start_ratio) {
    plan.reason = "above " + print_number(limits.start_ratio);
    search.run();
  } else {
    plan.reason = "not above " + print_number(limits.start_ratio);
  }
  return builder.finish(search.objective());
}

constexpr std::string_view kWeighNames[] = {"use", "agents"};

struct EvenOptions {
  int weigh = 0;
  RebalanceLimits limits;
  void visit(SettingVisitor& v) {
    v.choice("weigh", weigh, kWeighNames,
             "whether agents count by what they use or are counted, each as much as any other");
    limits.visit(v);
  }
};

struct ResourceOptions {
  double overload = 10;
  double overload_from = 0.9;
  RebalanceLimits limits;
  void visit(SettingVisitor& v) {
    v.number("overload", overload, 0, 1e6, "weight of use beyond overload_from, squared");
    v.number("overload_from", overload_from, 0, 1, "share of use from which a node is overloaded");
    limits.visit(v);
  }
};

// Defaults: design document, objectives of placement.
struct ObjectivesOptions {
  double latency = 0.3;
  double throughput = 0.3;
  double balance = 0.2;
  double cost = 0.2;
  RebalanceLimits limits;
  void visit(SettingVisitor& v) {
    v.number("latency", latency, 0, 1, "weight of load on nodes that answer slowly");
    v.number("throughput", throughput, 0, 1, "weight of load on nodes of low throughput");
    v.number("balance", balance, 0, 1,
             "weight of uneven use, the square of its distance to the mean");
    v.number("cost", cost, 0, 1, "weight of load on dear nodes");
    limits.visit(v);
  }
  double sum() const { return latency + throughput + balance + cost; }
};

template <class Options>
class LevelRebalancer : public Rebalancer {
 public:
  explicit LevelRebalancer(Options options) : options_(options) {}

  RebalancePlan plan(const RebalanceView& view) override {
    return level(goal(options_, *view.inventory), options_.limits, view);
  }

  double objective(const RebalanceView& view) const override {
    const Inventory& books = *view.inventory;
    const auto takes_part = [&](NodeId id) {
      return PlanBuilder::is_known(books, id, view.now, options_.limits.stale);
    };
    return table_of(goal(options_, books), books, takes_part).objective();
  }

 private:
  static Goal goal(const EvenOptions& options, const Inventory& books) {
    Goal goal;
    goal.counts_agents = options.weigh == 1;
    goal.sums_kinds = !goal.counts_agents;
    goal.cluster = books.total_capacity();
    return goal;
  }
  // Load counts in nodes of mean size, so that its charges and squared shares of use are alike.
  static Goal goal(const ObjectivesOptions& options, const Inventory& books) {
    Goal goal;
    goal.sums_kinds = true;
    goal.cluster = books.total_capacity();
    goal.terms.distance = options.balance;
    goal.terms.has_charges = true;
    const Load whole = goal.of(goal.cluster);
    const double unit = whole[0] > 0 ? static_cast<double>(books.node_count()) / whole[0] : 0;
    goal.latency = options.latency * unit;
    goal.throughput = options.throughput * unit;
    goal.price = options.cost * unit;
    for (std::size_t i = 0; i < books.node_limit(); ++i) {
      if (!books.has_node(id_at<NodeId>(i))) continue;
      goal.dearest = std::max(goal.dearest, goal.unit_price(books.node(id_at<NodeId>(i))));
    }
    return goal;
  }
  static Goal goal(const ResourceOptions& options, const Inventory&) {
    Goal goal;
    goal.kinds = kResourceKinds;
    goal.terms.overload = options.overload;
    goal.terms.overload_limit = options.overload_from;
    return goal;
  }

  Options options_;
};

}  // namespace

RebalancerEntry even_distribution() {
  return strategy_entry<Rebalancer, LevelRebalancer<EvenOptions>, EvenOptions>(
      "even", "the same load on every node, by use or by number of agents");
}

RebalancerEntry resource_optimization() {
  return strategy_entry<Rebalancer, LevelRebalancer<ResourceOptions>, ResourceOptions>(
      "resource", "the same use of each kind of resource on every node, overload above all");
}

RebalancerEntry weighted_objectives() {
  return weighted_entry<Rebalancer, LevelRebalancer<ObjectivesOptions>, ObjectivesOptions>(
      "objectives", "load on fast, able and cheap nodes, weighed against even use");
}

}  // namespace phoenix
