#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "runtime/load/sender.h"
#include "runtime/net/connect.h"
#include "runtime/node/synthetic_body.h"

namespace phoenix::load {
namespace {

constexpr Duration kRedial = std::chrono::milliseconds(100);
constexpr std::size_t kOwnersMax = 65'536;  // keys whose node is remembered

// One connection that redials, and the requests under way on it.
class Peer final : public wire::LinkUser {
 public:
  struct User {
    virtual ~User() = default;
    virtual void on_response(const wire::Response& response, std::uint64_t number, bool direct) = 0;
    virtual void on_broken(std::uint64_t number, bool direct) = 0;
  };

  // A direct one does not dial again: where the node went, the gateway will say.
  Peer(net::Loop& loop, const net::Address& address, const FrameSenderSettings& settings,
       bool direct, User& user)
      : loop_(loop),
        address_(address),
        settings_(settings),
        direct_(direct),
        user_(user),
        problem_(address.text() + ": not connected yet"),
        redial_(loop, [this] { dial(); }) {
    dial();
  }

  bool is_up() const { return has_hello_; }
  bool is_gone() const { return is_gone_; }
  const std::string& problem() const { return problem_; }

  void send(std::uint64_t number, const wire::Request& request) {
    open_.insert(number);
    link_->send(number, request);
  }

 private:
  void dial() {
    net::DialSettings dial;
    dial.tls = settings_.tls;
    dial_ = net::Dial::start(loop_, address_, dial, [this](auto channel) { on_dialled(channel); });
  }

  void on_dialled(Result<std::unique_ptr<net::Channel>>& channel) {
    if (!channel) return lost(channel.error());
    link_ = std::make_unique<wire::FrameLink>(loop_, std::move(*channel), *this, settings_.link,
                                              counters_);
    wire::Hello hello;
    hello.role = wire::Role::kClient;
    hello.name = settings_.name;
    hello.token = settings_.token;
    link_->send(hello);
  }

  wire::FrameError on_frame(wire::FrameLink&, const wire::Frame& frame) override {
    switch (frame.type) {
      case wire::FrameType::kHello:
        has_hello_ = true;
        return wire::FrameError::kNone;
      case wire::FrameType::kGoodbye:
      case wire::FrameType::kReport:
        return wire::FrameError::kNone;
      case wire::FrameType::kResponse:
        break;
      default:
        return wire::FrameError::kUnexpected;
    }
    wire::Response response;
    if (!decode(frame.payload, loop_.now(), response)) return wire::FrameError::kBadPayload;
    if (open_.erase(frame.id) > 0) user_.on_response(response, frame.id, direct_);
    return wire::FrameError::kNone;
  }

  void on_link_closed(wire::FrameLink&, const std::string& why) override {
    link_.reset();
    lost(has_hello_ ? why : "it did not say hello: " + why);
    has_hello_ = false;
    std::vector<std::uint64_t> broken(open_.begin(), open_.end());
    open_.clear();
    std::sort(broken.begin(), broken.end());
    for (const std::uint64_t number : broken) user_.on_broken(number, direct_);
  }

  void lost(const std::string& why) {
    problem_ = address_.text() + ": " + why;
    is_gone_ = direct_;
    if (!direct_) redial_.arm(loop_.now() + kRedial);
  }

  net::Loop& loop_;
  net::Address address_;
  const FrameSenderSettings& settings_;
  bool direct_;
  User& user_;
  std::string problem_;
  bool has_hello_ = false;
  bool is_gone_ = false;
  net::Timer redial_;
  wire::LinkCounters counters_;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<wire::FrameLink> link_;
  std::unordered_set<std::uint64_t> open_;
};

class FrameSender final : public Sender, public Peer::User {
 public:
  FrameSender(net::Loop& loop, const FrameSenderSettings& settings, SenderUser& user)
      : loop_(loop), settings_(settings), user_(user) {
    for (const net::Address& gateway : settings_.gateways) {
      auto& pool = gateways_.emplace_back();
      for (int i = 0; i < settings_.connections; ++i) {
        pool.peers.push_back(std::make_unique<Peer>(loop_, gateway, settings_, false, *this));
      }
    }
  }

  void send(const Outgoing& request) override {
    if (settings_.direct && request.has_key) {
      Peer* node = owner(request.key);
      keyed_[request.number] = request;
      if (node != nullptr) return send_to(*node, request);
    }
    send_to_gateway(request);
  }

  // The peer that got it finds nobody who asked when the answer comes.
  void forget(std::uint64_t number) override { keyed_.erase(number); }

  bool is_ready() const override {
    for (const Pool& pool : gateways_) {
      for (const auto& peer : pool.peers) {
        if (!peer->is_up()) return false;
      }
    }
    return true;
  }

  std::string problem() const override {
    for (const Pool& pool : gateways_) {
      for (const auto& peer : pool.peers) {
        if (!peer->is_up()) return peer->problem();
      }
    }
    return {};
  }

 private:
  struct Pool {
    std::vector<std::unique_ptr<Peer>> peers;
    std::size_t next = 0;
  };

  void send_to(Peer& peer, const Outgoing& request) {
    body_.clear();
    node::SyntheticBody work;
    work.work_ns = static_cast<std::uint64_t>(request.work * 1e9);
    work.response_bytes = static_cast<std::uint32_t>(request.response_bytes);
    work.memory_kib = static_cast<std::uint32_t>(request.memory_bytes / 1024);
    node::encode_synthetic(work, static_cast<std::size_t>(request.request_bytes), body_);
    peer.send(request.number, frame_of(request));
  }

  void send_to_gateway(const Outgoing& request) {
    Peer* peer = next_peer(request.gateway);
    if (peer != nullptr) return send_to(*peer, request);
    keyed_.erase(request.number);
    user_.on_result({request.number, FailureReason::kReset, -1, 0});
  }

  wire::Request frame_of(const Outgoing& request) const {
    wire::Request frame;
    frame.service = request.service;
    if (settings_.names_classes) frame.request_class = request.request_class;
    if (request.time_left != Duration::max()) {
      const std::int64_t us = std::max<std::int64_t>(1, request.time_left.count() / 1000);
      frame.time_left_us = static_cast<std::uint32_t>(std::min<std::int64_t>(us, 0xffffffff));
    }
    frame.repeatable = request.repeatable;
    frame.has_key = request.has_key;
    frame.key = request.key;
    frame.size = request.size;
    frame.number = request.number;
    frame.body = body_;
    return frame;
  }

  Peer* next_peer(std::uint32_t gateway) {
    Pool& pool = gateways_[gateway % gateways_.size()];
    for (std::size_t i = 0; i < pool.peers.size(); ++i) {
      Peer& peer = *pool.peers[pool.next];
      pool.next = (pool.next + 1) % pool.peers.size();
      if (peer.is_up()) return &peer;
    }
    return nullptr;
  }

  Peer* owner(std::uint64_t key) {
    const auto found = owners_.find(key);
    if (found == owners_.end()) return nullptr;
    const auto peer = nodes_.find(found->second);
    return peer != nodes_.end() && peer->second->is_up() ? peer->second.get() : nullptr;
  }

  void learn_owner(std::uint64_t key, std::string_view address) {
    if (owners_.size() >= kOwnersMax) owners_.clear();
    owners_[key] = std::string(address);
    std::erase_if(nodes_, [](const auto& node) { return node.second->is_gone(); });
    if (nodes_.contains(owners_[key])) return;
    const Result<net::Address> parsed = net::Address::parse(address);
    if (!parsed) return;
    nodes_[owners_[key]] = std::make_unique<Peer>(loop_, parsed.value(), settings_, true, *this);
  }

  void on_response(const wire::Response& response, std::uint64_t number, bool direct) override {
    const auto keyed = keyed_.find(number);
    if (direct && keyed == keyed_.end()) return;  // forgotten
    SendResult result{number, response.reason, -1, response.attempts};
    if (response.node != ~0U) result.node = static_cast<std::int32_t>(response.node);
    if (direct) {
      const bool is_carried_out = response.result == AttemptResult::kOk ||
                                  response.result == AttemptResult::kError ||
                                  response.result == AttemptResult::kLate;
      if (!is_carried_out) return fall_back(keyed->second);
      result.attempts = 1;
      if (response.result == AttemptResult::kError) result.reason = FailureReason::kError;
    }
    if (keyed != keyed_.end()) {
      if (!response.direct.empty()) learn_owner(keyed->second.key, response.direct);
      keyed_.erase(keyed);
    }
    user_.on_result(result);
  }

  void on_broken(std::uint64_t number, bool direct) override {
    const auto keyed = keyed_.find(number);
    if (direct && keyed == keyed_.end()) return;  // forgotten
    if (direct && keyed->second.repeatable) return fall_back(keyed->second);
    if (keyed != keyed_.end()) {
      owners_.erase(keyed->second.key);
      keyed_.erase(keyed);
    }
    user_.on_result({number, FailureReason::kReset, -1, 1});
  }

  // The node a key was at does not serve it any more: the gateway knows better.
  void fall_back(Outgoing request) {
    owners_.erase(request.key);
    send_to_gateway(request);
  }

  net::Loop& loop_;
  FrameSenderSettings settings_;
  SenderUser& user_;
  std::vector<Pool> gateways_;
  std::map<std::string, std::unique_ptr<Peer>> nodes_;  // direct routing
  std::unordered_map<std::uint64_t, std::string> owners_;
  std::unordered_map<std::uint64_t, Outgoing> keyed_;  // under way, with direct routing
  std::string body_;
};

}  // namespace

std::unique_ptr<Sender> make_frame_sender(net::Loop& loop, const FrameSenderSettings& settings,
                                          SenderUser& user) {
  return std::make_unique<FrameSender>(loop, settings, user);
}

}  // namespace phoenix::load
