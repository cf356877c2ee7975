#include "strategies/registry.h"

#include <vector>

namespace phoenix {

std::span<const BalancerEntry> balancers() {
  static const std::vector<BalancerEntry> entries = {
      round_robin(),    weighted_round_robin(), least_connections(), response_time(),
      resource_aware(), predictive(),           random_choice(),     p2c(),
      peak_ewma(),
  };
  return entries;
}

Result<MadeBalancer> make_balancer(std::string_view text) {
  return make_strategy<Balancer>("balancer", balancers(), text);
}

std::span<const PlacerEntry> placers() {
  static const std::vector<PlacerEntry> entries = {
      score_placer(), best_fit(),   worst_fit(), dot_product_fit(), balanced_fit(), spread(),
      cost_fit(),     objectives(), sampled(),   first_fit(),       random_fit(),
  };
  return entries;
}

Result<MadePlacer> make_placer(std::string_view text) {
  return make_strategy<Placer>("placer", placers(), text);
}

std::span<const RebalancerEntry> rebalancers() {
  static const std::vector<RebalancerEntry> entries = {
      even_distribution(),
      resource_optimization(),
      latency_optimization(),
  };
  return entries;
}

Result<MadeRebalancer> make_rebalancer(std::string_view text) {
  return make_strategy<Rebalancer>("rebalancer", rebalancers(), text);
}

}  // namespace phoenix
