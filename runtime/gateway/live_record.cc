#include "runtime/gateway/live_record.h"

#include <utility>

#include "runtime/gateway/recorder_files.h"
#include "runtime/log.h"

namespace phoenix::gateway {
namespace {

std::shared_ptr<const GatewayStatus> before_everything(const GatewayStatus& first) {
  auto nothing = std::make_shared<GatewayStatus>();
  nothing->now = nothing->started = first.started;
  return nothing;
}

}  // namespace

template <class Row>
void LiveRecord::append(const Row& row) {
  if (!writer_) {
    ++dropped_;
    return;
  }
  writer_->append(row);
  if (writer_->status().ok()) {
    ++written_;
  } else {
    ++dropped_;
    fail(writer_->status().error());
  }
}

void LiveRecord::append_decision(DecisionRow row) {
  row.seq = decisions_++;
  append(row);
}

void LiveRecord::fail(const std::string& why) {
  log_error("recording failed", {{"why", why}});
  error_ = why;
  writer_.reset();
}

void LiveRecord::open(std::shared_ptr<const GatewayStatus> base, const GatewayStatus& known,
                      const GatewayConfig& config) {
  base_ = previous_ = std::move(base);
  node_time_ = NodeTime{};
  decisions_ = 0;
  classes_ = known.classes.size();
  nodes_.clear();
  for (const NodeStatus& node : known.nodes) {
    nodes_[static_cast<std::uint32_t>(node.node)] = node.name;
  }
  scenario_ = recorded_scenario(config, known, seed_);
  remove_old_records(config.record.path, config.record.keep);
  path_ = new_record_path(config.record.path, std::chrono::system_clock::now());
  auto created = RecordWriter::create(path_, scenario_, recorded_origin(known));
  if (!created) return fail(created.error());
  writer_ = std::move(*created);
  error_.clear();
  log_info("recording", {{"file", path_}});
}

void LiveRecord::on_status(std::shared_ptr<const GatewayStatus> now, const GatewayConfig& config) {
  if (!has_begun()) open(before_everything(*now), *now, config);
  if (now->classes.size() > classes_) {
    const auto until = previous_;
    close(config);
    open(until, *now, config);
  }
  if (now->now > previous_->now) write_interval(*now);
  previous_ = std::move(now);
  if (previous_->now - base_->now < config.record.rotate_after) return;
  close(config);
  open(previous_, *previous_, config);
}

void LiveRecord::write_interval(const GatewayStatus& now) {
  append(window_row(*previous_, now, base_->now));
  for (const NodeRow& row : node_rows(*previous_, now, base_->now)) append(row);
  write_membership(now);
  std::uint64_t lost = 0;
  for (const DecisionRow& row : decision_rows(*previous_, now, base_->now, lost)) {
    append_decision(row);
  }
  dropped_ += lost;
  node_time_.add(*previous_, now);
}

void LiveRecord::write_membership(const GatewayStatus& now) {
  std::map<std::uint32_t, std::string> present;
  for (const NodeStatus& node : now.nodes) {
    present[static_cast<std::uint32_t>(node.node)] = node.name;
  }
  if (present == nodes_) return;
  DecisionRow row;
  row.t = (now.now - base_->now).count();
  row.family = "membership";
  row.outcome = "done";
  const auto tell = [&](const char* action, const auto& nodes, const auto& others) {
    for (const auto& [id, name] : nodes) {
      const auto other = others.find(id);
      if (other != others.end() && other->second == name) continue;
      row.action = action;
      row.subject = std::string_view(name);
      row.value = id;
      append_decision(row);
    }
  };
  tell("leave", nodes_, present);
  tell("join", present, nodes_);
  nodes_ = std::move(present);
}

void LiveRecord::on_answer(const AnsweredRequest& request) {
  if (index(request.request_class) >= classes_) {
    ++dropped_;
    return;
  }
  append(request_row(request, base_->now));
}

void LiveRecord::flush() {
  if (!writer_) return;
  writer_->flush();
  if (!writer_->status().ok()) fail(writer_->status().error());
}

void LiveRecord::close(const GatewayConfig& config) {
  if (!writer_) return;
  for (const HistogramRow& row : histogram_rows(scenario_, *base_, *previous_)) append(row);
  for (const SummaryRow& row : summarize(scenario_, *base_, *previous_, node_time_).to_rows()) {
    append(row);
  }
  if (!writer_) return;
  if (Status finished = writer_->finish(); !finished) return fail(finished.error());
  writer_.reset();
  log_info("record complete", {{"file", path_}});
  remove_old_records(config.record.path, config.record.keep);
}

void LiveRecord::finish(const GatewayConfig& config) {
  if (has_begun()) close(config);
}

}  // namespace phoenix::gateway
