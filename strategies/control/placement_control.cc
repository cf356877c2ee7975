#include "strategies/control/placement_control.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

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

MigrationOptions migration_options(const ControlSetup& setup) {
  MigrationOptions options;
  options.means = setup.migration;
  return options;
}

}  // namespace

PlacementControl::PlacementControl(const ControlSetup& setup, const ClusterWatch& watch)
    : setup_(setup),
      watch_(watch),
      random_(setup.placement_random),
      placer_(strategy_of(make_placer(setup.strategies.placer))),
      evacuator_(strategy_of(make_rebalancer("even"))),
      migrations_(inventory_, migration_options(setup)) {
  inventory_.order_index(placer_->index_order());
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
  const auto said = capacities_.find(node);
  if (said == capacities_.end()) return spec;
  const NodeCapacity& own = said->second;
  if (own.cores > 0) set(Resource::kCpu, own.cores);
  if (own.memory_bytes > 0) set(Resource::kMemory, own.memory_bytes);
  if (!own.zone.empty()) spec.zone = spec.labels[1].value = own.zone;
  spec.labels.insert(spec.labels.end(), own.labels.begin(), own.labels.end());
  return spec;
}

void PlacementControl::on_node(NodeId node, NodePhase phase, Time now) {
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
      take_down(node, now);
      break;
    case NodePhase::kProvisioning:
      break;
  }
  has_changed_ = true;
}

void PlacementControl::strike(AgentId agent) {
  [[maybe_unused]] const Status removed = inventory_.remove_agent(agent);
  assert(removed.ok());
}

// What ran there is gone with the node; it is placed anew.
void PlacementControl::take_down(NodeId node, Time now) {
  if (!inventory_.has_node(node)) return;
  migrations_.node_died(node, now, orders_);
  settle_moves();
  const std::vector<AgentId> here = inventory_.node(node).agents;
  for (const AgentId agent : here) {
    if (migrations_.is_moving(agent)) continue;  // its move ends elsewhere
    ++counts_.lost;
    waiting_.emplace(agent, inventory_.agent(agent).spec);
    std::erase_if(starting_, [&](const auto& entry) { return entry.second == agent; });
    strike(agent);
  }
  inventory_.remove_node(node);
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
  Decision start = placed(agent, choice->node, now, ids);
  start.reason = setup_.strategies.placer.substr(0, setup_.strategies.placer.find('[')) +
                 ": node " + std::to_string(index(choice->node)) + " scores " +
                 print_number(std::round(choice->score * 1e4) / 1e4);
  out.push_back(std::move(start));
  return true;
}

Decision PlacementControl::placed(const AgentSpec& agent, NodeId node, Time now, DecisionIds& ids) {
  Decision start = decision(DecisionKind::kPlaceAgent, "placement", agent.id, now, ids);
  start.node = node;
  start.value = static_cast<double>(index(node));
  start.seen = "needs " + print_resources(agent.need) + ", " +
               std::to_string(inventory_.node_count()) + " nodes";
  starting_.emplace(start.id, agent.id);
  ++counts_.placed;
  return start;
}

bool PlacementControl::keep_standing(const AgentSpec& agent, NodeId node, Time now,
                                     DecisionIds& ids, std::vector<Decision>& out) {
  if (!inventory_.has_node(node) || !inventory_.place(agent, node, now)) return false;
  out.push_back(placed(agent, node, now, ids));
  out.back().reason = "runs there already";
  return true;
}

// First all that stand, so that nobody takes their place.
void PlacementControl::begin(Time now, std::span<const StandingAgent> standing, DecisionIds& ids,
                             std::vector<Decision>& out) {
  std::vector<AgentSpec> wanted;
  std::map<ServiceId, std::vector<NodeId>> nodes;
  for (const StandingAgent& one : standing) nodes[one.service].push_back(one.node);
  std::uint32_t next = 0;
  for (const ControlService& service : setup_.services) {
    std::vector<NodeId>& there = nodes[service.agent.service];
    for (int i = 0; i < service.agents; ++i) {
      AgentSpec agent = service.agent;
      agent.id = id_at<AgentId>(next++);
      bool stays = false;
      while (!stays && !there.empty()) {
        stays = keep_standing(agent, there.back(), now, ids, out);
        there.pop_back();
      }
      if (!stays) wanted.push_back(std::move(agent));
    }
  }
  for (const AgentSpec& agent : wanted) place(agent, now, ids, out);
  for (AgentId id = id_at<AgentId>(0); index(id) < next; id = id_at<AgentId>(index(id) + 1)) {
    if (!inventory_.has_agent(id)) continue;
    inventory_.observe(id, setup_.services[index(inventory_.agent(id).spec.service)].observed);
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
  if (const auto found = moving_.find(agent); found != moving_.end()) {
    found->second.is_wanted = false;
    return;
  }
  if (!inventory_.has_agent(agent)) return;
  Decision stop = decision(DecisionKind::kStopAgent, "placement", agent, now, ids);
  stop.node = inventory_.agent(agent).node;
  stop.value = static_cast<double>(index(stop.node));
  stop.reason = "no longer wanted";
  strike(agent);
  has_changed_ = true;
  out.push_back(std::move(stop));
}

Status PlacementControl::move(const Move& move, std::string_view reason, std::string_view seen,
                              Time now, DecisionIds& ids, std::vector<Decision>& out) {
  const AgentSpec spec = inventory_.agent(move.agent).spec;
  const MigrationRequest request{move.agent, move.to, std::string(to_text(move.method))};
  if (Status begun = migrations_.begin(request, now, orders_); !begun) return begun;
  Decision decided = decision(DecisionKind::kMigrateAgent, "rebalancing", move.agent, now, ids);
  decided.node = move.from;
  decided.target = move.to;
  decided.from = static_cast<double>(index(move.from));
  decided.value = static_cast<double>(index(move.to));
  decided.text = to_text(move.method);
  decided.seen = seen;
  decided.reason = std::string(to_text(move.method)) + ": " + std::string(reason);
  moving_[move.agent] = {decided.id, spec, true};
  out.push_back(std::move(decided));
  settle_moves();
  return success();
}

Status PlacementControl::migrate(AgentId agent, NodeId target, std::string_view method, Time now,
                                 DecisionIds& ids, std::vector<Decision>& out) {
  if (!inventory_.has_agent(agent)) return Error{std::string(kAgentNotFound)};
  const Result<MigrationMethod> by = migration_method(method);
  if (!by) return Error{by.error()};
  Move asked;
  asked.agent = agent;
  asked.from = inventory_.agent(agent).node;
  asked.to = target;
  asked.method = *by;
  if (asked.from == target) return success();
  return move(asked, "asked for by hand", "", now, ids, out);
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
    // One that cannot begin now is planned again, if it still helps then.
    const bool drains = inventory_.node(one.from).state == NodeState::kDraining;
    const std::string why =
        drains ? "node " + std::to_string(index(one.from)) + " drains" : plan.reason;
    static_cast<void>(move(one, why, plan.seen, now, ids, out));
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
  migrations_.on_time(now, orders_);
  settle_moves();
  for (const AgentId agent : std::exchange(unwanted_, {})) drop(agent, now, ids, out);
  if (inventory_.agent_count() == 0 && waiting_.empty()) return;
  observe_nodes(now);
  place_waiting(now, ids, out);
  if (rebalancer_ != nullptr && next_rebalance_ <= now) {
    while (next_rebalance_ <= now) next_rebalance_ += setup_.settings.rebalancing_interval;
    return plan_moves(*rebalancer_, false, now, ids, out);
  }
  plan_moves(*evacuator_, true, now, ids, out);
}

void PlacementControl::on_outcome(const DecisionOutcome& outcome) {
  const auto found = starting_.find(outcome.id);
  if (found == starting_.end()) return;
  const AgentId agent = found->second;
  starting_.erase(found);
  has_changed_ = true;
  if (outcome.kind == OutcomeKind::kDone || !inventory_.has_agent(agent)) return;
  waiting_.emplace(agent, inventory_.agent(agent).spec);
  strike(agent);
}

std::vector<MigrationOrder> PlacementControl::take_orders() { return std::exchange(orders_, {}); }

std::vector<DecisionOutcome> PlacementControl::take_settled() {
  return std::exchange(settled_, {});
}

void PlacementControl::on_step(std::uint64_t token, const Status& how, double dirty_bytes,
                               Time now) {
  if (how) {
    migrations_.step_done(token, now, dirty_bytes, orders_);
  } else {
    migrations_.step_failed(token, how.error(), now, orders_);
  }
  settle_moves();
}

void PlacementControl::settle_moves() {
  for (const MigrationOutcome& ended : migrations_.take_outcomes()) {
    const auto found = moving_.find(ended.agent);
    if (found == moving_.end()) continue;
    const Moving moved = found->second;
    moving_.erase(found);
    has_changed_ = true;
    const bool is_done = ended.kind == OutcomeKind::kDone;
    ++(is_done ? counts_.moves : counts_.moves_failed);
    counts_.downtime += ended.downtime;
    DecisionOutcome outcome;
    outcome.id = moved.decision;
    outcome.kind = ended.kind;
    outcome.took = ended.took;
    outcome.downtime = ended.downtime;
    outcome.text = is_done ? "downtime " + print_duration(ended.downtime) + ", " +
                                 std::to_string(ended.rounds) + " rounds, " +
                                 std::to_string(ended.held) + " requests waited"
                           : ended.cause;
    settled_.push_back(std::move(outcome));
    if (ended.is_lost) {
      ++counts_.lost;
      if (moved.is_wanted) waiting_.emplace(ended.agent, moved.spec);
    } else if (!moved.is_wanted) {
      unwanted_.push_back(ended.agent);
    }
  }
}

PlacementStatus PlacementControl::status() const {
  PlacementStatus status = counts_;
  status.total_agents = inventory_.agent_count();
  status.waiting_agents = waiting_.size();
  status.moving_agents = moving_.size();
  double filled = 0;
  for (std::size_t n = 0; n < inventory_.node_limit(); ++n) {
    const auto id = id_at<NodeId>(n);
    if (!inventory_.has_node(id) || inventory_.node(id).agents.empty()) continue;
    const NodeBook& node = inventory_.node(id);
    ++status.nodes_in_use;
    filled += std::max(node.use_share(0), node.use_share(1));
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
