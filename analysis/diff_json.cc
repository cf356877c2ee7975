#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/diff_text.h"

namespace phoenix {
namespace {

using Json = nlohmann::ordered_json;  // writes NaN and infinity as null

const char* suffix_of(DiffUnit unit) {
  switch (unit) {
    case DiffUnit::kSeconds:
      return "_s";
    case DiffUnit::kPerSecond:
      return "_per_s";
    case DiffUnit::kCount:
    case DiffUnit::kShare:
    case DiffUnit::kNumber:
      return "";
  }
  return "";
}

Json number_json(DiffUnit unit, double number) {
  if (unit != DiffUnit::kCount || !(number >= 0)) return number;
  return static_cast<std::uint64_t>(number);
}

Json metric_json(const DiffMetric& metric) {
  return {{"a", number_json(metric.unit, metric.a)},
          {"b", number_json(metric.unit, metric.b)},
          {"relative", metric.relative()}};
}

Json metrics_json(const DiffThing& thing) {
  Json json = Json::object();
  for (const DiffMetric& metric : thing.metrics) {
    json[metric.name + suffix_of(metric.unit)] = metric_json(metric);
  }
  return json;
}

Json thing_json(const DiffThing& thing) {
  Json only_in;
  if (thing.presence == Presence::kOnlyA) only_in = "a";
  if (thing.presence == Presence::kOnlyB) only_in = "b";
  return {{"name", thing.name}, {"only_in", only_in}, {"metrics", metrics_json(thing)}};
}

Json identity_json(const RecordIdentity& record) {
  return {{"file", record.path},
          {"scenario", record.scenario},
          {"scenario_xxh64", record.scenario_xxh64},
          {"overrides", record.overrides},
          {"world", record.world},
          {"balancer", record.balancer},
          {"seed", record.seed},
          {"replication", record.replication},
          {"duration_s", record.duration_s},
          {"measured_s", record.measured_s},
          {"digest", fmt::format("{:016x}", record.digest)},
          {"complete", record.complete}};
}

Json distribution_json(const DistributionDiff& d) {
  return {{"scope", d.scope},     {"name", d.name},         {"count_a", d.count_a},
          {"count_b", d.count_b}, {"distance", d.distance}, {"at_s", d.at_s},
          {"share_a", d.share_a}, {"share_b", d.share_b}};
}

Json fault_side_json(const std::optional<FaultSummary>& fault) {
  if (!fault) return nullptr;
  return {{"kind", fault->kind},   {"target", fault->target},     {"begin_s", fault->begin_s},
          {"end_s", fault->end_s}, {"affected", fault->affected}, {"outcome", fault->outcome}};
}

Json moment_json(const std::optional<DecisionMoment>& moment) {
  if (!moment) return nullptr;
  return {{"at_s", moment->at_s},
          {"family", moment->family},
          {"action", moment->action},
          {"subject", moment->subject}};
}

template <class Things, class Convert>
Json array_of(const Things& things, Convert convert) {
  Json array = Json::array();
  for (const auto& thing : things) array.push_back(convert(thing));
  return array;
}

Json decisions_json(const DecisionsDiff& decisions) {
  return {
      {"count_a", decisions.total_a},
      {"count_b", decisions.total_b},
      {"by_action",
       array_of(decisions.counts,
                [](const DecisionCountDiff& c) -> Json {
                  return {{"family", c.family}, {"action", c.action}, {"a", c.a}, {"b", c.b}};
                })},
      {"alike_at_first", decisions.alike_at_first},
      {"different", array_of(decisions.different, [](const DecisionPair& pair) -> Json {
         return {{"number", pair.number}, {"a", moment_json(pair.a)}, {"b", moment_json(pair.b)}};
       })}};
}

Json throughput_json(const ThroughputDiff& throughput) {
  return {{"intervals", throughput.intervals},
          {"interval_s", throughput.interval_s},
          {"mean_relative", throughput.mean_relative},
          {"largest",
           {{"begin_s", throughput.begin_s},
            {"end_s", throughput.end_s},
            {"throughput_per_s", metric_json(throughput.largest)}}}};
}

Json check_json(const ToleranceCheck& check) {
  return {{"name", check.name},
          {"metric", check.metric.name + suffix_of(check.metric.unit)},
          {"allowed", check.allowed},
          {"relative", check.metric.relative()},
          {"met", check.is_met}};
}

}  // namespace

std::string diff_json(const RunDiff& diff, const std::vector<ToleranceCheck>& checks,
                      const report::Fidelity* fidelity) {
  Json json = {
      {"a", identity_json(diff.a)},
      {"b", identity_json(diff.b)},
      {"same_scenario_file", diff.is_same_file()},
      {"same_events", diff.is_same_play()},
      {"total", metrics_json(diff.total)},
      {"classes", array_of(diff.classes, thing_json)},
      {"groups", array_of(diff.groups, thing_json)},
      {"counters", metrics_json(diff.counters)},
      {"distributions", array_of(diff.distributions, distribution_json)},
      {"throughput_by_interval", throughput_json(diff.throughput)},
      {"faults", array_of(diff.faults,
                          [](const FaultDiff& fault) -> Json {
                            return {{"id", fault.id},
                                    {"a", fault_side_json(fault.a)},
                                    {"b", fault_side_json(fault.b)}};
                          })},
      {"decisions", decisions_json(diff.decisions)},
      {"tolerances", array_of(checks, check_json)},
  };
  if (fidelity != nullptr) json["fidelity"] = report::fidelity_json(*fidelity);
  // Names come from files and may hold anything; what is not UTF-8 is replaced, never thrown over.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace phoenix
