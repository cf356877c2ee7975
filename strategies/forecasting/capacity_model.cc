#include "strategies/forecasting/capacity_model.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr double kVariabilityMin = 0.25;
constexpr double kVariabilityMax = 20;
constexpr double kWaitMatters = 0.02;  // of a service time, as the model says
constexpr int kBisections = 50;

bool is_positive(double value) { return value > 0 && std::isfinite(value); }

}  // namespace

CapacityModel::CapacityModel(const CapacityOptions& options)
    : options_(options), keep_(std::exp(-1 / options.memory)) {
  assert(options.target_s > 0 && options.miss_share > 0 && options.miss_share < 1);
  assert(options.servers_per_node >= 1 && options.memory > 0);
  assert(options.utilization_max > 0 && options.utilization_max < 1);
}

void CapacityModel::observe(const CapacitySample& sample) {
  if (!is_positive(sample.completed_per_s) || !is_positive(sample.busy_servers)) {
    ++samples_refused_;
    return;
  }
  completed_ = keep_ * completed_ + sample.completed_per_s;
  busy_ = keep_ * busy_ + sample.busy_servers;
  learn_wait(sample);
}

void CapacityModel::learn_wait(const CapacitySample& sample) {
  if (!is_positive(sample.mean_response_s) || sample.servers < 1) return;
  const double modelled = mean_wait(sample.servers, {sample.completed_per_s, service_rate(), 1.0});
  if (!is_positive(modelled) || modelled < kWaitMatters / service_rate()) return;
  waited_ = keep_ * waited_ + std::max(0.0, sample.mean_response_s - 1 / service_rate());
  modelled_ = keep_ * modelled_ + modelled;
}

double CapacityModel::service_rate() const {
  return busy_ > 0 ? completed_ / busy_ : std::numeric_limits<double>::quiet_NaN();
}

double CapacityModel::variability() const {
  if (!(modelled_ > 0)) return 1;
  return std::clamp(waited_ / modelled_, kVariabilityMin, kVariabilityMax);
}

QueueLoad CapacityModel::queue(double arrivals_per_s) const {
  return {arrivals_per_s, service_rate(), variability()};
}

bool CapacityModel::can_meet_target() const {
  return std::exp(-service_rate() * options_.target_s) < options_.miss_share;
}

int CapacityModel::servers_for(double arrivals_per_s) const {
  const QueueLoad load = queue(arrivals_per_s);
  if (can_meet_target()) {
    const Result<int> servers = servers_for_response(load, options_.target_s, options_.miss_share);
    return servers.ok() ? *servers : kServersMax;
  }
  const double busy = std::ceil(load.load() / options_.utilization_max);
  return std::max(1, static_cast<int>(std::min<double>(busy, kServersMax)));
}

Result<int> CapacityModel::nodes_for(double arrivals_per_s) const {
  if (!(arrivals_per_s >= 0) || std::isinf(arrivals_per_s)) {
    return Error{"found an arrival rate of " + print_number(arrivals_per_s) +
                 "; allowed a number of at least 0"};
  }
  if (!(busy_ > 0)) {
    return Error{"found no observation of the service rate; allowed once requests were served"};
  }
  if (!can_meet_target()) ++fallbacks_;
  const int servers = servers_for(arrivals_per_s);
  return (servers + options_.servers_per_node - 1) / options_.servers_per_node;
}

double CapacityModel::rate_for(int nodes) const {
  if (!(busy_ > 0) || nodes < 1) return 0;
  const int servers = nodes * options_.servers_per_node;
  double low = 0;
  double high = servers * service_rate();
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    const bool is_enough =
        can_meet_target()
            ? response_tail(servers, queue(middle), options_.target_s) <= options_.miss_share
            : middle <= options_.utilization_max * servers * service_rate();
    (is_enough ? low : high) = middle;
  }
  return low;
}

}  // namespace phoenix
