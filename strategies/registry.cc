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

std::span<const TunerEntry> tuners() {
  static const std::vector<TunerEntry> entries = {tuning_rules(), tuning_search()};
  return entries;
}

Result<MadeBalancer> make_balancer(std::string_view text) {
  return make_strategy<Balancer>("balancer", balancers(), text);
}

Result<MadeTuner> make_tuner(std::string_view text) {
  return make_strategy<Tuner>("tuner", tuners(), text);
}

}  // namespace phoenix
