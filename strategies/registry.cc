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

std::span<const ScalerEntry> scalers() {
  static const std::vector<ScalerEntry> entries = {
      threshold_scaler(),
      rate_scaler(),
      queue_scaler(),
      resource_scaler(),
      target_tracking_scaler(),
      scheduled_scaler(),
      event_driven_scaler(),
      predictive_scaler(),
      composite_scaler(),
      hybrid_scaler(),
      hpa_scaler(),
      kpa_scaler(),
      no_scaling(),
  };
  return entries;
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

std::span<const TunerEntry> tuners() {
  static const std::vector<TunerEntry> entries = {tuning_rules(), tuning_search()};
  return entries;
}

Result<MadeBalancer> make_balancer(std::string_view text) {
  return make_strategy<Balancer>("balancer", balancers(), text);
}

Result<MadeScaler> make_scaler(std::string_view text) {
  return make_strategy<Scaler>("scaler", scalers(), text);
}

Result<MadeForecaster> make_forecaster(std::string_view text) {
  return make_strategy<Forecaster>("forecaster", forecasters(), text);
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
      even_distribution(), resource_optimization(), latency_optimization(), weighted_objectives(),
      packing(),
  };
  return entries;
}

Result<MadeRebalancer> make_rebalancer(std::string_view text) {
  return make_strategy<Rebalancer>("rebalancer", rebalancers(), text);
}

Result<MadeTuner> make_tuner(std::string_view text) {
  return make_strategy<Tuner>("tuner", tuners(), text);
}

}  // namespace phoenix
