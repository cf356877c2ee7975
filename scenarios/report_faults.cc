#include "scenarios/report_faults.h"

#include <algorithm>

namespace phoenix {
namespace {

std::uint32_t scaled(std::uint32_t count, double factor) {
  return static_cast<std::uint32_t>(std::min(static_cast<double>(count) * factor, 1e9));
}

void scale(LoadReport& report, double factor) {
  const auto f = static_cast<float>(factor);
  report.cpu *= f;
  report.memory *= f;
  report.network *= f;
  report.queue_length = scaled(report.queue_length, factor);
  report.in_service = scaled(report.in_service, factor);
}

}  // namespace

bool ReportFaults::is_report_action(FaultAction action) {
  return action == FaultAction::kMetricsMissing || action == FaultAction::kMetricsStale ||
         action == FaultAction::kMetricsFrozen || action == FaultAction::kMetricsWrong;
}

bool ReportFaults::disturb(NodeId node, std::uint64_t number, LoadReport& report, Duration& delay) {
  const Time fresh = report.measured_at;
  for (Effect& effect : effects_) {
    if (effect.node != node) continue;
    switch (effect.action) {
      case FaultAction::kMetricsMissing:
        if (streams_.chance_at("missing", effect.id, number) >= effect.magnitude) break;
        ++affected_[effect.id];
        return false;
      case FaultAction::kMetricsStale:
        ++affected_[effect.id];
        delay += effect.delay;
        break;
      case FaultAction::kMetricsWrong:
        ++affected_[effect.id];
        scale(report, effect.magnitude);
        break;
      default:
        ++affected_[effect.id];
        if (!effect.has_frozen) effect.frozen = report;
        effect.has_frozen = true;
        report = effect.frozen;
        report.measured_at = fresh;
    }
  }
  return true;
}

void ReportFaults::begin(const FaultEvent& event) {
  for (const Effect& effect : effects_) {
    if (effect.id == event.effect) return step(event);
  }
  effects_.push_back({event.effect, event.action, event.node, event.magnitude, event.duration2});
}

void ReportFaults::step(const FaultEvent& event) {
  for (Effect& effect : effects_) {
    if (effect.id != event.effect) continue;
    effect.magnitude = event.magnitude;
    effect.delay = event.duration2;
  }
}

void ReportFaults::end(std::uint32_t effect) {
  std::erase_if(effects_, [effect](const Effect& known) { return known.id == effect; });
}

std::uint64_t ReportFaults::affected(std::uint32_t effect) const {
  const auto found = affected_.find(effect);
  return found == affected_.end() ? 0 : found->second;
}

}  // namespace phoenix
