#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <set>

#include "scenarios/fault_plan.h"
#include "scenarios/schema.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix::schema {
namespace {

constexpr std::int64_t kNodesMax = 1'000'000;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

template <class Entry>
std::vector<std::string> names_of(const std::vector<Entry>& entries) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string unknown(std::string_view name, const std::vector<std::string>& known) {
  return "found " + quoted(name) + "; allowed " + join_names(known) + did_you_mean(name, known);
}

class Checker {
 public:
  Checker(const Scenario& scenario, Reader& reader) : scenario_(scenario), reader_(reader) {}

  void check() {
    check_times();
    check_groups();
    check_services();
    check_disciplines();
    check_classes();
    check_gateway();
    check_router(scenario_.router, reader_);
    check_trace();
    check_transfers();
    check_faults();
    check_paging();
  }

 private:
  // A finding about several keys says nothing new where one of them is wrong by itself.
  void expect(bool is_fine, const std::string& key, const std::string& message,
              std::initializer_list<std::string> others = {}) {
    const auto is_wrong = [&](const std::string& other) { return reader_.is_wrong(other); };
    if (is_fine || is_wrong(key) || std::ranges::any_of(others, is_wrong)) return;
    reader_.report(key, message);
  }

  std::string group_key(std::size_t i) const {
    return "cluster.group" + path_step(scenario_.cluster.groups[i].name, i);
  }
  std::string service_key(std::size_t i) const {
    return "service" + path_step(scenario_.services[i].name, i);
  }

  void check_times() {
    expect(scenario_.warmup < scenario_.duration, "warmup",
           "found " + print_duration(scenario_.warmup) + "; allowed less than the duration of " +
               print_duration(scenario_.duration),
           {"duration"});
  }

  std::int64_t total_nodes() const {
    std::int64_t total = 0;
    for (const NodeGroup& group : scenario_.cluster.groups) total += group.places();
    return total;
  }

  // What scaling may make of a group.
  void check_bounds(const NodeGroup& group, const std::string& key) {
    if (!group.is_elastic()) return;
    const std::string count = std::to_string(group.count);
    expect(group.maximum >= group.count, key + ".maximum",
           "found " + std::to_string(group.maximum) + "; allowed at least the count of " + count,
           {key + ".count"});
    expect(group.minimum <= group.count, key + ".minimum",
           "found " + std::to_string(group.minimum) + "; allowed at most the count of " + count,
           {key + ".count"});
  }

  void check_groups() {
    const auto& groups = scenario_.cluster.groups;
    expect(!groups.empty(), "cluster.group", "found none; allowed at least one [[cluster.group]]",
           {"cluster"});
    const std::int64_t total = total_nodes();
    expect(total <= kNodesMax, "cluster.group",
           "found " + std::to_string(total) + " nodes; allowed at most " +
               std::to_string(kNodesMax) + " in all groups together");
    const std::vector<std::string> known = names_of(scenario_.services);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      check_bounds(groups[i], group_key(i));
      for (const std::string& service : groups[i].services) {
        expect(contains(known, service), group_key(i) + ".services", unknown(service, known),
               {"service"});
      }
    }
  }

  bool is_hosted(const Service& service) const {
    return std::ranges::any_of(scenario_.cluster.groups, [&](const NodeGroup& group) {
      return hosts_service(group, service);
    });
  }

  // A node's cores are shared in one way by all services on it.
  void check_disciplines() {
    for (const NodeGroup& group : scenario_.cluster.groups) {
      const Service* first = nullptr;
      for (std::size_t i = 0; i < scenario_.services.size(); ++i) {
        const Service& service = scenario_.services[i];
        if (!hosts_service(group, service)) continue;
        if (first == nullptr) first = &service;
        expect(service.discipline == first->discipline, service_key(i) + ".discipline",
               "found another than that of " + quoted(first->name) +
                   ", which shares the nodes of " + quoted(group.name) +
                   "; allowed the same, or groups of their own",
               {"cluster"});
      }
    }
  }

  void check_services() {
    expect(!scenario_.services.empty(), "service", "found none; allowed at least one [[service]]");
    for (std::size_t i = 0; i < scenario_.services.size(); ++i) {
      const Service& service = scenario_.services[i];
      expect(!service.classes.empty(), service_key(i) + ".class",
             "found none; allowed at least one [[service.class]]");
      expect(is_hosted(service), service_key(i),
             "found no group that runs it; allowed a service that some [[cluster.group]] lists, or "
             "a group without services, which runs all",
             {"cluster"});
    }
  }

  // Results, random streams and traces know classes by name alone.
  void check_classes() {
    std::set<std::string> seen;
    double shares = 0;
    bool has_classes = false;
    for (std::size_t i = 0; i < scenario_.services.size(); ++i) {
      const auto& classes = scenario_.services[i].classes;
      for (std::size_t j = 0; j < classes.size(); ++j) {
        has_classes = true;
        shares += classes[j].share;
        const std::string key = service_key(i) + ".class" + path_step(classes[j].name, j) + ".name";
        expect(seen.insert(classes[j].name).second, key,
               "found " + quoted(classes[j].name) +
                   " a second time; allowed names that differ, across all services");
      }
    }
    expect(!has_classes || shares > 0, "service",
           "found shares that are all 0; allowed at least one class with a share above 0");
  }

  void check_gateway() {
    std::vector<std::string> zones;
    for (const NodeGroup& group : scenario_.cluster.groups) {
      if (!contains(zones, group.zone)) zones.push_back(group.zone);
    }
    const std::string& zone = scenario_.gateway.zone;
    expect(zone.empty() || contains(zones, zone), "gateway.zone", unknown(zone, zones),
           {"cluster"});
    for (const std::string& one : scenario_.gateway.zones) {
      expect(contains(zones, one), "gateway.zones", unknown(one, zones), {"cluster"});
    }
    expect(zone.empty() || scenario_.gateway.zones.empty(), "gateway.zones",
           "found beside gateway.zone; allowed one of the two");
  }

  void check_trace() {
    if (scenario_.workload.arrivals != ArrivalKind::kTrace) return;
    const TraceSettings& trace = scenario_.workload.trace;
    const std::string key = "workload.trace";
    expect(!trace.file.empty(), key, "found none; arrivals = \"trace\" needs it");
    const bool has_intervals = !trace.count_column.empty();
    expect(has_intervals || !trace.time_column.empty(), key + ".time",
           "found none; allowed the column with the arrival times, unless count names one", {key});
    expect(!has_intervals || trace.interval > Duration{0}, key + ".interval",
           "found none; count needs the length of its intervals", {key});
    expect(has_intervals || trace.interval == Duration{0}, key + ".interval",
           "found without count; allowed with count, the column with arrivals per interval", {key});
  }

  // SimGrid's executions keep the speed they started with.
  void check_paging() {
    expect(scenario_.cluster.paging == 0 || scenario_.fidelity == Fidelity::kRequest,
           "cluster.paging",
           "found " + print_number(scenario_.cluster.paging) +
               " with fidelity = \"flow\"; allowed 0 there",
           {"fidelity"});
  }

  bool is_endpoint(std::string_view text) const {
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    if (colon == std::string_view::npos) return false;
    const std::string_view rest = text.substr(colon + 1);
    if (kind == "group") return contains(names_of(scenario_.cluster.groups), rest);
    std::int64_t number = -1;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (problem != std::errc{} || end != rest.data() + rest.size() || number < 0) return false;
    return (kind == "node" && number < total_nodes()) ||
           (kind == "gateway" && number < scenario_.gateway.count);
  }

  void check_endpoint(const std::string& key, const std::string& text) {
    const std::string nodes = std::to_string(total_nodes() - 1);
    const std::string gateways = std::to_string(scenario_.gateway.count - 1);
    expect(is_endpoint(text), key,
           "found " + quoted(text) + "; allowed \"node:0\" to \"node:" + nodes +
               "\", \"gateway:0\" to \"gateway:" + gateways +
               "\", or \"group:NAME\" with NAME in " +
               join_names(names_of(scenario_.cluster.groups)),
           {"cluster", "gateway"});
  }

  void check_transfers() {
    for (std::size_t i = 0; i < scenario_.transfers.size(); ++i) {
      const Transfer& transfer = scenario_.transfers[i];
      const std::string key = "transfer" + path_step(transfer.name, i);
      check_endpoint(key + ".from", transfer.from);
      check_endpoint(key + ".to", transfer.to);
      expect(transfer.from != transfer.to, key + ".to",
             "found " + quoted(transfer.to) + ", where it comes from; allowed another place",
             {key + ".from"});
      expect(transfer.count == 1 || transfer.every > Duration{0}, key + ".count",
             "found " + std::to_string(transfer.count) +
                 " without every; allowed with every, the time between two",
             {key + ".every"});
    }
  }

  // The fault plan's messages open with the key, which stands in front of every finding already.
  static std::string without_key(const std::string& message, const std::string& key) {
    if (message.starts_with(key + " = ")) return "found " + message.substr(key.size() + 3);
    if (message.starts_with(key + ": ")) return message.substr(key.size() + 2);
    return message;
  }

  void check_faults() {
    if (reader_.is_wrong("cluster") || reader_.is_wrong("gateway")) return;
    const FaultTopology topology = fault_topology(scenario_);
    for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
      const FaultSpec& fault = scenario_.faults[i];
      const std::string key = "fault" + path_step(fault.id, i);
      if (reader_.is_wrong(key)) continue;
      for (const FaultProblem& problem : check_fault(fault, topology, scenario_.fidelity)) {
        reader_.report(key + "." + problem.key, without_key(problem.message, problem.key));
      }
    }
  }

  const Scenario& scenario_;
  Reader& reader_;
};

}  // namespace

void check_router(const RouterSettings& router, Reader& reader) {
  const auto at_least = [&](const std::string& upper, auto high, const std::string& lower, auto low,
                            const auto& print) {
    if (low <= high || reader.is_wrong("router." + upper) || reader.is_wrong("router." + lower)) {
      return;
    }
    reader.report("router." + upper,
                  "found " + print(high) + "; allowed at least " + lower + ", " + print(low));
  };
  at_least("retry_backoff_max", router.retry_backoff_max, "retry_backoff", router.retry_backoff,
           print_duration);
  at_least("hedge_max", router.hedge_max, "hedge_min", router.hedge_min, print_duration);
  at_least("ejection_time_max", router.ejection_time_max, "ejection_time", router.ejection_time,
           print_duration);
  at_least("panic_leave", router.panic_leave, "panic_threshold", router.panic_threshold,
           print_number);
}

void check_scenario(const Scenario& scenario, Reader& reader) { Checker(scenario, reader).check(); }

}  // namespace phoenix::schema
