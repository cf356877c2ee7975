// Tells one gateway that this node is here: keeps a connection to it, says hello with what is
// offered, sends load reports and, when the node drains, goodbye. Comes back after a lost
// connection with growing, jittered pauses, so a restarted gateway is not trampled by all its nodes
// at once.
//
// On the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/net/connect.h"
#include "runtime/wire/frame_link.h"
#include "strategies/core/random.h"

namespace phoenix::node {

// Pause before the n-th attempt to come back (from 0): 100 ms, doubled up to 5 s, times a chance
// between 0.5 and 1.
Duration reconnect_pause(int attempt, Random& random);

class Announcer final : private wire::LinkUser {
 public:
  struct Settings {
    net::Address gateway;
    net::DialSettings dial;
    Duration hello_timeout = std::chrono::seconds(10);  // until the gateway says hello as well
  };
  using MakeHello = std::function<wire::Hello()>;  // its texts must outlive the call
  using MakeReport = std::function<wire::Report()>;

  Announcer(net::Loop& loop, Settings settings, MakeHello make_hello, MakeReport make_report,
            wire::LinkCounters& counters, std::uint64_t jitter_seed);
  ~Announcer() override;

  // Nothing where the gateway is not connected: it gets a fresh one with the next hello.
  void send(const wire::Report& report);
  // What the node offers has changed.
  void renew();
  // The node drains. Later connections begin with it, too.
  void goodbye();
  // Lets what is queued leave, then closes for good.
  void close();
  bool is_connected() const { return has_hello_; }

 private:
  void dial();
  void on_dialled(Result<std::unique_ptr<net::Channel>> channel);
  void on_timer();
  void come_back(const std::string& why);
  wire::FrameError on_frame(wire::FrameLink& link, const wire::Frame& frame) override;
  void on_link_closed(wire::FrameLink& link, const std::string& why) override;

  net::Loop& loop_;
  Settings settings_;
  MakeHello make_hello_;
  MakeReport make_report_;
  wire::LinkCounters& counters_;
  Random random_;
  int attempt_ = 0;
  bool has_hello_ = false;  // of the gateway, on this connection
  bool is_leaving_ = false;
  bool is_closed_ = false;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<wire::FrameLink> link_;
  net::Timer timer_;  // to come back, or until the gateway's hello
};

}  // namespace phoenix::node
