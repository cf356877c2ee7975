#include "sim/platform.h"

#include <fmt/format.h>

namespace phoenix::sim {
namespace s4u = simgrid::s4u;
namespace {

class Builder {
 public:
  explicit Builder(const Scenario& scenario) : scenario_(scenario) {
    root_ = s4u::create_star_zone("cluster");
  }

  Platform build() {
    const Gateway& gateway = scenario_.gateway;
    for (int i = 0; i < gateway.count; ++i) {
      open_rack(gateway_zone(scenario_, i));
      add_host(fmt::format("gateway-{}", i), 1.0, gateway.cores, gateway.bandwidth,
               gateway.latency);
      close_rack();
    }
    const std::vector<std::string> names = node_names(scenario_);
    std::size_t node = 0;
    const auto add_nodes = [&](const NodeGroup& group, int count) {
      for (int i = 0; i < count; ++i) {
        if (i % group.nodes_per_rack == 0) open_rack(group.zone);
        add_host(names[node++], group.speed, group.cores, group.bandwidth, group.latency);
        if (i % group.nodes_per_rack == group.nodes_per_rack - 1 || i == count - 1) close_rack();
      }
    };
    for (const NodeGroup& group : scenario_.cluster.groups) add_nodes(group, group.count);
    for (const NodeGroup& group : scenario_.cluster.groups) {
      add_nodes(group, group.places() - group.count);
    }
    for (Zone& zone : zones_) {
      zone.net->seal();
      const auto* uplink =
          split_link("zone-" + zone.name + "-up", scenario_.cluster.zone_bandwidth);
      root_->add_route(zone.net->get_netpoint(), nullptr, zone.router, nullptr,
                       {{uplink, s4u::LinkInRoute::Direction::UP}}, true);
    }
    root_->seal();
    return std::move(platform_);
  }

 private:
  struct Zone {
    std::string name;
    s4u::NetZone* net;
    simgrid::kernel::routing::NetPoint* router;
  };

  std::uint32_t zone_of(const std::string& name) {
    for (std::size_t i = 0; i < zones_.size(); ++i) {
      if (zones_[i].name == name) return static_cast<std::uint32_t>(i);
    }
    auto* net = s4u::create_star_zone("zone-" + name);
    net->set_parent(root_);
    zones_.push_back({name, net, create_switch(net, name)});
    platform_.zones.push_back(name);
    return static_cast<std::uint32_t>(zones_.size() - 1);
  }

  // In a zone of its own beside the racks: SimGrid 3.32 finds no way from a rack to a router that
  // sits in the zone around it, or finds a wrong one.
  static simgrid::kernel::routing::NetPoint* create_switch(s4u::NetZone* zone,
                                                           const std::string& name) {
    auto* spine = s4u::create_star_zone("spine-" + name);
    spine->set_parent(zone);
    auto* router = spine->create_router("switch-zone-" + name);
    spine->seal();
    zone->add_route(spine->get_netpoint(), nullptr, router, nullptr,
                    std::vector<s4u::LinkInRoute>{}, true);
    return router;
  }

  void open_rack(const std::string& zone_name) {
    const std::uint32_t zone = zone_of(zone_name);
    const std::string name = fmt::format("rack-{}", platform_.racks.size());
    rack_ = s4u::create_star_zone(name);
    rack_->set_parent(zones_[zone].net);
    rack_router_ = rack_->create_router("switch-" + name);
    platform_.racks.push_back({zone, static_cast<std::uint32_t>(platform_.hosts.size())});
  }

  void add_host(const std::string& name, double speed, int cores, double bandwidth,
                Duration latency) {
    s4u::Host* host = rack_->create_host(name, speed * kFlopsPerSecond);
    host->set_core_count(cores);
    const auto* link = split_link(name + "-nic", bandwidth);
    rack_->add_route(host->get_netpoint(), nullptr, nullptr, nullptr,
                     {{link, s4u::LinkInRoute::Direction::UP}}, true);
    const auto links = static_cast<std::uint32_t>(platform_.links.size());
    platform_.hosts.push_back({host, static_cast<std::uint32_t>(platform_.racks.size() - 1),
                               links - 2, links - 1, latency, name});
  }

  void close_rack() {
    rack_->seal();
    const std::uint32_t zone = platform_.racks.back().zone;
    const auto* uplink = split_link(rack_->get_name() + "-up", scenario_.cluster.rack_bandwidth);
    zones_[zone].net->add_route(rack_->get_netpoint(), nullptr, rack_router_, nullptr,
                                {{uplink, s4u::LinkInRoute::Direction::UP}}, true);
  }

  const s4u::SplitDuplexLink* split_link(const std::string& name, double bandwidth) {
    s4u::SplitDuplexLink* split = root_->create_split_duplex_link(name, bandwidth);
    split->set_latency(0)->seal();
    for (s4u::Link* half : {split->get_link_up(), split->get_link_down()}) {
      platform_.link_index[half] = static_cast<std::uint32_t>(platform_.links.size());
      platform_.links.push_back({half, bandwidth});
    }
    return split;
  }

  const Scenario& scenario_;
  Platform platform_;
  s4u::NetZone* root_ = nullptr;
  s4u::NetZone* rack_ = nullptr;
  simgrid::kernel::routing::NetPoint* rack_router_ = nullptr;
  std::vector<Zone> zones_;
};

}  // namespace

Platform build_platform(const Scenario& scenario) { return Builder(scenario).build(); }

RackPath Platform::path_between(std::uint32_t from_rack, std::uint32_t to_rack,
                                const Cluster& cluster) const {
  RackPath path;
  if (from_rack == to_rack) return path;
  const PlatformHost& from = hosts[racks[from_rack].first_host];
  const PlatformHost& to = hosts[racks[to_rack].first_host];
  std::vector<s4u::Link*> route;
  double latency = 0;
  from.host->route_to(to.host, route, &latency);
  for (const s4u::Link* link : route) {
    const std::uint32_t place = link_index.at(link);
    if (place != from.up_link && place != to.down_link) path.links.push_back(place);
  }
  path.latency = 2 * cluster.rack_latency;
  if (racks[from_rack].zone != racks[to_rack].zone) path.latency += 2 * cluster.zone_latency;
  return path;
}

}  // namespace phoenix::sim
