#include "runtime/load/tally.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "scenarios/version.h"

namespace phoenix::load {
namespace {

constexpr Duration kGather = std::chrono::milliseconds(5);
constexpr std::uint8_t kUnderWay = 255;

std::int64_t ns(Time t) { return t.time_since_epoch().count(); }

RequestRow row_of(const Outcome& outcome) {
  RequestRow row;
  const bool is_answered = outcome.kind == OutcomeKind::kAnswered;
  row.seq = static_cast<std::int64_t>(outcome.number);
  row.arrived = ns(outcome.intended);
  row.answered = is_answered ? ns(outcome.answered) : -1;
  row.work = outcome.work;
  row.request_bytes = outcome.request_bytes;
  row.response_bytes = outcome.response_bytes;
  row.key = outcome.key;
  row.request_class = outcome.request_class;
  row.gateway = outcome.gateway;
  row.node = outcome.node;
  row.attempts = outcome.attempts;
  row.result = is_answered ? static_cast<std::uint8_t>(outcome.reason) : kUnderWay;
  return row;
}

// What serves the requests does not tell of itself.
std::vector<NodeSample> unknown_nodes(const Scenario& scenario) {
  std::vector<NodeSample> nodes(static_cast<std::size_t>(node_count(scenario)));
  for (NodeSample& node : nodes) node.state = 1;
  return nodes;
}

}  // namespace

void collect(const Outcome& outcome, Collector& collector) {
  const auto request_class = id_at<ClassId>(static_cast<std::size_t>(outcome.request_class));
  switch (outcome.kind) {
    case OutcomeKind::kOffered:
      return collector.offered(request_class, outcome.intended);
    case OutcomeKind::kAnswered:
      collector.answered(request_class, outcome.intended, outcome.reason, outcome.answered);
      break;
    case OutcomeKind::kUnanswered:
      collector.unanswered(request_class, outcome.intended);
      break;
    case OutcomeKind::kEnd:
      return;
  }
  if (collector.is_recorded(outcome.number)) collector.record(row_of(outcome));
}

Result<std::unique_ptr<Tally>> Tally::make(net::Loop& loop, const Scenario& scenario,
                                           const std::string& record_path) {
  std::unique_ptr<RecordWriter> record;
  if (!record_path.empty()) {
    RecordOrigin origin;
    origin.world = "live";
    origin.producer_version = kVersion;
    origin.source_revision = kSourceRevision;
    origin.node_names = node_names(scenario);
    Result<std::unique_ptr<RecordWriter>> created =
        RecordWriter::create(record_path, scenario, origin);
    if (!created) return Error{created.error()};
    record = std::move(*created);
  }
  return std::unique_ptr<Tally>(new Tally(loop, scenario, std::move(record)));
}

Tally::Tally(net::Loop& loop, const Scenario& scenario, std::unique_ptr<RecordWriter> record)
    : loop_(loop),
      scenario_(scenario),
      record_(std::move(record)),
      collector_(scenario, Streams(scenario.seed, scenario.replication), "live", record_.get()),
      interval_(loop, [this] { end_interval(); }),
      next_interval_(kStart + scenario.record.interval) {
  interval_.arm(next_interval_);
}

Tally::~Tally() = default;

void Tally::on_outcome(const Outcome& outcome) {
  if (outcome.kind == OutcomeKind::kAnswered) attempts_ += outcome.attempts;
  collect(outcome, collector_);
}

void Tally::end_interval() {
  if (next_interval_ >= kStart + scenario_.duration) return;  // finish() has the last
  collector_.end_interval(next_interval_, unknown_nodes(scenario_), 0);
  if (record_ != nullptr) record_->flush();
  next_interval_ += scenario_.record.interval;
  interval_.arm(next_interval_);
}

RunSummary Tally::finish(bool complete, Status& record) {
  interval_.disarm();
  const Time end = std::clamp(loop_.now(), kStart, kStart + scenario_.duration);
  const std::vector<NodeSample> nodes = unknown_nodes(scenario_);
  collector_.end_interval(end, nodes, 0);
  RunSummary summary = collector_.summarize(end, nodes);
  summary.attempts = attempts_;
  summary.complete = complete;
  collector_.write_histograms();
  if (record_ != nullptr) {
    for (const SummaryRow& row : summary.to_rows()) record_->append(row);
    if (complete) {
      record = record_->finish();
    } else {
      record_->flush();
      record = record_->status();
    }
  }
  return summary;
}

OutcomePipe::OutcomePipe(net::Loop& loop, int descriptor)
    : loop_(loop), descriptor_(descriptor), timer_(loop, [this] { write_some(); }) {
  ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
}

void OutcomePipe::on_outcome(const Outcome& outcome) {
  if (is_broken_) return;
  if (waiting_.empty()) timer_.arm(loop_.now() + kGather);
  if (written_ > waiting_.size() / 2) {
    waiting_.erase(0, written_);
    written_ = 0;
  }
  waiting_.append(reinterpret_cast<const char*>(&outcome), sizeof outcome);
  if (waiting_.size() - written_ <= kPipeBytesMax) return;
  std::fputs("phoenix-load: whoever reads the outcomes does not keep up\n", stderr);
  std::_Exit(1);
}

void OutcomePipe::write_some() {
  while (written_ < waiting_.size()) {
    const ssize_t n = ::write(descriptor_, waiting_.data() + written_, waiting_.size() - written_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return timer_.arm(loop_.now() + kGather);
    if (n < 0) {
      is_broken_ = true;
      break;
    }
    written_ += static_cast<std::size_t>(n);
  }
  waiting_.clear();
  written_ = 0;
}

bool OutcomePipe::drain() {
  while (!is_broken_ && !waiting_.empty()) {
    pollfd writable{descriptor_, POLLOUT, 0};
    const int ready = ::poll(&writable, 1, static_cast<int>(to_seconds(kPipeStallMax) * 1e3));
    if (ready == 0) return false;
    write_some();
  }
  return !is_broken_;
}

}  // namespace phoenix::load
