#include "scenarios/fault_plan.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "scenarios/fault_kinds.h"
#include "scenarios/fault_sides.h"
#include "scenarios/fault_targets.h"
#include "scenarios/fault_timeline.h"

namespace phoenix {
namespace {

// One repetition of a fault: what was drawn for it.
struct Occasion {
  Time at = kStart;
  bool happens = true;
  std::vector<NodeId> victims;
};

struct Path {
  OneWayCut ends;
  std::string label;
};

void set_parameter(FaultEvent& event, std::string_view name, double value) {
  if (name == "factor" || name == "p") event.magnitude = value;
  if (name == "delay" || name == "grace") event.duration2 = from_seconds(value);
  if (name == "delay_jitter") event.jitter = from_seconds(value);
  if (name == "capacity") event.capacity = static_cast<std::int64_t>(value);
}

std::string path_label(const EndpointSet& from, const EndpointSet& to) {
  return "link:" + describe(from) + "->" + describe(to);
}

class SpecPlanner {
 public:
  SpecPlanner(const FaultSpec& spec, const Scenario& scenario, const FaultTopology& topology,
              const Streams& streams, FaultTimeline& timeline)
      : spec_(spec),
        scenario_(scenario),
        topology_(topology),
        timeline_(timeline),
        random_(streams.named("faults/" + (spec.stream.empty() ? spec.id : spec.stream))),
        rule_(find_fault_rule(spec.kind)) {}

  void plan() {
    base_.fault = timeline_.add_name(spec_.id, spec_.kind);
    base_.max_unavailable = spec_.max_unavailable;
    std::string objection = "not built yet";
    if (rule_ != nullptr) {
      read_target();
      read_parameters();
      add_children();
      objection = fidelity_objection(*rule_, scenario_.fidelity);
    }
    for (const Occasion& occasion : draw_occasions()) {
      if (!objection.empty()) {
        skip(occasion.at, objection);
      } else if (!occasion.happens) {
        skip(occasion.at, "not hit, by its probability");
      } else if (occasion.at >= timeline_.end_of_run()) {
        skip(occasion.at, "starts after the run ends");
      } else {
        strike(occasion);
      }
    }
  }

 private:
  void skip(Time at, const std::string& cause) {
    FaultEvent event = base_;
    event.target = target_text_;
    timeline_.skip(std::move(event), at, cause);
  }

  void read_target() {
    target_text_ = spec_.target.empty() ? std::string(rule_->default_target) : spec_.target;
    const Result<FaultTarget> target = parse_fault_target(target_text_, topology_);
    assert(target.ok());
    target_ = *target;
  }

  void read_parameters() {
    base_.action = rule_->action;
    for (const FaultParameter& parameter : rule_->parameters) {
      if (parameter.unit == FaultParameter::Unit::kText) continue;
      set_parameter(base_, parameter.name, fault_number(spec_, *rule_, parameter.name));
    }
    if (find_parameter(*rule_, "state") != nullptr) {
      base_.keeps_state = fault_text(spec_, *rule_, "state") == "kept";
    }
  }

  // A composite's children come right after it, numbered from 0.
  void add_children() {
    std::vector<std::string_view> kinds;
    if (rule_->form == FaultForm::kOutage) kinds = {"crash"};
    if (rule_->form == FaultForm::kRolling) kinds = {"stop_graceful"};
    if (rule_->form == FaultForm::kGray) kinds = {"slow_cpu", "loss", "metrics_frozen"};
    if (rule_->form == FaultForm::kChaos) {
      chaos_kinds_ = *parse_weighted_kinds(fault_text(spec_, *rule_, "kinds"));
      for (const WeightedKind& kind : chaos_kinds_) kinds.push_back(kind.rule->name);
    }
    for (const std::string_view kind : kinds) {
      const std::string id = spec_.id + "/" + std::to_string(children_.size());
      children_.push_back(timeline_.add_name(id, kind));
    }
  }

  // All of them before any kind's own draws, and every draw whether needed or not: so a parameter
  // does not change who is struck, and when.
  std::vector<Occasion> draw_occasions() {
    std::vector<Occasion> occasions;
    const bool is_open = spec_.count == 0 && spec_.every > Duration{0};
    Time planned = kStart + spec_.start;
    for (int i = 0; is_open || i < std::max(1, spec_.count); ++i) {
      if (i > 0 && planned >= timeline_.end_of_run()) break;
      Occasion occasion;
      occasion.happens = random_.uniform() < spec_.probability;
      const double shift = 2 * random_.uniform() - 1;
      occasion.at = std::max(kStart, planned + from_seconds(to_seconds(spec_.jitter) * shift));
      occasion.victims = draw_victims(target_, random_);
      occasions.push_back(std::move(occasion));
      planned = add_saturating(planned, spec_.every);
    }
    return occasions;
  }

  void strike(const Occasion& occasion) {
    const FaultSpan span{occasion.at, spec_.has_duration ? spec_.duration : Duration::max(),
                         spec_.ramp};
    switch (rule_->form) {
      case FaultForm::kNodes:
        strike_nodes(base_, span, occasion.victims);
        break;
      case FaultForm::kPaths:
        strike_paths(base_, span, paths_of(occasion.victims));
        break;
      case FaultForm::kNoise:
        for (const NodeId node : occasion.victims) {
          for (const FaultSpan& on : alternate(span, true)) strike_nodes(base_, on, {&node, 1});
        }
        break;
      case FaultForm::kFlap:
        strike_flap(span, occasion.victims);
        break;
      case FaultForm::kSides:
        strike_sides(span, occasion.victims);
        break;
      case FaultForm::kOutage:
        strike_outage(span, occasion.victims);
        break;
      case FaultForm::kRolling:
        strike_rolling(span, occasion.victims);
        break;
      case FaultForm::kGray:
        strike_gray(span, occasion.victims);
        break;
      case FaultForm::kChaos:
        strike_chaos(span, occasion.victims);
        break;
    }
  }

  void strike_nodes(FaultEvent event, const FaultSpan& span, std::span<const NodeId> victims) {
    if (target_.kind == FaultTarget::Kind::kBusiest) {
      event.resolve_busiest = true;
      event.target = "busiest";
      timeline_.add(std::move(event), span);
      return;
    }
    for (const NodeId node : victims) {
      event.node = node;
      event.target = "node:" + std::to_string(index(node));
      if (event.action == FaultAction::kBandwidth) event.from = event.to = endpoints_of({&node, 1});
      timeline_.add(event, span);
    }
  }

  void strike_paths(FaultEvent event, const FaultSpan& span, const std::vector<Path>& paths) {
    for (const Path& path : paths) {
      event.from = path.ends.from;
      event.to = path.ends.to;
      event.target = path.label;
      timeline_.add(event, span);
    }
  }

  // Each pair of ends is in one path only, so that delays between two victims do not add up.
  std::vector<Path> paths_of(std::span<const NodeId> victims) const {
    if (target_.kind == FaultTarget::Kind::kPath) {
      std::vector<Path> paths{{{target_.from, target_.to}, path_label(target_.from, target_.to)}};
      if (target_.both_ways) {
        paths.push_back({{target_.to, target_.from}, path_label(target_.to, target_.from)});
      }
      return paths;
    }
    const EndpointSet all = all_endpoints(topology_);
    const EndpointSet struck = endpoints_of(victims);
    EndpointSet others;
    std::copy_if(all.begin(), all.end(), std::back_inserter(others), [&](const Endpoint& end) {
      return end.is_gateway ||
             !std::binary_search(victims.begin(), victims.end(), NodeId{end.number});
    });
    const std::string name = describe(struck);
    return {{{all, struck}, "link:*->" + name}, {{struck, others}, "link:" + name + "->*"}};
  }

  std::vector<FaultSpan> alternate(const FaultSpan& span, bool stationary) {
    const Alternation alternation{from_seconds(fault_number(spec_, *rule_, "mean_on")),
                                  from_seconds(fault_number(spec_, *rule_, "mean_off")),
                                  stationary};
    return draw_alternation(alternation, span, timeline_.end_of_run(), random_);
  }

  void strike_flap(const FaultSpan& span, std::span<const NodeId> victims) {
    if (target_.kind == FaultTarget::Kind::kPath) {
      for (const FaultSpan& on : alternate(span, false)) strike_paths(base_, on, paths_of({}));
    }
    for (const NodeId node : victims) {
      const std::vector<Path> paths = paths_of({&node, 1});
      for (const FaultSpan& on : alternate(span, false)) strike_paths(base_, on, paths);
    }
  }

  void strike_sides(const FaultSpan& span, std::span<const NodeId> candidates) {
    const std::string groups = fault_text(spec_, *rule_, "groups");
    std::vector<OneWayCut> cuts;
    if (groups.empty()) {
      const std::string name = fault_text(spec_, *rule_, "mode");
      const PartitionMode mode = name.empty() ? PartitionMode::kHalves : *find_partition_mode(name);
      cuts = draw_partition(mode, topology_, candidates, random_);
    } else {
      cuts = cuts_between(*parse_sides(groups, topology_));
    }
    std::vector<Path> paths;
    for (OneWayCut& cut : cuts) {
      std::string label = path_label(cut.from, cut.to);
      paths.push_back({std::move(cut), std::move(label)});
    }
    strike_paths(base_, span, paths);
  }

  FaultEvent child_event(std::size_t child, FaultAction action) const {
    FaultEvent event = base_;
    event.parent = base_.fault;
    event.fault = children_[child];
    event.action = action;
    return event;
  }

  void strike_outage(FaultSpan span, std::span<const NodeId> victims) {
    const Time begin = span.begin;
    const double spread = fault_number(spec_, *rule_, "spread");
    for (const NodeId node : victims) {
      span.begin = begin + from_seconds(spread * random_.uniform());
      strike_nodes(child_event(0, FaultAction::kCrash), span, {&node, 1});
    }
  }

  void strike_rolling(FaultSpan span, std::span<const NodeId> victims) {
    span.lasting = from_seconds(fault_number(spec_, *rule_, "down"));
    const Duration gap = from_seconds(fault_number(spec_, *rule_, "gap"));
    for (const NodeId node : victims) {
      strike_nodes(child_event(0, FaultAction::kStopGraceful), span, {&node, 1});
      span.begin = add_saturating(span.over(), gap);
    }
  }

  void strike_gray(const FaultSpan& span, std::span<const NodeId> victims) {
    FaultEvent slow = child_event(0, FaultAction::kSlowCpu);
    slow.magnitude = fault_number(spec_, *rule_, "factor");
    FaultEvent loss = child_event(1, FaultAction::kLoss);
    loss.magnitude = fault_number(spec_, *rule_, "p");
    FaultEvent frozen = child_event(2, FaultAction::kMetricsFrozen);
    frozen.magnitude = std::numeric_limits<double>::quiet_NaN();
    strike_nodes(slow, span, victims);
    strike_paths(loss, span, paths_of(victims));
    strike_nodes(frozen, {span.begin, span.lasting, Duration{0}}, victims);
  }

  void strike_chaos(const FaultSpan& span, std::span<const NodeId> victims) {
    const Duration mean_gap = from_seconds(1 / fault_number(spec_, *rule_, "rate"));
    const Duration mean_length = from_seconds(fault_number(spec_, *rule_, "mean_length"));
    const Time until = std::min(span.over(), timeline_.end_of_run());
    Time at = add_saturating(span.begin, draw_exponential(mean_gap, random_));
    for (; at < until; at = add_saturating(at, draw_exponential(mean_gap, random_))) {
      const std::size_t child = draw_kind();
      const NodeId node = victims[static_cast<std::size_t>(random_.below(victims.size()))];
      const Duration length = draw_exponential(mean_length, random_);
      strike_one(child, node, {at, length, Duration{0}});
    }
  }

  std::size_t draw_kind() {
    double total = 0;
    for (const WeightedKind& kind : chaos_kinds_) total += kind.weight;
    double left = random_.uniform() * total;
    for (std::size_t i = 0; i + 1 < chaos_kinds_.size(); ++i) {
      left -= chaos_kinds_[i].weight;
      if (left < 0) return i;
    }
    return chaos_kinds_.size() - 1;
  }

  void strike_one(std::size_t child, NodeId node, const FaultSpan& span) {
    const FaultRule& rule = *chaos_kinds_[child].rule;
    FaultEvent event = child_event(child, rule.action);
    for (const FaultParameter& parameter : rule.parameters) {
      if (parameter.unit == FaultParameter::Unit::kText) continue;
      const double width = parameter.chaos_high - parameter.chaos_low;
      set_parameter(event, parameter.name, parameter.chaos_low + width * random_.uniform());
    }
    const std::string objection = fidelity_objection(rule, scenario_.fidelity);
    if (!objection.empty()) {
      event.node = node;
      event.target = "node:" + std::to_string(index(node));
      timeline_.skip(std::move(event), span.begin, objection);
    } else if (rule.form == FaultForm::kNodes) {
      strike_nodes(std::move(event), span, {&node, 1});
    } else {
      strike_paths(std::move(event), span, paths_of({&node, 1}));
    }
  }

  const FaultSpec& spec_;
  const Scenario& scenario_;
  const FaultTopology& topology_;
  FaultTimeline& timeline_;
  Random random_;
  const FaultRule* rule_;
  FaultTarget target_;
  std::string target_text_;
  FaultEvent base_;
  std::vector<std::int32_t> children_;
  std::vector<WeightedKind> chaos_kinds_;
};

}  // namespace

FaultTopology fault_topology(const Scenario& scenario) {
  FaultTopology topology;
  topology.gateways = scenario.gateway.count;
  topology.node_group = node_groups(scenario);
  topology.initial = static_cast<std::size_t>(initial_node_count(scenario));
  for (const NodeGroup& group : scenario.cluster.groups) {
    topology.group_names.push_back(group.name);
    topology.group_zones.push_back(group.zone);
  }
  for (int g = 0; g < topology.gateways; ++g) {
    topology.gateway_zones.push_back(gateway_zone(scenario, g));
  }
  return topology;
}

FaultPlan plan_faults(const Scenario& scenario, const Streams& streams) {
  const FaultTopology topology = fault_topology(scenario);
  FaultTimeline timeline(kStart + scenario.duration, scenario.final_heal);
  for (const FaultSpec& spec : scenario.faults) {
    SpecPlanner(spec, scenario, topology, streams, timeline).plan();
  }
  return timeline.take();
}

}  // namespace phoenix
