#include "strategies/control/placement_control.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "strategies/core/units.h"
#include "strategies/placement/eligibility.h"
#include "strategies/registry.h"

namespace phoenix {
namespace {

template <class Made>
auto strategy_of(Result<Made> made) {
  assert(made.ok());
  return std::move(made->strategy);
}

}  // namespace

PlacementControl::PlacementControl(const ControlSetup& setup, const ClusterWatch& watch)
    : setup_(setup),
      watch_(watch),
      random_(setup.placement_random),
      placer_(strategy_of(make_placer(setup.strategies.placer))),
      evacuator_(strategy_of(make_rebalancer("even"))) {
  if (setup.strategies.rebalancer != "none") {
    rebalancer_ = strategy_of(make_rebalancer(setup.strategies.rebalancer));
  }
}

NodeSpec PlacementControl::spec_of(NodeId node) const {
  const auto group = static_cast<std::size_t>(setup_.node_groups[index(node)]);
  const ControlGroup& from = setup_.groups[group];
  NodeSpec spec;
  spec.id = node;
  spec.zone = from.zone;
  spec.price_per_hour = from.cost_per_hour;
  spec.labels = {{"group", from.name}, {"zone", from.zone}};
  const auto set = [&](Resource resource, double value) {
    const Result<Amount> amount = to_amount(resource, value);
    assert(amount.ok());
    spec.capacity[resource] = *amount;
  };
  set(Resource::kCpu, from.cores);
  set(Resource::kMemory, from.memory_bytes);
  set(Resource::kNetwork, from.bandwidth);
  return spec;
}

void PlacementControl::on_node(NodeId node, NodePhase phase) {
  switch (phase) {
    case NodePhase::kReady:
      if (inventory_.has_node(node)) {
        inventory_.set_state(node, NodeState::kReady);
      } else {
        [[maybe_unused]] const Status added = inventory_.add_node(spec_of(node));
        assert(added.ok());
      }
      break;
    case NodePhase::kDraining:
      if (inventory_.has_node(node)) inventory_.set_state(node, NodeState::kDraining);
      break;
    case NodePhase::kDown:
    case NodePhase::kAbsent:
      take_down(node);
      break;
    case NodePhase::kProvisioning:
      break;
  }
  has_changed_ = true;
}

// What ran there is gone with the node; it is placed anew.
void PlacementControl::take_down(NodeId node) {
  if (!inventory_.has_node(node)) return;
  const std::vector<AgentId> here = inventory_.node(node).agents;
  for (const AgentId agent : here) {
    if (!inventory_.has_agent(agent)) continue;
    const AgentBook& book = inventory_.agent(agent);
    if (book.node != node) {  // on its way here: it stays where it is
      inventory_.cancel_move(agent);
      continue;
    }
    if (book.moving_to != kNoNode) inventory_.cancel_move(agent);
    ++counts_.lost;
    waiting_.emplace(agent, book.spec);
    [[maybe_unused]] const Status removed = inventory_.remove_agent(agent);
    assert(removed.ok());
  }
  inventory_.remove_node(node);
  std::erase_if(open_, [&](const auto& entry) { return waiting_.contains(entry.second.agent); });
}

Decision PlacementControl::decision(DecisionKind kind, const char* family, AgentId agent, Time now,
                                    DecisionIds& ids) const {
  Decision decision;
  decision.id = ids.take();
  decision.at = now;
  decision.kind = kind;
  decision.family = family;
  decision.subject = "agent:" + std::to_string(index(agent));
  decision.agent = agent;
  return decision;
}

bool PlacementControl::place(const AgentSpec& agent, Time now, DecisionIds& ids,
                             std::vector<Decision>& out) {
  const Result<Choice> choice = find_and_place(*placer_, agent, inventory_, now, random_);
  if (!choice) {
    if (!waiting_.contains(agent.id)) {
      ++counts_.refused;
      Decision refusal = decision(DecisionKind::kRefuseAgent, "placement", agent.id, now, ids);
      refusal.seen = "needs " + print_resources(agent.need);
      refusal.reason = choice.error();
      out.push_back(std::move(refusal));
      waiting_.emplace(agent.id, agent);
    }
    return false;
  }
  Decision start = decision(DecisionKind::kPlaceAgent, "placement", agent.id, now, ids);
  start.node = choice->node;
  start.value = static_cast<double>(index(choice->node));
  start.seen = "needs " + print_resources(agent.need) + ", " +
               std::to_string(inventory_.node_count()) + " nodes";
  start.reason = setup_.strategies.placer.substr(0, setup_.strategies.placer.find('[')) +
                 ": node " + std::to_string(index(choice->node)) + " scores " +
                 print_number(std::round(choice->score * 1e4) / 1e4);
  open_.emplace(start.id, UnderWay{DecisionKind::kPlaceAgent, agent.id});
  ++counts_.placed;
  out.push_back(std::move(start));
  return true;
}

void PlacementControl::begin(Time now, DecisionIds& ids, std::vector<Decision>& out) {
  std::uint32_t next = 0;
  for (const ControlService& service : setup_.services) {
    for (int i = 0; i < service.agents; ++i) {
      AgentSpec agent = service.agent;
      agent.id = id_at<AgentId>(next++);
      place(agent, now, ids, out);
      inventory_.observe(agent.id, service.observed);
    }
  }
  next_ = now + setup_.settings.collect_interval;
  next_rebalance_ = rebalancer_ == nullptr ? kNever : now + setup_.settings.rebalancing_interval;
}

Status PlacementControl::want(const AgentSpec& agent, Time now, DecisionIds& ids,
                              std::vector<Decision>& out) {
  if (Status fine = check_agent(agent); !fine) return fine;
  if (inventory_.has_agent(agent.id) || waiting_.contains(agent.id)) {
    return Error{"agent " + std::to_string(index(agent.id)) + " is there already"};
  }
  place(agent, now, ids, out);
  if (index(agent.service) < setup_.services.size()) {
    inventory_.observe(agent.id, setup_.services[index(agent.service)].observed);
  }
  return success();
}

void PlacementControl::drop(AgentId agent, Time now, DecisionIds& ids, std::vector<Decision>& out) {
  waiting_.erase(agent);
  if (!inventory_.has_agent(agent)) return;
  Decision stop = decision(DecisionKind::kStopAgent, "placement", agent, now, ids);
  stop.node = inventory_.agent(agent).node;
  stop.value = static_cast<double>(index(stop.node));
  stop.reason = "no longer wanted";
  if (inventory_.agent(agent).moving_to != kNoNode) inventory_.cancel_move(agent);
  [[maybe_unused]] const Status removed = inventory_.remove_agent(agent);
  assert(removed.ok());
  has_changed_ = true;
  out.push_back(std::move(stop));
}

void PlacementControl::move(const Move& move, std::string_view reason, std::string_view seen,
                            Time now, DecisionIds& ids, std::vector<Decision>& out) {
  if (const Status begun = inventory_.begin_move(move.agent, move.to, now); !begun) return;
  Decision decided = decision(DecisionKind::kMigrateAgent, "rebalancing", move.agent, now, ids);
  decided.node = move.from;
  decided.target = move.to;
  decided.from = static_cast<double>(index(move.from));
  decided.value = static_cast<double>(index(move.to));
  decided.text = to_text(move.method);
  decided.seen = seen;
  decided.reason = reason;
  open_.emplace(decided.id, UnderWay{DecisionKind::kMigrateAgent, move.agent});
  out.push_back(std::move(decided));
}

Status PlacementControl::migrate(AgentId agent, NodeId target, std::string_view method, Time now,
                                 DecisionIds& ids, std::vector<Decision>& out) {
  if (!inventory_.has_agent(agent)) return Error{std::string(kAgentNotFound)};
  const Result<MigrationMethod> by = migration_method(method);
  if (!by) return Error{by.error()};
  if (inventory_.agent(agent).node == target) return success();
  Inventory& books = inventory_;
  if (Status begun = books.begin_move(agent, target, now); !begun) return begun;
  books.cancel_move(agent);
  Move asked;
  asked.agent = agent;
  asked.from = books.agent(agent).node;
  asked.to = target;
  asked.method = *by;
  move(asked, "asked for by hand", "", now, ids, out);
  return success();
}

void PlacementControl::plan_moves(Rebalancer& rebalancer, bool only_draining, Time now,
                                  DecisionIds& ids, std::vector<Decision>& out) {
  RebalanceView view;
  view.inventory = &inventory_;
  view.now = now;
  view.means = setup_.migration;
  const RebalancePlan plan = rebalancer.plan(view);
  for (const Move& one : plan.moves) {
    if (only_draining && inventory_.node(one.from).state != NodeState::kDraining) continue;
    move(one, plan.reason, plan.seen, now, ids, out);
  }
}

Status PlacementControl::rebalance(const std::string& text, Time now, DecisionIds& ids,
                                   std::vector<Decision>& out) {
  if (inventory_.agent_count() == 0) {
    return Error{"no agents are placed here: there is nothing to rebalance"};
  }
  if (text.empty()) {
    plan_moves(rebalancer_ == nullptr ? *evacuator_ : *rebalancer_, false, now, ids, out);
    return success();
  }
  Result<MadeRebalancer> made = make_rebalancer(text);
  if (!made) return Error{made.error()};
  plan_moves(*made->strategy, false, now, ids, out);
  return success();
}

void PlacementControl::place_waiting(Time now, DecisionIds& ids, std::vector<Decision>& out) {
  if (!has_changed_) return;
  has_changed_ = false;
  std::vector<AgentId> done;
  for (const auto& [id, agent] : waiting_) {
    if (place(agent, now, ids, out)) done.push_back(id);
  }
  for (const AgentId id : done) waiting_.erase(id);
}

void PlacementControl::observe_nodes(Time now) {
  std::vector<NodeObservation> seen;
  for (std::size_t n = 0; n < setup_.node_groups.size(); ++n) {
    const auto node = id_at<NodeId>(n);
    const NodeReading* reading = watch_.reading(node, now);
    if (reading == nullptr || !inventory_.has_node(node)) continue;
    NodeObservation observation;
    observation.node = node;
    observation.at = reading->measured_at;
    observation.availability = reading->metrics.availability;
    seen.push_back(observation);
  }
  [[maybe_unused]] const Status merged = inventory_.observe(seen);
  assert(merged.ok());
}

void PlacementControl::tick(Time now, DecisionIds& ids, std::vector<Decision>& out) {
  if (next_ > now) return;
  while (next_ <= now) next_ += setup_.settings.collect_interval;
  if (inventory_.agent_count() == 0 && waiting_.empty()) return;
  observe_nodes(now);
  place_waiting(now, ids, out);
  if (rebalancer_ != nullptr && next_rebalance_ <= now) {
    while (next_rebalance_ <= now) next_rebalance_ += setup_.settings.rebalancing_interval;
    return plan_moves(*rebalancer_, false, now, ids, out);
  }
  plan_moves(*evacuator_, true, now, ids, out);
}

void PlacementControl::on_outcome(const DecisionOutcome& outcome, Time now) {
  const auto found = open_.find(outcome.id);
  if (found == open_.end()) return;
  const UnderWay ended = found->second;
  open_.erase(found);
  has_changed_ = true;
  if (!inventory_.has_agent(ended.agent)) return;
  const bool is_done = outcome.kind == OutcomeKind::kDone;
  if (ended.kind == DecisionKind::kMigrateAgent) {
    ++(is_done ? counts_.moves : counts_.moves_failed);
    if (inventory_.agent(ended.agent).moving_to == kNoNode) return;
    if (is_done) {
      inventory_.finish_move(ended.agent, now);
    } else {
      inventory_.cancel_move(ended.agent);
    }
    return;
  }
  if (is_done) return;
  waiting_.emplace(ended.agent, inventory_.agent(ended.agent).spec);
  [[maybe_unused]] const Status removed = inventory_.remove_agent(ended.agent);
  assert(removed.ok());
}

PlacementStatus PlacementControl::status() const {
  PlacementStatus status = counts_;
  status.total_agents = inventory_.agent_count();
  status.waiting_agents = waiting_.size();
  double filled = 0;
  for (std::size_t n = 0; n < inventory_.node_limit(); ++n) {
    const auto id = id_at<NodeId>(n);
    if (!inventory_.has_node(id) || inventory_.node(id).agents.empty()) continue;
    const NodeBook& node = inventory_.node(id);
    ++status.nodes_in_use;
    filled += std::max(node.use_share(0), node.use_share(1));
    for (const AgentId agent : node.agents) {
      if (inventory_.agent(agent).moving_to != kNoNode && inventory_.agent(agent).node == id) {
        ++status.moving_agents;
      }
    }
  }
  if (status.nodes_in_use > 0) {
    status.placement_efficiency = filled / static_cast<double>(status.nodes_in_use);
  }
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    const auto capacity = static_cast<double>(inventory_.total_capacity()[r]);
    if (capacity <= 0) continue;
    status.resource_utilization.emplace_back(
        to_text(static_cast<Resource>(r)),
        static_cast<double>(inventory_.total_reserved()[r]) / capacity);
  }
  return status;
}

}  // namespace phoenix
