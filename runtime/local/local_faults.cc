// How the local world does what faults ask for: signals to processes, slow-downs inside nodes, and
// everything about messages and reports in the gateways' frame shim.
#include <csignal>

#include "runtime/gateway/lab_command.h"
#include "runtime/local/local_world.h"

namespace phoenix::local {
namespace {

using Json = nlohmann::json;

constexpr int kStartTriesMax = 10;
constexpr Duration kHitsWithin = std::chrono::milliseconds(20);

bool is_at_gateways(FaultAction action) { return !gateway::lab_action_text(action).empty(); }

}  // namespace

Time LocalWorld::now() const { return Time{loop_.now() - Time{offset_}}; }

int LocalWorld::healthy_nodes() const {
  int healthy = 0;
  for (const LocalNode& node : nodes_) healthy += node.is_healthy() ? 1 : 0;
  return healthy;
}

FaultedNode LocalWorld::node(NodeId id) const {
  const LocalNode& node = nodes_[index(id)];
  FaultedNode view;
  view.up = node.up;
  view.incarnation = node.incarnation - 1;  // the first life is number 0
  const NodeSample sample = node.sample();
  view.jobs = sample.waiting + sample.in_service;
  view.completed = sample.completed;
  for (const auto& slowdown : node.slowdowns) view.slowdown *= slowdown.second;
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

// A silent death: the gateways are told to notice nothing before the kernel tells them. What runs
// out are the attempts' own limits.
void LocalWorld::crash(NodeId id, bool notify, bool keep_queue) {
  static_cast<void>(keep_queue);  // refused when the world is made
  LocalNode& node = nodes_[index(id)];
  ++node.crashes;
  ++node.boot;
  if (!node.up) return;
  const std::uint64_t lost = node.life.waiting + node.life.in_service;
  for (std::uint64_t i = 0; i < lost; ++i) faults_->count_casualty(id);
  node.up = false;
  node.start_tries = 0;
  node.end_life();
  const auto place = index(id);
  const auto kill = [this, place] {
    if (nodes_[place].process != nullptr && !nodes_[place].up) nodes_[place].process->kill();
  };
  if (notify) return kill();
  auto left = std::make_shared<std::size_t>(gateways_.size());
  for (LocalGateway& gateway : gateways_) {
    gateway.link->command({{"silence", node.name}}, [left, kill](const Json&) {
      if (--*left == 0) kill();
    });
  }
}

void LocalWorld::drain(NodeId id, Duration grace) {
  LocalNode& node = nodes_[index(id)];
  ++node.drains;
  ++node.boot;
  if (!node.up || node.drains > 1) return;
  node.process->signal(SIGTERM);
  if (grace == Duration::max()) return;
  const std::uint32_t boot = node.boot;
  timers_.after(grace, [this, place = index(id), boot] {
    LocalNode& late = nodes_[place];
    if (late.boot != boot || !late.up) return;
    late.up = false;
    late.end_life();
    late.process->kill();
  });
}

void LocalWorld::start(NodeId id) {
  LocalNode& node = nodes_[index(id)];
  if (node.crashes > 0) {
    --node.crashes;
  } else if (node.drains > 0) {
    --node.drains;
  }
  if (node.crashes > 0 || node.drains > 0) return;
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
  if (is_over_ || node.boot != boot || node.crashes > 0 || node.drains > 0) return;
  if (node.process != nullptr && node.process->is_running()) {
    // It is still finishing what it had when it was told to leave.
    return start_later(place, std::chrono::milliseconds(20));
  }
  const NodeId id = id_at<NodeId>(place);
  if (faults_->start_fails(id, node.start_tries)) {
    if (++node.start_tries >= kStartTriesMax) return;
    const NodeGroup& group = scenario_.cluster.groups[node.group];
    Random random(streams_.at("boot", place,
                              node.incarnation * 64ULL + static_cast<unsigned>(node.start_tries)));
    const double boot_s = std::max(0.0, group.boot_time.draw(random));
    return start_later(place, from_seconds(boot_s) + faults_->start_delay(id));
  }
  tell_gateways({{"unsilence", node.name}});
  if (Status started = launch_node(place); !started) fail(started.error());
}

void LocalWorld::retry_start(NodeId id) {
  LocalNode& node = nodes_[index(id)];
  if (node.up || node.start_tries < kStartTriesMax) return;
  node.start_tries = 0;
  start_later(index(id), Duration{0});
}

void LocalWorld::pause(NodeId id) {
  LocalNode& node = nodes_[index(id)];
  if (++node.pauses == 1 && node.up) node.process->signal(SIGSTOP);
}

void LocalWorld::resume(NodeId id) {
  LocalNode& node = nodes_[index(id)];
  if (--node.pauses == 0 && node.up) node.process->signal(SIGCONT);
}

void LocalWorld::slow(NodeId id, std::uint32_t effect, double factor) {
  LocalNode& node = nodes_[index(id)];
  node.slowdowns[effect] = factor;
  if (node.up) node.link->command({{"slow", effect}, {"factor", factor}});
}

void LocalWorld::end_slow(NodeId id, std::uint32_t effect) {
  LocalNode& node = nodes_[index(id)];
  node.slowdowns.erase(effect);
  if (node.up) node.link->command({{"end_slow", effect}});
}

void LocalWorld::send_fault(FaultEvent event, FaultPhase phase) {
  event.phase = phase;
  const std::string command = gateway::print_lab_fault(event);
  for (LocalGateway& gateway : gateways_) {
    gateway.link->send_text(command, [this](const Json& answer) {
      if (answer.is_object() && answer.contains("error")) {
        fail("a gateway refused a fault: " + answer["error"].dump());
      }
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

// Asks the gateways how often the effects hit, which the end of a fault will tell.
void LocalWorld::refresh_hits(const std::vector<std::uint32_t>& effects,
                              std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(effects.size() * gateways_.size());
  auto is_done = std::make_shared<bool>(false);
  const auto finish = [is_done, done = std::move(done)] {
    if (*is_done) return;
    *is_done = true;
    done();
  };
  for (const std::uint32_t effect : effects) {
    auto sum = std::make_shared<std::uint64_t>(0);
    for (LocalGateway& gateway : gateways_) {
      gateway.link->command({{"hits", effect}}, [=, this](const Json& answer) {
        if (answer.is_object()) *sum += answer.value("hits", std::uint64_t{0});
        hits_[effect] = std::max(hits_[effect], *sum);
        if (--*left == 0) finish();
      });
    }
  }
  timers_.after(kHitsWithin, finish);
}

void LocalWorld::arm_faults() {
  const Time next = faults_->next_at();
  fault_timer_.arm(next == kNever ? kNever : to_loop(next));
}

void LocalWorld::on_faults_due() {
  if (is_over_) return;
  const Time date = faults_->next_at();
  std::vector<std::uint32_t> ending;
  for (std::size_t i = faults_->next_number(); i < faults_->plan().events.size(); ++i) {
    const FaultEvent& event = faults_->plan().events[i];
    if (event.at > date) break;
    if (event.phase == FaultPhase::kEnd && is_at_gateways(event.action)) {
      ending.push_back(event.effect);
    }
  }
  const auto go_on = [this, date] {
    if (is_over_) return;
    faults_->play(date);
    arm_faults();
  };
  if (ending.empty()) return go_on();
  refresh_hits(ending, go_on);
}

}  // namespace phoenix::local
