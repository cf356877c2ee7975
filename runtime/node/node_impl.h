// The inside of a node: connections and requests in node.cc, what it says of itself in
// node_reports.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runtime/log.h"
#include "runtime/node/announcer.h"
#include "runtime/node/forwarder.h"
#include "runtime/node/node.h"
#include "runtime/node/node_orders.h"

namespace phoenix::node {

class Node::Impl {
 public:
  Impl(net::Loop& loop, const NodeSettings& settings);

  Status prepare();
  Status start();
  net::Address local() const { return listener_->local(); }
  NodeStatus status() const;
  void drain(std::function<void(std::size_t)> done);

 private:
  // One connection that was accepted.
  struct Peer final : wire::LinkUser {
    Peer(Impl& owner, std::uint64_t number) : node(owner), id(number) {}
    wire::FrameError on_frame(wire::FrameLink&, const wire::Frame& frame) override {
      return node.on_frame(*this, frame);
    }
    void on_link_drained(wire::FrameLink&) override { link->channel().resume_reading(); }
    void on_link_closed(wire::FrameLink&, const std::string& why) override {
      node.on_peer_gone(*this, why);
    }

    Impl& node;
    std::uint64_t id;
    wire::Role role{};
    bool has_hello = false;
    bool has_told_knobs = false;
    Time hello_by = kNever;
    std::unique_ptr<wire::FrameLink> link;
  };

  Status load_tls();
  Status listen();
  void announce();
  wire::Hello hello() const;
  void on_accept(std::unique_ptr<net::Channel> channel);
  void on_peer_gone(Peer& peer, const std::string& why);
  void count_bytes(Peer& peer);
  wire::FrameError on_frame(Peer& peer, const wire::Frame& frame);
  wire::FrameError on_hello(Peer& peer, const wire::Frame& frame);
  wire::FrameError refuse(const Peer& peer, const char* why);
  wire::FrameError on_request(Peer& peer, const wire::Frame& frame);
  wire::FrameError on_probe(Peer& peer, const wire::Frame& frame);
  wire::FrameError on_control(Peer& peer, const wire::Frame& frame);
  void answer(const ReturnAddress& to, CallReply reply);
  wire::Response response_for(const ReturnAddress& to, wire::FrameLink& link,
                              const CallReply& reply);
  void tell_unsent(wire::FrameLink& link);
  Status forward(const std::string& service, const std::string& to);
  void on_report_due();
  void on_sweep();
  void take_readings();
  float memory_share() const;
  double socket_bytes() const;
  LoadReport load_report() const;
  wire::NodeTotals totals() const;
  nlohmann::json stats() const;
  void leave_if_done();

  net::Loop& loop_;
  NodeSettings settings_;
  Readings readings_;
  Utilisation utilisation_{LoadReport::kUnknown, LoadReport::kUnknown, LoadReport::kUnknown};
  wire::NodeTotals reported_totals_;  // newest; reading the kernel's files takes long for a probe
  double busy_at_report_ = 0;
  Time reported_at_ = kStart;
  std::uint64_t incarnation_;
  Time started_;
  std::string advertise_;
  std::shared_ptr<net::TlsContext> listen_tls_, dial_tls_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<NodeOrders> orders_;
  std::map<std::string, std::unique_ptr<Forwarder>> forwarders_;  // by target, kept
  wire::LinkCounters link_counters_;
  PeerCounters peer_counters_;
  AnswerCounters answer_counters_;
  LogPause log_pause_;     // of peers refused
  LogPause unsent_pause_;  // of answers not sent
  std::map<std::uint64_t, std::unique_ptr<Peer>> peers_;
  std::uint64_t next_peer_ = 1;
  double bytes_in_ = 0, bytes_out_ = 0;  // of connections that are gone
  std::vector<std::unique_ptr<Announcer>> announcers_;
  std::unique_ptr<net::Listener> listener_;
  net::Timer report_timer_, sweep_timer_, drain_timer_;
  Time leave_from_ = kNever, leave_by_ = kNever;
  std::function<void(std::size_t)> on_left_;
};

}  // namespace phoenix::node
