#include "strategies/tuning/rule_book.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "strategies/core/units.h"
#include "strategies/metrics/targets.h"
#include "strategies/tuning/trials.h"

namespace phoenix {
namespace {

constexpr std::string_view kResponse = "agent_response_time_p95";
constexpr std::string_view kThroughput = "message_throughput";
constexpr std::string_view kUtilization = "resource_utilization";

using Wanted = std::optional<WantedAction>;
using Seen = std::optional<std::string>;

const TargetReading* find_target(const TuningView& view, std::string_view name) {
  for (const TargetReading& reading : view.targets) {
    if (reading.name == name) return &reading;
  }
  return nullptr;
}

double mean(const TuningView& view, std::string_view metric) {
  return window_mean(*view.metrics, metric, view.window);
}

double compliance_of(const TuningView& view, std::string_view target) {
  const TargetReading* reading = find_target(view, target);
  return reading == nullptr ? std::numeric_limits<double>::quiet_NaN() : judge(*reading).compliance;
}

std::string rounded(double value) { return print_number(std::round(value * 1000) / 1000); }

Seen below(std::string_view what, double value, double limit) {
  if (!(value < limit)) return std::nullopt;
  return std::string(what) + ' ' + rounded(value) + " < " + print_number(limit);
}

Seen above(std::string_view what, double value, double limit) {
  if (!(value > limit)) return std::nullopt;
  return std::string(what) + ' ' + rounded(value) + " > " + print_number(limit);
}

Seen both(const Seen& one, const Seen& other) {
  if (!one || !other) return std::nullopt;
  return *one + ", " + *other;
}

Seen slow(const TuningView& view, double limit) {
  return below("p95 compliance", compliance_of(view, kResponse), limit);
}

// Triggers.
Seen latency_trigger(const TuningView& view) { return slow(view, 0.9); }
Seen throughput_trigger(const TuningView& view) {
  return below("throughput compliance", compliance_of(view, kThroughput), 0.8);
}
Seen scaling_trigger(const TuningView& view) {
  return above("utilization", mean(view, metric::kCpu), 0.8);
}
Seen memory_trigger(const TuningView& view) {
  return above("memory", mean(view, metric::kMemory), 0.85);
}
Seen cpu_trigger(const TuningView& view) {
  return both(above("cpu", mean(view, metric::kCpu), 0.8), slow(view, 0.9));
}
Seen overload_trigger(const TuningView& view) {
  return both(above("cpu", mean(view, metric::kCpu), 0.95), slow(view, 0.5));
}
// The links are full; or answers take too long, most of that time no node accounts for, and none is
// too busy to see what waits before it.
Seen network_trigger(const TuningView& view) {
  if (const Seen full = above("network", mean(view, metric::kNetwork), 0.9)) return full;
  const double on_the_way = 1 - view.facts.connection_hold / mean(view, metric::kResponseP50);
  if (mean(view, metric::kCpu) > 0.8) return std::nullopt;
  return both(slow(view, 0.9), above("share of p50 on the way", on_the_way, 0.5));
}

bool memory_released(const TuningView& view) { return mean(view, metric::kMemory) < 0.75; }
bool overload_released(const TuningView& view) { return mean(view, metric::kCpu) < 0.8; }

// Actions.
Wanted turn(const TuningView& view, ActionKind kind, KnobId knob, double value, bool is_known,
            std::string reason) {
  TuningAction action;
  action.kind = kind;
  action.knob = knob;
  action.from = knob_value(view.knobs, knob);
  action.value = nearest_safe(knob, value);
  action.reason = std::move(reason);
  if (action.value == action.from) return std::nullopt;
  return WantedAction{std::move(action), is_known};
}

// Worth a trial only where it makes a difference: half as much again, or a third less.
bool is_near(double value, double wanted) { return value > wanted / 1.5 && value < wanted * 1.5; }

Wanted want_batching(const TuningView& view, const RuleOptions& options) {
  const double rate = view.facts.node_rate;
  const double limit = to_seconds(options.batch_wait);
  const double fills = batch_for(rate, limit);
  const double size = std::isnan(fills) ? options.batch_size : std::fmin(options.batch_size, fills);
  if (is_near(view.knobs.batch_size, size)) return std::nullopt;
  std::string reason = "fewer, larger writes; flushed by size or time";
  if (!std::isnan(rate)) {
    reason = "at " + rounded(rate) + "/s to a node a batch of " + print_number(size) +
             " fills in " + rounded(batch_fill_wait(size, rate) * 1e3) + " ms";
  }
  return turn(view, ActionKind::kMessageBatching, KnobId::kBatchSize, size, !std::isnan(rate),
              std::move(reason));
}

Wanted want_pass(ActionKind kind, std::string_view strategy, std::string reason) {
  TuningAction action;
  action.kind = kind;
  action.strategy = strategy;
  action.reason = std::move(reason);
  return WantedAction{std::move(action)};
}

Wanted want_placement(const TuningView&, const RuleOptions&) {
  return want_pass(ActionKind::kAgentPlacement, "latency_aware", "agents nearer to their callers");
}

Wanted want_rebalance(const TuningView&, const RuleOptions&) {
  return want_pass(ActionKind::kRebalanceAgents, "even_distribution", "load spread evenly");
}

Wanted want_buffers(const TuningView& view, const RuleOptions& options) {
  const TuningFacts& facts = view.facts;
  const double needed = buffer_for(facts.link_bandwidth, facts.round_trip, options.buffer_bytes);
  const double bytes = std::isnan(needed) ? options.buffer_bytes : needed;
  if (view.knobs.socket_buffer >= bytes / 1.5) return std::nullopt;
  return turn(view, ActionKind::kNetworkBuffers, KnobId::kSocketBuffer, bytes, !std::isnan(needed),
              std::isnan(needed) ? "room for the bandwidth-delay product, which is not known"
                                 : "bandwidth times round trip fits into " + print_bytes(bytes));
}

Wanted want_pool(const TuningView& view, const RuleOptions& options) {
  const double needed = pool_for(view.facts.node_rate, view.facts.connection_hold);
  const double size = std::isnan(needed) ? options.pool_size : std::fmin(needed, options.pool_size);
  if (view.knobs.pool_size >= size / 1.5) return std::nullopt;
  return turn(view, ActionKind::kConnectionPools, KnobId::kPoolSize, size, !std::isnan(needed),
              std::isnan(needed) ? "requests wait for a free connection"
                                 : "Little's law needs " + print_number(needed) + " connections");
}

Wanted want_compression(const TuningView& view, const RuleOptions& options) {
  if (view.knobs.compress_above > 0) return std::nullopt;
  const TuningFacts& facts = view.facts;
  const double gain = compression_gain(facts.compression_ratio, facts.link_bandwidth,
                                       facts.compress_speed, facts.decompress_speed);
  if (gain <= 0) return std::nullopt;
  const double pays_from = compress_above_for(gain, facts.message_overhead);
  const double above = std::isnan(pays_from) ? options.compress_above : pays_from;
  Wanted wanted =
      turn(view, ActionKind::kCompression, KnobId::kCompressAbove, above, !std::isnan(gain),
           std::isnan(gain) ? "fewer bytes on the wire, if they compress"
                            : "saves " + rounded(gain * 1e9) + " ms per MB");
  if (wanted) wanted->action.strategy = "lz4";
  return wanted;
}

Wanted want_direct_routing(const TuningView& view, const RuleOptions&) {
  const TuningFacts& facts = view.facts;
  const double gain =
      direct_routing_gain(facts.hop_time, facts.stale_owner_share, facts.owner_miss_cost);
  if (view.knobs.direct_routing || gain <= 0) return std::nullopt;
  return turn(view, ActionKind::kMessageRouting, KnobId::kDirectRouting, 1, !std::isnan(gain),
              std::isnan(gain) ? "saves the hop through the gateway"
                               : "saves " + rounded(gain * 1e3) + " ms a request");
}

Wanted want_scale_out(const TuningView&, const RuleOptions& options) {
  TuningAction action;
  action.kind = ActionKind::kHorizontalScaleOut;
  action.count = options.additional_nodes;
  action.reason = "more nodes for the same load";
  return WantedAction{std::move(action)};
}

Wanted want_hibernation(const TuningView& view, const RuleOptions&) {
  const double after = hibernate_after(mean(view, metric::kMemory));
  const double now = to_seconds(view.knobs.hibernate_idle);
  if (!std::isfinite(after) || (now > 0 && now < after * 1.5)) return std::nullopt;
  return turn(view, ActionKind::kKnob, KnobId::kHibernateIdle, after, true,
              "idle agents give their memory back");
}

Wanted want_workers(const TuningView& view, const RuleOptions&) {
  const double workers = workers_for(view.facts.cores, view.facts.waiting_share);
  if (std::isnan(workers) || is_near(view.knobs.workers, workers)) return std::nullopt;
  return turn(view, ActionKind::kKnob, KnobId::kWorkers, workers, true,
              "keeps every core busy and no more");
}

Wanted want_queue(const TuningView& view, const RuleOptions&) {
  const TargetReading* response = find_target(view, kResponse);
  const double target = response == nullptr ? TuningFacts::kUnknown : response->target;
  const double workers = view.knobs.workers > 0 ? view.knobs.workers : view.facts.cores;
  const double length = queue_for(target, view.facts.service_time, workers);
  if (std::isnan(length) || is_near(view.knobs.queue_length, length)) return std::nullopt;
  return turn(view, ActionKind::kKnob, KnobId::kQueueLength, length, true,
              "who would wait longer than the target is sent elsewhere");
}

Wanted want_admission(const TuningView& view, const RuleOptions&) {
  const TargetReading* response = find_target(view, kResponse);
  if (response == nullptr || view.knobs.max_in_flight > 0) return std::nullopt;
  const double limit = in_flight_for(mean(view, metric::kThroughput), response->target);
  if (std::isnan(limit)) return std::nullopt;
  return turn(view, ActionKind::kKnob, KnobId::kMaxInFlight, limit, true,
              "Little's law: what is answered in time at the present throughput");
}

constexpr KnobId kNone = KnobId::kBatchSize;

constexpr RuleAction kLatencyActions[] = {
    {ActionKind::kMessageBatching, KnobId::kBatchSize, want_batching},
    {ActionKind::kAgentPlacement, kNone, want_placement},
    {ActionKind::kNetworkBuffers, KnobId::kSocketBuffer, want_buffers}};
constexpr RuleAction kThroughputActions[] = {
    {ActionKind::kConnectionPools, KnobId::kPoolSize, want_pool},
    {ActionKind::kCompression, KnobId::kCompressAbove, want_compression},
    {ActionKind::kMessageRouting, KnobId::kDirectRouting, want_direct_routing}};
constexpr RuleAction kScalingActions[] = {{ActionKind::kHorizontalScaleOut, kNone, want_scale_out},
                                          {ActionKind::kRebalanceAgents, kNone, want_rebalance}};
constexpr RuleAction kMemoryActions[] = {
    {ActionKind::kKnob, KnobId::kHibernateIdle, want_hibernation}};
constexpr RuleAction kCpuActions[] = {{ActionKind::kKnob, KnobId::kWorkers, want_workers},
                                      {ActionKind::kKnob, KnobId::kQueueLength, want_queue}};
constexpr RuleAction kOverloadActions[] = {
    {ActionKind::kKnob, KnobId::kMaxInFlight, want_admission}};
constexpr RuleAction kNetworkActions[] = {
    {ActionKind::kCompression, KnobId::kCompressAbove, want_compression}};

constexpr TuningRule kRules[] = {
    {"latency_optimization", kResponse, TuningPriority::kHigh, 0.8, 0.3, latency_trigger, nullptr,
     kLatencyActions},
    {"throughput_optimization", kThroughput, TuningPriority::kHigh, 0.9, 0.4, throughput_trigger,
     nullptr, kThroughputActions},
    {"scaling_optimization", kUtilization, TuningPriority::kMedium, 1.0, 0.5, scaling_trigger,
     nullptr, kScalingActions},
    {"memory_optimization", metric::kMemory, TuningPriority::kMedium, 0.6, 0.1, memory_trigger,
     memory_released, kMemoryActions},
    {"cpu_optimization", kResponse, TuningPriority::kLow, 0.5, 0.1, cpu_trigger, nullptr,
     kCpuActions},
    {"overload_optimization", kResponse, TuningPriority::kHigh, 0.7, 0.3, overload_trigger,
     overload_released, kOverloadActions},
    {"network_optimization", kResponse, TuningPriority::kHigh, 0.8, 0.4, network_trigger, nullptr,
     kNetworkActions},
};

}  // namespace

void RuleOptions::visit(SettingVisitor& v) {
  using std::chrono::minutes;
  v.integer("batch_size", batch_size, 2, 64, "messages to a batch");
  v.number("buffer_bytes", buffer_bytes, 16'384, 16'777'216, "least bytes a connection buffers");
  v.integer("pool_size", pool_size, 2, 64, "most connections to a node");
  v.integer("additional_nodes", additional_nodes, 1, 100, "nodes to scale out by");
  v.number("compress_above", compress_above, 256, 1'048'576,
           "bytes, where the formula cannot tell");
  v.duration("batch_wait", batch_wait, Duration{0}, std::chrono::seconds(1),
             "mean time a batch may take to fill");
  v.duration("medium_delay", medium_delay, Duration{0}, minutes(10), "before medium priority acts");
  v.duration("low_delay", low_delay, Duration{0}, minutes(10), "before low priority acts");
}

std::span<const TuningRule> tuning_rule_book() { return kRules; }

Duration delay_of(TuningPriority priority, const RuleOptions& options) {
  switch (priority) {
    case TuningPriority::kHigh:
      return Duration{0};
    case TuningPriority::kMedium:
      return options.medium_delay;
    case TuningPriority::kLow:
      break;
  }
  return options.low_delay;
}

double rule_score(const TuningRule& rule, const TuningView& view) {
  const TargetReading* own = find_target(view, rule.target);
  double score =
      own != nullptr ? target_cost(*own, view.targets) : std::log(mean(view, rule.target));
  for (const TargetReading& other : view.targets) {
    if (&other == own || other.sense == TargetSense::kSetPoint) continue;
    const double miss = target_cost(other, view.targets);
    if (miss > 0) score += miss;
  }
  return score;
}

}  // namespace phoenix
