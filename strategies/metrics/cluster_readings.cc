#include "strategies/metrics/cluster_readings.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace phoenix {
namespace {

bool is_before(const NodeReading& reading, NodeId node) { return reading.node < node; }

void add_known(double& sum, double value) {
  if (!std::isnan(value)) sum += value;
}

}  // namespace

void ClusterReadings::report(const NodeReading& reading) {
  const auto place = std::lower_bound(nodes_.begin(), nodes_.end(), reading.node, is_before);
  if (place == nodes_.end() || place->node != reading.node) {
    nodes_.insert(place, reading);
  } else if (reading.measured_at < place->measured_at) {
    ++late_;
  } else {
    *place = reading;
  }
}

void ClusterReadings::report(const GatewayReading& reading) {
  if (gateways_.size() <= index(reading.gateway)) gateways_.resize(index(reading.gateway) + 1);
  Gateway& gateway = gateways_[index(reading.gateway)];
  if (gateway.is_known && reading.measured_at < gateway.newest.measured_at) {
    ++late_;
    return;
  }
  gateway.is_known = true;
  gateway.newest = reading;
  gateway.newest.responses = nullptr;
  add_known(rises_.arrived, gateway.arrived.rise(reading.arrived));
  add_known(rises_.answered, gateway.answered.rise(reading.answered));
  add_known(rises_.failed, gateway.failed.rise(reading.failed));
  add_known(rises_.rejected, gateway.rejected.rise(reading.rejected));
  add_known(rises_.retried, gateway.retried.rise(reading.retried));
  if (reading.responses != nullptr) open_responses_.merge(*reading.responses);
}

void ClusterReadings::forget(NodeId node) {
  const auto place = std::lower_bound(nodes_.begin(), nodes_.end(), node, is_before);
  if (place != nodes_.end() && place->node == node) nodes_.erase(place);
}

const NodeReading* ClusterReadings::node(NodeId node) const {
  const auto place = std::lower_bound(nodes_.begin(), nodes_.end(), node, is_before);
  return place != nodes_.end() && place->node == node ? &*place : nullptr;
}

GatewayInterval ClusterReadings::take_interval(Time now, Duration stale_after) {
  GatewayInterval interval;
  std::uint64_t newest_version = 0;
  for (const Gateway& gateway : gateways_) {
    newest_version = std::max(newest_version, gateway.newest.membership_version);
  }
  int agreeing = 0;
  double in_flight = 0;
  for (const Gateway& gateway : gateways_) {
    if (!gateway.is_known) continue;
    if (now - gateway.newest.measured_at > stale_after) {
      ++interval.stale_gateways;
      continue;
    }
    ++interval.gateways;
    if (gateway.newest.membership_version == newest_version) ++agreeing;
    add_known(in_flight, gateway.newest.in_flight);
    interval.ejected_nodes = std::fmax(interval.ejected_nodes, gateway.newest.ejected_nodes);
  }
  const Rises rises = std::exchange(rises_, {});
  const double elapsed = to_seconds(now - interval_began_);
  interval_began_ = now;
  std::swap(interval_responses_, open_responses_);
  open_responses_.clear();
  if (interval.gateways == 0 || elapsed <= 0) return interval;
  interval.in_flight = in_flight;
  interval.agreement = static_cast<double>(agreeing) / interval.gateways;
  interval.arrival_rate = rises.arrived / elapsed;
  interval.throughput = rises.answered / elapsed;
  interval.rejected_rate = rises.rejected / elapsed;
  interval.retry_rate = rises.retried / elapsed;
  const double ended = rises.answered + rises.failed;
  if (ended > 0) {
    interval.error_rate = rises.failed / ended;
    interval.availability = rises.answered / ended;
  }
  return interval;
}

}  // namespace phoenix
