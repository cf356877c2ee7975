#include "runtime/gateway/frame_ingress.h"

#include <algorithm>

#include "runtime/log.h"
#include "runtime/secret.h"
#include "strategies/core/slab.h"

namespace phoenix::gateway {
namespace {

using wire::FrameError;
using wire::FrameType;
using wire::Role;

constexpr Duration kHelloWithin = std::chrono::seconds(10);
constexpr std::size_t kPauseAbove = 1024 * 1024;        // bytes a client has not read yet
constexpr std::size_t kAnswersMost = 63 * 1024 * 1024;  // the same; then answers become errors
constexpr std::size_t kFrameRoom = 1024;                // of a frame, beside headers and body

wire::LinkSettings link_settings(const Knobs& knobs, Role role) {
  wire::LinkSettings settings;
  settings.compress_above = knobs.compress_above;
  if (role == Role{}) settings.limits = wire::kHelloLimits;
  return settings;
}

}  // namespace

struct FrameIngress::State {
  State(RequestSink& its_sink, PeerEvents& its_peers, wire::LinkCounters& counts, int thread)
      : sink(its_sink),
        peers(its_peers),
        counters(counts),
        knobs(its_sink.config().knobs),
        next_id((static_cast<std::uint64_t>(thread) + 1) << 44),
        hello_timer(its_sink.loop(), [this] { sweep(); }) {}

  void sweep();
  void erase(std::uint64_t id) { connections.erase(id); }

  RequestSink& sink;
  PeerEvents& peers;
  wire::LinkCounters& counters;
  Knobs knobs;
  std::uint64_t next_id;
  std::map<std::string, std::uint64_t> refused;
  LogPause log_pause;  // of those refused
  net::Timer hello_timer;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections;
};

class FrameIngress::Connection final : public wire::LinkUser, public Client {
 public:
  Connection(State& state, std::uint64_t id, std::unique_ptr<net::Channel> channel)
      : state_(state), id_(id), hello_by_(state.sink.loop().now() + kHelloWithin) {
    link_ = std::make_unique<wire::FrameLink>(state.sink.loop(), std::move(channel), *this,
                                              link_settings(state.knobs, role_), state.counters);
  }
  ~Connection() override {
    open_.for_each_live([this](std::uint32_t i) { state_.sink.leave(open_[i].exchange); });
    if (role_ == Role::kNode) state_.peers.on_node_gone(id_);
  }

  Role role() const { return role_; }
  bool is_idle() const { return open_.live() == 0; }
  Time hello_by() const { return role_ == Role{} ? hello_by_ : kNever; }
  wire::FrameLink& link() { return *link_; }
  std::unique_ptr<wire::FrameLink> take_link() { return std::move(link_); }

  FrameError on_frame(wire::FrameLink&, const wire::Frame& frame) override;
  void on_link_drained(wire::FrameLink& link) override { link.channel().resume_reading(); }
  void on_link_closed(wire::FrameLink&, const std::string& why) override;
  void on_reply(std::uint64_t tag, const Reply& reply) override;
  bool on_reply_body(std::uint64_t tag, std::string_view piece, bool last) override;
  void on_reply_broken(std::uint64_t tag) override;

 private:
  // Frames carry whole answers: what comes in pieces is gathered.
  struct Gathered {
    Reply reply;
    std::string headers, body, direct;
    bool is_cut = false;  // there was no room for all of it
  };
  struct Open {
    ExchangeId exchange;
    std::uint64_t wire_id = 0;
    std::size_t bytes = 0;  // of the request, and gathered
    std::unique_ptr<Gathered> gathered;
  };

  FrameError on_hello(const wire::Frame& frame);
  FrameError on_client(const wire::Frame& frame);
  FrameError on_node(const wire::Frame& frame);
  FrameError count_refused(const char* why);
  void announce(const wire::Hello& hello);
  std::uint64_t close(std::uint32_t place);  // the wire's id of the request that was there
  void respond(std::uint64_t wire_id, const Reply& reply);
  void refuse(std::uint64_t wire_id, FailureReason reason, int status);

  State& state_;
  std::uint64_t id_;
  Role role_{};
  Time hello_by_;
  Slab<Open> open_;  // requests under way; the place is the tag
  std::size_t bytes_under_way_ = 0;
  std::uint32_t answered_within_accept_ = kNoIndex;
  std::unique_ptr<wire::FrameLink> link_;
};

void FrameIngress::State::sweep() {
  const Time now = sink.loop().now();
  std::vector<std::uint64_t> late;
  Time next = kNever;
  for (const auto& [id, connection] : connections) {
    if (connection->hello_by() <= now) late.push_back(id);
    if (connection->hello_by() > now) next = std::min(next, connection->hello_by());
  }
  for (const std::uint64_t id : late) {
    ++refused["no_hello"];
    erase(id);
  }
  hello_timer.arm(next);
}

FrameError FrameIngress::Connection::count_refused(const char* why) {
  ++state_.refused[why];
  if (const auto left_out = state_.log_pause.over(state_.sink.loop().now())) {
    log_warning("peer refused", {{"peer", link_->channel().peer().text()},
                                 {"why", why},
                                 {"left_out", std::to_string(*left_out)}});
  }
  return FrameError::kUnexpected;
}

FrameError FrameIngress::Connection::on_frame(wire::FrameLink&, const wire::Frame& frame) {
  switch (role_) {
    case Role::kClient:
      return on_client(frame);
    case Role::kNode:
      return on_node(frame);
    case Role::kLab:
      if (frame.type != FrameType::kControl) return FrameError::kUnexpected;
      state_.peers.on_control(id_, frame.id, std::string(frame.payload));
      return FrameError::kNone;
    default:
      return on_hello(frame);
  }
}

FrameError FrameIngress::Connection::on_hello(const wire::Frame& frame) {
  if (frame.type != FrameType::kHello) return count_refused("no_hello");
  wire::Hello theirs;
  if (!decode(frame.payload, theirs)) return FrameError::kBadPayload;
  const GatewayConfig& config = state_.sink.config();
  if (!same_secret(theirs.token, config.token)) return count_refused("wrong_token");
  const bool is_lab = theirs.role == Role::kLab && config.lab && !config.token.empty();
  if (theirs.role != Role::kClient && theirs.role != Role::kNode && !is_lab) {
    return count_refused("wrong_role");
  }
  if (theirs.role == Role::kNode && (theirs.name.empty() || !net::Address::parse(theirs.address))) {
    return count_refused("bad_announcement");
  }
  role_ = theirs.role;
  link_->apply(link_settings(state_.knobs, role_));
  wire::Hello ours;
  ours.role = Role::kGateway;
  ours.name = config.name;
  link_->send(ours);
  if (role_ == Role::kNode) announce(theirs);
  return FrameError::kNone;
}

void FrameIngress::Connection::announce(const wire::Hello& hello) {
  Announcement announcement;
  announcement.name = hello.name;
  announcement.address = hello.address;
  announcement.incarnation = hello.incarnation;
  announcement.cores = hello.cores;
  announcement.zone = hello.zone;
  announcement.memory_bytes = hello.memory_bytes;
  announcement.standby.assign(hello.standby.begin(), hello.standby.end());
  for (const wire::Offer& offer : hello.offers) {
    announcement.offers.push_back({std::string(offer.service), offer.weight});
  }
  state_.peers.on_announce(id_, std::move(announcement));
}

FrameError FrameIngress::Connection::on_node(const wire::Frame& frame) {
  if (frame.type == FrameType::kGoodbye) {
    state_.peers.on_goodbye(id_);
    return FrameError::kNone;
  }
  if (frame.type == FrameType::kHello) {  // what it offers has changed
    wire::Hello hello;
    if (!decode(frame.payload, hello) || hello.role != Role::kNode) return FrameError::kBadPayload;
    announce(hello);
    return FrameError::kNone;
  }
  if (frame.type != FrameType::kReport) return FrameError::kUnexpected;
  wire::Report report;
  if (!decode(frame.payload, state_.sink.loop().event_time(), report))
    return FrameError::kBadPayload;
  state_.peers.on_report(id_, report);
  return FrameError::kNone;
}

FrameError FrameIngress::Connection::on_client(const wire::Frame& frame) {
  if (frame.type != FrameType::kRequest) return FrameError::kUnexpected;
  wire::Request wanted;
  if (!decode(frame.payload, wanted)) return FrameError::kBadPayload;
  Request request;
  if (!state_.sink.find_service(wanted.service, wanted.request_class, request.service,
                                request.request_class)) {
    refuse(frame.id, FailureReason::kNoHealthyNodes, 404);
    return FrameError::kNone;
  }
  const std::size_t bytes = frame.payload.size();
  if (open_.live() >= kFrameRequestsMax || bytes > kFrameBytesMax - bytes_under_way_) {
    refuse(frame.id, FailureReason::kInFlightLimit, 503);
    return FrameError::kNone;
  }
  request.method = wanted.method;
  request.target = wanted.target;
  request.headers = wanted.headers;
  request.body = wanted.body;
  request.key = wanted.key;
  request.has_key = wanted.has_key;
  request.repeatable = wanted.repeatable;
  request.size = wanted.size;
  request.number = wanted.number;
  request.arrived = state_.sink.loop().event_time();
  Duration left = state_.sink.class_deadline(request.request_class);
  if (wanted.time_left_us > 0) {
    left = std::min<Duration>(left, std::chrono::microseconds(wanted.time_left_us));
  }
  request.deadline = add_saturating(request.arrived, left);
  const std::uint32_t place = open_.acquire();
  open_[place].wire_id = frame.id;
  open_[place].bytes = bytes;
  bytes_under_way_ += bytes;
  answered_within_accept_ = kNoIndex;
  const ExchangeId exchange = state_.sink.accept(std::move(request), *this, place);
  if (answered_within_accept_ != place) open_[place].exchange = exchange;
  return FrameError::kNone;
}

void FrameIngress::Connection::on_reply(std::uint64_t tag, const Reply& reply) {
  const auto place = static_cast<std::uint32_t>(tag);
  if (reply.more) {
    auto gathered = std::make_unique<Gathered>();
    gathered->reply = reply;
    gathered->headers = reply.headers;
    gathered->body = reply.body;
    gathered->direct = reply.direct;
    open_[place].gathered = std::move(gathered);
    return;
  }
  const std::uint64_t wire_id = close(place);
  answered_within_accept_ = place;
  respond(wire_id, reply);
}

bool FrameIngress::Connection::on_reply_body(std::uint64_t tag, std::string_view piece, bool last) {
  const auto place = static_cast<std::uint32_t>(tag);
  Gathered& gathered = *open_[place].gathered;
  const std::size_t most = wire::FrameLimits{}.payload - kFrameRoom;
  gathered.is_cut = gathered.is_cut || gathered.body.size() + piece.size() > most ||
                    piece.size() > kFrameBytesMax - bytes_under_way_;
  if (!gathered.is_cut) {
    gathered.body += piece;
    open_[place].bytes += piece.size();
    bytes_under_way_ += piece.size();
  }
  if (!last) return true;
  const std::unique_ptr<Gathered> whole = std::move(open_[place].gathered);
  const std::uint64_t wire_id = close(place);
  if (whole->is_cut) {
    refuse(wire_id, FailureReason::kError, 502);
    return true;
  }
  whole->reply.headers = whole->headers;
  whole->reply.body = whole->body;
  whole->reply.direct = whole->direct;
  respond(wire_id, whole->reply);
  return true;
}

void FrameIngress::Connection::on_reply_broken(std::uint64_t tag) {
  const auto place = static_cast<std::uint32_t>(tag);
  refuse(close(place), FailureReason::kReset, 502);
}

std::uint64_t FrameIngress::Connection::close(std::uint32_t place) {
  const std::uint64_t wire_id = open_[place].wire_id;
  bytes_under_way_ -= open_[place].bytes;
  open_.release(place);
  return wire_id;
}

void FrameIngress::Connection::respond(std::uint64_t wire_id, const Reply& reply) {
  wire::Response response;
  response.result =
      reply.reason == FailureReason::kNone ? AttemptResult::kOk : AttemptResult::kError;
  response.reason = reply.reason;
  response.status = static_cast<std::uint16_t>(reply.status);
  response.node = static_cast<std::uint32_t>(reply.node);
  response.attempts = static_cast<std::uint8_t>(std::min(reply.attempts, 255));
  response.direct = reply.direct;
  response.headers = reply.headers;
  response.body = reply.body;
  const std::size_t size = reply.headers.size() + reply.body.size();
  const std::size_t held = std::min(link_->queued_bytes(), kAnswersMost);
  const std::size_t room = std::min(wire::FrameLimits{}.payload - kFrameRoom, kAnswersMost - held);
  if (!within_bounds(response) || size > room) {
    return refuse(wire_id, FailureReason::kError, 502);
  }
  link_->send(wire_id, response);
  if (link_->queued_bytes() > kPauseAbove) link_->channel().pause_reading();
}

void FrameIngress::Connection::refuse(std::uint64_t wire_id, FailureReason reason, int status) {
  Reply reply;
  reply.reason = reason;
  reply.status = status;
  respond(wire_id, reply);
}

void FrameIngress::Connection::on_link_closed(wire::FrameLink&, const std::string& why) {
  if (role_ == Role::kNode) log_info("node disconnected", {{"why", why}});
  state_.erase(id_);
}

FrameIngress::FrameIngress(RequestSink& sink, PeerEvents& peers, wire::LinkCounters& counters,
                           int thread)
    : state_(std::make_unique<State>(sink, peers, counters, thread)) {}

FrameIngress::~FrameIngress() = default;

void FrameIngress::adopt(std::unique_ptr<net::Channel> channel) {
  const std::uint64_t id = state_->next_id++;
  auto& place = state_->connections[id];
  place = std::make_unique<Connection>(*state_, id, std::move(channel));
  if (state_->hello_timer.armed() == kNever) {
    state_->hello_timer.arm(state_->sink.loop().now() + kHelloWithin);
  }
}

void FrameIngress::answer_control(std::uint64_t link, std::uint64_t id,
                                  const std::string& payload) {
  const auto found = state_->connections.find(link);
  if (found != state_->connections.end()) {
    found->second->link().send(FrameType::kControl, id, payload);
  }
}

void FrameIngress::refuse(std::uint64_t link, const std::string& why) {
  if (!state_->connections.contains(link)) return;
  ++state_->refused["not_admitted"];
  log_warning("node refused", {{"why", why}});
  state_->erase(link);
}

void FrameIngress::apply(const Knobs& knobs) {
  state_->knobs = knobs;
  for (const auto& [id, connection] : state_->connections) {
    connection->link().apply(link_settings(knobs, connection->role()));
    if (knobs.socket_buffer == 0) continue;
    connection->link().channel().set_socket_buffers(knobs.socket_buffer, knobs.socket_buffer);
  }
}

void FrameIngress::drain() {
  std::vector<std::uint64_t> idle;
  for (const auto& [id, connection] : state_->connections) {
    if (connection->role() == Role::kClient && connection->is_idle()) idle.push_back(id);
  }
  for (const std::uint64_t id : idle) {
    wire::FrameLink::close_gracefully(state_->connections.at(id)->take_link());
    state_->erase(id);
  }
}

std::size_t FrameIngress::clients() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      state_->connections, [](const auto& one) { return one.second->role() == Role::kClient; }));
}

const std::map<std::string, std::uint64_t>& FrameIngress::refused() const {
  return state_->refused;
}

}  // namespace phoenix::gateway
