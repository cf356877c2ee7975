#include "strategies/tuning/formulas.h"

#include <algorithm>
#include <cmath>

namespace phoenix {
namespace {

constexpr double kUnknown = TuningFacts::kUnknown;
constexpr double kNever = std::numeric_limits<double>::infinity();
// So that 200 * 0.05 * 1.5 is not lifted above 15 by rounding.
double round_up(double value) { return std::ceil(value * (1 - 1e-12)); }

}  // namespace

double batch_fill_wait(double batch, double rate) {
  return rate > 0 && batch >= 1 ? (batch - 1) / (2 * rate) : kUnknown;
}

double batch_for(double rate, double limit) {
  return rate >= 0 && limit >= 0 ? 1 + std::floor(2 * rate * limit * (1 + 1e-12)) : kUnknown;
}

double buffer_for(double bandwidth, double round_trip, double least) {
  if (!(bandwidth > 0 && round_trip > 0)) return kUnknown;
  return std::max(least, round_up(bandwidth * round_trip));
}

double pool_for(double rate, double hold, double headroom) {
  if (!(rate >= 0 && hold >= 0 && headroom > 0)) return kUnknown;
  return std::max(1.0, round_up(rate * hold * headroom));
}

double compression_gain(double ratio, double bandwidth, double compress, double decompress) {
  if (!(ratio > 0 && bandwidth > 0 && compress > 0 && decompress > 0)) return kUnknown;
  return (1 - 1 / ratio) / bandwidth - (1 / compress + 1 / decompress);
}

double compress_above_for(double gain_per_byte, double overhead) {
  if (std::isnan(gain_per_byte) || !(overhead >= 0)) return kUnknown;
  return gain_per_byte > 0 ? round_up(overhead / gain_per_byte) : kNever;
}

double direct_routing_gain(double hop, double stale_share, double miss_cost) {
  return hop - stale_share * miss_cost;
}

double workers_for(double cores, double waiting_share) {
  if (!(cores > 0 && waiting_share >= 0 && waiting_share < 1)) return kUnknown;
  return round_up(cores / (1 - waiting_share));
}

double queue_for(double target_response, double service_time, double workers) {
  if (!(target_response > 0 && service_time > 0 && workers >= 1)) return kUnknown;
  return std::max(
      0.0, std::floor((target_response - service_time) * workers / service_time * (1 + 1e-12)));
}

double in_flight_for(double throughput, double target_response) {
  return throughput > 0 && target_response > 0 ? round_up(throughput * target_response) : kUnknown;
}

double hibernate_after(double memory, double warning, double critical, double longest,
                       double shortest) {
  if (std::isnan(memory)) return kUnknown;
  if (memory < warning) return kNever;
  const double pressure = std::min(1.0, (memory - warning) / (critical - warning));
  return longest * std::pow(shortest / longest, pressure);
}

}  // namespace phoenix
