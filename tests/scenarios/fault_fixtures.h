// A small cluster and short ways to write faults for it, for the tests of the fault plan.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scenarios/fault_plan.h"
#include "scenarios/scenario.h"

namespace phoenix {

// Group "new": nodes 0 to 5 in zone a; group "old": nodes 6 to 9 in zone b; two gateways in zone a.
inline Scenario small_cluster(Duration duration = std::chrono::seconds(100)) {
  Scenario scenario;
  scenario.duration = duration;
  scenario.seed = 7;
  scenario.gateway.count = 2;
  NodeGroup fresh;
  fresh.name = "new";
  fresh.count = 6;
  fresh.zone = "a";
  NodeGroup old;
  old.name = "old";
  old.count = 4;
  old.zone = "b";
  scenario.cluster.groups = {fresh, old};
  return scenario;
}

using Numbers = std::vector<std::pair<std::string, double>>;
using Texts = std::vector<std::pair<std::string, std::string>>;

inline FaultSpec make_fault(std::string kind, std::string target, double start_s, double duration_s,
                            Numbers numbers = {}, Texts texts = {}) {
  FaultSpec spec;
  spec.id = kind;
  spec.kind = std::move(kind);
  spec.target = std::move(target);
  spec.start = from_seconds(start_s);
  spec.has_duration = duration_s > 0;
  spec.duration = from_seconds(duration_s);
  spec.numbers = std::move(numbers);
  spec.texts = std::move(texts);
  return spec;
}

inline FaultPlan plan_of(Scenario scenario, std::vector<FaultSpec> faults) {
  scenario.faults = std::move(faults);
  return plan_faults(scenario, Streams(scenario.seed, scenario.replication));
}

inline std::string phase_name(FaultPhase phase) {
  constexpr const char* kNames[] = {"begin", "step", "end", "skipped"};
  return kNames[static_cast<std::size_t>(phase)];
}

// "10 begin node:3", with the cause of what was skipped.
inline std::string describe_event(const FaultEvent& event) {
  std::string seconds = std::to_string(to_seconds(event.at));
  seconds.erase(seconds.find_last_not_of('0') + 1);
  if (seconds.ends_with('.')) seconds.pop_back();
  std::string text = seconds + " " + phase_name(event.phase) + " " + event.target;
  return event.cause.empty() ? text : text + ": " + event.cause;
}

inline std::vector<std::string> describe_plan(const FaultPlan& plan) {
  std::vector<std::string> lines;
  for (const FaultEvent& event : plan.events) lines.push_back(describe_event(event));
  return lines;
}

}  // namespace phoenix
