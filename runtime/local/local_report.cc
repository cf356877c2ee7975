// What the local world sees of its processes, and what it writes down.
#include <cstring>

#include "runtime/agents/json_fields.h"
#include "runtime/load/tally.h"
#include "runtime/local/local_world.h"

namespace phoenix::local {
namespace {

using Json = nlohmann::json;

}  // namespace

void LocalWorld::on_outcome_bytes(std::string_view bytes) {
  outcome_bytes_.append(bytes);
  std::size_t at = 0;
  for (; at + sizeof(load::Outcome) <= outcome_bytes_.size(); at += sizeof(load::Outcome)) {
    load::Outcome outcome;
    std::memcpy(&outcome, outcome_bytes_.data() + at, sizeof outcome);
    load::collect(outcome, *collector_);
    note_outcome(outcome);
    if (outcome.kind != load::OutcomeKind::kEnd) continue;
    is_over_ = true;
    loop_.stop();
  }
  outcome_bytes_.erase(0, at);
}

void LocalWorld::note_outcome(const load::Outcome& outcome) {
  if (outcome.kind == load::OutcomeKind::kOffered) {
    if (outcome.sent == kNever) {
      ++lateness_.not_sent;
    } else {
      lateness_.sent_late.record(outcome.sent - outcome.intended);
    }
    return;
  }
  const bool is_good =
      outcome.kind == load::OutcomeKind::kAnswered && outcome.reason == FailureReason::kNone;
  if (!is_good || outcome.node < 0 || static_cast<std::size_t>(outcome.node) >= nodes_.size()) {
    return;
  }
  LocalNode& node = nodes_[static_cast<std::size_t>(outcome.node)];
  node.answered_work_s += outcome.work;
  ++node.answered;
}

// Asks every process for its figures, and the gateways how often the effects have hit; goes on when
// all have answered, or soon anyway: a node that is paused or dead keeps those it gave last.
void LocalWorld::poll(Duration within, std::function<void()> done,
                      const std::vector<std::uint32_t>& effects) {
  auto left = std::make_shared<std::size_t>(1);
  auto is_done = std::make_shared<bool>(false);
  const auto finish = [is_done, done = std::move(done)] {
    if (std::exchange(*is_done, true)) return;
    done();
  };
  const auto answered = [left, finish] {
    if (--*left == 0) finish();
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    LocalNode& node = nodes_[i];
    if (!node.up || node.pauses > 0 || !node.link->is_up()) continue;
    ++*left;
    const std::uint32_t life = node.incarnation;
    node.link->command({{"stats", true}}, [this, i, life, is_done, answered](const Json& stats) {
      const bool counts = !*is_done && nodes_[i].up && nodes_[i].incarnation == life;
      if (counts && stats.is_object()) take_node_stats(i, stats);
      answered();
    });
  }
  for (std::size_t g = 0; g < gateways_.size(); ++g) {
    ++*left;
    const auto take = [this, g, is_done, answered](const Json& status) {
      if (!*is_done && status.is_object()) take_gateway_status(g, status);
      answered();
    };
    gateways_[g].link->command({{"status", gateways_[g].decisions_seen}}, take);
  }
  for (const std::uint32_t effect : effects) {
    auto sum = std::make_shared<std::uint64_t>(0);
    for (LocalGateway& gateway : gateways_) {
      ++*left;
      gateway.link->command({{"hits", effect}}, [=, this](const Json& answer) {
        *sum += count_in(answer, "hits");
        hits_[effect] = std::max(hits_[effect], *sum);
        answered();
      });
    }
  }
  timers_.after(within, finish);
  answered();
}

void LocalWorld::take_node_stats(std::size_t place, const Json& stats) {
  NodeSample& life = nodes_[place].life;
  life.waiting = static_cast<std::uint32_t>(count_in(stats, "waiting"));
  life.in_service = static_cast<std::uint32_t>(count_in(stats, "in_service"));
  life.busy_core_ns = number_in(stats, "busy_core_ns");
  life.available_core_ns = number_in(stats, "available_core_ns");
  life.busier_bytes = number_in(stats, "bytes");
  life.memory_bytes = number_in(stats, "memory_bytes");
  life.completed = count_in(stats, "completed");
  life.refused = count_in(stats, "refused");
}

void LocalWorld::take_gateway_status(std::size_t place, const Json& status) {
  LocalGateway& gateway = gateways_[place];
  gateway.status = status;
  for (const Json& decision : part_of(status, "decisions")) {
    const std::uint64_t number = count_in(decision, "number");
    if (number <= gateway.decisions_seen) continue;  // asked for twice at once
    gateway.decisions_seen = number;
    log_decision(decision, place);
  }
  // A node that left and joined again is counted from nothing.
  gateway.attempts.resize(nodes_.size());
  for (const Json& node : part_of(status, "nodes")) {
    const std::uint64_t id = count_in(node, "node");
    if (id >= nodes_.size()) continue;
    const std::uint64_t now = count_in(node, "attempts");
    const std::uint64_t before = std::exchange(gateway.attempts[id], now);
    nodes_[id].attempts += now >= before ? now - before : now;
  }
}

// As the simulated world names them: nodes by number.
std::string LocalWorld::subject_text(const std::string& subject, std::size_t gateway) const {
  const std::string at = "gateway:" + std::to_string(gateway);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].name == subject) return "node:" + std::to_string(i) + " " + at;
  }
  return at;
}

void LocalWorld::log_decision(const Json& decision, std::size_t gateway) {
  DecisionRow row;
  row.t = static_cast<std::int64_t>(number_in(decision, "at_ns")) - offset_.count();
  if (row.t < 0) return;  // of getting ready
  row.family = std::string_view(text_in(decision, "family"));
  row.action = std::string_view(text_in(decision, "action"));
  row.subject = std::string_view(subject_text(text_in(decision, "subject"), gateway));
  row.value = number_in(decision, "value");
  row.reason = std::string_view(text_in(decision, "reason"));
  row.outcome = std::string_view(text_in(decision, "outcome"));
  append(row);
}

void LocalWorld::log_start(std::size_t node, double value, std::string_view reason,
                           std::string_view outcome) {
  DecisionRow row;
  row.t = now().time_since_epoch().count();
  row.family = "machine";
  row.action = "start";
  row.subject = std::string_view("node:" + std::to_string(node));
  row.value = value;
  row.reason = reason;
  row.outcome = outcome;
  append(row);
}

void LocalWorld::append(DecisionRow row) {
  row.seq = static_cast<std::int64_t>(decisions_++);
  if (record_ != nullptr) record_->append(row);
}

std::vector<NodeSample> LocalWorld::samples() const {
  std::vector<NodeSample> all;
  for (const LocalNode& node : nodes_) {
    all.push_back(node.sample());
    all.back().paid_ns = node.paid_until(now());
  }
  return all;
}

void LocalWorld::on_sample_due() {
  const Time at = next_sample_;
  if (options_.on_progress) options_.on_progress(to_seconds(now()));
  if (at >= kStart + scenario_.duration) return;  // the end has its own
  next_sample_ += scenario_.record.interval;
  sample_timer_.arm(to_loop(next_sample_));
  poll(kPollWithin, [this, at] {
    if (!is_over_) end_interval(at);
  });
}

void LocalWorld::end_warmup() {
  poll(kPollWithin, [this] { collector_->end_warmup(samples()); });
}

void LocalWorld::end_interval(Time at) {
  std::uint64_t retries = 0;
  for (const LocalGateway& gateway : gateways_) {
    retries += count_in(part_of(gateway.status, "router"), "retries");
  }
  collector_->end_interval(at, samples(), retries);
  if (record_ != nullptr) record_->flush();
}

RunSummary LocalWorld::summarize(Time end) {
  end_interval(end);
  RunSummary summary = collector_->summarize(end, samples(), control_->scaling_response_s());
  for (const LocalGateway& gateway : gateways_) {
    const Json& router = part_of(gateway.status, "router");
    summary.attempts += count_in(router, "attempts");
    summary.retries += count_in(router, "retries");
    summary.retries_denied += count_in(router, "retries_denied");
    summary.wasted_replies += count_in(router, "late_results");
    summary.ejections += count_in(router, "ejections");
    summary.panic_picks += count_in(router, "panic_picks");
    summary.hedges += count_in(router, "hedges");
    summary.hedges_won += count_in(router, "hedges_won");
    summary.hedges_denied += count_in(router, "hedges_denied");
  }
  summary.lost_messages = lost_jobs_;
  for (const FaultEvent& event : faults_->plan().events) {
    const bool loses = event.action == FaultAction::kLoss || event.action == FaultAction::kCut;
    if (loses && event.phase == FaultPhase::kBegin) {
      summary.lost_messages += link_affected(event.effect);
    }
  }
  summary.faults = faults_->summarize();
  summary.complete = problem_.empty();
  collector_->write_histograms();
  return summary;
}

}  // namespace phoenix::local
