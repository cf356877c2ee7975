// What knobs do to the services of a node.
#include <algorithm>

#include "runtime/log.h"
#include "runtime/node/services.h"

namespace phoenix::node {
namespace {

constexpr Duration kMove = std::chrono::minutes(1);  // that long one may take from state to changes

}  // namespace

Time Services::Service::may_sleep_at(Duration idle) const {
  const Time by_idleness = idle_since + idle;
  return taken_at == kNever ? by_idleness : std::max(by_idleness, taken_at + kMove);
}

void Services::set_knobs(const Knobs& knobs) {
  if (work_queue_ != nullptr) work_queue_->set_limits(knobs.workers, knobs.queue_length);
  for (const Service& service : services_) {
    if (service.made.set_limits) service.made.set_limits(knobs.workers, knobs.queue_length);
  }
  hibernate_idle_ = knobs.hibernate_idle;
  idle_timer_.disarm();
  arm_idle();
  cores_.set_limits(knobs.workers, knobs.queue_length);  // last: it may answer
}

void Services::arm_idle() {
  if (hibernate_idle_ == Duration{0}) return;
  Time due = kNever;
  for (const Service& service : services_) {
    if (service.under_way > 0 || service.is_held || service.asleep || service.stays_awake) continue;
    due = std::min(due, service.may_sleep_at(hibernate_idle_));
  }
  if (due < idle_timer_.armed()) idle_timer_.arm(due);
}

void Services::on_idle_due() {
  const Time now = loop_.now();
  for (Service& service : services_) {
    if (service.under_way > 0 || service.is_held || service.asleep || service.stays_awake) continue;
    if (service.may_sleep_at(hibernate_idle_) > now) continue;
    Result<SleepingState> taken = SleepingState::take(*service.made.handler);
    if (taken) {
      ++sleep_.hibernations;
      service.asleep = std::move(*taken);
    } else {
      service.stays_awake = true;
    }
  }
  arm_idle();
}

Status Services::wake(Service& service) {
  service.stays_awake = false;
  if (!service.asleep) return success();
  Status restored = service.asleep->give_back(*service.made.handler);
  ++(restored ? sleep_.wakes : sleep_.wakes_failed);
  if (restored) {
    service.asleep.reset();
  } else {
    log_error("agent not woken", {{"service", service.spec.name}, {"why", restored.error()}});
  }
  return restored;
}

Services::Sleep Services::sleep() const {
  Sleep now = sleep_;
  for (const Service& service : services_) {
    if (!service.asleep) continue;
    ++now.asleep;
    now.bytes_kept += service.asleep->bytes_kept();
  }
  return now;
}

}  // namespace phoenix::node
