// What the local world sees of its processes, and what it writes down.
#include <cstring>

#include "runtime/load/tally.h"
#include "runtime/local/local_world.h"

namespace phoenix::local {
namespace {

using Json = nlohmann::json;

constexpr Duration kPollWithin = std::chrono::milliseconds(50);

double number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : 0.0;
}

std::uint64_t count(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string word(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

void LocalWorld::on_outcome_bytes(std::string_view bytes) {
  outcome_bytes_.append(bytes);
  std::size_t at = 0;
  for (; at + sizeof(load::Outcome) <= outcome_bytes_.size(); at += sizeof(load::Outcome)) {
    load::Outcome outcome;
    std::memcpy(&outcome, outcome_bytes_.data() + at, sizeof outcome);
    load::collect(outcome, *collector_);
    if (outcome.kind != load::OutcomeKind::kEnd) continue;
    is_over_ = true;
    loop_.stop();
  }
  outcome_bytes_.erase(0, at);
}

// Asks every process for its figures; goes on when all have answered, or soon anyway: a node that
// is paused or dead keeps those it gave last.
void LocalWorld::poll(std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(1);
  auto is_done = std::make_shared<bool>(false);
  const auto finish = [is_done, done = std::move(done)] {
    if (*is_done) return;
    *is_done = true;
    done();
  };
  const auto answered = [left, finish] {
    if (--*left == 0) finish();
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    LocalNode& node = nodes_[i];
    if (!node.up || node.pauses > 0 || node.link == nullptr || !node.link->is_up()) continue;
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
    gateways_[g].link->command({{"status", gateways_[g].decisions_seen}},
                               [this, g, is_done, answered](const Json& status) {
                                 if (!*is_done && status.is_object())
                                   take_gateway_status(g, status);
                                 answered();
                               });
  }
  timers_.after(kPollWithin, finish);
  answered();
}

void LocalWorld::take_node_stats(std::size_t place, const Json& stats) {
  NodeSample& life = nodes_[place].life;
  life.waiting = static_cast<std::uint32_t>(count(stats, "waiting"));
  life.in_service = static_cast<std::uint32_t>(count(stats, "in_service"));
  life.busy_core_ns = number(stats, "busy_core_ns");
  life.available_core_ns = number(stats, "available_core_ns");
  life.busier_bytes = number(stats, "bytes");
  life.memory_bytes = number(stats, "memory_bytes");
  life.completed = count(stats, "completed");
  life.refused = count(stats, "refused");
}

void LocalWorld::take_gateway_status(std::size_t place, const Json& status) {
  LocalGateway& gateway = gateways_[place];
  gateway.status = status;
  for (const Json& decision : status.value("decisions", Json::array())) {
    gateway.decisions_seen = std::max(gateway.decisions_seen, count(decision, "number"));
    log_decision(decision, place);
  }
  for (LocalNode& node : nodes_) node.attempts = 0;
  for (const LocalGateway& one : gateways_) {
    for (const Json& node : one.status.value("nodes", Json::array())) {
      const std::uint64_t id = count(node, "node");
      if (id < nodes_.size()) nodes_[id].attempts += count(node, "attempts");
    }
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
  ++decisions_;
  if (record_ == nullptr || !is_playing_) return;
  DecisionRow row;
  row.seq = static_cast<std::int64_t>(decisions_ - 1);
  row.t = static_cast<std::int64_t>(number(decision, "at_ns")) - offset_.count();
  row.family = std::string_view(word(decision, "family"));
  row.action = std::string_view(word(decision, "action"));
  row.subject = std::string_view(subject_text(word(decision, "subject"), gateway));
  row.value = number(decision, "value");
  row.reason = std::string_view(word(decision, "reason"));
  row.outcome = std::string_view(word(decision, "outcome"));
  record_->append(row);
}

std::vector<NodeSample> LocalWorld::samples() const {
  std::vector<NodeSample> all;
  for (const LocalNode& node : nodes_) all.push_back(node.sample());
  return all;
}

void LocalWorld::on_sample_due() {
  const Time at = next_sample_;
  next_sample_ += scenario_.record.interval;
  sample_timer_.arm(to_loop(next_sample_));
  if (options_.on_progress) options_.on_progress(to_seconds(now()));
  poll([this, at] {
    if (!is_over_) end_interval(at);
  });
}

void LocalWorld::end_interval(Time at) {
  const std::vector<NodeSample> nodes = samples();
  retries_ = 0;
  for (const LocalGateway& gateway : gateways_) {
    retries_ += count(gateway.status.value("router", Json::object()), "retries");
  }
  if (!is_warm_ && at >= kStart + scenario_.warmup) {
    is_warm_ = true;
    collector_->end_warmup(nodes);
  }
  collector_->end_interval(at, nodes, retries_);
  if (record_ != nullptr) record_->flush();
}

RunSummary LocalWorld::summarize() {
  const Time end = std::min(now(), kStart + scenario_.duration);
  end_interval(end);
  RunSummary summary = collector_->summarize(end, samples());
  for (const LocalGateway& gateway : gateways_) {
    const Json router = gateway.status.value("router", Json::object());
    summary.attempts += count(router, "attempts");
    summary.retries += count(router, "retries");
    summary.retries_denied += count(router, "retries_denied");
    summary.wasted_replies += count(router, "late_results");
    summary.ejections += count(router, "ejections");
    summary.panic_picks += count(router, "panic_picks");
    summary.hedges += count(router, "hedges");
    summary.hedges_won += count(router, "hedges_won");
    summary.hedges_denied += count(router, "hedges_denied");
  }
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
