#include "runtime/node/node.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "runtime/node/node_frames.h"
#include "runtime/node/node_impl.h"
#include "runtime/secret.h"
#include "runtime/wire/node_knobs.h"

namespace phoenix::node {
namespace {

constexpr std::size_t kPauseAbove = 8 * 1024 * 1024;  // queued answers of one connection
constexpr std::size_t kWriteQueue = 64 * 1024 * 1024;
constexpr std::size_t kAnswerQueue = 63 * 1024 * 1024;  // the rest is for saying that it is full
constexpr std::size_t kShortBody = 64;                  // no longer than a failure's
// A request sent just before the goodbye arrived still finds somebody who refuses it.
constexpr Duration kLinger = std::chrono::milliseconds(250);
constexpr Duration kUnsentCheck = std::chrono::milliseconds(10);
constexpr Duration kSweep = std::chrono::seconds(1);

// Differs each time the node starts, as long as the clock of the machine goes forward.
std::uint64_t new_incarnation() {
  return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
}

}  // namespace

Node::Impl::Impl(net::Loop& loop, const NodeSettings& settings)
    : loop_(loop),
      settings_(settings),
      readings_(settings.readings),
      incarnation_(new_incarnation()),
      started_(loop.now()),
      report_timer_(loop, [this] { on_report_due(); }),
      sweep_timer_(loop, [this] { on_sweep(); }),
      drain_timer_(loop, [this] { leave_if_done(); }) {}

Status Node::Impl::prepare() {
  Result<std::unique_ptr<Services>> services = Services::make(
      loop_, settings_.serving, settings_.services,
      [this](const ReturnAddress& to, CallReply reply) { answer(to, std::move(reply)); });
  if (!services) return Error{services.error()};
  services_ = std::move(*services);
  NodeOrders::Hooks hooks;
  hooks.stats = [this] { return stats(); };
  hooks.on_offers = [this] {
    for (const auto& announcer : announcers_) announcer->renew();
  };
  hooks.forward = [this](const std::string& service, const std::string& to) {
    return forward(service, to);
  };
  orders_ = std::make_unique<NodeOrders>(*services_, std::move(hooks));
  advertise_ = settings_.advertise;
  if (!wire::within_bounds(hello())) {
    return Error{"the node's name, zone, address, token and services have at most " +
                 std::to_string(wire::kMaxName) + " bytes each"};
  }
  return load_tls();
}

Status Node::Impl::load_tls() {
  if (!settings_.tls.certificate.empty()) {
    auto tls = net::make_server_tls(settings_.tls);
    if (!tls) return Error{tls.error()};
    listen_tls_ = *tls;
  }
  if (settings_.tls != net::TlsSettings{}) {
    auto tls = net::make_client_tls(settings_.tls);
    if (!tls) return Error{tls.error()};
    dial_tls_ = *tls;
  }
  return success();
}

Status Node::Impl::start() {
  if (Status listening = listen(); !listening) return listening;
  announce();
  reported_at_ = started_;
  services_->signals().sample(started_);
  readings_.sample(started_, 0);
  utilisation_.memory = memory_share();
  if (settings_.report_interval > Duration{0}) {
    report_timer_.arm(started_ + settings_.report_interval);
  }
  sweep_timer_.arm(started_ + kSweep);
  return success();
}

Status Node::Impl::listen() {
  net::ListenSettings listening;
  listening.connections = settings_.connections;
  listening.channel.write_queue = kWriteQueue;
  listening.tls = listen_tls_;
  auto listener = net::Listener::open(
      loop_, settings_.listen, listening,
      [this](std::unique_ptr<net::Channel> channel) { on_accept(std::move(channel)); });
  if (!listener) return Error{listener.error()};
  listener_ = std::move(*listener);
  if (advertise_.empty()) advertise_ = local().text();
  if (settings_.name.empty()) settings_.name = advertise_;
  return success();
}

void Node::Impl::announce() {
  Announcer::Settings announcing;
  announcing.hello_timeout = settings_.hello_timeout;
  announcing.dial.tls = dial_tls_;
  for (const net::Address& gateway : settings_.gateways) {
    announcing.gateway = gateway;
    announcers_.push_back(std::make_unique<Announcer>(
        loop_, announcing, [this] { return hello(); },
        [this] {
          return wire::Report{load_report(), totals()};
        },
        link_counters_, incarnation_));
  }
}

wire::Hello Node::Impl::hello() const {
  wire::Hello hello;
  hello.role = wire::Role::kNode;
  hello.name = settings_.name;
  hello.token = settings_.token;
  hello.address = advertise_;
  hello.incarnation = incarnation_;
  hello.zone = settings_.zone;
  hello.cores = static_cast<std::uint16_t>(settings_.serving.cores);
  for (const Services::Offered& offer : services_->offers()) {
    hello.offers.push_back({offer.service, offer.weight});
  }
  hello.standby = services_->standby();
  hello.memory_bytes = readings_.memory_limit().value_or(0);
  return hello;
}

void Node::Impl::on_accept(std::unique_ptr<net::Channel> channel) {
  auto peer = std::make_unique<Peer>(*this, next_peer_++);
  peer->hello_by = loop_.now() + settings_.hello_timeout;
  log_debug("connected", {{"peer", channel->peer().text()}});
  wire::LinkSettings link = settings_.link;
  link.limits = wire::kHelloLimits;
  peer->link =
      std::make_unique<wire::FrameLink>(loop_, std::move(channel), *peer, link, link_counters_);
  peers_.emplace(peer->id, std::move(peer));
}

void Node::Impl::on_peer_gone(Peer& peer, const std::string& why) {
  log_debug("disconnected", {{"peer", peer.link->channel().peer().text()}, {"why", why}});
  count_bytes(peer);
  const bool had_told_knobs = peer.has_told_knobs;
  peers_.erase(peer.id);
  // Who turned them is gone and cannot turn them back: as the node was started.
  const auto has_told = [](const auto& entry) { return entry.second->has_told_knobs; };
  if (had_told_knobs && std::ranges::none_of(peers_, has_told)) services_->set_knobs(Knobs{});
}

void Node::Impl::count_bytes(Peer& peer) {
  bytes_in_ += static_cast<double>(peer.link->channel().bytes_in());
  bytes_out_ += static_cast<double>(peer.link->channel().bytes_out());
}

wire::FrameError Node::Impl::on_frame(Peer& peer, const wire::Frame& frame) {
  if (!peer.has_hello) return on_hello(peer, frame);
  switch (frame.type) {
    case wire::FrameType::kRequest:
      return on_request(peer, frame);
    case wire::FrameType::kControl:
      return on_control(peer, frame);
    case wire::FrameType::kProbe:
      return on_probe(peer, frame);
    default:
      return wire::FrameError::kUnexpected;
  }
}

wire::FrameError Node::Impl::refuse(const Peer& peer, const char* why) {
  if (const auto left_out = log_pause_.over(loop_.now())) {
    log_warning("peer refused", {{"peer", peer.link->channel().peer().text()},
                                 {"why", why},
                                 {"left_out", std::to_string(*left_out)}});
  }
  return wire::FrameError::kUnexpected;
}

wire::FrameError Node::Impl::on_hello(Peer& peer, const wire::Frame& frame) {
  if (frame.type != wire::FrameType::kHello) return wire::FrameError::kUnexpected;
  wire::Hello theirs;
  if (!wire::decode(frame.payload, theirs)) return wire::FrameError::kBadPayload;
  const bool is_lab = theirs.role == wire::Role::kLab;
  if (theirs.role == wire::Role::kNode || (is_lab && !settings_.lab)) {
    ++peer_counters_.wrong_role;
    return refuse(peer, "its role");
  }
  if (!same_secret(theirs.token, settings_.token)) {
    ++peer_counters_.wrong_token;
    return refuse(peer, "its token");
  }
  peer.has_hello = true;
  peer.hello_by = kNever;
  peer.role = theirs.role;
  peer.link->apply(settings_.link);
  wire::Hello ours = hello();
  ours.token = {};  // who dialled has shown the secret; it need not be told
  peer.link->send(ours);
  return wire::FrameError::kNone;
}

wire::FrameError Node::Impl::on_request(Peer& peer, const wire::Frame& frame) {
  wire::Request request;
  if (!wire::decode(frame.payload, request)) return wire::FrameError::kBadPayload;
  // The answer may come at once and take the peer with it.
  CallRequest call = to_call(request, loop_.now());
  const ReturnAddress to{peer.id, frame.id, call.deadline};
  services_->submit(to, std::move(call));
  return wire::FrameError::kNone;
}

wire::FrameError Node::Impl::on_probe(Peer& peer, const wire::Frame& frame) {
  peer.link->send(wire::Report{load_report(), reported_totals_}, frame.id);
  if (peer.link->queued_bytes() > kPauseAbove) peer.link->channel().pause_reading();
  return wire::FrameError::kNone;
}

wire::FrameError Node::Impl::on_control(Peer& peer, const wire::Frame& frame) {
  if (peer.role == wire::Role::kGateway) {
    const Result<Knobs> knobs = wire::parse_node_knobs(frame.payload);
    if (!knobs) return wire::FrameError::kBadPayload;
    peer.has_told_knobs = true;
    services_->set_knobs(*knobs);
    return wire::FrameError::kNone;
  }
  const auto answer = [this, to = peer.id, id = frame.id](const std::string& payload) {
    const auto found = peers_.find(to);
    if (found == peers_.end()) return;
    found->second->link->send(wire::FrameType::kControl, id, payload);
  };
  if (peer.role == wire::Role::kLab) {
    orders_->of_lab(frame.payload, answer);
  } else if (peer.role == wire::Role::kOperator) {
    orders_->of_operator(frame.payload, answer);
  } else {
    return wire::FrameError::kUnexpected;
  }
  return wire::FrameError::kNone;
}

void Node::Impl::answer(const ReturnAddress& to, CallReply reply) {
  if (on_left_) drain_timer_.arm(std::max(loop_.now(), leave_from_));
  const auto found = peers_.find(to.peer);
  if (found == peers_.end()) return;
  wire::FrameLink& link = *found->second->link;
  wire::Response response = response_for(to, link, reply);
  response.has_report = settings_.piggyback;
  if (settings_.piggyback) response.report = load_report();
  link.send(to.id, response);
  if (link.queued_bytes() > kPauseAbove) link.channel().pause_reading();
}

// An answer that nobody waits for any more would only keep others from coming in time. By the
// node's clock it has time until the deadline to be acknowledged: the deadline was read off half a
// round trip late, and the gateway has the answer half a round trip before the node knows.
wire::Response Node::Impl::response_for(const ReturnAddress& to, wire::FrameLink& link,
                                        const CallReply& reply) {
  const wire::Response response = fitting_response(reply, settings_.link.limits.payload);
  const std::size_t size = size_of(response);
  if (link.queued_bytes() + size > kAnswerQueue) {
    ++answer_counters_.full;
    tell_unsent(link);
    return failed(503, "too many answers wait on this connection\n");
  }
  const Duration wait = response.body.size() > kShortBody ? link.drain_time(size) : Duration{0};
  if (wait > Duration{0} && add_saturating(loop_.now(), wait) > to.deadline) {
    ++answer_counters_.late;
    tell_unsent(link);
    return failed(504, "the answer would have come too late\n", AttemptResult::kLate);
  }
  return response;
}

void Node::Impl::tell_unsent(wire::FrameLink& link) {
  if (const auto left_out = unsent_pause_.over(loop_.now())) {
    log_warning("the connection is slower than its answers, some are not sent",
                {{"peer", link.channel().peer().text()},
                 {"late", std::to_string(answer_counters_.late)},
                 {"full", std::to_string(answer_counters_.full)},
                 {"left_out", std::to_string(*left_out)}});
  }
}

Status Node::Impl::forward(const std::string& service, const std::string& to) {
  if (Status hosted = services_->check_hosted(service); !hosted) return hosted;
  const Result<net::Address> address = net::Address::parse(to);
  if (!address) return Error{address.error()};
  Forwarder::Settings forwarding;
  forwarding.to = *address;
  forwarding.dial.tls = dial_tls_;
  forwarding.name = settings_.name;
  forwarding.token = settings_.token;
  forwarding.link = settings_.link;
  auto& forwarder = forwarders_[address->text()];
  if (forwarder == nullptr) {
    forwarder = std::make_unique<Forwarder>(
        loop_, forwarding, link_counters_,
        [this](const ReturnAddress& from, std::size_t bytes, CallReply reply) {
          services_->forwarded_done(from, bytes, std::move(reply));
        });
  }
  return services_->forward(
      service, [target = forwarder.get()](const ReturnAddress& from, CallRequest request) {
        target->send(from, std::move(request));
      });
}

// Turns away who connected and does not say who he is.
void Node::Impl::on_sweep() {
  const Time now = loop_.now();
  std::erase_if(peers_, [&](const auto& entry) {
    Peer& peer = *entry.second;
    if (peer.hello_by > now) return false;
    ++peer_counters_.no_hello;
    count_bytes(peer);
    return true;
  });
  sweep_timer_.arm(now + kSweep);
}

void Node::Impl::drain(std::function<void(std::size_t)> done) {
  on_left_ = std::move(done);
  services_->drain();
  for (const auto& announcer : announcers_) announcer->goodbye();
  const Time now = loop_.now();
  leave_by_ = add_saturating(now, settings_.grace);
  leave_from_ = std::min(now + kLinger, leave_by_);
  drain_timer_.arm(leave_from_);
}

void Node::Impl::leave_if_done() {
  const std::size_t under_way = services_->under_way();
  const Time now = loop_.now();
  if (under_way > 0 && now < leave_by_) return drain_timer_.arm(leave_by_);
  const bool has_unsent = std::ranges::any_of(
      peers_, [](const auto& entry) { return entry.second->link->queued_bytes() > 0; });
  if (has_unsent && now < leave_by_) {
    return drain_timer_.arm(std::min(now + kUnsentCheck, leave_by_));
  }
  report_timer_.disarm();
  for (const auto& announcer : announcers_) announcer->close();
  for (auto& [id, peer] : peers_) {
    count_bytes(*peer);
    wire::FrameLink::close_gracefully(std::move(peer->link));
  }
  peers_.clear();
  const auto done = std::exchange(on_left_, nullptr);
  done(under_way);
}

Result<std::unique_ptr<Node>> Node::make(net::Loop& loop, const NodeSettings& settings) {
  auto impl = std::make_unique<Impl>(loop, settings);
  if (Status prepared = impl->prepare(); !prepared) return Error{prepared.error()};
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

Status Node::start() { return impl_->start(); }
net::Address Node::local() const { return impl_->local(); }
NodeStatus Node::status() const { return impl_->status(); }
void Node::drain(std::function<void(std::size_t)> done) { impl_->drain(std::move(done)); }

}  // namespace phoenix::node
