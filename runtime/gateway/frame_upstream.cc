#include "runtime/gateway/frame_upstream.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "runtime/gateway/attempt_table.h"
#include "runtime/http/message.h"
#include "runtime/log.h"
#include "runtime/wire/node_knobs.h"

namespace phoenix::gateway {
namespace {

using wire::FrameError;
using wire::FrameType;

constexpr Duration kHelloWithin = std::chrono::seconds(5);
constexpr Duration kFirstPause = std::chrono::milliseconds(50);
constexpr Duration kLongestPause = std::chrono::seconds(5);
constexpr std::size_t kFrameRoom = 1024;  // of a frame, beside target, headers and body

wire::LinkSettings link_settings(const Knobs& knobs) {
  wire::LinkSettings settings;
  settings.batch_size = static_cast<std::size_t>(knobs.batch_size);
  settings.batch_delay = knobs.batch_size > 1 ? knobs.batch_delay : Duration{0};
  settings.compress_above = knobs.compress_above;
  return settings;
}

// An empty body may stand for one that only GET would have had, whose length a header tells.
std::int64_t length_of(const wire::Response& response) {
  if (!response.body.empty()) return static_cast<std::int64_t>(response.body.size());
  const auto text = http::find_header(response.headers, "Content-Length");
  std::int64_t length = -1;
  if (text) std::from_chars(text->data(), text->data() + text->size(), length);
  return length;
}

class Connection;

struct Pending {
  Connection* connection = nullptr;
  std::uint64_t bytes_out = 0;  // that had left on it when this was queued
};

class FrameUpstream final : public Upstream {
 public:
  FrameUpstream(net::Loop& loop, FrameUpstreamSettings settings, UpstreamUser& user,
                wire::LinkCounters& counters);
  ~FrameUpstream() override;

  void send(AttemptId attempt, const Request& request, std::string_view service,
            std::string_view request_class, Duration time_left) override;
  void forget(AttemptId attempt) override;
  bool probe(std::uint64_t probe) override;
  void resume(AttemptId) override {}
  void apply(const Knobs& knobs) override;
  void move(const net::Address& address, std::uint64_t incarnation) override;
  std::size_t connections() const override;
  std::uint64_t dials_failed() const override { return dials_failed_; }
  std::size_t under_way() const override { return pending_.size() + unsent_.size(); }

  net::Loop& loop() { return loop_; }
  const FrameUpstreamSettings& settings() const { return settings_; }
  wire::LinkCounters& counters() { return counters_; }
  Duration pause(int failures);
  FrameCredentials credentials() const;
  void on_connected();
  void on_not_connected(const std::string& why);
  void on_goodbye();
  void on_lost(Connection& connection, std::uint64_t bytes_out, const std::string& why);
  FrameError on_response(const wire::Frame& frame);
  FrameError on_report(const wire::Frame& frame);
  // What a node is told of its own knobs; empty while nobody has turned any.
  const std::string& node_knobs() const { return node_knobs_; }

 private:
  void note_node_knobs();
  void fit_pool();
  Connection* pick();
  void end_later(AttemptId attempt, AttemptResult result);
  void end_unsent();
  void tell_reachable();

  net::Loop& loop_;
  FrameUpstreamSettings settings_;
  UpstreamUser& user_;
  wire::LinkCounters& counters_;
  Random random_;
  AttemptTable<Pending> pending_;
  std::vector<std::pair<AttemptId, AttemptResult>> unsent_;  // to be told, but not within send()
  net::Timer unsent_timer_;
  std::string node_knobs_;
  std::uint64_t dials_failed_ = 0;
  std::string not_connected_why_;  // as last told in the log
  bool said_goodbye_ = false;
  bool is_reachable_ = false;
  bool is_leaving_ = false;
  std::vector<std::unique_ptr<Connection>> pool_;
};

// One place in the pool: dials, greets, serves, and dials again.
class Connection final : public wire::LinkUser {
 public:
  explicit Connection(FrameUpstream& owner)
      : owner_(owner), timer_(owner.loop(), [this] { on_timer(); }) {
    dial();
  }

  bool stands() const { return has_hello_; }
  std::size_t under_way() const { return under_way_; }
  wire::FrameLink& link() { return *link_; }
  void started() { ++under_way_; }
  void ended() { --under_way_; }
  bool probe(std::uint64_t probe);
  void apply(const Knobs& knobs);
  void tell_node_knobs();
  // Ends what stands and dials anew, at once.
  void restart();
  void end(const std::string& why);

 private:
  void dial();
  void on_dialled(Result<std::unique_ptr<net::Channel>> channel);
  void on_timer();
  void retry();
  FrameError on_frame(wire::FrameLink&, const wire::Frame& frame) override;
  FrameError on_hello(const wire::Frame& frame);
  FrameError on_report(const wire::Frame& frame);
  void on_link_closed(wire::FrameLink&, const std::string& why) override;

  FrameUpstream& owner_;
  std::size_t under_way_ = 0;
  std::size_t probes_open_ = 0;
  int failures_ = 0;
  bool has_hello_ = false;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<wire::FrameLink> link_;
  net::Timer timer_;  // to dial again, or until the node's hello
};

void Connection::dial() {
  net::DialSettings settings;
  settings.tls = owner_.credentials().tls;
  settings.channel.send_buffer = owner_.settings().knobs.socket_buffer;
  settings.channel.receive_buffer = owner_.settings().knobs.socket_buffer;
  settings.channel.write_queue = 64 * 1024 * 1024;
  dial_ = net::Dial::start(
      owner_.loop(), owner_.settings().address, settings,
      [this](Result<std::unique_ptr<net::Channel>> channel) { on_dialled(std::move(channel)); });
}

void Connection::on_dialled(Result<std::unique_ptr<net::Channel>> channel) {
  if (!channel) {
    owner_.on_not_connected(channel.error());
    return retry();
  }
  link_ =
      std::make_unique<wire::FrameLink>(owner_.loop(), std::move(*channel), *this,
                                        link_settings(owner_.settings().knobs), owner_.counters());
  wire::Hello hello;
  hello.role = wire::Role::kGateway;
  hello.name = owner_.settings().gateway_name;
  const FrameCredentials shown = owner_.credentials();
  hello.token = shown.token;
  link_->send(hello);
  timer_.arm(owner_.loop().now() + kHelloWithin);
}

void Connection::on_timer() {
  if (link_ == nullptr) return dial();
  if (!has_hello_) end("waited too long");
}

void Connection::retry() { timer_.arm(owner_.loop().now() + owner_.pause(failures_++)); }

void Connection::restart() {
  if (link_ != nullptr) end("the node moved");
  failures_ = 0;
  timer_.disarm();
  dial();
}

void Connection::end(const std::string& why) {
  const std::uint64_t bytes_out = link_->channel().bytes_out();
  const bool stood = has_hello_;
  has_hello_ = false;
  probes_open_ = 0;
  link_.reset();
  retry();
  if (stood) return owner_.on_lost(*this, bytes_out, why);
  owner_.on_not_connected("it did not say hello: " + why);
}

void Connection::apply(const Knobs& knobs) {
  if (link_ == nullptr) return;
  link_->apply(link_settings(knobs));
  if (knobs.socket_buffer > 0) {
    link_->channel().set_socket_buffers(knobs.socket_buffer, knobs.socket_buffer);
  }
}

void Connection::tell_node_knobs() {
  if (has_hello_ && !owner_.node_knobs().empty()) {
    link_->send(FrameType::kControl, 0, owner_.node_knobs());
  }
}

FrameError Connection::on_frame(wire::FrameLink&, const wire::Frame& frame) {
  if (!has_hello_) return on_hello(frame);
  switch (frame.type) {
    case FrameType::kResponse:
      return owner_.on_response(frame);
    case FrameType::kReport:
      return on_report(frame);
    case FrameType::kGoodbye:
      owner_.on_goodbye();
      return FrameError::kNone;
    default:
      return FrameError::kUnexpected;
  }
}

FrameError Connection::on_hello(const wire::Frame& frame) {
  wire::Hello hello;
  if (frame.type != FrameType::kHello) return FrameError::kUnexpected;
  if (!decode(frame.payload, hello)) return FrameError::kBadPayload;
  if (hello.role != wire::Role::kNode || hello.name != owner_.settings().node_name) {
    log_warning("another answers there", {{"node", owner_.settings().node_name},
                                          {"address", owner_.settings().address.text()},
                                          {"found", std::string(hello.name)}});
    return FrameError::kUnexpected;
  }
  has_hello_ = true;
  failures_ = 0;
  timer_.disarm();
  tell_node_knobs();
  owner_.on_connected();
  return FrameError::kNone;
}

bool Connection::probe(std::uint64_t probe) {
  if (probes_open_ >= kProbesMax) return false;
  ++probes_open_;
  link_->send(FrameType::kProbe, probe, {});
  return true;
}

FrameError Connection::on_report(const wire::Frame& frame) {
  if (probes_open_ == 0) return FrameError::kUnexpected;
  --probes_open_;
  return owner_.on_report(frame);
}

void Connection::on_link_closed(wire::FrameLink&, const std::string& why) { end(why); }

FrameUpstream::FrameUpstream(net::Loop& loop, FrameUpstreamSettings settings, UpstreamUser& user,
                             wire::LinkCounters& counters)
    : loop_(loop),
      settings_(std::move(settings)),
      user_(user),
      counters_(counters),
      random_(settings_.jitter_seed, index(settings_.node)),
      unsent_timer_(loop, [this] { end_unsent(); }) {
  note_node_knobs();
  fit_pool();
}

FrameUpstream::~FrameUpstream() { is_leaving_ = true; }

// Connections beyond a smaller pool get nothing new and go when nothing is under way on them.
void FrameUpstream::fit_pool() {
  const auto wanted = static_cast<std::size_t>(settings_.knobs.pool_size);
  while (pool_.size() < wanted) pool_.push_back(std::make_unique<Connection>(*this));
  while (pool_.size() > wanted && pool_.back()->under_way() == 0) pool_.pop_back();
}

Connection* FrameUpstream::pick() {
  Connection* best = nullptr;
  const auto wanted = static_cast<std::size_t>(settings_.knobs.pool_size);
  for (std::size_t i = 0; i < std::min(pool_.size(), wanted); ++i) {
    Connection* const one = pool_[i].get();
    if (one->stands() && (best == nullptr || one->under_way() < best->under_way())) best = one;
  }
  return best;
}

void FrameUpstream::send(AttemptId attempt, const Request& request, std::string_view service,
                         std::string_view request_class, Duration time_left) {
  Connection* const connection = pick();
  if (connection == nullptr) return end_later(attempt, AttemptResult::kRefused);
  if (connection->under_way() >= kAttemptsMax) return end_later(attempt, AttemptResult::kQueueFull);
  wire::Request message;
  message.service = service;
  message.request_class = request_class;
  if (time_left != Duration::max()) {
    const std::int64_t us = std::clamp<std::int64_t>(time_left.count() / 1000, 1, ~0U);
    message.time_left_us = static_cast<std::uint32_t>(us);
  }
  message.repeatable = request.repeatable;
  message.has_key = request.has_key;
  message.key = request.key;
  message.size = request.size;
  message.number = request.number;
  message.method = request.method;
  message.target = request.target;
  message.headers = request.headers;
  message.body = request.body;
  const std::size_t bytes = request.target.size() + request.headers.size() + request.body.size();
  if (!within_bounds(message) || bytes > wire::FrameLimits{}.payload - kFrameRoom) {
    return end_later(attempt, AttemptResult::kError);
  }
  pending_.add(attempt, {connection, connection->link().channel().bytes_out()});
  connection->started();
  connection->link().send(attempt, message);
}

void FrameUpstream::forget(AttemptId attempt) {
  std::erase_if(unsent_, [attempt](const auto& one) { return one.first == attempt; });
  const Pending* const pending = pending_.find(attempt);
  if (pending == nullptr) return;
  pending->connection->ended();
  pending_.erase(attempt);
}

void FrameUpstream::end_later(AttemptId attempt, AttemptResult result) {
  unsent_.emplace_back(attempt, result);
  unsent_timer_.arm(loop_.now());
}

void FrameUpstream::end_unsent() {
  while (!unsent_.empty()) {
    const auto [attempt, result] = unsent_.front();
    unsent_.erase(unsent_.begin());
    user_.on_attempt(attempt, result, nullptr);
  }
}

bool FrameUpstream::probe(std::uint64_t probe) {
  Connection* const connection = pick();
  return connection != nullptr && connection->probe(probe);
}

FrameError FrameUpstream::on_report(const wire::Frame& frame) {
  wire::Report report;
  if (!decode(frame.payload, loop_.event_time(), report)) return FrameError::kBadPayload;
  user_.on_probe_answered(settings_.node, frame.id, report.load);
  return FrameError::kNone;
}

FrameError FrameUpstream::on_response(const wire::Frame& frame) {
  wire::Response response;
  if (!decode(frame.payload, loop_.event_time(), response)) return FrameError::kBadPayload;
  if (response.has_report) user_.on_piggybacked(settings_.node, response.report);
  const Pending* const pending = pending_.find(frame.id);
  if (pending == nullptr) return FrameError::kNone;  // nobody waits for it any more
  pending->connection->ended();
  pending_.erase(frame.id);
  AttemptReply reply;
  reply.status = response.status;
  reply.headers = response.headers;
  reply.body = response.body;
  reply.content_length = length_of(response);
  user_.on_attempt(frame.id, response.result, &reply);
  if (pool_.size() > static_cast<std::size_t>(settings_.knobs.pool_size)) fit_pool();
  return FrameError::kNone;
}

void FrameUpstream::on_lost(Connection& connection, std::uint64_t bytes_out,
                            const std::string& why) {
  log_info("node connection lost", {{"node", settings_.node_name}, {"why", why}});
  tell_reachable();
  const auto cut =
      pending_.ids_where([&](const Pending& one) { return one.connection == &connection; });
  for (const AttemptId attempt : cut) {
    const Pending* const pending = pending_.find(attempt);
    if (pending == nullptr) continue;  // forgotten by an answer to another
    // Nothing has left since it was queued, so no part of it has.
    const bool is_unsent = pending->bytes_out == bytes_out;
    connection.ended();
    pending_.erase(attempt);
    user_.on_attempt(attempt, is_unsent ? AttemptResult::kRefused : AttemptResult::kReset, nullptr);
  }
}

FrameCredentials FrameUpstream::credentials() const {
  return settings_.credentials ? settings_.credentials() : FrameCredentials{};
}

// Tried again and again: told once for each reason.
void FrameUpstream::on_not_connected(const std::string& why) {
  ++dials_failed_;
  if (why == not_connected_why_) return;
  not_connected_why_ = why;
  log_warning("node not reached",
              {{"node", settings_.node_name}, {"address", settings_.address.text()}, {"why", why}});
}

void FrameUpstream::on_connected() {
  not_connected_why_.clear();
  said_goodbye_ = false;
  tell_reachable();
}

void FrameUpstream::on_goodbye() {
  said_goodbye_ = true;
  tell_reachable();
}

void FrameUpstream::tell_reachable() {
  const bool is_reachable = !is_leaving_ && !said_goodbye_ && connections() > 0;
  if (is_reachable == is_reachable_) return;
  is_reachable_ = is_reachable;
  user_.on_reachable(settings_.node, is_reachable);
}

std::size_t FrameUpstream::connections() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(pool_, [](const auto& one) { return one->stands(); }));
}

void FrameUpstream::apply(const Knobs& knobs) {
  const bool turns_node = wire::node_part(knobs) != wire::node_part(settings_.knobs);
  settings_.knobs = knobs;
  note_node_knobs();
  for (const auto& connection : pool_) {
    connection->apply(knobs);
    if (turns_node) connection->tell_node_knobs();
  }
  fit_pool();
}

void FrameUpstream::note_node_knobs() {
  const Knobs wanted = wire::node_part(settings_.knobs);
  if (wanted != Knobs{} || !node_knobs_.empty()) node_knobs_ = wire::print_node_knobs(wanted);
}

void FrameUpstream::move(const net::Address& address, std::uint64_t) {
  settings_.address = address;
  for (const auto& connection : pool_) connection->restart();
}

Duration FrameUpstream::pause(int failures) {
  const Duration longest = std::min(kLongestPause, kFirstPause * (1 << std::min(failures, 10)));
  return from_seconds(to_seconds(longest) * (0.5 + 0.5 * random_.uniform()));
}

}  // namespace

std::unique_ptr<Upstream> make_frame_upstream(net::Loop& loop, FrameUpstreamSettings settings,
                                              UpstreamUser& user, wire::LinkCounters& counters) {
  return std::make_unique<FrameUpstream>(loop, std::move(settings), user, counters);
}

}  // namespace phoenix::gateway
