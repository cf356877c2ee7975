#include "sim/platform.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "scenarios/parser.h"
#include "sim/engine.h"

namespace phoenix::sim {
namespace {

constexpr const char* kThreeZones = R"toml(
name = "three zones"
[gateway]
count = 2
zone = "b"
[[cluster.group]]
name = "a"
count = 5
nodes_per_rack = 2
zone = "a"
[[cluster.group]]
name = "b"
count = 3
zone = "b"
[[cluster.group]]
name = "c"
count = 4
nodes_per_rack = 3
zone = "c"
[[service]]
name = "s"
[[service.class]]
name = "c"
)toml";

// SimGrid's own routes, which flows take: up through card, rack and zone, and down again, each as
// far as needed. One test, since a process has one engine.
TEST(Platform, RoutesBetweenAnyTwoHostsGoUpAndDownTheTree) {
  const ParsedScenario parsed = parse_scenario_text(kThreeZones, "test.toml");
  ASSERT_TRUE(parsed.scenario);
  engine();
  const Platform platform = build_platform(*parsed.scenario);
  ASSERT_EQ(platform.hosts.size(), 14U);
  ASSERT_EQ(platform.racks.size(), 2U + 3 + 1 + 2);
  ASSERT_EQ(platform.zones.size(), 3U);
  const auto name_of = [](const simgrid::s4u::Link* link) {
    return std::string(link->get_cname());
  };
  const auto zone_of = [&](const PlatformHost& host) {
    return "zone-" + platform.zones[platform.racks[host.rack].zone];
  };
  for (const PlatformHost& from : platform.hosts) {
    for (const PlatformHost& to : platform.hosts) {
      if (&from == &to) continue;
      std::vector<std::string> expected = {from.name + "-nic_UP"};
      if (from.rack != to.rack) {
        expected.push_back("rack-" + std::to_string(from.rack) + "-up_UP");
        if (zone_of(from) != zone_of(to)) {
          expected.push_back(zone_of(from) + "-up_UP");
          expected.push_back(zone_of(to) + "-up_DOWN");
        }
        expected.push_back("rack-" + std::to_string(to.rack) + "-up_DOWN");
      }
      expected.push_back(to.name + "-nic_DOWN");
      std::vector<simgrid::s4u::Link*> route;
      double latency = 0;
      from.host->route_to(to.host, route, &latency);
      std::vector<std::string> names;
      std::ranges::transform(route, std::back_inserter(names), name_of);
      EXPECT_EQ(names, expected) << from.name << " to " << to.name;
      EXPECT_EQ(latency, 0);
    }
  }
}

}  // namespace
}  // namespace phoenix::sim
