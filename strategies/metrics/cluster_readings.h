// The newest reading of every node and gateway, and what gateways did since the last collection.
// The control plane puts reports in as they come and takes an interval out at each collection.
//
// One thread at a time. Owns everything; grows with the highest node and gateway id.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/time.h"
#include "strategies/metrics/histogram.h"
#include "strategies/metrics/node_metrics.h"
#include "strategies/metrics/rates.h"

namespace phoenix {

// Totals since the gateway started; a gateway that starts over begins at 0 again.
struct GatewayReading {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  GatewayId gateway{0};
  Time measured_at = kStart;
  double arrived = kUnknown;   // requests offered
  double answered = kUnknown;  // of these, answered well
  double failed = kUnknown;    // answered not well, given up or refused
  double rejected = kUnknown;  // of the failed, refused by the gateway itself
  double retried = kUnknown;
  double in_flight = kUnknown;
  double ejected_nodes = kUnknown;
  std::uint64_t membership_version = 0;
  const Histogram* responses = nullptr;  // since the gateway's previous report; copied
};

// All gateways over one interval. Rates are per second; unknown where no gateway told.
struct GatewayInterval {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  double arrival_rate = kUnknown;
  double throughput = kUnknown;
  double error_rate = kUnknown;    // of what was answered or given up
  double availability = kUnknown;  // 1 - error_rate
  double rejected_rate = kUnknown;
  double retry_rate = kUnknown;
  double in_flight = kUnknown;      // sum
  double ejected_nodes = kUnknown;  // most of any gateway
  double agreement = kUnknown;      // share of gateways at the newest membership version
  int gateways = 0;                 // with a current report
  int stale_gateways = 0;
};

class ClusterReadings {
 public:
  // An older reading than the one there is changes nothing and counts as late.
  void report(const NodeReading& reading);
  void report(const GatewayReading& reading);
  void forget(NodeId node);

  // Of all nodes heard of and not forgotten, by id.
  std::span<const NodeReading> nodes() const { return nodes_; }
  // Null: never heard of, or forgotten.
  const NodeReading* node(NodeId node) const;

  // What happened since the previous call; responses() is of that interval too.
  GatewayInterval take_interval(Time now, Duration stale_after);
  const Histogram& responses() const { return interval_responses_; }

  std::uint64_t late() const { return late_; }

 private:
  struct Gateway {
    bool is_known = false;
    GatewayReading newest;
    TotalTracker arrived, answered, failed, rejected, retried;
  };
  struct Rises {
    double arrived = 0, answered = 0, failed = 0, rejected = 0, retried = 0;
  };

  std::vector<NodeReading> nodes_;  // by id
  std::vector<Gateway> gateways_;
  Rises rises_;
  Time interval_began_ = kStart;
  Histogram open_responses_;
  Histogram interval_responses_;
  std::uint64_t late_ = 0;
};

}  // namespace phoenix
