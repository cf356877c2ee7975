#include "scenarios/fault_player.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "scenarios/link_faults.h"

namespace phoenix {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

FaultPlayer::FaultPlayer(FaultWorld& world, const Scenario& scenario, const Streams& streams,
                         RecordWriter* record)
    : world_(world),
      streams_(streams),
      record_(record),
      plan_(plan_faults(scenario, streams)),
      reports_(streams) {
  for (std::size_t i = 0; i < plan_.names.size(); ++i) {
    FaultSummary summary;
    summary.id = plan_.names[i];
    summary.kind = plan_.kinds[i];
    summary.outcome = "did not begin";
    summary.begin_s = kMissing;
    summary.end_s = kMissing;
    summaries_.push_back(std::move(summary));
  }
  targets_.resize(summaries_.size());
}

Time FaultPlayer::next_at() const {
  return next_ < plan_.events.size() ? plan_.events[next_].at : kNever;
}

void FaultPlayer::play(Time date) {
  while (next_ < plan_.events.size() && plan_.events[next_].at <= date) {
    const FaultEvent& event = plan_.events[next_++];
    switch (event.phase) {
      case FaultPhase::kBegin:
        begin(event);
        break;
      case FaultPhase::kStep:
        step(event);
        break;
      case FaultPhase::kEnd:
        end(event);
        break;
      case FaultPhase::kSkipped:
        log(event, "skipped", event.cause, 0);
        break;
    }
  }
}

NodeId FaultPlayer::busiest() const {
  NodeId best = kNoNode;
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < world_.node_count(); ++i) {
    const FaultedNode node = world_.node(id_at<NodeId>(i));
    if (!node.up || (best != kNoNode && node.jobs <= most)) continue;
    best = id_at<NodeId>(i);
    most = node.jobs;
  }
  return best;
}

bool FaultPlayer::too_few_left(const FaultEvent& event) const {
  if (event.max_unavailable < 0) return false;
  const int away = world_.expected_nodes() - world_.healthy_nodes();
  return away >= event.max_unavailable;
}

void FaultPlayer::begin(FaultEvent event) {
  if (event.resolve_busiest) {
    event.node = busiest();
    if (event.node == kNoNode) return log(event, "skipped", "no node is up", 0);
    event.target = "node:" + std::to_string(index(event.node));
  }
  if (const std::string_view why = world_.objection(event); !why.empty()) {
    return log(event, "skipped", why, 0);
  }
  if (too_few_left(event)) return log(event, "skipped", "max_unavailable", 0);
  switch (event.action) {
    case FaultAction::kCrash:
    case FaultAction::kCrashNotify:
      live_[event.effect] = {event};  // before the crash, so that casualties are counted
      world_.crash(event.node, event.action == FaultAction::kCrashNotify, event.keeps_state);
      break;
    case FaultAction::kStopGraceful:
      world_.drain(event.node, event.duration2);
      break;
    case FaultAction::kPause:
      world_.pause(event.node);
      break;
    case FaultAction::kSlowCpu:
      world_.slow(event.node, event.effect, event.magnitude);
      break;
    case FaultAction::kStartFail:
    case FaultAction::kStartDelay:
      break;
    default:
      if (LinkFaults::is_link_action(event.action)) world_.begin_link_effect(event);
      if (ReportFaults::is_report_action(event.action)) {
        reports_.begin(event);
        world_.begin_report_effect(event);
      }
  }
  Live& live = live_.try_emplace(event.effect, Live{event}).first->second;
  if (event.node != kNoNode) live.completed_before = world_.node(event.node).completed;
  log(event, "begin", "", 0);
  judge_date(event);
}

void FaultPlayer::step(const FaultEvent& event) {
  const auto found = live_.find(event.effect);
  if (found == live_.end()) return;
  FaultEvent& live = found->second.event;
  live.at = event.at;
  live.magnitude = event.magnitude;
  live.duration2 = event.duration2;
  live.jitter = event.jitter;
  if (event.action == FaultAction::kSlowCpu) world_.slow(live.node, event.effect, event.magnitude);
  if (LinkFaults::is_link_action(event.action)) world_.step_link_effect(event);
  if (ReportFaults::is_report_action(event.action)) {
    reports_.step(event);
    world_.begin_report_effect(live);
  }
  log(live, "step", "", 0);
  judge_date(event);
}

void FaultPlayer::end(const FaultEvent& event) {
  const auto found = live_.find(event.effect);
  if (found == live_.end()) return;
  Live live = std::move(found->second);
  live_.erase(found);
  if (live.event.action == FaultAction::kPause) live.affected = world_.node(live.event.node).jobs;
  const std::uint64_t hit = hits(live);
  switch (live.event.action) {
    case FaultAction::kCrash:
    case FaultAction::kCrashNotify:
    case FaultAction::kStopGraceful:
      world_.start(live.event.node);
      break;
    case FaultAction::kPause:
      world_.resume(live.event.node);
      break;
    case FaultAction::kStartFail:
      world_.retry_start(live.event.node);
      break;
    case FaultAction::kSlowCpu:
      world_.end_slow(live.event.node, live.event.effect);
      break;
    default:
      if (LinkFaults::is_link_action(live.event.action)) world_.end_link_effect(live.event.effect);
      if (ReportFaults::is_report_action(live.event.action))
        world_.end_report_effect(live.event.effect);
      reports_.end(live.event.effect);
  }
  live.event.at = event.at;
  log(live.event, "end", "", hit);
  judge_date(live.event);
}

void FaultPlayer::judge_date(const FaultEvent& event) {
  const Duration late = world_.now() - event.at;
  if (late <= world_.lateness_max()) return;
  mark_invalid(event, "late by " + std::to_string(late.count() / 1'000'000) + " ms");
}

void FaultPlayer::invalidate(std::uint32_t effect, std::string_view why) {
  const auto live = live_.find(effect);
  if (live != live_.end()) return mark_invalid(live->second.event, why);
  for (const FaultEvent& event : plan_.events) {
    if (event.effect == effect && event.phase == FaultPhase::kBegin) {
      return mark_invalid(event, why);
    }
  }
}

void FaultPlayer::mark_invalid(const FaultEvent& event, std::string_view why) {
  log(event, "failed", "invalid_fault: " + std::string(why), 0);
  if (!invalid_faults_.insert(event.fault).second) return;
  const auto place = static_cast<std::size_t>(event.fault);
  invalid_.push_back(plan_.names[place] + " at " + event.target + ": " + std::string(why));
  for (const std::int32_t fault : {event.fault, event.parent}) {
    if (fault < 0) continue;
    invalid_faults_.insert(fault);
    summaries_[static_cast<std::size_t>(fault)].outcome = "invalid_fault: " + std::string(why);
  }
}

void FaultPlayer::log(const FaultEvent& event, std::string_view phase, std::string_view cause,
                      std::uint64_t affected) {
  for (const std::int32_t fault : {event.fault, event.parent}) {
    if (fault < 0) continue;
    const auto place = static_cast<std::size_t>(fault);
    note_target(place, event.target);
    note_phase(summaries_[place], phase, cause, affected);
  }
  if (record_ == nullptr) return;
  FaultRow row;
  row.seq = sequence_++;
  row.t_planned = event.at.time_since_epoch().count();
  row.t_applied = world_.now().time_since_epoch().count();
  row.fault = event.fault;
  row.parent = event.parent;
  row.kind = std::string_view(plan_.kinds[static_cast<std::size_t>(event.fault)]);
  row.phase = phase;
  row.target = std::string_view(event.target);
  if (event.node != kNoNode) {
    row.incarnation = static_cast<std::int32_t>(world_.node(event.node).incarnation);
  }
  row.magnitude = in_force(event, phase);
  row.means = world_.means(event.action);
  row.affected = static_cast<std::int64_t>(affected);
  row.healthy_after = world_.healthy_nodes();
  row.cause = cause;
  record_->append(row);
}

void FaultPlayer::note_target(std::size_t fault, const std::string& target) {
  std::set<std::string>& known = targets_[fault];
  if (!known.insert(target).second) return;
  FaultSummary& summary = summaries_[fault];
  summary.target = known.size() == 1 ? target : std::to_string(known.size()) + " targets";
}

void FaultPlayer::note_phase(FaultSummary& summary, std::string_view phase, std::string_view cause,
                             std::uint64_t affected) const {
  const double now_s = to_seconds(world_.now());
  const bool has_begun = summary.begin_s == summary.begin_s;
  const bool is_invalid = summary.outcome.starts_with("invalid_fault");
  if (phase == "begin") {
    if (!has_begun) summary.begin_s = now_s;
    if (!is_invalid) summary.outcome = "under way";
  } else if (phase == "end") {
    summary.end_s = now_s;
    if (!is_invalid) summary.outcome = "ended";
    summary.affected += affected;
  } else if (phase == "skipped" && !has_begun) {
    summary.outcome = "skipped: " + std::string(cause);
  }
}

// Messages for links, jobs for machines, reports for metrics.
std::uint64_t FaultPlayer::hits(const Live& live) const {
  const FaultAction action = live.event.action;
  if (LinkFaults::is_link_action(action)) return world_.link_affected(live.event.effect);
  if (action == FaultAction::kSlowCpu) {
    return world_.node(live.event.node).completed - live.completed_before;
  }
  return live.affected + reports_.affected(live.event.effect) +
         world_.report_affected(live.event.effect);
}

Duration FaultPlayer::start_delay(NodeId node) {
  Duration delay{0};
  for (auto& [effect, live] : live_) {
    if (live.event.action != FaultAction::kStartDelay || live.event.node != node) continue;
    delay += live.event.duration2;
    ++live.affected;
  }
  return delay;
}

bool FaultPlayer::start_fails(NodeId node, int attempt) {
  bool fails = false;
  for (auto& [effect, live] : live_) {
    if (live.event.action != FaultAction::kStartFail || live.event.node != node) continue;
    const std::uint64_t number =
        world_.node(node).incarnation * 64ULL + static_cast<std::uint64_t>(attempt);
    if (streams_.chance_at("start_fail", effect, number) >= live.event.magnitude) continue;
    ++live.affected;
    log(live.event, "failed", "start failed", 1);
    fails = true;
  }
  return fails;
}

void FaultPlayer::count_casualty(NodeId node) {
  for (auto& [effect, live] : live_) {
    const bool kills = live.event.action == FaultAction::kCrash ||
                       live.event.action == FaultAction::kCrashNotify ||
                       live.event.action == FaultAction::kStopGraceful;
    if (kills && live.event.node == node) {
      ++live.affected;
      return;
    }
  }
}

// Slow-downs of one node multiply; other kinds are told by their own magnitude.
double FaultPlayer::in_force(const FaultEvent& event, std::string_view phase) const {
  if (event.action != FaultAction::kSlowCpu || (phase != "begin" && phase != "step")) {
    return event.magnitude;
  }
  return world_.node(event.node).slowdown;
}

std::vector<FaultSummary> FaultPlayer::summarize() const {
  std::vector<FaultSummary> summaries = summaries_;
  for (const auto& [effect, live] : live_) {
    for (const std::int32_t fault : {live.event.fault, live.event.parent}) {
      if (fault >= 0) summaries[static_cast<std::size_t>(fault)].affected += hits(live);
    }
  }
  return summaries;
}

}  // namespace phoenix
