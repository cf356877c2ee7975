#include "scenarios/router_setup.h"

#include <cassert>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "strategies/registry.h"

namespace phoenix {

std::vector<RouterClass> router_classes(const Scenario& scenario) {
  std::vector<RouterClass> classes;
  for (std::size_t s = 0; s < scenario.services.size(); ++s) {
    for (const RequestClass& request_class : scenario.services[s].classes) {
      classes.push_back({id_at<ServiceId>(s), request_class.attempt_timeout});
    }
  }
  return classes;
}

Surroundings surroundings(const Scenario& scenario, std::uint32_t gateway) {
  const std::vector<std::string> zones = zone_names(scenario);
  Surroundings around;
  around.home = zone_id(zones, gateway_zone(scenario, static_cast<int>(gateway)));
  around.caller_shares.resize(zones.size());
  for (int g = 0; g < scenario.gateway.count; ++g) {
    around.caller_shares[index(zone_id(zones, gateway_zone(scenario, g)))] +=
        1.0 / scenario.gateway.count;
  }
  return around;
}

Router make_router(const Scenario& scenario, const Streams& streams, std::uint32_t gateway) {
  std::vector<std::unique_ptr<Balancer>> balancers;
  for (std::size_t s = 0; s < scenario.services.size(); ++s) {
    Result<MadeBalancer> made = make_balancer(scenario.strategies.balancer);
    assert(made.ok());
    balancers.push_back(std::move(made->strategy));
  }
  Router router(scenario.router, std::move(balancers), router_classes(scenario),
                streams.named(fmt::format("balancer/{}", gateway)));
  router.set_surroundings(surroundings(scenario, gateway));
  return router;
}

}  // namespace phoenix
