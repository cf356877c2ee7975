// Brings agents to faster nodes and nearer to those they talk to.
#include <algorithm>
#include <cmath>
#include <set>

#include "strategies/core/units.h"
#include "strategies/placement/plan_builder.h"

namespace phoenix {

double expected_latency(double latency_now, double use_now, double use) {
  constexpr double kFullest = 0.98;
  return latency_now * (1 - std::min(use_now, kFullest)) / (1 - std::min(use, kFullest));
}

namespace {

struct LatencyOptions {
  Duration near_hop = std::chrono::microseconds(100);
  Duration far_hop = std::chrono::milliseconds(1);
  RebalanceLimits limits;
  void visit(SettingVisitor& v) {
    v.duration("near_hop", near_hop, Duration{0}, std::chrono::minutes(1),
               "time of a message between two nodes of a zone");
    v.duration("far_hop", far_hop, Duration{0}, std::chrono::minutes(1),
               "time of a message between two zones");
    limits.visit(v);
  }
};

double known_or_zero(double value) { return std::isfinite(value) ? value : 0; }

// Seconds that requests and messages spend each second: the requests under way, by Little's law.
class TimeTable {
 public:
  TimeTable(const Inventory& books, const LatencyOptions& options,
            std::span<const AgentTraffic> traffic)
      : books_(books), options_(options), nodes_(books.node_limit()), peers_(books.agent_limit()) {
    for (const AgentTraffic& pair : traffic) {
      if (!books.has_agent(pair.one) || !books.has_agent(pair.other)) continue;
      peers_[index(pair.one)].push_back({pair.other, known_or_zero(pair.messages_per_s)});
      peers_[index(pair.other)].push_back({pair.one, known_or_zero(pair.messages_per_s)});
    }
  }

  void add(NodeId id, const NodeBook& book) {
    Node& node = nodes_[index(id)];
    node.is_in = true;
    node.latency = book.observed.latency;
    node.use_now = node.use = book.use_share(kCpu);
    for (const AgentId agent : book.agents) {
      if (home_of(agent) != id) continue;
      node.rate += rate_of(agent);
    }
    ids_.push_back(id);
  }

  bool contains(NodeId id) const { return nodes_[index(id)].is_in; }
  const std::vector<NodeId>& ids() const { return ids_; }
  double expected(NodeId id) const {
    const Node& node = nodes_[index(id)];
    return expected_latency(node.latency, node.use_now, node.use);
  }
  double cost(NodeId id) const { return cost(nodes_[index(id)], 0, 0); }

  double objective() const {
    double sum = 0;
    for (const NodeId id : ids_) sum += cost(id);
    double hops = 0;
    for (std::size_t a = 0; a < peers_.size(); ++a) {
      if (!peers_[a].empty()) hops += talk_cost(id_at<AgentId>(a), home_of(id_at<AgentId>(a)));
    }
    return sum + hops / 2;  // each pair was seen from both ends
  }

  double gain(AgentId agent, NodeId from, NodeId to) const {
    const double rate = rate_of(agent);
    const Node& a = nodes_[index(from)];
    const Node& b = nodes_[index(to)];
    const double before = cost(a, 0, 0) + cost(b, 0, 0) + talk_cost(agent, from);
    const double after = cost(a, -rate, -share(agent, from)) + cost(b, rate, share(agent, to)) +
                         talk_cost(agent, to);
    return beyond_rounding(before - after, before);
  }

  void move(AgentId agent, NodeId from, NodeId to) {
    const double rate = rate_of(agent);
    nodes_[index(from)].rate -= rate;
    nodes_[index(from)].use -= share(agent, from);
    nodes_[index(to)].rate += rate;
    nodes_[index(to)].use += share(agent, to);
  }

  // Where those live that the agent talks to.
  void add_peer_homes(AgentId agent, std::vector<NodeId>& homes) const {
    for (const Peer& peer : peers_[index(agent)]) homes.push_back(home_of(peer.agent));
  }

 private:
  static constexpr std::size_t kCpu = static_cast<std::size_t>(Resource::kCpu);
  struct Node {
    bool is_in = false;
    double latency = 0;  // as observed, at use_now
    double use_now = 0;
    double use = 0;   // with the moves so far
    double rate = 0;  // requests a second of its agents
  };
  struct Peer {
    AgentId agent;
    double messages_per_s;
  };

  static double cost(const Node& node, double rate, double use) {
    return std::max(node.rate + rate, 0.0) *
           expected_latency(node.latency, node.use_now, std::max(node.use + use, 0.0));
  }
  double rate_of(AgentId agent) const {
    return known_or_zero(books_.agent(agent).observed.requests_per_s);
  }
  double share(AgentId agent, NodeId node) const {
    const Amount capacity = books_.node(node).capacity[kCpu];
    if (capacity == 0) return 0;
    return static_cast<double>(books_.agent(agent).spec.need[kCpu]) / static_cast<double>(capacity);
  }
  NodeId home_of(AgentId agent) const {
    const AgentBook& book = books_.agent(agent);
    return book.moving_to == kNoNode ? book.node : book.moving_to;
  }
  double talk_cost(AgentId agent, NodeId home) const {
    double sum = 0;
    for (const Peer& peer : peers_[index(agent)]) {
      const NodeId other = home_of(peer.agent);
      if (other == home) continue;
      const bool near = books_.node(other).zone == books_.node(home).zone;
      sum += peer.messages_per_s * to_seconds(near ? options_.near_hop : options_.far_hop);
    }
    return sum;
  }

  const Inventory& books_;
  const LatencyOptions& options_;
  std::vector<Node> nodes_;               // by id
  std::vector<std::vector<Peer>> peers_;  // by agent
  std::vector<NodeId> ids_;
};

class LatencyRebalancer : public Rebalancer {
 public:
  explicit LatencyRebalancer(LatencyOptions options) : options_(options) {}

  RebalancePlan plan(const RebalanceView& view) override {
    PlanBuilder builder(view, options_.limits);
    Result<MadePlacer> placer = worst_fit().make({"worst_fit", {}});
    builder.drain(*placer->strategy);
    TimeTable table(builder.books(), options_, view.traffic);
    fill(table, builder.books(), [&](NodeId id) { return builder.takes_part(id); });
    builder.plan().before = table.objective();
    builder.plan().seen = "requests spend " + print_number(builder.plan().before) +
                          " s each second on " + std::to_string(table.ids().size()) +
                          " nodes with a known latency";
    improve(table, builder);
    return builder.finish(table.objective());
  }

  double objective(const RebalanceView& view) const override {
    const Inventory& books = *view.inventory;
    TimeTable table(books, options_, view.traffic);
    fill(table, books, [&](NodeId id) {
      return PlanBuilder::is_known(books, id, view.now, options_.limits.stale);
    });
    return table.objective();
  }

 private:
  template <class TakesPart>
  static void fill(TimeTable& table, const Inventory& books, TakesPart takes_part) {
    for (std::size_t i = 0; i < books.node_limit(); ++i) {
      const NodeId id = id_at<NodeId>(i);
      if (takes_part(id) && std::isfinite(books.node(id).observed.latency)) {
        table.add(id, books.node(id));
      }
    }
  }

  // One pass over the nodes, those where most time is spent first. What a pass leaves, the next
  // plan finds.
  void improve(TimeTable& table, PlanBuilder& builder) const {
    std::vector<NodeId> slowest = table.ids();
    std::sort(slowest.begin(), slowest.end(), [&](NodeId a, NodeId b) {
      const double costs[] = {table.cost(a), table.cost(b)};
      return costs[0] != costs[1] ? costs[0] > costs[1] : a < b;
    });
    std::set<std::pair<double, NodeId>> fastest;
    for (const NodeId id : slowest) fastest.emplace(table.expected(id), id);
    for (const NodeId from : slowest) {
      while (!builder.is_full() && builder.takes_part(from) &&
             relieve(from, table, builder, fastest)) {
      }
    }
  }

  bool relieve(NodeId from, TimeTable& table, PlanBuilder& builder,
               std::set<std::pair<double, NodeId>>& fastest) const {
    std::vector<Move> options;
    for (const AgentId agent : builder.books().node(from).agents) {
      if (builder.books().agent(agent).node != from || !builder.may_move(agent)) continue;
      const Move draft = builder.draft(agent, kNoNode, 0);
      for (const NodeId to : targets(agent, from, table, builder, fastest)) {
        Move move = draft;
        move.to = to;
        move.gain = table.gain(agent, from, to);
        if (builder.is_worth(move)) options.push_back(move);
      }
    }
    std::sort(options.begin(), options.end(), [](const Move& a, const Move& b) {
      const double left = a.gain * std::max(b.cost, 1e-9);
      const double right = b.gain * std::max(a.cost, 1e-9);
      if (left != right) return left > right;
      return a.agent != b.agent ? a.agent < b.agent : a.to < b.to;
    });
    for (const Move& move : options) {
      if (!builder.take(move)) continue;
      for (const NodeId end : {move.from, move.to}) fastest.erase({table.expected(end), end});
      table.move(move.agent, move.from, move.to);
      for (const NodeId end : {move.from, move.to}) {
        if (builder.takes_part(end)) fastest.emplace(table.expected(end), end);
      }
      return true;
    }
    return false;
  }

  // The fastest nodes, and where the agent's peers live.
  std::vector<NodeId> targets(AgentId agent, NodeId from, const TimeTable& table,
                              const PlanBuilder& builder,
                              const std::set<std::pair<double, NodeId>>& fastest) const {
    std::vector<NodeId> nodes;
    table.add_peer_homes(agent, nodes);
    int tries = options_.limits.tries;
    for (const auto& [latency, node] : fastest) {
      if (tries-- == 0) break;
      nodes.push_back(node);
    }
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    std::erase_if(nodes, [&](NodeId node) {
      return node == from || !table.contains(node) || !builder.takes_part(node);
    });
    return nodes;
  }

  LatencyOptions options_;
};

}  // namespace

RebalancerEntry latency_optimization() {
  return strategy_entry<Rebalancer, LatencyRebalancer, LatencyOptions>(
      "latency", "least time spent by requests and messages: faster nodes, nearer peers");
}

}  // namespace phoenix
