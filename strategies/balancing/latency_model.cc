#include "strategies/balancing/latency_model.h"

#include <algorithm>
#include <cmath>

namespace phoenix {
namespace {

constexpr double kSharedMemory = 10'000;  // samples
constexpr double kReportMemory = 1'000;
constexpr double kShapeForgetting = 0.9995;
constexpr double kReportsMin = 20;
constexpr double kSamplesMin = 100;
// An answer further from its prediction than this many predicted times counts as this far.
constexpr double kSurpriseMax = 5.0;
// Lower bounds that noise must not break: no request is free, and every one ahead delays.
constexpr double kServiceMin = 0.05;
constexpr double kExcessMin = 0.1;
constexpr double kServiceFactorMin = 0.05;
constexpr double kQueueFactorMin = 0.2;
constexpr double kRelativeWorkMin = 0.1;

double near(double value, double expected, double distance) {
  return std::clamp(value, expected - distance, expected + distance);
}

}  // namespace

void LatencyModel::Average::add(double sample, double memory) {
  count = std::min(count + 1, memory);
  mean += (sample - mean) / count;
}

// How many requests the node serves at once: on average, those in service are CPU use times that.
double LatencyModel::lanes(const Node& node) {
  if (node.cpu.count < kReportsMin) return 1.0;
  return std::clamp(node.in_service.mean / std::max(node.cpu.mean, 0.01), 1.0, 1'000.0);
}

double LatencyModel::excess(double backlog, double lanes) {
  return std::max(0.0, backlog + 1 - lanes) / lanes;
}

RequestTraits LatencyModel::traits(ClassId request_class, double size) const {
  const std::size_t i = index(request_class);
  if (i >= classes_.size() || classes_[i].size.mean <= 0 || seconds_.mean <= 0) return {};
  const double ratio = classes_[i].seconds.mean / seconds_.mean;
  return {ratio - 1, ratio * std::clamp(size / classes_[i].size.mean - 1, -1.0, 20.0)};
}

LatencyModel::Parts LatencyModel::parts(const RequestTraits& traits, double backlog,
                                        double lanes) const {
  if (seconds_.mean <= 0) return {1, backlog};
  const Shape::Vector& theta = shape_.theta();
  const double service = theta[0] + theta[1] * traits.kind + theta[2] * traits.size;
  const double queue = std::max(theta[3], 0.0) * backlog +
                       std::max(theta[4], kExcessMin * theta[0]) * excess(backlog, lanes);
  return {std::max(service / seconds_.mean, kServiceMin), std::max(queue / seconds_.mean, 0.0)};
}

double LatencyModel::predict(NodeId id, const RequestTraits& traits,
                             std::uint32_t in_flight) const {
  const Node& node = nodes_[index(id)];
  const Parts expected = parts(traits, in_flight + node.others, lanes(node));
  const Factors::Vector& factors = node.factors.theta();
  return seconds_.mean * (std::max(factors[0], kServiceFactorMin) * expected.service +
                          std::max(factors[1], kQueueFactorMin) * expected.queue);
}

void LatencyModel::learn_shape(const RequestTraits& traits, double backlog, double lanes,
                               double seconds) {
  Shape::Vector x;
  x << 1.0, traits.kind, traits.size, backlog, excess(backlog, lanes);
  const double predicted = shape_.predict(x);
  const double weight =
      1 / (std::max(1 + traits.kind + traits.size, kRelativeWorkMin) + excess(backlog, lanes));
  const double target = seconds_.count < kSamplesMin
                            ? seconds
                            : near(seconds, predicted, kSurpriseMax * seconds_.mean / weight);
  shape_.learn(x * weight, target * weight, kShapeForgetting);
}

void LatencyModel::learn(NodeId id, const Sample& sample, Time now) {
  if (classes_.size() <= index(sample.request_class)) {
    classes_.resize(index(sample.request_class) + 1);
  }
  if (sample.ok) {
    ClassAverages& averages = classes_[index(sample.request_class)];
    averages.seconds.add(sample.seconds, kSharedMemory);
    averages.size.add(sample.size, kSharedMemory);
    seconds_.add(sample.seconds, kSharedMemory);
  }
  Node& node = nodes_[index(id)];
  ++node.samples;
  node.updated = std::max(node.updated, now);
  if (seconds_.mean <= 0) return;

  const RequestTraits known = traits(sample.request_class, sample.size);
  const double backlog = sample.in_flight_when_sent + node.others;
  if (sample.ok) learn_shape(known, backlog, lanes(node), sample.seconds);
  const Parts expected = parts(known, backlog, lanes(node));
  const Factors::Vector x(expected.service, expected.queue);
  const double weight = 1 / (expected.service + expected.queue);
  const double relative = sample.seconds / seconds_.mean;
  // A failure is no outlier: it counts in full.
  const double target =
      sample.ok ? near(relative, node.factors.predict(x), kSurpriseMax / weight) : relative;
  node.factors.learn(x * weight, target * weight, forgetting_);
}

void LatencyModel::hear(NodeId id, const LoadReport& report, std::uint32_t in_flight) {
  Node& node = nodes_[index(id)];
  const double there = static_cast<double>(report.queue_length) + report.in_service;
  node.others = std::max(0.0, there - in_flight);
  if (std::isnan(report.cpu)) return;
  node.in_service.add(report.in_service, kReportMemory);
  node.cpu.add(static_cast<double>(report.cpu), kReportMemory);
}

}  // namespace phoenix
