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

std::span<const ForecasterEntry> forecasters() {
  static const std::vector<ForecasterEntry> entries = {
      last_value(),
      drift(),
      seasonal_naive(),
      ewma(),
      holt_winters(),
      holt_winters_multiplicative(),
      holt_winters_two_seasons(),
      harmonic(),
      autoregression(),
      mixture(),
  };
  return entries;
}

Result<MadeForecaster> make_forecaster(std::string_view text) {
  return make_strategy<Forecaster>("forecaster", forecasters(), text);
}

}  // namespace phoenix
