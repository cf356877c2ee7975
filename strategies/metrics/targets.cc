#include "strategies/metrics/targets.h"

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

Result<double> parse_value(TargetUnit unit, std::string_view text) {
  switch (unit) {
    case TargetUnit::kSeconds: {
      const Result<Duration> parsed = parse_duration(text);
      if (!parsed) return Error{parsed.error()};
      return to_seconds(*parsed);
    }
    case TargetUnit::kPerSecond:
      return parse_rate(text);
    case TargetUnit::kShare:
    case TargetUnit::kNumber:
      break;
  }
  return parse_number(text);
}

Status check(const Target& target, double value) {
  if (value > target.low && value <= target.high) return success();
  return Error{"target " + target.name + ": found " + print_number(value) + "; allowed above " +
               print_number(target.low) + ", up to " + print_number(target.high)};
}

}  // namespace

std::vector<Target> default_targets() {
  using enum TargetSense;
  constexpr double kDay = 86'400;
  const auto name = [](std::string_view metric) { return std::string(metric); };
  return {
      {"agent_response_time_p95", name(metric::kResponseP95), "", kLowerIsBetter,
       TargetUnit::kSeconds, 0.05, 0, kDay},
      {"message_throughput", name(metric::kThroughput), name(metric::kArrivalRate), kHigherIsBetter,
       TargetUnit::kPerSecond, 10'000, 0, 1e12},
      {"cluster_availability", name(metric::kAvailability), "", kHigherIsBetter, TargetUnit::kShare,
       0.999, 0, 1},
      {"resource_utilization", name(metric::kCpu), "", kSetPoint, TargetUnit::kShare, 0.75, 0, 1},
      {"scaling_response_time", name(metric::kScalingTime), "", kLowerIsBetter,
       TargetUnit::kSeconds, 30, 0, kDay},
  };
}

Result<std::size_t> TargetSet::find(std::string_view name) const {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i].name == name) return i;
    known.push_back(targets_[i].name);
  }
  return Error{"unknown target \"" + std::string(name) + "\" (known: " + join_names(known) + ")" +
               did_you_mean(name, known)};
}

Status TargetSet::set(std::string_view name, double value) {
  const Result<std::size_t> place = find(name);
  if (!place) return Error{place.error()};
  if (Status checked = check(targets_[*place], value); !checked) return checked;
  targets_[*place].value = value;
  return success();
}

Status TargetSet::remove(std::string_view name) {
  const Result<std::size_t> place = find(name);
  if (!place) return Error{place.error()};
  targets_.erase(targets_.begin() + static_cast<std::ptrdiff_t>(*place));
  return success();
}

Status TargetSet::update(std::span<const TargetChange> changes) {
  TargetSet next = *this;
  for (const auto& [name, text] : changes) {
    const Result<std::size_t> place = find(name);
    if (!place) return Error{place.error()};
    const Result<double> value = parse_value(targets_[*place].unit, text);
    if (!value) return Error{"target " + name + ": " + value.error()};
    if (Status done = next.set(name, *value); !done) return done;
  }
  *this = std::move(next);
  return success();
}

Status TargetSet::add(Target target) {
  if (target.name.empty() || target.metric.empty()) {
    return Error{"target \"" + target.name + "\": needs a name and a metric"};
  }
  if (find(target.name)) return Error{"target \"" + target.name + "\" is there already"};
  if (Status checked = check(target, target.value); !checked) return checked;
  targets_.push_back(std::move(target));
  return success();
}

template <class Value>
std::vector<TargetReading> TargetSet::read_by(const Value& value_of) const {
  std::vector<TargetReading> readings;
  for (const Target& target : targets_) {
    TargetReading reading{target.name, target.sense, target.value, value_of(target.metric)};
    if (!target.attainable.empty()) reading.attainable = value_of(target.attainable);
    readings.push_back(std::move(reading));
  }
  return readings;
}

std::vector<TargetReading> TargetSet::read(const MetricView& metrics) const {
  return read_by([&](const std::string& name) { return metrics.latest(name).value; });
}

std::vector<TargetReading> TargetSet::read_over(const MetricView& metrics, Duration window) const {
  return read_by([&](const std::string& name) { return window_mean(metrics, name, window); });
}

double window_mean(const MetricView& metrics, std::string_view name, Duration window) {
  std::vector<MetricPoint> points;
  metrics.series(name, window, points);
  double sum = 0;
  for (const MetricPoint& point : points) sum += point.value;
  return sum / static_cast<double>(points.size());
}

}  // namespace phoenix
