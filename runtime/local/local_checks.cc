// Whether faults did to processes what they should have done.
#include <cmath>

#include <fmt/format.h>

#include "runtime/local/local_world.h"
#include "runtime/local/process_state.h"

namespace phoenix::local {
namespace {

constexpr Duration kStopsWithin = std::chrono::milliseconds(20);
constexpr std::uint64_t kTicksMax = 1;       // the one it was in when it stopped
constexpr std::uint64_t kAnsweredMin = 100;  // fewer say nothing of how fast it served
constexpr double kSlownessError = 0.10;

}  // namespace

// The kernel stops a process soon after it is told to, not at once.
void LocalWorld::check_is_stopped(std::size_t place, std::uint32_t effect) {
  timers_.after(kStopsWithin, [this, place, effect, life = nodes_[place].incarnation] {
    LocalNode& node = nodes_[place];
    if (!node.up || node.pauses == 0 || node.incarnation != life || is_over_) return;
    const auto state = process_state(node.process->pid());
    if (!state || !state->is_stopped()) return faults_->invalidate(effect, "not stopped");
    node.stopped_at_ticks = state->cpu_ticks;
  });
}

void LocalWorld::check_stayed_stopped(const LocalNode& node, std::uint32_t effect) {
  if (!node.stopped_at_ticks) return;
  const auto state = process_state(node.process->pid());
  if (!state || !state->is_stopped() || state->cpu_ticks > *node.stopped_at_ticks + kTicksMax) {
    faults_->invalidate(effect, "went on while paused");
  }
}

// The work of requests that it served, by what it did of it in a second of a busy core. Requests
// under way when the slow-down began and ended are counted wrongly, at most by all of their work.
void LocalWorld::check_slowness(const LocalNode& node) {
  if (!node.slow_begin || !node.up) return;
  const LocalNode::SlowBegin& then = *node.slow_begin;
  const std::uint64_t answered = node.answered - then.answered;
  const double busy_s = (node.life.busy_core_ns - then.sample.busy_core_ns) * 1e-9;
  const auto completed = static_cast<double>(node.life.completed - then.sample.completed);
  if (answered < kAnsweredMin || !(busy_s > 0)) return;
  const double mean_work_s =
      (node.answered_work_s - then.answered_work_s) / static_cast<double>(answered);
  const double speed = scenario_.cluster.groups[node.group].speed;
  const double planned = node.slowdown();
  const double found = mean_work_s * completed / (busy_s * speed);
  const double unsure = (node.life.in_service + then.sample.in_service) / completed;
  if (std::abs(found / planned - 1) <= kSlownessError + unsure) return;
  faults_->invalidate(then.effect, fmt::format("factor {:.3f}", found));
}

}  // namespace phoenix::local
