// Builds the simulated machines and gateways from the scenario.
#include <algorithm>
#include <cassert>

#include "scenarios/router_setup.h"
#include "sim/world.h"
#include "strategies/core/random.h"

namespace phoenix::sim {
namespace {

bool hosts_service(const NodeGroup& group, const Service& service) {
  return group.services.empty() || std::find(group.services.begin(), group.services.end(),
                                             service.name) != group.services.end();
}

// "gateway:0", "node:3" or "group:new" (its first node), as an endpoint: gateways first, then
// nodes.
std::uint32_t endpoint_number(const Scenario& scenario, const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string name = text.substr(colon + 1);
  const auto gateways = static_cast<std::uint32_t>(scenario.gateway.count);
  if (kind == "gateway") return static_cast<std::uint32_t>(std::stoul(name));
  if (kind == "node") return gateways + static_cast<std::uint32_t>(std::stoul(name));
  std::uint32_t first = gateways;
  for (const NodeGroup& group : scenario.cluster.groups) {
    if (group.name == name) return first;
    first += static_cast<std::uint32_t>(group.count);
  }
  assert(false && "the parser checks transfer ends");
  return 0;
}

}  // namespace

void World::build_machines() {
  std::uint32_t group_index = 0;
  for (const NodeGroup& group : scenario_.cluster.groups) {
    std::vector<int> queues;
    Discipline discipline = Discipline::kProcessorSharing;
    for (const Service& service : scenario_.services) {
      const bool hosted = hosts_service(group, service);
      queues.push_back(hosted ? service.queue : -group.cores);
      if (hosted) discipline = service.discipline;
    }
    for (int i = 0; i < group.count; ++i) {
      machines_.emplace_back(Server(group.cores, group.speed, discipline, queues));
      machines_.back().group = group_index;
      for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
        const Service& service = scenario_.services[s];
        if (service.cache_keys == 0 || !hosts_service(group, service)) continue;
        machines_.back().server.set_cache(static_cast<std::uint16_t>(s),
                                          static_cast<std::size_t>(service.cache_keys),
                                          static_cast<double>(service.miss_work.count()));
      }
    }
    double resident = 0;
    for (const Service& service : scenario_.services) {
      if (hosts_service(group, service)) resident += service.memory_bytes;
    }
    resident_bytes_.push_back(resident);
    ++group_index;
  }
}

void World::build_gateways() {
  for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
    for (const RequestClass& c : scenario_.services[s].classes) {
      classes_.push_back(
          {id_at<ServiceId>(s), c.deadline, static_cast<float>(c.memory_bytes), c.repeatable});
    }
  }
  const std::vector<std::string> zones = zone_names(scenario_);
  const std::vector<std::string> names = node_names(scenario_);
  for (int g = 0; g < scenario_.gateway.count; ++g) {
    const auto gateway = static_cast<std::uint32_t>(g);
    RouterDriver<GatewayPort> routing(make_router(scenario_, streams_, gateway), {this, gateway},
                                      options_.tap ? options_.tap(gateway) : nullptr);
    for (std::uint32_t n = 0; n < machines_.size(); ++n) {
      const NodeGroup& group = scenario_.cluster.groups[machines_[n].group];
      for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
        if (!hosts_service(group, scenario_.services[s])) continue;
        routing.membership({MembershipChange::Kind::kJoin, id_at<NodeId>(n), id_at<ServiceId>(s),
                            group.weight, true, zone_id(zones, group.zone), hash_text(names[n])},
                           kStart);
      }
    }
    uses_reports_ = routing.router().uses_reports();
    piggyback_ = scenario_.reports.piggyback && uses_reports_;
    gateways_.push_back({std::move(routing), MessageCpu(scenario_.gateway)});
  }
}

void World::build_transfers() {
  for (std::uint32_t i = 0; i < scenario_.transfers.size(); ++i) {
    const Transfer& transfer = scenario_.transfers[i];
    transfer_ends_.emplace_back(endpoint_number(scenario_, transfer.from),
                                endpoint_number(scenario_, transfer.to));
    for (int k = 0; k < std::max(1, transfer.count); ++k) {
      transfer_dates_.emplace_back(kStart + transfer.start + k * transfer.every, i);
    }
  }
  std::stable_sort(transfer_dates_.begin(), transfer_dates_.end());
}

}  // namespace phoenix::sim
