#include "strategies/scaling/sizing.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "strategies/forecasting/erlang.h"

namespace phoenix {

int ceil_nodes(double nodes) {
  if (!(nodes > 0)) return 0;
  if (nodes >= kMostNodes) return kMostNodes;
  return static_cast<int>(std::ceil(nodes - 1e-9));
}

int grown(int current, int wanted, int maximum) {
  return std::max(current, std::min(wanted, maximum));
}

int shrunk(int current, int wanted, int minimum) {
  return std::min(current, std::max(wanted, minimum));
}

double once_ready(double mean, const Capacity& capacity) {
  if (capacity.supply() <= 0) return mean;
  return mean * capacity.ready / capacity.supply();
}

int nodes_for_rate(double rate, const NodeModel& node) {
  const double carried = node.capacity_per_s * node.target_utilization;
  return carried > 0 ? ceil_nodes(rate / carried) : 0;
}

int nodes_for_response(double rate, const NodeModel& node, int most) {
  if (!(node.target_p95_s > 0) || !(node.capacity_per_s > 0) || !(rate > 0)) return 0;
  const double service_rate = node.capacity_per_s / node.cores;
  const auto in_time = [&](int nodes) {
    return response_tail(node.cores, {rate / nodes, service_rate}, node.target_p95_s) <= 0.05;
  };
  int low = 1;
  int high = std::max(most, 1);
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (in_time(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

double rate_per_node(const NodeModel& node) {
  constexpr int kBisections = 40;
  const double by_utilization = node.capacity_per_s * node.target_utilization;
  const double service_rate = node.capacity_per_s / node.cores;
  const auto in_time = [&](double rate) {
    return response_tail(node.cores, {rate, service_rate}, node.target_p95_s) <= 0.05;
  };
  if (!(node.target_p95_s > 0) || !in_time(0)) return by_utilization;
  double low = 0;
  double high = node.capacity_per_s;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (in_time(middle) ? low : high) = middle;
  }
  return low > 0 ? low : by_utilization;
}

double newsvendor_quantile(double under, double over) { return under / (under + over); }

std::string short_number(double value) {
  if (std::isnan(value)) return "unknown";
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  // "%g" writes 1000 and more as 1e+03.
  if (std::abs(value) >= 1000 && std::abs(value) < 1e9) {
    std::snprintf(text, sizeof text, "%.0f", value);
  }
  return text;
}

std::string nodes_text(int nodes) {
  return std::to_string(nodes) + (nodes == 1 ? " node" : " nodes");
}

ScalingWish unknown_wish(std::string_view rule, std::string_view metric) {
  ScalingWish wish;
  wish.blocks_scale_in = true;
  wish.seen = std::string(metric) + " unknown";
  wish.reason = std::string(rule) + ": " + std::string(metric) + " is not known";
  return wish;
}

}  // namespace phoenix
