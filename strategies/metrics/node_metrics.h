// What is known of one node, as measured there: the 11 node metrics of the design document, 6 of
// the runtime, and the totals and capacities that a cluster's averages are weighed by. The same
// fields for every node, near or far, with the node's id and the time of measuring.
//
// Utilizations are shares of the node's own capacity. NaN is "not measured", never 0.
#pragma once

#include <array>
#include <limits>
#include <string_view>

#include "strategies/core/ids.h"
#include "strategies/core/time.h"

namespace phoenix {

struct NodeMetrics {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  double cpu_utilization = kUnknown;
  double memory_utilization = kUnknown;
  double network_utilization = kUnknown;
  double disk_utilization = kUnknown;
  double process_count = kUnknown;
  double agent_count = kUnknown;
  double message_queue_length = kUnknown;  // requests waiting, not yet in service
  double response_time_avg = kUnknown;     // seconds, over the interval
  double throughput = kUnknown;            // requests answered well, per second
  double error_rate = kUnknown;            // share of the requests answered
  double availability = kUnknown;          // share of the requests answered well
};

struct RuntimeMetrics {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  double tasks = kUnknown;            // under way: requests in service
  double resident_memory = kUnknown;  // bytes of the process
  double heap_memory = kUnknown;      // bytes allocated by agents
  double system_memory = kUnknown;    // bytes in use on the machine
  double run_queue = kUnknown;        // tasks ready and waiting for a core
  double busy_time = kUnknown;        // seconds of work done since the node started
};

struct NodeReading {
  NodeId node = kNoNode;
  Time measured_at = kNever;
  bool is_healthy = true;  // serves requests: up, not draining, not ejected
  NodeMetrics metrics;
  RuntimeMetrics runtime;
  // Weights.
  double cores = 1;
  double memory_bytes = 1;
  double bandwidth = 1;                     // bytes per second
  double requests = NodeMetrics::kUnknown;  // answered in the interval, well or not
  double failures = NodeMetrics::kUnknown;  // of these, not well
};

// Names and fields of the 11 and the 6, in the order above; node alerts and records use them.
template <class Struct>
struct NamedField {
  std::string_view name;
  double Struct::*field;
};

inline constexpr std::array<NamedField<NodeMetrics>, 11> kNodeMetricFields = {{
    {"cpu_utilization", &NodeMetrics::cpu_utilization},
    {"memory_utilization", &NodeMetrics::memory_utilization},
    {"network_utilization", &NodeMetrics::network_utilization},
    {"disk_utilization", &NodeMetrics::disk_utilization},
    {"process_count", &NodeMetrics::process_count},
    {"agent_count", &NodeMetrics::agent_count},
    {"message_queue_length", &NodeMetrics::message_queue_length},
    {"response_time_avg", &NodeMetrics::response_time_avg},
    {"throughput", &NodeMetrics::throughput},
    {"error_rate", &NodeMetrics::error_rate},
    {"availability", &NodeMetrics::availability},
}};
inline constexpr std::array<NamedField<RuntimeMetrics>, 6> kRuntimeMetricFields = {{
    {"tasks", &RuntimeMetrics::tasks},
    {"resident_memory", &RuntimeMetrics::resident_memory},
    {"heap_memory", &RuntimeMetrics::heap_memory},
    {"system_memory", &RuntimeMetrics::system_memory},
    {"run_queue", &RuntimeMetrics::run_queue},
    {"busy_time", &RuntimeMetrics::busy_time},
}};

// Null: no such metric.
inline double NodeMetrics::*find_node_metric(std::string_view name) {
  for (const auto& field : kNodeMetricFields) {
    if (field.name == name) return field.field;
  }
  return nullptr;
}

}  // namespace phoenix
