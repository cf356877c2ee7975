// What the cluster is to achieve: the five targets of the design document and those a user adds.
// Says which metric shows each, checks new values, and reads where things stand from a MetricView.
// How a reading is judged is compliance.h's matter.
//
// Values are in base units; texts carry their unit ("50 ms", "10000 /s", "99.9%"). One thread at a
// time.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strategies/core/result.h"
#include "strategies/metrics/compliance.h"
#include "strategies/metrics/metric_view.h"

namespace phoenix {

enum class TargetUnit : std::uint8_t { kSeconds, kPerSecond, kShare, kNumber };

struct Target {
  std::string name;
  std::string metric;      // that shows it
  std::string attainable;  // metric that bounds what can be reached; "": none
  TargetSense sense = TargetSense::kLowerIsBetter;
  TargetUnit unit = TargetUnit::kNumber;
  double value = 0;
  double low = 0, high = 0;  // allowed for `value`; low is excluded
};

// agent_response_time_p95 50 ms, message_throughput 10,000/s (no more than is offered),
// cluster_availability 0.999, resource_utilization 0.75 (a set point), scaling_response_time 30 s.
std::vector<Target> default_targets();

using TargetChange = std::pair<std::string, std::string>;  // name and text of the value

class TargetSet {
 public:
  TargetSet() : targets_(default_targets()) {}

  // All or nothing: the first unknown name, wrong unit or value out of range is the error.
  Status update(std::span<const TargetChange> changes);
  Status set(std::string_view name, double value);
  // No longer asked for; the error is an unknown name.
  Status remove(std::string_view name);
  // A target of the user's own. Refuses a taken name or a value out of its range.
  Status add(Target target);

  std::span<const Target> list() const { return targets_; }

  // Where they stand, unknown where the metric is.
  std::vector<TargetReading> read(const MetricView& metrics) const;
  // The same by the means over the last `window`, for those who compare windows.
  std::vector<TargetReading> read_over(const MetricView& metrics, Duration window) const;

 private:
  template <class Value>
  std::vector<TargetReading> read_by(const Value& value_of) const;
  Result<std::size_t> find(std::string_view name) const;

  std::vector<Target> targets_;
};

// Mean of the known values of the last `window`; NaN where there is none.
double window_mean(const MetricView& metrics, std::string_view name, Duration window);

}  // namespace phoenix
