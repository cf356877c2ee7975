// Scalers say how many nodes a pool should have. Everyone who adds one starts here: write one .cc
// with the class in an anonymous namespace, declare its entry below, add its line to
// strategies/registry.cc.
//
// A scaler states a wish and why; limits that all share (minimum and maximum, cooldowns, boot time,
// flap budget, one change at a time) are the governor's, see governor.h. Several wishes are
// combined by their maximum, so a scaler that is content says so by wishing for what is there. One
// thread at a time. Nothing throws. Missing metrics are NaN: no wish, never zero.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/settings.h"
#include "strategies/forecasting/load_forecast.h"
#include "strategies/metrics/metric_view.h"

namespace phoenix {

struct Capacity {
  int ready = 0;         // serving
  int provisioning = 0;  // asked for, not ready yet
  int draining = 0;      // on their way out, no longer counted as capacity
  int supply() const { return ready + provisioning; }
};

// A node as a scaler sees it; for rules that look at single nodes (missing metrics, not ready).
struct ScalingNode {
  NodeId node = kNoNode;
  bool is_ready = false;
  bool is_draining = false;
  Time asked_at = kNever;     // when it was decided to bring it up; kNever: not known
  Time ready_since = kNever;  // kNever: not yet
  int zone = 0;
  double move_cost = 0;  // of what has to move away before it can go, in any one unit
  double cpu = std::numeric_limits<double>::quiet_NaN();
  double memory = std::numeric_limits<double>::quiet_NaN();
  double in_flight = std::numeric_limits<double>::quiet_NaN();
};

// Something that is going to need capacity, told from outside: "promo", "batch". What is 0 is taken
// from the settings of the rule that knows the name.
struct ExternalEvent {
  std::string name;
  Time at = kStart;
  int minimum = 0;       // nodes
  double factor = 0;     // times the nodes that are there
  Duration duration{0};  // from `at` on
};

struct ScalingView {
  Time now = kStart;
  Duration utc_of_start{0};    // the UTC time of kStart since 1970-01-01 00:00, a Thursday
  Duration decision_delay{0};  // longest time from a change of load to the decision about it
  const MetricView* metrics = nullptr;  // never null
  Capacity capacity;
  int minimum = 1;
  int maximum = 20;
  std::span<const ScalingNode> nodes;
  LoadForecast* forecast = nullptr;  // of arrival_rate; null where there is none
  Duration forecast_step{0};         // between its values
  Duration forecast_age{0};          // since the last value it has seen
  Duration boot_time{0};             // p95 as observed, else as configured
  Duration boot_usual{0};            // median of those observed; 0: as boot_time
  double node_capacity_per_s =
      std::numeric_limits<double>::quiet_NaN();  // requests a node does a second, fully busy
  int cores_per_node = 1;
  Duration target_response_p95{0};  // 0: none set
  double target_utilization = 0.75;
};

struct ScalingWish {
  static constexpr int kNone = -1;
  int desired = kNone;           // nodes; kNone is no opinion
  int most = kNone;              // no more than this many, whatever others wish
  bool blocks_scale_in = false;  // something needed for shrinking is not known
  std::string seen;              // the inputs, as a person reads them
  std::string reason;            // why; starts with the rule's own name
};

class Scaler {
 public:
  virtual ~Scaler() = default;
  // Called every `interval`, in time order.
  virtual ScalingWish wish(const ScalingView& view) = 0;
  virtual void on_event(const ExternalEvent& event) { static_cast<void>(event); }
  // How often it wants to be asked; 0: as often as the controller's setting says.
  virtual Duration interval() const { return Duration{0}; }
};

using ScalerEntry = StrategyEntry<Scaler>;
using MadeScaler = ScalerEntry::Made;

// Rules of one measured value.
ScalerEntry threshold_scaler();
ScalerEntry rate_scaler();
ScalerEntry queue_scaler();
ScalerEntry resource_scaler();
ScalerEntry target_tracking_scaler();

// Rules of what is known in advance.
ScalerEntry scheduled_scaler();
ScalerEntry event_driven_scaler();
ScalerEntry predictive_scaler();

// Rules of rules.
ScalerEntry composite_scaler();
ScalerEntry hybrid_scaler();

// Peers, as baselines.
ScalerEntry hpa_scaler();
ScalerEntry kpa_scaler();

ScalerEntry no_scaling();  // "none"

}  // namespace phoenix
