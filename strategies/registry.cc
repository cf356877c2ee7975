#include "strategies/registry.h"

#include <vector>

namespace phoenix {

std::span<const BalancerEntry> balancers() {
  static const std::vector<BalancerEntry> entries = {
      round_robin(),
      weighted_round_robin(),
      least_connections(),
      response_time(),
      resource_aware(),
      predictive(),
      random_choice(),
      p2c(),
      peak_ewma(),
      weighted_random(),
      weighted_least_request(),
      utilization_weighted(),
      prequal(),
      c3(),
      join_idle_queue(),
      ring_hash(),
      maglev(),
      bounded_hash(),
      zone_aware(),
  };
  return entries;
}

Result<MadeBalancer> make_balancer(std::string_view text) {
  return make_strategy<Balancer>("balancer", balancers(), text);
}

}  // namespace phoenix
