#include "strategies/scaling/governor.h"

#include <algorithm>
#include <cassert>

#include "strategies/core/units.h"
#include "strategies/registry.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kBootsKept = 50;
constexpr std::size_t kBootsNeeded = 5;
constexpr std::size_t kEventsKept = 64;

void append(std::string& list, std::string_view item, std::string_view separator = "; ") {
  if (item.empty()) return;
  if (!list.empty()) list += separator;
  list += item;
}

}  // namespace

ScalingPool compute_pool() { return {"compute", 1, 50, 5}; }
ScalingPool memory_pool() { return {"memory", 1, 100, 10}; }

std::vector<ScalingPolicy> default_policies() {
  return {{"cpu_threshold",
           "threshold[metric=cluster_cpu_avg, scale_out_threshold=0.8, scale_in_threshold=0.3, "
           "min_capacity=1, max_capacity=20, scale_increment=2]"},
          {"memory_threshold",
           "threshold[metric=cluster_memory_avg, scale_out_threshold=0.85, "
           "scale_in_threshold=0.4, min_capacity=1, max_capacity=20, scale_increment=1]"}};
}

void GovernorOptions::visit(SettingVisitor& v) {
  v.duration("interval", interval, seconds(1), hours(1), "how often policies are asked");
  v.duration("cooldown_out", cooldown_out, Duration{0}, hours(24),
             "from a decision to grow to the next one");
  v.duration("cooldown_in", cooldown_in, Duration{0}, hours(24),
             "from the end of a change to the next decision to shrink");
  v.duration("stabilise_out", stabilise_out, Duration{0}, hours(1),
             "grows to the least that was wished for in this time");
  v.duration("stabilise_in", stabilise_in, Duration{0}, hours(1),
             "shrinks to the most that was wished for in this time");
  v.integer("grow_percent", grow_percent, 0, 100000, "grows by at most this share in a period");
  v.integer("grow_nodes", grow_nodes, 1, kMostNodes, "or by this many nodes, if that is more");
  v.duration("grow_period", grow_period, seconds(1), seconds(1800), "the period of growth");
  v.integer("shrink_percent", shrink_percent, 1, 100, "shrinks by at most this share in a period");
  v.integer("shrink_nodes", shrink_nodes, 0, kMostNodes, "or by this many nodes, if that is more");
  v.duration("shrink_period", shrink_period, seconds(1), seconds(1800), "the period of shrinking");
  v.integer("reversals_per_hour", reversals_per_hour, 2, 1000,
            "changes of direction in any hour; shrinking waits where they are spent");
  v.integer("changes_at_once", changes_at_once, 1, 1000, "under way together, in one direction");
  v.number("stale_boots", stale_boots, 1, 100,
           "a node not ready after this many boot times counts no longer");
  v.duration("backoff", backoff, seconds(1), hours(1),
             "until growth is tried again after a failure; doubles with each");
  v.duration("backoff_max", backoff_max, seconds(1), hours(24), "the longest such wait");
  v.duration("change_limit", change_limit, seconds(1), hours(24),
             "a change nothing is heard of is given up after this");
  v.duration("restart_hold", restart_hold, Duration{0}, hours(24),
             "no change after a restart, until measurements have built up");
  v.duration("manual_hold", manual_hold, Duration{0}, hours(24),
             "no change after one made by hand");
}

Result<GovernorOptions> parse_governor(std::string_view text) {
  const Result<SettingsText> parsed = parse_settings_text(text);
  if (!parsed) return Error{parsed.error()};
  if (parsed->name != "governor") {
    return Error{"found \"" + parsed->name + "\" where governor[...] is expected"};
  }
  GovernorOptions options;
  const Status applied = apply_settings(*parsed, [&](SettingVisitor& v) { options.visit(v); });
  if (!applied) return Error{applied.error()};
  return options;
}

std::string print_governor(GovernorOptions options) {
  return print_settings("governor", [&](SettingVisitor& v) { options.visit(v); });
}

std::string_view to_text(ScalingEvent::Result result) {
  constexpr std::string_view kNames[] = {"under_way", "done", "partial", "failed", "superseded"};
  return kNames[static_cast<std::size_t>(result)];
}

Governor::Governor(ScalingPool pool, GovernorOptions options)
    : pool_(std::move(pool)), options_(options) {
  assert(pool_.minimum >= 0 && pool_.maximum >= 1 && pool_.minimum <= pool_.maximum);
}

Status Governor::add_policy(const ScalingPolicy& policy) {
  if (trim(policy.name).empty()) return Error{"a scaling policy needs a name"};
  for (const ScalingPolicy& known : texts_) {
    if (known.name == policy.name) {
      return Error{"there is a scaling policy \"" + policy.name + "\" already"};
    }
  }
  Result<MadeScaler> made = make_scaler(policy.text);
  if (!made) return Error{"scaling policy \"" + policy.name + "\": " + made.error()};
  for (const ExternalEvent& event : events_) made->strategy->on_event(event);
  texts_.insert(texts_.begin(), {policy.name, made->text});
  Policy entry;
  entry.scaler = std::move(made->strategy);
  policies_.insert(policies_.begin(), std::move(entry));
  return success();
}

Status Governor::remove_policy(std::string_view name) {
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (texts_[i].name != name) continue;
    texts_.erase(texts_.begin() + static_cast<std::ptrdiff_t>(i));
    policies_.erase(policies_.begin() + static_cast<std::ptrdiff_t>(i));
    return success();
  }
  std::vector<std::string> known;
  for (const ScalingPolicy& policy : texts_) known.push_back(policy.name);
  return unknown_strategy("scaling policy", name, known);
}

Time Governor::next_tick() const {
  Time next = due_;
  for (const Policy& policy : policies_) next = std::min(next, policy.due);
  return next;
}

void Governor::tick(ScalingView view, DecisionIds& ids, std::vector<Decision>& out) {
  prepare(view);
  ask(view, Ask::kDue);
  evaluate(view, ids, out);
}

void Governor::evaluate_now(ScalingView view, DecisionIds& ids, std::vector<Decision>& out) {
  prepare(view);
  ask(view, Ask::kAll);
  evaluate(view, ids, out);
}

// Node by node: who asked for three is told when the last of them came.
void Governor::observe_boots(const ScalingView& view) {
  for (const ScalingNode& node : view.nodes) {
    // One that came at this very moment counts at the next look, whichever of the two was first.
    const bool came = node.ready_since >= looked_at_ && node.ready_since < view.now;
    if (!node.is_ready || node.asked_at == kNever || !came) continue;
    boots_.push_back(node.ready_since - node.asked_at);
    if (boots_.size() > kBootsKept) boots_.pop_front();
  }
  looked_at_ = view.now;
}

void Governor::prepare(ScalingView& view) {
  assert(view.metrics != nullptr);
  observe_boots(view);
  view.minimum = pool_.minimum;
  view.maximum = pool_.maximum;
  view.boot_usual = boot_time(50, view.boot_usual);
  view.boot_time = boot_time(95, view.boot_time);
  // Whoever misses a chance to grow gets the next one after the cooldown.
  view.decision_delay = std::max({view.decision_delay, options_.interval, options_.cooldown_out});
  const CountedSupply counted = counted_supply(view, options_.stale_boots);
  view.capacity = counted.capacity;
  stale_nodes_ = counted.stale;
  give_up_lost(view.now);
}

void Governor::ask(const ScalingView& view, Ask whom) {
  for (Policy& policy : policies_) {
    if (whom == Ask::kDue && policy.due > view.now) continue;
    policy.wish = policy.scaler->wish(view);
    policy.asked_at = view.capacity.supply();
    const Duration own = policy.scaler->interval();
    policy.due = view.now + (own > Duration{0} ? own : options_.interval);
    if (policy.wish.desired == ScalingWish::kNone && policy.wish.blocks_scale_in) {
      ++counters_.missing_metrics;
    }
  }
  due_ = view.now + options_.interval;
}

void Governor::evaluate(const ScalingView& view, DecisionIds& ids, std::vector<Decision>& out) {
  ++counters_.evaluations;
  Plan plan = combine(view);
  wishes_.record(view.now, plan.desired, std::max(options_.stabilise_in, options_.stabilise_out));
  limit_rate(plan, view.now);
  stabilise(plan, view.now);
  limit_waits(plan, view.now);
  limit_flaps(plan, view.now);
  repair_bounds(plan);
  limit_backoff(plan, view.now);
  limit_in_flight(plan);
  if (!plan.limits.empty()) ++counters_.limited;
  carry_out(plan, view, ids, out);
}

void Governor::carry_out(const Plan& plan, const ScalingView& view, DecisionIds& ids,
                         std::vector<Decision>& out) {
  if (plan.desired > plan.current) {
    grow(plan, view.now, ids, out);
  } else if (plan.desired < plan.current) {
    shrink(plan, view, ids, out);
  } else {
    if (desired_ < 0) desired_ = plan.current;
    hold(plan, view.now, ids, out);
  }
}

Decision Governor::decision(const Plan& plan, DecisionKind kind, Time now, DecisionIds& ids) const {
  Decision decision;
  decision.id = ids.take();
  decision.at = now;
  decision.kind = kind;
  decision.family = "scaling";
  decision.subject = pool_.name;
  decision.from = plan.current;
  decision.value = plan.desired;
  decision.seen = plan.seen;
  decision.reason = plan.reason;
  if (!plan.limits.empty()) decision.reason += "; limited by " + plan.limits;
  return decision;
}

Governor::Change& Governor::begin(const Plan& plan, DecisionKind kind, int to, Time now) {
  ScalingEvent event;
  event.at = now;
  event.kind = kind;
  event.from = plan.current;
  event.to = to;
  event.reason = plan.reason;
  if (!plan.limits.empty()) event.reason += "; limited by " + plan.limits;
  history_.push_back(std::move(event));
  if (history_.size() > kHistory) history_.pop_front();
  Change change;
  change.kind = kind;
  change.at = now;
  change.asked = std::abs(to - plan.current);
  change.event = events_begun_++;
  changes_.push_back(std::move(change));
  rate_.record(now, to - plan.current);
  const auto direction =
      kind == DecisionKind::kScaleOut ? FlapBudget::Direction::kOut : FlapBudget::Direction::kIn;
  if (flaps_.note(direction, now)) ++counters_.reversals;
  desired_ = to;
  told_.clear();
  return changes_.back();
}

// Nodes that are still draining come first: they serve at once.
void Governor::grow(const Plan& plan, Time now, DecisionIds& ids, std::vector<Decision>& out) {
  std::vector<NodeId> draining;
  int missing = plan.desired - plan.current;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    if (change->kind != DecisionKind::kScaleIn) continue;
    for (auto part = change->open.rbegin(); part != change->open.rend() && missing > 0; ++part) {
      if (part->is_taken_back) continue;
      part->is_taken_back = true;
      draining.push_back(part->node);
      --missing;
    }
  }
  Change& change = begin(plan, DecisionKind::kScaleOut, plan.desired, now);
  for (const NodeId node : draining) {
    Decision back = decision(plan, DecisionKind::kScaleOut, now, ids);
    back.node = node;
    back.count = 1;
    change.open.push_back({back.id, node});
    out.push_back(std::move(back));
  }
  if (missing > 0) {
    Decision more = decision(plan, DecisionKind::kScaleOut, now, ids);
    more.count = missing;
    change.open.push_back({more.id, kNoNode, missing});
    out.push_back(std::move(more));
  }
  if (options_.cooldown_out > Duration{0}) cooldown_out_end_ = now + options_.cooldown_out;
}

void Governor::shrink(const Plan& plan, const ScalingView& view, DecisionIds& ids,
                      std::vector<Decision>& out) {
  const std::vector<NodeId> chosen = choose_removals(view.nodes, plan.current - plan.desired);
  if (chosen.empty()) {
    Plan held = plan;
    limit(held, plan.current, "no node that may be removed");
    hold(held, view.now, ids, out);
    return;
  }
  Plan actual = plan;
  actual.desired = plan.current - static_cast<int>(chosen.size());
  Change& change = begin(actual, DecisionKind::kScaleIn, actual.desired, view.now);
  for (const NodeId node : chosen) {
    Decision gone = decision(actual, DecisionKind::kScaleIn, view.now, ids);
    gone.node = node;
    gone.count = 1;
    change.open.push_back({gone.id, node});
    out.push_back(std::move(gone));
  }
}

void Governor::hold(const Plan& plan, Time now, DecisionIds& ids, std::vector<Decision>& out) {
  if (plan.limit_kinds == told_) return;
  told_ = plan.limit_kinds;
  if (plan.limits.empty()) return;
  out.push_back(decision(plan, DecisionKind::kHold, now, ids));
}

Status Governor::scale_to(int nodes, std::string_view reason, const ScalingView& given,
                          DecisionIds& ids, std::vector<Decision>& out) {
  const std::string what = "scale_to " + std::to_string(nodes) + ": ";
  if (nodes < pool_.minimum || nodes > pool_.maximum) {
    return Error{what + "must be in [" + std::to_string(pool_.minimum) + ", " +
                 std::to_string(pool_.maximum) + "]"};
  }
  ScalingView view = given;
  prepare(view);
  if (!changes_.empty()) {
    return Error{what + "a change to " + nodes_text(desired_) + " is under way"};
  }
  Plan plan;
  plan.current = view.capacity.supply();
  plan.desired = nodes;
  plan.reason = reason;
  plan.seen = nodes_text(plan.current);
  if (nodes > plan.current && nodes + stale_nodes_ > pool_.maximum) {
    return Error{what + nodes_text(stale_nodes_) +
                 " that should be ready long since may still come"};
  }
  const int fewer = plan.current - nodes;
  if (fewer > 0 && static_cast<int>(choose_removals(view.nodes, fewer).size()) < fewer) {
    return Error{what + "not that many nodes may be removed"};
  }
  carry_out(plan, view, ids, out);
  manual_end_ = view.now + options_.manual_hold;
  begun_ = true;
  return success();
}

void Governor::on_event(const ExternalEvent& event) {
  events_.push_back(event);
  if (events_.size() > kEventsKept) events_.pop_front();
  for (Policy& policy : policies_) {
    policy.scaler->on_event(event);
    policy.due = kAtOnce;
  }
}

void Governor::on_outcome(const DecisionOutcome& outcome, Time now) {
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    Change& change = changes_[i];
    const auto part = std::find_if(change.open.begin(), change.open.end(),
                                   [&](const auto& open) { return open.id == outcome.id; });
    if (part == change.open.end()) continue;
    const bool grows = change.kind == DecisionKind::kScaleOut;
    const int came =
        outcome.kind == OutcomeKind::kDone && outcome.count == 0 ? part->count : outcome.count;
    if (outcome.kind == OutcomeKind::kDone || (grows && outcome.kind == OutcomeKind::kFailed)) {
      change.done += std::clamp(came, 0, part->count);
    }
    if (outcome.kind == OutcomeKind::kSuperseded) change.superseded = true;
    if (outcome.kind != OutcomeKind::kDone) append(change.cause, outcome.text);
    change.took = std::max(change.took, outcome.took);
    change.open.erase(part);
    if (change.open.empty()) {
      finish(change, now);
      changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return;
  }
  ++counters_.unknown_outcomes;
}

void Governor::finish(Change& change, Time now) {
  const int missed = change.asked - change.done;
  const bool grows = change.kind == DecisionKind::kScaleOut;
  using Result = ScalingEvent::Result;
  if (ScalingEvent* event = event_of(change)) {
    event->count = change.done;
    event->took = change.took;
    event->cause = change.cause;
    event->result = missed <= 0         ? Result::kDone
                    : change.superseded ? Result::kSuperseded
                    : change.done > 0   ? Result::kPartial
                                        : Result::kFailed;
  }
  (grows ? counters_.started : counters_.stopped) += change.done;
  if (!change.superseded) desired_ += grows ? -missed : missed;
  if (!grows || change.done > 0) cooldown_in_end_ = now + options_.cooldown_in;
  if (grows && missed <= 0) {
    failures_ = 0;
    backoff_end_.reset();
  }
  if (change.superseded || missed <= 0) return;
  (grows ? counters_.failed_starts : counters_.failed_stops) += missed;
  if (!grows) return;
  // The rest is tried again after a while that doubles; the cooldown was for nodes that came.
  if (change.done == 0) cooldown_out_end_.reset();
  Duration wait = options_.backoff;
  for (int i = 0; i < failures_ && wait < options_.backoff_max; ++i) wait *= 2;
  ++failures_;
  backoff_end_ = now + std::min(wait, options_.backoff_max);
}

void Governor::give_up_lost(Time now) {
  for (std::size_t i = 0; i < changes_.size();) {
    Change& change = changes_[i];
    if (now - change.at <= options_.change_limit) {
      ++i;
      continue;
    }
    ++counters_.lost_outcomes;
    change.took = now - change.at;
    append(change.cause, "nothing was heard of it");
    finish(change, now);
    changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

ScalingEvent* Governor::event_of(const Change& change) {
  const auto age = static_cast<std::size_t>(events_begun_ - change.event);
  return age > history_.size() ? nullptr : &history_[history_.size() - age];
}

int Governor::under_way(DecisionKind kind) const {
  return static_cast<int>(std::count_if(changes_.begin(), changes_.end(),
                                        [&](const Change& change) { return change.kind == kind; }));
}

Duration Governor::boot_time(int percent, Duration unless_known) const {
  if (boots_.size() < kBootsNeeded) return unless_known;
  std::vector<Duration> sorted(boots_.begin(), boots_.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted[(sorted.size() * static_cast<std::size_t>(percent) + 99) / 100 - 1];
}

ScalingStatus Governor::status(const ScalingView& view) const {
  ScalingStatus status;
  const auto left = [&](const std::optional<Time>& end) -> std::optional<Duration> {
    if (!end || *end <= view.now) return std::nullopt;
    return *end - view.now;
  };
  status.pool = pool_.name;
  status.current = status.ready = view.capacity.ready;
  status.provisioning = view.capacity.provisioning;
  status.draining = view.capacity.draining;
  status.desired = desired_ < 0 ? view.capacity.supply() : desired_;
  status.minimum = pool_.minimum;
  status.maximum = pool_.maximum;
  status.cooldown_out_left = left(cooldown_out_end_);
  status.cooldown_in_left = left(cooldown_in_end_);
  status.backoff_left = left(backoff_end_);
  status.changes_under_way = static_cast<int>(changes_.size());
  status.policies = static_cast<int>(texts_.size());
  status.boot_time = boot_time(95, view.boot_time);
  status.maximum_reached = maximum_reached_;
  status.has_stale_nodes = stale_nodes_ > 0;
  if (view.forecast != nullptr && view.forecast_step > Duration{0}) {
    const auto steps = static_cast<int>(std::max<std::int64_t>(
        1, (status.boot_time + view.forecast_step - Duration{1}) / view.forecast_step));
    status.forecast_mean = view.forecast->mean(steps);
    status.forecast_q90 = view.forecast->quantile(steps, 0.9);
    status.forecast_trusted = view.forecast->is_trusted();
  }
  for (auto event = history_.rbegin(); event != history_.rend(); ++event) {
    if (status.recent.size() == kShown) break;
    status.recent.push_back(*event);
  }
  status.counters = counters_;
  return status;
}

}  // namespace phoenix
