#include "runtime/gateway/shim_upstream.h"

#include <algorithm>

namespace phoenix::gateway {
namespace {

// As the simulated network takes them to be.
constexpr double kProbeBytes = 64;

double bytes_of(const Request& request) {
  return static_cast<double>(request.target.size() + request.headers.size() + request.body.size());
}

}  // namespace

// A request on its way: a copy, since it may outlive the attempt.
struct ShimUpstream::Sent {
  AttemptId attempt;
  Request request;
  std::string service, request_class;
  Time deadline;
};

struct ShimUpstream::Answer {
  AttemptResult result;
  int status;
  std::string headers, body;
  std::optional<LoadReport> report;
};

ShimUpstream::ShimUpstream(ShimWorld& world, const NodeView& node, UpstreamUser& user,
                           bool is_silent)
    : world_(world), id_(node.id), name_(node.name), user_(user), is_silent_(is_silent) {
  world_.upstreams_.insert(this);
}

ShimUpstream::~ShimUpstream() { world_.upstreams_.erase(this); }

void ShimUpstream::set_silent(bool is_silent) {
  is_silent_ = is_silent;
  if (!is_silent_) on_reachable(id_, is_reachable_);
}

void ShimUpstream::send(AttemptId attempt, const Request& request, std::string_view service,
                        std::string_view request_class, Duration time_left) {
  const std::uint64_t number = request_number(request.number, request.attempts);
  flights_.add(attempt, number);
  if (is_silent_) return;
  const std::optional<std::uint32_t> node = world_.number_of(name_);
  if (!node || !world_.disturbs_links()) {
    return inner_->send(attempt, request, service, request_class, time_left);
  }
  const Time deadline = time_left == Duration::max() ? kNever : world_.loop_.now() + time_left;
  auto sent = std::make_shared<const Sent>(
      Sent{attempt, request, std::string(service), std::string(request_class), deadline});
  ShimWorld::Message message;
  message.from = world_.faults_->gateway;
  message.to = world_.faults_->world.gateways + *node;
  message.number = number;
  message.bytes = bytes_of(request);
  message.deliver = [this, alive = std::weak_ptr<bool>(alive_), sent] {
    if (!alive.expired()) forward(*sent);
  };
  world_.send(std::move(message));
}

// Also what nobody waits for any more gets to the node, and costs it its time.
void ShimUpstream::forward(const Sent& sent) {
  if (is_silent_) return;
  Duration left = Duration::max();
  if (sent.deadline != kNever) left = std::max(Duration{0}, sent.deadline - world_.loop_.now());
  inner_->send(sent.attempt, sent.request, sent.service, sent.request_class, left);
  if (flights_.find(sent.attempt) == nullptr) inner_->forget(sent.attempt);
}

void ShimUpstream::forget(AttemptId attempt) {
  flights_.erase(attempt);
  inner_->forget(attempt);
}

bool ShimUpstream::probe(std::uint64_t probe) {
  if (is_silent_) return is_told_reachable_;  // sent into the void, as far as the user can tell
  const std::optional<std::uint32_t> node = world_.number_of(name_);
  if (!node || !world_.disturbs_links()) return inner_->probe(probe);
  ShimWorld::Message message;
  message.from = world_.faults_->gateway;
  message.to = world_.faults_->world.gateways + *node;
  message.number = probe_number(probe);
  message.bytes = kProbeBytes;
  message.deliver = [this, alive = std::weak_ptr<bool>(alive_), probe] {
    if (!alive.expired() && !is_silent_) inner_->probe(probe);
  };
  world_.send(std::move(message));
  return true;
}

void ShimUpstream::on_probe_answered(NodeId, std::uint64_t probe, const LoadReport& report) {
  if (is_silent_) return;
  const std::uint64_t number = answer_number(probe_number(probe));
  const std::optional<std::uint32_t> node = world_.number_of(name_);
  if (!node || !world_.disturbs_links()) return hand_over_report(number, report);
  ShimWorld::Message message;
  message.from = world_.faults_->world.gateways + *node;
  message.to = world_.faults_->gateway;
  message.number = number;
  message.bytes = kReportBytes;
  message.deliver = [this, alive = std::weak_ptr<bool>(alive_), number, report] {
    if (!alive.expired()) hand_over_report(number, report);
  };
  world_.send(std::move(message));
}

void ShimUpstream::on_attempt(AttemptId attempt, AttemptResult result, const AttemptReply* reply) {
  const std::optional<LoadReport> report = std::exchange(brought_along_, std::nullopt);
  const std::uint64_t* const number = flights_.find(attempt);
  if (number == nullptr) return;
  // An answer had left the node before it died; how its connections ended goes unnoticed.
  if (reply == nullptr) {
    if (!is_silent_) finish(attempt, result, nullptr);
    return;
  }
  const std::uint64_t message_number = *number;
  const std::optional<std::uint32_t> node = world_.number_of(name_);
  if (!node || !world_.disturbs_links()) {
    if (report) hand_over_report(message_number, *report);
    return finish(attempt, result, reply);
  }
  ShimWorld::Message message;
  message.from = world_.faults_->world.gateways + *node;
  message.to = world_.faults_->gateway;
  message.number = answer_number(message_number);
  message.bytes = static_cast<double>(reply->headers.size() + reply->body.size());
  auto answer = std::make_shared<const Answer>(
      Answer{result, reply->status, std::string(reply->headers), std::string(reply->body), report});
  message.deliver = [this, alive = std::weak_ptr<bool>(alive_), attempt, message_number, answer] {
    if (alive.expired()) return;
    if (answer->report) hand_over_report(message_number, *answer->report);
    AttemptReply kept;
    kept.status = answer->status;
    kept.headers = answer->headers;
    kept.body = answer->body;
    kept.content_length = static_cast<std::int64_t>(answer->body.size());
    finish(attempt, answer->result, &kept);
  };
  world_.send(std::move(message));
}

void ShimUpstream::finish(AttemptId attempt, AttemptResult result, const AttemptReply* reply) {
  if (flights_.find(attempt) == nullptr) return;
  flights_.erase(attempt);
  user_.on_attempt(attempt, result, reply);
}

// Reports that come late come by themselves.
void ShimUpstream::hand_over_report(std::uint64_t number, LoadReport report) {
  const std::optional<std::uint32_t> node = world_.number_of(name_);
  Duration delay{0};
  if (node && !world_.faults_->reports.disturb(NodeId{*node}, number, report, delay)) return;
  if (delay.count() == 0) return user_.on_piggybacked(id_, report);
  world_.later(delay, [this, alive = std::weak_ptr<bool>(alive_), report] {
    if (!alive.expired()) user_.on_piggybacked(id_, report);
  });
}

bool ShimUpstream::on_attempt_body(AttemptId attempt, std::string_view piece, bool last) {
  return user_.on_attempt_body(attempt, piece, last);
}

void ShimUpstream::on_attempt_broken(AttemptId attempt) { user_.on_attempt_broken(attempt); }

void ShimUpstream::on_node_report(NodeId node, const wire::Report& report) {
  user_.on_node_report(node, report);
}

void ShimUpstream::on_piggybacked(NodeId, const LoadReport& report) { brought_along_ = report; }

void ShimUpstream::on_reachable(NodeId, bool reachable) {
  is_reachable_ = reachable;
  if (is_silent_ || is_told_reachable_ == reachable) return;
  is_told_reachable_ = reachable;
  user_.on_reachable(id_, reachable);
}

}  // namespace phoenix::gateway
