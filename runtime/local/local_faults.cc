// How the local world does what faults ask for: signals to processes, slow-downs inside nodes, and
// everything about messages and reports in the gateways' frame shim.
#include <algorithm>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "runtime/agents/json_fields.h"
#include "runtime/gateway/lab_command.h"
#include "runtime/local/local_world.h"

namespace phoenix::local {
namespace {

using Json = nlohmann::json;

constexpr int kStartTriesMax = 10;
constexpr std::string_view kStruck = "a fault keeps it down";
constexpr Duration kSilenceWithin = std::chrono::milliseconds(20);
constexpr Duration kReachedIn = std::chrono::milliseconds(3);
constexpr Duration kStartAgainIn = std::chrono::milliseconds(5);  // while the old process leaves

// What the player will ask of the node, so that it should be new.
bool needs_figures(const FaultEvent& event) {
  const bool is_end = event.phase == FaultPhase::kEnd;
  switch (event.action) {
    case FaultAction::kCrash:
    case FaultAction::kCrashNotify:
    case FaultAction::kStopGraceful:
      return !is_end;
    case FaultAction::kPause:
    case FaultAction::kSlowCpu:
      return true;
    default:
      return event.resolve_busiest && !is_end;
  }
}

}  // namespace

bool LocalWorld::is_at_gateways(FaultAction action) {
  return !gateway::lab_action_text(action).empty();
}

Time LocalWorld::now() const { return is_playing_ ? Time{loop_.now() - Time{offset_}} : kStart; }

int LocalWorld::healthy_nodes() const {
  int healthy = 0;
  for (const LocalNode& node : nodes_) healthy += node.is_healthy() ? 1 : 0;
  return healthy;
}

int LocalWorld::expected_nodes() const {
  int expected = 0;
  for (const LocalNode& node : nodes_) {
    expected += node.is_present && !node.is_provisioned && !node.is_removed ? 1 : 0;
  }
  return expected;
}

FaultedNode LocalWorld::node(NodeId id) const {
  const LocalNode& node = nodes_[index(id)];
  FaultedNode view;
  view.up = node.up;
  view.incarnation = node.incarnation;
  view.jobs = node.jobs();
  view.completed = node.sample().completed;
  view.slowdown = node.slowdown();
  return view;
}

std::string_view LocalWorld::means(FaultAction action) const {
  switch (action) {
    case FaultAction::kCrash:
    case FaultAction::kCrashNotify:
    case FaultAction::kStopGraceful:
    case FaultAction::kPause:
      return "signal";
    case FaultAction::kSlowCpu:
      return "inflate";
    case FaultAction::kStartFail:
    case FaultAction::kStartDelay:
      return "spawner";
    default:
      return "shim";
  }
}

void LocalWorld::tell_gateways(const Json& command) {
  for (LocalGateway& gateway : gateways_) gateway.link->command(command);
}

// REQUIRES: called within the player's play().
const FaultEvent& LocalWorld::event_played() const {
  return faults_->plan().events[faults_->next_number() - 1];
}

// Whoever carries out an effect has said that he does.
void LocalWorld::expect_in_time(std::uint32_t effect) {
  const Duration late = now() - fault_date_;
  if (late > lateness_max()) {
    faults_->invalidate(effect, fmt::format("late by {} ms", late.count() / 1'000'000));
  }
}

// A start under way comes to nothing. One that is only asked for finds out when it is due.
void LocalWorld::call_off_start(std::size_t place) {
  LocalNode& node = nodes_[place];
  const bool is_booting = node.is_booting();
  if (node.is_provisioned && !is_booting) return;
  ++node.boot;
  if (is_booting) node.process->kill();
  if (node.is_provisioned) fail_provisioning(place, kStruck);
}

// At once, whatever it is at.
void LocalWorld::cut_off(std::size_t place) {
  nodes_[place].process->kill();
  nodes_[place].end_life();
  on_went(place);
}

// A silent death: the gateways are told to notice nothing before the kernel tells them. What runs
// out are the attempts' own limits.
void LocalWorld::crash(NodeId id, bool notify, bool keep_queue) {
  static_cast<void>(keep_queue);  // objected to
  LocalNode& node = nodes_[index(id)];
  ++node.crashes;
  node.slow_begin.reset();
  if (!node.up) return call_off_start(index(id));
  ++node.boot;
  const std::uint64_t lost = node.life.waiting + node.life.in_service;
  for (std::uint64_t i = 0; i < lost; ++i) faults_->count_casualty(id);
  lost_jobs_ += lost;
  node.start_tries = 0;
  node.end_life();
  node.is_silenced = !notify;
  const auto kill = [this, place = index(id), life = node.incarnation,
                     effect = event_played().effect] {
    LocalNode& dead = nodes_[place];
    if (dead.incarnation != life || dead.process == nullptr || !dead.process->is_running()) return;
    dead.process->kill();
    on_went(place);
    expect_in_time(effect);
  };
  if (notify) return kill();
  auto left = std::make_shared<std::size_t>(gateways_.size());
  for (LocalGateway& gateway : gateways_) {
    gateway.link->command({{"silence", node.name}}, [left, kill](const Json&) {
      if (--*left == 0) kill();
    });
  }
  timers_.after(kSilenceWithin, kill);
}

void LocalWorld::drain(NodeId id, Duration grace) {
  LocalNode& node = nodes_[index(id)];
  ++node.drains;
  node.slow_begin.reset();
  if (!node.up) return call_off_start(index(id));
  ++node.boot;
  if (!std::exchange(node.is_leaving, true)) node.process->signal(SIGTERM);
  if (grace == Duration::max()) return;
  timers_.after(grace, [this, place = index(id), life = node.incarnation] {
    LocalNode& late = nodes_[place];
    if (late.incarnation != life || !late.is_leaving || late.drains == 0) return;
    cut_off(place);
  });
}

void LocalWorld::start(NodeId id) {
  LocalNode& node = nodes_[index(id)];
  if (node.crashes > 0) {
    --node.crashes;
  } else if (node.drains > 0) {
    --node.drains;
  }
  if (node.is_struck() || !node.is_present || node.is_provisioned || node.is_removed) return;
  if (node.up && !node.is_leaving) return;
  node.start_tries = 0;
  start_later(index(id), faults_->start_delay(id));
}

void LocalWorld::start_later(std::size_t place, Duration delay) {
  const std::uint32_t boot = ++nodes_[place].boot;
  if (delay.count() == 0) return on_start_due(place, boot);
  timers_.after(delay, [this, place, boot] { on_start_due(place, boot); });
}

void LocalWorld::on_start_due(std::size_t place, std::uint32_t boot) {
  LocalNode& node = nodes_[place];
  if (is_over_ || node.boot != boot) return;
  if (node.is_struck()) {
    if (node.is_provisioned) fail_provisioning(place, kStruck);
    return;
  }
  if (node.process != nullptr && node.process->is_running()) {
    return start_later(place, kStartAgainIn);
  }
  const NodeId id = id_at<NodeId>(place);
  if (faults_->start_fails(id, node.start_tries)) {
    if (node.is_provisioned) {
      ++node.start_tries;
      return fail_provisioning(place, "the start failed");
    }
    if (++node.start_tries >= kStartTriesMax) {
      return log_start(place, node.start_tries, "every attempt failed", "failed");
    }
    const NodeGroup& group = scenario_.cluster.groups[node.group];
    Random random(streams_.at("boot", place,
                              node.incarnation * 64ULL + static_cast<unsigned>(node.start_tries)));
    const double boot_s = std::max(0.0, group.boot_time.draw(random));
    return start_later(place, from_seconds(boot_s) + faults_->start_delay(id));
  }
  if (Status started = launch_node(place); !started) fail(started.error());
}

// The gateways never saw it die, so they are to see it again only when they reach its new life:
// asks it until they have found it, or long enough.
void LocalWorld::end_silence(std::size_t place, Time give_up) {
  LocalNode& node = nodes_[place];
  if (!node.is_silenced || !node.up) return;
  if (node.pauses > 0 || loop_.now() >= give_up) return tell_back(node);
  const auto look = [this, place, give_up, life = node.incarnation](const Json& stats) {
    LocalNode& asked = nodes_[place];
    if (asked.incarnation != life || !asked.is_silenced) return;
    const bool is_found = count_in(stats, "gateways_connected") >= gateways_.size() &&
                          count_in(stats, "connections") > gateways_.size();
    timers_.after(kReachedIn, [this, place, give_up, is_found, life] {
      LocalNode& back = nodes_[place];
      if (back.incarnation != life) return;
      if (is_found && back.is_silenced) return tell_back(back);
      end_silence(place, give_up);
    });
  };
  node.link->command({{"stats", true}}, look);
}

void LocalWorld::tell_back(LocalNode& node) {
  node.is_silenced = false;
  tell_gateways({{"unsilence", node.name}});
}

void LocalWorld::retry_start(NodeId id) {
  LocalNode& node = nodes_[index(id)];
  if (node.up || !node.is_present || node.start_tries < kStartTriesMax) return;
  node.start_tries = 0;
  start_later(index(id), Duration{0});
}

void LocalWorld::pause(NodeId id) {
  LocalNode& node = nodes_[index(id)];
  node.slow_begin.reset();
  if (++node.pauses > 1) return;
  node.attempts_when_paused = node.attempts;
  if (!node.up) return;
  node.process->signal(SIGSTOP);
  check_is_stopped(index(id), event_played().effect);
}

void LocalWorld::resume(NodeId id) {
  LocalNode& node = nodes_[index(id)];
  if (--node.pauses > 0 || !node.up) return;
  check_stayed_stopped(node, event_played().effect);
  node.stopped_at_ticks.reset();
  node.process->signal(SIGCONT);
}

void LocalWorld::slow(NodeId id, std::uint32_t effect, double factor) {
  LocalNode& node = nodes_[index(id)];
  const bool is_alone = node.slowdowns.empty();
  node.slowdowns[effect] = factor;
  node.slow_begin.reset();
  if (!node.up) return;
  if (is_alone && node.pauses == 0) {
    node.slow_begin = {effect, node.life, node.answered_work_s, node.answered};
  }
  const bool answers = node.pauses == 0;
  node.link->command({{"slow", effect}, {"factor", factor}},
                     [this, effect, answers](const Json& answer) {
                       if (answers && answer.is_object()) expect_in_time(effect);
                     });
}

void LocalWorld::end_slow(NodeId id, std::uint32_t effect) {
  LocalNode& node = nodes_[index(id)];
  check_slowness(node);
  node.slow_begin.reset();
  node.slowdowns.erase(effect);
  if (node.up) node.link->command({{"end_slow", effect}});
}

void LocalWorld::send_fault(FaultEvent event, FaultPhase phase) {
  event.phase = phase;
  const std::string command = gateway::print_lab_fault(event);
  for (LocalGateway& gateway : gateways_) {
    gateway.link->send_text(command, [this, effect = event.effect](const Json& answer) {
      if (answer.contains("error")) {
        return fail("a gateway refused a fault: " + text_in(answer, "error"));
      }
      if (answer.is_object()) expect_in_time(effect);
    });
  }
}

void LocalWorld::begin_link_effect(const FaultEvent& event) {
  send_fault(event, FaultPhase::kBegin);
}
void LocalWorld::step_link_effect(const FaultEvent& event) { send_fault(event, FaultPhase::kStep); }
void LocalWorld::end_link_effect(std::uint32_t effect) {
  FaultEvent event;
  event.effect = effect;
  send_fault(event, FaultPhase::kEnd);
}
void LocalWorld::begin_report_effect(const FaultEvent& event) {
  send_fault(event, FaultPhase::kBegin);
}
void LocalWorld::end_report_effect(std::uint32_t effect) { end_link_effect(effect); }

std::uint64_t LocalWorld::link_affected(std::uint32_t effect) const {
  const auto found = hits_.find(effect);
  return found == hits_.end() ? 0 : found->second;
}
std::uint64_t LocalWorld::report_affected(std::uint32_t effect) const {
  return link_affected(effect);
}

void LocalWorld::arm_faults() {
  const Time next = faults_->next_at();
  fault_timer_.arm(next == kNever ? kNever : to_loop(next));
}

void LocalWorld::on_faults_due() {
  if (is_over_) return;
  const Time date = faults_->next_at();
  std::vector<std::uint32_t> ending;
  bool needs_poll = false;
  for (std::size_t i = faults_->next_number(); i < faults_->plan().events.size(); ++i) {
    const FaultEvent& event = faults_->plan().events[i];
    if (event.at > date) break;
    needs_poll = needs_poll || needs_figures(event);
    if (event.phase == FaultPhase::kEnd && is_at_gateways(event.action)) {
      ending.push_back(event.effect);
    }
  }
  const auto go_on = [this, date] {
    if (is_over_) return;
    fault_date_ = date;
    faults_->play(date);
    arm_faults();
  };
  if (!needs_poll && ending.empty()) return go_on();
  poll(kQuickPollWithin, go_on, ending);
}

}  // namespace phoenix::local
