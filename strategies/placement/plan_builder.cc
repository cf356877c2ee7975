#include "strategies/placement/plan_builder.h"

#include <algorithm>
#include <cmath>

namespace phoenix {

using std::chrono::hours;

void RebalanceLimits::visit(SettingVisitor& v) {
  v.number("budget_share", budget_share, 0, 1, "moves a round, as a share of all agents");
  v.integer("budget", budget, 0, 1'000'000, "moves a round, at most");
  v.integer("moves_per_node", moves_per_node, 1, 100, "moves a node gives or takes in a round");
  v.duration("horizon", horizon, std::chrono::seconds(1), hours(24 * 30),
             "how long the gain of a move is expected to last");
  v.number("margin", margin, 0, 10, "by how much the gain must exceed the cost, as a share of it");
  v.duration("cooling", cooling, Duration{0}, hours(24), "an agent that moved stays this long");
  v.number("start", start_ratio, 1, 10, "acts when the fullest node is above this times the mean");
  v.number("stop", stop_ratio, 1, 10, "stops when the fullest node is below this times the mean");
  v.integer("tries", tries, 1, 1'000, "emptiest nodes looked at for each move");
  v.duration("stale", stale, std::chrono::milliseconds(1), hours(24),
             "a node whose last report is older is left alone");
  v.number("worth", worth, 0, 1e9, "what one unit of the objective is worth, in requests a second");
  v.number("penalty", penalty, 0, 1e9, "what a request that waits for a move costs, in requests");
  v.number("price_per_gb", price_per_gb, 0, 1e9, "what moving 10^9 bytes costs, in requests");
  v.number("base_cost", base_cost, 0, 1e9, "what any move costs, in requests");
}

double move_cost(const MigrationEstimate& estimate, double requests_per_s,
                 const RebalanceLimits& limits) {
  const double rate = std::isnan(requests_per_s) ? 0 : requests_per_s;
  return limits.base_cost + to_seconds(estimate.downtime) * rate * limits.penalty +
         estimate.bytes / 1e9 * limits.price_per_gb;
}

bool pays(double gain_per_s, double cost, const RebalanceLimits& limits) {
  return gain_per_s * limits.worth * to_seconds(limits.horizon) > (1 + limits.margin) * cost;
}

double square_change(double x, double a, double b) { return 2 * x * (x + b - a); }

PlanBuilder::PlanBuilder(const RebalanceView& view, const RebalanceLimits& limits)
    : view_(view), limits_(limits), books_(*view.inventory) {
  const auto agents = static_cast<double>(books_.agent_count());
  budget_ = std::min(static_cast<std::size_t>(limits.budget),
                     static_cast<std::size_t>(std::ceil(agents * limits.budget_share)));
  moves_.resize(books_.node_limit());
  has_cooled_.resize(books_.agent_limit());
  for (std::size_t i = 0; i < books_.node_limit(); ++i) {
    const auto id = id_at<NodeId>(i);
    if (!books_.has_node(id) || !is_frozen(books_.node(id), view.now, limits.stale)) continue;
    ++plan_.frozen;
    if (books_.node(id).state == NodeState::kReady) cordon(id);
  }
}

bool PlanBuilder::is_frozen(const NodeBook& node, Time now, Duration stale) {
  return node.is_observed && now - node.observed.at > stale;
}

bool PlanBuilder::takes_part(NodeId id) const {
  return books_.has_node(id) && books_.node(id).state == NodeState::kReady && has_moves_left(id);
}

bool PlanBuilder::may_move(AgentId id) {
  const AgentBook& agent = books_.agent(id);
  if (agent.moving_to != kNoNode) return false;
  const bool cools = agent.was_moved && view_.now - agent.moved_at < limits_.cooling;
  if (cools && !has_cooled_[index(id)]) {
    has_cooled_[index(id)] = true;
    ++plan_.cooling;
  }
  return !cools;
}

Move PlanBuilder::draft(AgentId id, NodeId to, double gain) const {
  const AgentBook& agent = books_.agent(id);
  const AgentState state{agent.observed.state_bytes, agent.observed.dirty_bytes_per_s};
  const MigrationEstimate moved = estimate(choose_method(state, view_.means), state, view_.means);
  return {id,
          agent.node,
          to,
          moved.method,
          gain,
          move_cost(moved, agent.observed.requests_per_s, limits_),
          moved.downtime};
}

bool PlanBuilder::is_worth(const Move& move) {
  if (!(move.gain > 0)) return false;
  const bool worth = pays(move.gain, move.cost, limits_);
  plan_.unprofitable += !worth;
  return worth;
}

bool PlanBuilder::take(const Move& move) {
  if (!books_.begin_move(move.agent, move.to, view_.now)) {
    ++plan_.refused;
    return false;
  }
  ++moves_[index(move.from)];
  ++moves_[index(move.to)];
  plan_.moves.push_back(move);
  return true;
}

void PlanBuilder::take_back(std::size_t moves) {
  for (; moves > 0; --moves) {
    const Move& move = plan_.moves.back();
    books_.cancel_move(move.agent);
    --moves_[index(move.from)];
    --moves_[index(move.to)];
    plan_.moves.pop_back();
  }
}

void PlanBuilder::drain(Placer& placer) {
  Random unused(0);
  for (std::size_t i = 0; i < books_.node_limit(); ++i) {
    if (!books_.has_node(id_at<NodeId>(i))) continue;
    if (books_.node(id_at<NodeId>(i)).state != NodeState::kDraining) continue;
    std::vector<AgentId> here = books_.node(id_at<NodeId>(i)).agents;
    std::sort(here.begin(), here.end());
    for (const AgentId agent : here) {
      if (books_.agent(agent).moving_to != kNoNode) continue;
      if (is_full()) {
        plan_.is_cut_short = true;
        return;
      }
      const Choice choice = placer.choose(books_.agent(agent).spec, books_, unused);
      if (choice.found() &&
          take(draft(agent, choice.node, std::numeric_limits<double>::infinity()))) {
        continue;
      }
      ++plan_.stranded;
    }
  }
}

RebalancePlan PlanBuilder::finish(double after) {
  plan_.after = after;
  plan_.is_cut_short |= is_full() && !plan_.moves.empty();
  std::string& text = plan_.reason;
  if (!text.empty()) text += "; ";
  text += std::to_string(plan_.moves.size()) + " moves";
  const auto add = [&](std::uint32_t count, const char* what) {
    if (count > 0) text += ", " + std::to_string(count) + ' ' + what;
  };
  add(plan_.frozen, "nodes without reports");
  add(plan_.cooling, "agents cooling");
  add(plan_.unprofitable, "not worth their cost");
  add(plan_.refused, "refused by filters");
  add(plan_.stranded, "agents without another place");
  if (plan_.is_cut_short) text += ", budget used up";
  return std::move(plan_);
}

}  // namespace phoenix
