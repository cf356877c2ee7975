#include "scenarios/fault_timeline.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <tuple>

namespace phoenix {
namespace {

constexpr Duration kStepMin = std::chrono::milliseconds(100);
constexpr int kStepsMax = 20;

Duration scaled(Duration duration, double level) {
  return Duration{std::llround(static_cast<double>(duration.count()) * level)};
}

bool is_factor(FaultAction action) {
  return action == FaultAction::kSlowCpu || action == FaultAction::kBandwidth;
}

// `level` 0 is no effect, 1 is all of it.
void set_level(FaultEvent& event, const FaultEvent& full, double level) {
  event.magnitude =
      is_factor(full.action) ? 1 - level * (1 - full.magnitude) : level * full.magnitude;
  event.duration2 = scaled(full.duration2, level);
  event.jitter = scaled(full.jitter, level);
}

int phase_rank(FaultPhase phase) {
  if (phase == FaultPhase::kEnd) return 0;
  return phase == FaultPhase::kStep ? 1 : 2;
}

}  // namespace

std::int32_t FaultTimeline::add_name(std::string id, std::string_view kind) {
  plan_.names.push_back(std::move(id));
  plan_.kinds.emplace_back(kind);
  return static_cast<std::int32_t>(plan_.names.size()) - 1;
}

void FaultTimeline::add(FaultEvent effect, const FaultSpan& span) {
  assert(span.lasting > Duration{0});
  if (span.begin >= end_) return;
  effect.effect = next_effect_++;
  effect.at = span.begin;
  effect.phase = FaultPhase::kBegin;
  FaultEvent event = effect;
  if (span.ramp > Duration{0}) set_level(event, effect, 0);
  plan_.events.push_back(event);

  event.from.clear();
  event.to.clear();
  if (span.ramp > Duration{0}) add_steps(event, effect, span);
  if (span.over() > end_ && !final_heal_) return;
  event.phase = FaultPhase::kEnd;
  event.at = std::min(span.over(), end_);
  plan_.events.push_back(std::move(event));
}

void FaultTimeline::add_steps(FaultEvent& event, const FaultEvent& full, const FaultSpan& span) {
  assert(span.lasting == Duration::max() || span.ramp <= span.lasting / 2);
  const Duration step_length = std::max(kStepMin, span.ramp / kStepsMax);
  const auto level_at = [&](Duration passed) {
    return static_cast<double>(passed.count()) / static_cast<double>(span.ramp.count());
  };
  for (Duration passed = step_length; passed < span.ramp; passed += step_length) {
    step(event, full, add_saturating(span.begin, passed), level_at(passed));
  }
  step(event, full, add_saturating(span.begin, span.ramp), 1);
  if (span.over() == kNever) return;
  const Time falling = span.over() - span.ramp;
  for (Duration passed = step_length; passed < span.ramp; passed += step_length) {
    step(event, full, falling + passed, 1 - level_at(passed));
  }
}

void FaultTimeline::step(FaultEvent& event, const FaultEvent& full, Time at, double level) {
  if (at >= end_) return;
  event.phase = FaultPhase::kStep;
  event.at = at;
  set_level(event, full, level);
  plan_.events.push_back(event);
}

void FaultTimeline::skip(FaultEvent effect, Time at, std::string cause) {
  effect.effect = next_effect_++;
  effect.at = std::min(at, end_);
  effect.phase = FaultPhase::kSkipped;
  effect.cause = std::move(cause);
  plan_.events.push_back(std::move(effect));
}

FaultPlan FaultTimeline::take() {
  std::vector<std::size_t> by_id(plan_.names.size());
  std::iota(by_id.begin(), by_id.end(), std::size_t{0});
  std::stable_sort(by_id.begin(), by_id.end(),
                   [&](std::size_t a, std::size_t b) { return plan_.names[a] < plan_.names[b]; });
  std::vector<std::size_t> rank(by_id.size());
  for (std::size_t i = 0; i < by_id.size(); ++i) rank[by_id[i]] = i;

  const auto key = [&](const FaultEvent& event) {
    const std::int32_t root = event.parent >= 0 ? event.parent : event.fault;
    return std::tuple(event.at, phase_rank(event.phase), rank[static_cast<std::size_t>(root)],
                      event.effect);
  };
  std::stable_sort(plan_.events.begin(), plan_.events.end(),
                   [&](const FaultEvent& a, const FaultEvent& b) { return key(a) < key(b); });
  return std::move(plan_);
}

Duration draw_exponential(Duration mean, Random& random) {
  const double times = -std::log(random.uniform_positive());
  return std::max(Duration{1}, from_seconds(to_seconds(mean) * times));
}

std::vector<FaultSpan> draw_alternation(const Alternation& alternation, const FaultSpan& span,
                                        Time end_of_run, Random& random) {
  const double mean_on = to_seconds(alternation.mean_on);
  const double on_share = mean_on / (mean_on + to_seconds(alternation.mean_off));
  bool is_on = !alternation.stationary || random.uniform() < on_share;
  std::vector<FaultSpan> spans;
  for (Time at = span.begin; at < std::min(span.over(), end_of_run); is_on = !is_on) {
    const Duration length =
        draw_exponential(is_on ? alternation.mean_on : alternation.mean_off, random);
    const Time until = std::min(add_saturating(at, length), span.over());
    if (is_on) spans.push_back({at, until - at, Duration{0}});
    at = until;
  }
  return spans;
}

}  // namespace phoenix
