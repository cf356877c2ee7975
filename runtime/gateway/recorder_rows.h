// A gateway's record from pictures of it: all series, histograms and the summary are differences
// between two GatewayStatus. Pure functions. Rows count time from `zero`, the start of their file.
//
// `before` may know fewer classes than `now` (a reload added some), never others.
#pragma once

#include <string>
#include <vector>

#include "runtime/gateway/config.h"
#include "runtime/gateway/control.h"
#include "runtime/gateway/status.h"
#include "scenarios/record_rows.h"
#include "scenarios/record_writer.h"
#include "scenarios/run_summary.h"
#include "scenarios/scenario.h"

namespace phoenix::gateway {

// What a record says of its run. The text is the configuration file's, services and classes are the
// status's (by number), all nodes are one group. Classes of several services that share a name are
// called "service.class".
Scenario recorded_scenario(const GatewayConfig& config, const GatewayStatus& status,
                           std::uint64_t seed);
RecordOrigin recorded_origin(const GatewayStatus& status);

RequestRow request_row(const AnsweredRequest& request, Time zero);
WindowRow window_row(const GatewayStatus& before, const GatewayStatus& now, Time zero);
// By node, from the newest report. Nodes that send none (HTTP servers) are counted by attempts.
std::vector<NodeRow> node_rows(const GatewayStatus& before, const GatewayStatus& now, Time zero);
// Those that `before` did not have; `lost` counts those too old for `now` to have.
std::vector<DecisionRow> decision_rows(const GatewayStatus& before, const GatewayStatus& now,
                                       Time zero, std::uint64_t& lost);

// Busy core time, core time and node time since a file began, summed over pictures.
struct NodeTime {
  double busy_core_s = 0, core_s = 0, node_s = 0;
  void add(const GatewayStatus& before, const GatewayStatus& now);
};

// Of a whole file. Requests under way when it began count as offered in it, so that offered =
// completed + failed + in_flight.
RunSummary summarize(const Scenario& scenario, const GatewayStatus& base, const GatewayStatus& now,
                     const NodeTime& nodes);
std::vector<HistogramRow> histogram_rows(const Scenario& scenario, const GatewayStatus& base,
                                         const GatewayStatus& now);

}  // namespace phoenix::gateway
