// Sends requests of an agent that has moved on to its new node, and brings the answers back, so
// that none is lost to a gateway that has not heard of the move yet.
//
// Every request is answered once: as the other node answers it, kRefused where it was not sent, and
// kReset where the connection broke before its answer came. Bounded by what the services take. On
// the loop's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/net/connect.h"
#include "runtime/node/services.h"
#include "runtime/wire/frame_link.h"

namespace phoenix::node {

class Forwarder final : private wire::LinkUser {
 public:
  struct Settings {
    net::Address to;
    net::DialSettings dial;
    std::string name, token;
    wire::LinkSettings link;
  };
  using OnAnswer =
      std::function<void(const ReturnAddress& to, std::size_t request_bytes, CallReply reply)>;

  Forwarder(net::Loop& loop, Settings settings, wire::LinkCounters& counters, OnAnswer on_answer);
  ~Forwarder() override;  // answers nothing any more

  void send(const ReturnAddress& to, CallRequest request);

 private:
  struct Waiting {
    ReturnAddress to;
    CallRequest request;
  };
  struct Sent {
    ReturnAddress to;
    std::size_t request_bytes = 0;
  };

  void dial();
  void on_dialled(Result<std::unique_ptr<net::Channel>> channel);
  void pass_on(Waiting one);
  void refuse_waiting();
  wire::FrameError on_frame(wire::FrameLink& link, const wire::Frame& frame) override;
  void on_link_closed(wire::FrameLink& link, const std::string& why) override;

  net::Loop& loop_;
  Settings settings_;
  wire::LinkCounters& counters_;
  OnAnswer on_answer_;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<wire::FrameLink> link_;
  bool has_hello_ = false;
  std::deque<Waiting> waiting_;
  std::map<std::uint64_t, Sent> sent_;
  std::uint64_t next_id_ = 1;
};

}  // namespace phoenix::node
