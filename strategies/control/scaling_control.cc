#include "strategies/control/scaling_control.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "strategies/core/nearest_name.h"
#include "strategies/forecasting/trusted_forecast.h"
#include "strategies/registry.h"

namespace phoenix {
namespace {

GovernorOptions governor_options(const ControlSettings& settings) {
  GovernorOptions options;
  options.interval = settings.scaling_interval;
  options.cooldown_out = settings.cooldown_out;
  options.cooldown_in = settings.cooldown_in;
  options.stabilise_in = std::min(options.stabilise_in, settings.cooldown_in);
  options.reversals_per_hour = std::max(2, static_cast<int>(settings.flaps_per_hour));
  return options;
}

constexpr Duration kPlanned = std::chrono::minutes(10);  // ahead, besides the time to boot

int steps_in(Duration span, Duration step) {
  const std::int64_t steps = (span.count() + step.count() - 1) / step.count();
  return static_cast<int>(std::clamp<std::int64_t>(steps, 1, 100'000));
}

std::unique_ptr<LoadForecast> forecast_for(const ControlSetup& setup) {
  const Duration step = setup.settings.forecast_step;
  Duration boot{0};
  for (const ControlGroup& group : setup.groups) boot = std::max(boot, group.boot_time);
  const int period = std::max(2, steps_in(setup.settings.forecast_period, step));
  const int horizon = steps_in(kPlanned + boot, step);
  const int judged = steps_in(boot, step);
  if (setup.strategies.forecaster == kMixture) {
    return make_load_forecast(period, 0, horizon, judged);
  }
  Result<MadeForecaster> made = make_forecaster(setup.strategies.forecaster);
  assert(made.ok());
  TrustOptions options;
  options.period = period;
  options.judged = judged;
  options.calibration.horizon = horizon;
  return std::make_unique<TrustedForecast>(std::move(made->strategy), options);
}

}  // namespace

ScalingControl::ScalingControl(const ControlSetup& setup, const ClusterWatch& watch)
    : setup_(setup), watch_(watch), load_(forecast_for(setup), setup.settings.forecast_step) {
  for (std::size_t g = 0; g < setup.groups.size(); ++g) {
    const ControlGroup& group = setup.groups[g];
    if (group.maximum == 0) continue;
    Pool& pool = pools_.emplace_back(
        static_cast<int>(g),
        Governor({group.name, group.minimum, group.maximum, 0}, governor_options(setup.settings)));
    if (setup.strategies.scaler != "none") {
      [[maybe_unused]] const Status added =
          pool.governor.add_policy({"scaler", setup.strategies.scaler});
      assert(added.ok());
    }
  }
}

Time ScalingControl::next_tick() const {
  // The next step of the forecast to be closed.
  Time next = pools_.empty() ? kNever : observed_at_ - load_.age(observed_at_) + load_.step();
  for (const Pool& pool : pools_) next = std::min(next, pool.governor.next_tick());
  return std::max(next, kStart);
}

// What was offered since the look before counts for the step in which that was, as long as that is
// open. Real clocks look a little early or late: a look that ends a step is taken as it is, and one
// too short to tell a rate waits for the next.
void ScalingControl::observe_load(Time now) {
  const Duration elapsed = now - observed_at_;
  const Duration interval = std::min(setup_.settings.collect_interval, load_.step());
  const bool ends_step = load_.age(observed_at_) + elapsed >= load_.step();
  if (elapsed >= interval || (ends_step && elapsed >= interval / 2)) {
    const double offered = watch_.offered_total();
    const Time step_began = now - load_.age(now);
    load_.observe(std::max(observed_at_, step_began),
                  (offered - offered_before_) / to_seconds(elapsed));
    offered_before_ = offered;
    observed_at_ = now;
  }
  load_.close_until(now);
}

ScalingView ScalingControl::view_of(Pool& pool, Time now) const {
  const ControlGroup& group = setup_.groups[static_cast<std::size_t>(pool.group)];
  ScalingView view;
  view.now = now;
  view.decision_delay = setup_.settings.collect_interval + setup_.settings.scaling_interval;
  view.metrics = &watch_.metrics();
  view.minimum = group.minimum;
  view.maximum = group.maximum;
  view.forecast = &load_.forecast();
  view.forecast_step = load_.step();
  view.forecast_age = load_.age(now);
  view.boot_time = group.boot_time;
  view.node_capacity_per_s = watch_.node_capacity_per_s();
  view.cores_per_node = group.cores;
  const double p95 = watch_.target("agent_response_time_p95");
  view.target_response_p95 = std::isnan(p95) ? Duration{0} : from_seconds(p95);
  const double utilization = watch_.target("resource_utilization");
  if (!std::isnan(utilization)) view.target_utilization = utilization;
  pool.nodes.clear();
  for (std::size_t n = 0; n < watch_.nodes().size(); ++n) {
    const WatchedNode& watched = watch_.nodes()[n];
    if (watched.group != pool.group || watched.phase == NodePhase::kAbsent) continue;
    ScalingNode node;
    node.node = id_at<NodeId>(n);
    node.is_ready = watched.phase == NodePhase::kReady;
    node.is_draining = watched.phase == NodePhase::kDraining;
    node.asked_at = watched.asked_at;
    node.ready_since = node.is_ready ? watched.ready_since : kNever;
    if (const NodeReading* reading = watch_.reading(node.node, now)) {
      node.cpu = reading->metrics.cpu_utilization;
      node.memory = reading->metrics.memory_utilization;
      node.in_flight = reading->metrics.message_queue_length + reading->runtime.tasks;
    }
    view.capacity.ready += node.is_ready ? 1 : 0;
    view.capacity.draining += node.is_draining ? 1 : 0;
    view.capacity.provisioning += watched.phase == NodePhase::kProvisioning ? 1 : 0;
    pool.nodes.push_back(node);
  }
  view.nodes = pool.nodes;
  return view;
}

void ScalingControl::tick(Time now, DecisionIds& ids, std::vector<Decision>& out) {
  observe_load(now);
  for (Pool& pool : pools_) {
    if (pool.governor.next_tick() <= now) pool.governor.tick(view_of(pool, now), ids, out);
  }
}

void ScalingControl::evaluate_now(Time now, DecisionIds& ids, std::vector<Decision>& out) {
  for (Pool& pool : pools_) pool.governor.evaluate_now(view_of(pool, now), ids, out);
}

ScalingControl::Pool* ScalingControl::find(std::string_view group) {
  for (Pool& pool : pools_) {
    const std::string& name = setup_.groups[static_cast<std::size_t>(pool.group)].name;
    if (group.empty() || name == group) return &pool;
  }
  return nullptr;
}

Status ScalingControl::scale_to(std::string_view group, int nodes, std::string_view reason,
                                Time now, DecisionIds& ids, std::vector<Decision>& out) {
  Pool* pool = find(group);
  if (pool == nullptr) {
    std::vector<std::string> known;
    for (const Pool& one : pools_) {
      known.push_back(setup_.groups[static_cast<std::size_t>(one.group)].name);
    }
    if (known.empty()) return Error{"no group of the cluster has a maximum: none can be scaled"};
    return Error{"found group \"" + std::string(group) + "\"; allowed " + join_names(known) +
                 did_you_mean(group, known)};
  }
  return pool->governor.scale_to(nodes, reason, view_of(*pool, now), ids, out);
}

Status ScalingControl::scale_by(int count, std::string_view reason, Time now, DecisionIds& ids,
                                std::vector<Decision>& out) {
  if (pools_.empty()) return Error{"no group of the cluster has a maximum: none can be scaled"};
  Pool& pool = pools_.front();
  const ScalingView view = view_of(pool, now);
  const int wanted = std::clamp(view.capacity.supply() + count, view.minimum, view.maximum);
  if (wanted == view.capacity.supply()) return Error{"the group is at its bound already"};
  return pool.governor.scale_to(wanted, reason, view, ids, out);
}

Status ScalingControl::add_policy(const ScalingPolicy& policy) {
  if (pools_.empty()) return Error{"no group of the cluster has a maximum: none can be scaled"};
  for (Pool& pool : pools_) {
    if (Status added = pool.governor.add_policy(policy); !added) return added;
  }
  return success();
}

Status ScalingControl::remove_policy(std::string_view name) {
  for (Pool& pool : pools_) {
    if (Status removed = pool.governor.remove_policy(name); !removed) return removed;
  }
  return success();
}

void ScalingControl::on_event(const ExternalEvent& event) {
  for (Pool& pool : pools_) pool.governor.on_event(event);
}

void ScalingControl::on_outcome(const DecisionOutcome& outcome, Time now) {
  for (Pool& pool : pools_) pool.governor.on_outcome(outcome, now);
}

Recommendation ScalingControl::recommendation() const {
  ScalingPredictorOptions options;
  options.horizon = setup_.settings.prediction_interval;
  const Result<ScalingPrediction> prediction = ScalingPredictor(options).predict(
      load_.forecast(), load_.step(), watch_.capacity(), std::max(1, watch_.ready_nodes()));
  if (!prediction) return {RecommendedAction::kNoAction, 0, prediction.error()};
  return prediction->recommendation;
}

std::vector<ScalingStatus> ScalingControl::status(Time now) const {
  std::vector<ScalingStatus> all;
  for (Pool& pool : pools_) all.push_back(pool.governor.status(view_of(pool, now)));
  return all;
}

std::vector<ScalingPolicy> ScalingControl::policies() const {
  return pools_.empty() ? std::vector<ScalingPolicy>{} : pools_.front().governor.policies();
}

}  // namespace phoenix
