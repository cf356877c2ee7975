#include "strategies/balancing/node_costs.h"

#include <algorithm>
#include <cmath>

#include "strategies/balancing/latency_average.h"

namespace phoenix {
namespace {

constexpr double kLanesMemory = 0.999;
constexpr double kOthersShare = 0.05;  // of the newest report in the average
constexpr double kSecondsShare = 0.001;
constexpr double kFleetMemory = 0.9995;
constexpr double kUnknownCost = 1e-3;
constexpr double kCostMin = 1e-9;  // nothing is free, whatever nodes report

}  // namespace

void NodeCosts::add_cost(Node& node, double busy, double answers, Time now) {
  const double share = remaining_share(now - node.sums.updated, settings_.memory);
  node.sums.busy = node.sums.busy * share + busy;
  node.sums.answers = node.sums.answers * share + answers;
  node.sums.updated = std::max(node.sums.updated, now);
  // The fleet's mean is of nodes as strong as weight 1.
  fleet_busy_ = fleet_busy_ * kFleetMemory + busy * node.weight;
  fleet_answers_ = fleet_answers_ * kFleetMemory + answers;
}

double NodeCosts::lanes(const Node& node) const {
  return node.lanes_cpu > 0 ? std::max(1.0, node.lanes_busy / node.lanes_cpu) : 1.0;
}

double NodeCosts::cost(const Node& node) const {
  const double fleet = fleet_answers_ > 0 ? fleet_busy_ / fleet_answers_ : kUnknownCost;
  const double expected = fleet / node.weight;
  return std::max(kCostMin, (node.sums.busy + settings_.prior * expected) /
                                (node.sums.answers + settings_.prior));
}

double NodeCosts::cost(NodeId id) const { return cost(nodes_[index(id)]); }

void NodeCosts::hear(NodeId id, const LoadReport& report, std::uint32_t in_flight, Time now) {
  Node& node = at(id);
  const double there = static_cast<double>(report.queue_length) + report.in_service;
  node.others = std::max(0.0, there - in_flight);
  node.others_mean += (node.others - node.others_mean) * kOthersShare;
  node.heard = report.measured_at;
  if (std::isnan(report.cpu)) return;
  node.lanes_busy = node.lanes_busy * kLanesMemory + report.in_service;
  node.lanes_cpu = node.lanes_cpu * kLanesMemory + static_cast<double>(report.cpu);
  if (std::isnan(report.rate)) return;
  node.reports_rates = true;
  if (report.cpu == node.last_cpu && report.rate == node.last_rate) return;
  node.last_cpu = report.cpu;
  node.last_rate = report.rate;
  const double seconds = std::min(1.0, to_seconds(now - node.sums.updated));
  add_cost(node, static_cast<double>(report.cpu) * seconds,
           static_cast<double>(report.rate) * seconds, now);
}

void NodeCosts::learn(NodeId id, double seconds, double work, std::uint32_t in_flight_when_sent,
                      bool ok, Time now) {
  Node& node = at(id);
  ++node.samples;
  const double there = in_flight_when_sent + node.others_mean + 1;
  if (ok) {
    seconds_mean_ += seconds_mean_ > 0 ? (seconds - seconds_mean_) * kSecondsShare : seconds;
    report_life_ = from_seconds(2 * seconds_mean_);
    if (!node.reports_rates) add_cost(node, seconds / work / std::sqrt(there), 1, now);
  }
  const double late = seconds - expected(id, work, in_flight_when_sent);
  const double share = remaining_share(now - node.late_updated, settings_.late_memory);
  node.late_updated = std::max(node.late_updated, now);
  node.late_count = node.late_count * share + 1;
  node.late_mean += (late - node.late_mean) / node.late_count;
  node.late_square += (late * late - node.late_square) / node.late_count;
}

double NodeCosts::expected(NodeId id, double work, std::uint32_t in_flight_when_sent) const {
  const Node& node = nodes_[index(id)];
  const double there = in_flight_when_sent + node.others_mean + 1;
  return cost(node) * work * std::max(lanes(node), there);
}

bool NodeCosts::is_known_busy(NodeId id, std::uint32_t in_flight) const {
  const Node& node = nodes_[index(id)];
  return in_flight + node.others >= lanes(node);
}

double NodeCosts::overhead(NodeId id, std::uint32_t in_flight, Time now) const {
  const Node& node = nodes_[index(id)];
  if (node.late_count < 2) return 0;
  const double variance = std::max(0.0, node.late_square - node.late_mean * node.late_mean);
  const double error = std::sqrt(variance / node.late_count);
  const double fading =
      in_flight > 0 ? 1.0 : remaining_share(now - node.late_updated, settings_.late_memory);
  return std::max(0.0, node.late_mean - settings_.doubt * error) * fading;
}

double NodeCosts::others(NodeId id, Time now) const {
  const Node& node = nodes_[index(id)];
  return averaged(node.others, node.others_mean, remaining_share(now - node.heard, report_life_));
}

double NodeCosts::price(NodeId id, std::uint32_t in_flight, Time now) const {
  return overhead(id, in_flight, now) + cost(id) * (in_flight + others(id, now) + 1);
}

double NodeCosts::answer_time(NodeId id, std::uint32_t in_flight, Time now) const {
  const double there = in_flight + others(id, now) + 1;
  return overhead(id, in_flight, now) + cost(id) * std::max(lanes(nodes_[index(id)]), there);
}

}  // namespace phoenix
