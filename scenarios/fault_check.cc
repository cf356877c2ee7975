#include <algorithm>
#include <cmath>

#include "scenarios/fault_kinds.h"
#include "scenarios/fault_sides.h"
#include "scenarios/fault_targets.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

using Form = FaultForm;
using Lasting = FaultRule::Lasting;

constexpr Duration kEveryMin = std::chrono::milliseconds(1);

class Checker {
 public:
  Checker(const FaultSpec& spec, const FaultTopology& topology, Fidelity fidelity)
      : spec_(spec), topology_(topology), fidelity_(fidelity) {}

  std::vector<FaultProblem> check() {
    rule_ = find_fault_rule(spec_.kind);
    if (rule_ == nullptr) {
      check_unknown_kind();
      return problems_;
    }
    const std::string objection = fidelity_objection(*rule_, fidelity_);
    if (!objection.empty() && !spec_.allow_unsupported) {
      quote("kind", spec_.kind, objection + "; allow_unsupported = true skips it");
    }
    check_times();
    check_parameters();
    check_target();
    if (rule_->form == Form::kSides) check_sides();
    if (rule_->form == Form::kRolling) check_rolling();
    if (rule_->form == Form::kChaos) check_chaos();
    return problems_;
  }

 private:
  void add(std::string_view key, const std::string& message) {
    problems_.push_back({std::string(key), message});
  }
  void value(std::string_view key, const std::string& found, const std::string& message) {
    add(key, "found " + found + ": " + message);
  }
  void quote(std::string_view key, std::string_view found, const std::string& message) {
    value(key, "\"" + std::string(found) + "\"", message);
  }

  void check_unknown_kind() {
    std::vector<std::string> built, known;
    for (const FaultKindInfo& kind : fault_kinds()) {
      known.emplace_back(kind.name);
      if (kind.built) built.emplace_back(kind.name);
      if (kind.built || kind.name != spec_.kind) continue;
      if (!spec_.allow_unsupported) quote("kind", spec_.kind, "known, but not built yet");
      return;
    }
    quote("kind", spec_.kind,
          "unknown fault kind" + did_you_mean(spec_.kind, known) + "; known: " + join_names(built));
  }

  void check_times() {
    if (spec_.start < Duration{0} || spec_.start == Duration::max()) {
      value("start", print_duration(spec_.start), "must be in [0 s, inf)");
    }
    check_duration();
    check_ramp();
    if (!(spec_.probability >= 0 && spec_.probability <= 1)) {
      value("probability", print_number(spec_.probability), "must be in [0, 1]");
    }
    if (spec_.every != Duration{0} && spec_.every < kEveryMin) {
      value("every", print_duration(spec_.every), "must be 0 (once) or at least 1 ms");
    }
    if (spec_.count < 0) value("count", std::to_string(spec_.count), "must be at least 0");
    if (spec_.count > 1 && spec_.every == Duration{0}) {
      value("count", std::to_string(spec_.count), "needs every, the time between repetitions");
    }
    if (spec_.jitter < Duration{0} || spec_.jitter == Duration::max()) {
      value("jitter", print_duration(spec_.jitter), "must be in [0 s, inf)");
    }
    if (spec_.max_unavailable != -1 && spec_.max_unavailable < 1) {
      value("max_unavailable", std::to_string(spec_.max_unavailable),
            "must be at least 1, or -1 for no limit");
    }
  }

  void check_duration() {
    if (!spec_.has_duration) {
      if (rule_->duration == Lasting::kRequired) add("duration", name() + " needs one");
      return;
    }
    if (rule_->duration == Lasting::kNone) {
      value("duration", print_duration(spec_.duration),
            name() + " has none; its length follows from down and gap");
    } else if (spec_.duration <= Duration{0}) {
      value("duration", print_duration(spec_.duration), "must be above 0 s");
    }
  }

  void check_ramp() {
    if (spec_.ramp == Duration{0}) return;
    if (!rule_->ramps) {
      value("ramp", print_duration(spec_.ramp), name() + " has no magnitude that could ramp");
    } else if (spec_.ramp < Duration{0} || spec_.ramp == Duration::max()) {
      value("ramp", print_duration(spec_.ramp), "must be in [0 s, inf)");
    } else if (spec_.has_duration && spec_.ramp > spec_.duration / 2) {
      value("ramp", print_duration(spec_.ramp),
            "must be at most half the duration of " + print_duration(spec_.duration) +
                ": it ramps up and down within it");
    }
  }

  template <class Value>
  void check_names(const std::vector<std::pair<std::string, Value>>& given) {
    std::vector<std::string> known;
    for (const FaultParameter& parameter : rule_->parameters) known.emplace_back(parameter.name);
    for (const auto& [key, found] : given) {
      if (find_parameter(*rule_, key) != nullptr) continue;
      add(key, "unknown parameter of " + name() + did_you_mean(key, known) +
                   (known.empty() ? "; it has none" : "; known: " + join_names(known)));
    }
  }

  void check_parameters() {
    check_names(spec_.numbers);
    check_names(spec_.texts);
    for (const FaultParameter& parameter : rule_->parameters) {
      if (parameter.unit == FaultParameter::Unit::kText) {
        check_text(parameter);
        continue;
      }
      const Result<double> found = fault_number(spec_, parameter);
      if (!found) {
        add(parameter.name, found.error());
      } else if (std::isnan(*found)) {
        add(parameter.name, name() + " needs one, in " + print_bounds(parameter));
      }
    }
  }

  void check_text(const FaultParameter& parameter) {
    for (const auto& [key, number] : spec_.numbers) {
      if (key == parameter.name) value(key, print_number(number), "must be a text");
    }
    if (parameter.name != "state") return;
    const std::string state = fault_text(spec_, *rule_, "state");
    if (state != "lost" && state != "kept") quote("state", state, "must be lost or kept");
  }

  void check_target() {
    const std::string_view text =
        spec_.target.empty() ? rule_->default_target : std::string_view(spec_.target);
    if (text.empty()) {
      add("target", name() + " needs one");
      return;
    }
    const Result<FaultTarget> target = parse_fault_target(text, topology_);
    if (!target) {
      quote("target", text, target.error());
      return;
    }
    const std::string objection = target_objection(*target, text);
    if (!objection.empty()) quote("target", text, name() + " " + objection);
  }

  std::string target_objection(const FaultTarget& target, std::string_view text) const {
    const Form form = rule_->form;
    using Kind = FaultTarget::Kind;
    if (form == Form::kOutage) return text.starts_with("zone:") ? "" : "needs zone:NAME";
    if (target.kind == Kind::kPath && form != Form::kPaths && form != Form::kFlap) {
      return "acts on nodes, not on links";
    }
    const bool picks_at_begin = form == Form::kNodes && rule_->action != FaultAction::kBandwidth;
    if (target.kind == Kind::kBusiest && !picks_at_begin) {
      return "must know its nodes before the run";
    }
    return "";
  }

  void check_sides() {
    const std::string mode = fault_text(spec_, *rule_, "mode");
    const std::string groups = fault_text(spec_, *rule_, "groups");
    if (!mode.empty() && !groups.empty()) quote("mode", mode, "mode or groups, not both");
    if (!mode.empty() && !find_partition_mode(mode)) {
      quote("mode", mode, "must be halves, isolate_one, majority_ring, zones or bridge");
    }
    if (!groups.empty()) {
      const auto sides = parse_sides(groups, topology_);
      if (!sides) quote("groups", groups, sides.error());
    }
    if (mode == "zones" && zones_of(topology_).size() < 2) {
      quote("mode", mode, "the cluster has one zone only");
    }
    const bool whole = spec_.target.empty() || spec_.target == "all";
    if (!whole && mode != "isolate_one") {
      quote("target", spec_.target, "only mode isolate_one picks from a target; others need all");
    }
  }

  void check_rolling() {
    const Result<double> down = fault_number(spec_, *find_parameter(*rule_, "down"));
    const Result<double> grace = fault_number(spec_, *find_parameter(*rule_, "grace"));
    if (down && grace && *down < *grace) {
      value("down", print_number(*down) + " s",
            "must be at least grace, " + print_number(*grace) + " s");
    }
  }

  void check_chaos() {
    const std::string text = fault_text(spec_, *rule_, "kinds");
    const auto kinds = parse_weighted_kinds(text);
    if (!kinds) {
      quote("kinds", text, kinds.error());
      return;
    }
    if (spec_.allow_unsupported) return;
    for (const WeightedKind& kind : *kinds) {
      const std::string objection = fidelity_objection(*kind.rule, fidelity_);
      if (!objection.empty()) {
        quote("kinds", text,
              std::string(kind.rule->name) + " is " + objection +
                  "; allow_unsupported = true skips it");
      }
    }
  }

  std::string name() const { return std::string(rule_->name); }

  const FaultSpec& spec_;
  const FaultTopology& topology_;
  Fidelity fidelity_;
  const FaultRule* rule_ = nullptr;
  std::vector<FaultProblem> problems_;
};

}  // namespace

std::vector<FaultProblem> check_fault(const FaultSpec& spec, const FaultTopology& topology,
                                      Fidelity fidelity) {
  return Checker(spec, topology, fidelity).check();
}

}  // namespace phoenix
