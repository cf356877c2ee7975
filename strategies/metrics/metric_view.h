// What control strategies may ask about the cluster's metrics: scalers, tuners and alerts read
// through this, so they can be tested without the store behind it.
//
// Values are in base units (seconds, bytes, per second, shares of 1). Missing is unknown, never
// zero: a NaN value, whatever the reason (never measured, too old, name without a source).
#pragma once

#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "strategies/core/time.h"

namespace phoenix {

struct MetricPoint {
  Time at = kStart;  // when it was measured
  double value = std::numeric_limits<double>::quiet_NaN();
  bool is_known() const { return !std::isnan(value); }
};

// Names of the metrics every cluster has (names of the design document where it has one). Times are
// in seconds, rates per second.
namespace metric {
inline constexpr std::string_view kCpu = "cluster_cpu_avg";  // weighed by capacity
inline constexpr std::string_view kMemory = "cluster_memory_avg";
inline constexpr std::string_view kNetwork = "cluster_network_avg";
inline constexpr std::string_view kDisk = "cluster_disk_avg";
inline constexpr std::string_view kThroughput = "cluster_throughput_total";  // answered well
inline constexpr std::string_view kErrorRate = "cluster_error_rate_avg";     // share of requests
inline constexpr std::string_view kAvailability = "cluster_availability";    // share of requests
inline constexpr std::string_view kActiveNodes = "active_nodes";             // healthy
inline constexpr std::string_view kAgents = "total_agents";
inline constexpr std::string_view kArrivalRate = "arrival_rate";        // requests offered
inline constexpr std::string_view kInFlight = "in_flight";              // accepted, not answered
inline constexpr std::string_view kQueueLength = "queue_length";        // waiting on nodes, sum
inline constexpr std::string_view kProcessingRate = "processing_rate";  // = throughput while busy
inline constexpr std::string_view kResponseP50 = "response_time_p50";
inline constexpr std::string_view kResponseP95 = "response_time_p95";
inline constexpr std::string_view kResponseP99 = "response_time_p99";
inline constexpr std::string_view kScalingTime = "scaling_response_time";  // wish to ready
inline constexpr std::string_view kResponseTime = "response_time";         // timer: every answer
inline constexpr std::string_view kRejectedRate = "rejected_rate";         // refused by gateways
inline constexpr std::string_view kRetryRate = "retry_rate";
inline constexpr std::string_view kEjectedNodes = "ejected_nodes";  // by the worst gateway
inline constexpr std::string_view kUnhealthyNodes = "unhealthy_nodes";
inline constexpr std::string_view kUnreachableNodes = "unreachable_nodes";  // stale reports
inline constexpr std::string_view kMembershipAgreement =
    "membership_agreement";  // share of gateways that know the newest membership
inline constexpr std::string_view kMissingReadings = "missing_readings";  // skipped in averages
}  // namespace metric

class MetricView {
 public:
  virtual ~MetricView() = default;
  // The newest value, unknown when it is older than what the view takes for current.
  virtual MetricPoint latest(std::string_view name) const = 0;
  // Known values of the last `window`, oldest first, written over `out`.
  virtual void series(std::string_view name, Duration window,
                      std::vector<MetricPoint>& out) const = 0;
};

}  // namespace phoenix
