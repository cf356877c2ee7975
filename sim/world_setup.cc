// Builds the simulated machines and gateways from the scenario.
#include <algorithm>
#include <cassert>

#include "scenarios/router_setup.h"
#include "sim/world.h"
#include "strategies/core/random.h"

namespace phoenix::sim {
namespace {

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
    first += static_cast<std::uint32_t>(group.count);  // its first node is there from the beginning
  }
  assert(false && "the parser checks transfer ends");
  return 0;
}

}  // namespace

void World::build_machines() {
  std::vector<std::vector<int>> queues(scenario_.cluster.groups.size());
  std::vector<Discipline> disciplines(queues.size(), Discipline::kProcessorSharing);
  for (std::size_t g = 0; g < queues.size(); ++g) {
    const NodeGroup& group = scenario_.cluster.groups[g];
    for (const Service& service : scenario_.services) {
      const bool hosted = hosts_service(group, service);
      queues[g].push_back(hosted ? service.queue : -group.cores);
      if (hosted) disciplines[g] = service.discipline;
    }
  }
  const bool is_any_placed = std::ranges::any_of(scenario_.services, &Service::is_placed);
  for (const int place : node_groups(scenario_)) {
    const auto g = static_cast<std::size_t>(place);
    const NodeGroup& group = scenario_.cluster.groups[g];
    machines_.emplace_back(Server(group.cores, group.speed, disciplines[g], queues[g]));
    machines_.back().group = static_cast<std::uint32_t>(g);
    for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
      const Service& service = scenario_.services[s];
      if (service.cache_keys == 0 || !hosts_service(group, service)) continue;
      machines_.back().server.set_cache(static_cast<std::uint16_t>(s),
                                        static_cast<std::size_t>(service.cache_keys),
                                        static_cast<double>(service.miss_work.count()));
    }
    if (is_any_placed) {
      machines_.back().agents_up.resize(scenario_.services.size());
      machines_.back().serves.resize(scenario_.services.size());
      machines_.back().agents_frozen.resize(scenario_.services.size());
    }
  }
  for (auto n = static_cast<std::size_t>(initial_node_count(scenario_)); n < machines_.size();
       ++n) {
    machines_[n].is_present = false;
    machines_[n].up = false;
    platform_.hosts[network_.gateways() + n].host->turn_off();
  }
}

// What a node of each group holds whatever it serves: its services, and its connections at most.
void World::measure_resident() {
  resident_bytes_.clear();
  const double per_connection =
      scenario_.cluster.connection_memory_bytes + 2.0 * knobs_.socket_buffer;
  for (const NodeGroup& group : scenario_.cluster.groups) {
    double resident = 0;
    int shared = 0;
    int own = 0;
    for (const Service& service : scenario_.services) {
      if (!hosts_service(group, service)) continue;
      resident += service.memory_bytes;
      if (service.protocol == WireProtocol::kHttp) {
        own += knobs_.http_pool_size;
      } else {
        shared = knobs_.pool_size;
      }
    }
    resident_bytes_.push_back(resident + per_connection * scenario_.gateway.count * (shared + own));
  }
}

// Nodes that are there from the beginning are warm.
void World::build_agents() {
  for (const Service& service : scenario_.services) {
    if (service.cold_start.count() > 0 || service.agent_memory_bytes > 0) has_agents_ = true;
  }
  if (!has_agents_) return;
  for (Machine& machine : machines_) {
    if (!machine.is_present) continue;
    for (std::uint32_t s = 0; s < scenario_.services.size(); ++s) {
      if (scenario_.services[s].agent_memory_bytes > 0 || scenario_.services[s].is_placed) continue;
      machine.keyed.leave(machine.keyed.enter(s, 0, 0, Duration{0}, kStart).hold, kStart);
    }
  }
}

bool World::is_plain(const Knobs& knobs) const {
  if (knobs.batch_size > 1 || knobs.compress_above > 0 || knobs.socket_buffer > 0) return false;
  if (knobs.direct_routing || has_agents_) return false;
  if (scenario_.cluster.message_overhead_bytes > 0 || scenario_.cluster.paging > 0) return false;
  return std::ranges::none_of(scenario_.services,
                              [](const Service& s) { return s.protocol == WireProtocol::kHttp; });
}

void World::build_gateways() {
  for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
    for (const RequestClass& c : scenario_.services[s].classes) {
      classes_.push_back({id_at<ServiceId>(s), c.deadline, static_cast<float>(c.memory_bytes),
                          c.repeatable, scenario_.services[s].protocol == WireProtocol::kHttp,
                          static_cast<float>(c.compression), c.attempt_timeout});
    }
  }
  const std::vector<std::string> zones = zone_names(scenario_);
  for (const NodeGroup& group : scenario_.cluster.groups) {
    group_zones_.push_back(zone_id(zones, group.zone));
  }
  for (const std::string& name : node_names(scenario_)) identities_.push_back(hash_text(name));
  for (int g = 0; g < scenario_.gateway.count; ++g) {
    const auto gateway = static_cast<std::uint32_t>(g);
    RouterDriver<GatewayPort> routing(make_router(scenario_, streams_, gateway), {this, gateway},
                                      options_.tap ? options_.tap(gateway) : nullptr);
    for (std::uint32_t n = 0; n < machines_.size(); ++n) {
      if (!machines_[n].is_present) continue;
      const NodeGroup& group = scenario_.cluster.groups[machines_[n].group];
      for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
        if (!hosts_service(group, scenario_.services[s]) || scenario_.services[s].is_placed) {
          continue;
        }
        routing.membership({MembershipChange::Kind::kJoin, id_at<NodeId>(n), id_at<ServiceId>(s),
                            group.weight, true, group_zones_[machines_[n].group], identities_[n]},
                           kStart);
      }
    }
    const bool is_routed_by_reports = routing.router().uses_reports();
    piggyback_ = scenario_.reports.piggyback && is_routed_by_reports;
    uses_reports_ = is_routed_by_reports || control_.is_on();
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
