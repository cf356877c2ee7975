// A Phoenix node as one worker reaches it: Knobs::pool_size connections to the announced address,
// requests spread over them by what is under way, responses matched by attempt. Each connection
// begins with both sides' Hello; one that is lost is dialled again at growing, jittered intervals.
//
// Results: as the node says; kReset for what a lost connection had handed to the kernel, kRefused
// for what it had not and where no connection stood; kQueueFull beyond kAttemptsMax attempts on
// each connection. Reachable while a connection stands and the node has not said goodbye.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/gateway/exchange.h"
#include "runtime/net/connect.h"
#include "runtime/net/loop.h"
#include "runtime/net/tls.h"
#include "runtime/wire/frame_link.h"

namespace phoenix::gateway {

inline constexpr std::size_t kAttemptsMax = 16'384;
inline constexpr std::size_t kProbesMax = 64;  // without an answer, of each connection

// What a connection is begun with; asked for at every dial, so that a reload reaches new ones.
struct FrameCredentials {
  std::string token;
  std::shared_ptr<net::TlsContext> tls;  // null: plain
};

struct FrameUpstreamSettings {
  NodeId node{0};
  std::string node_name;  // who must answer there
  net::Address address;
  std::string gateway_name;
  std::function<FrameCredentials()> credentials;  // empty: none
  Knobs knobs;
  std::uint64_t jitter_seed = 0;
};

// `user` and `counters` must outlive the upstream; `user` must not destroy it within a callback.
std::unique_ptr<Upstream> make_frame_upstream(net::Loop& loop, FrameUpstreamSettings settings,
                                              UpstreamUser& user, wire::LinkCounters& counters);

}  // namespace phoenix::gateway
