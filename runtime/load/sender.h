// Carries requests of a load source to where they are served, over frames or HTTP, and says how
// each ended. On the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/net/address.h"
#include "runtime/net/loop.h"
#include "runtime/net/tls.h"
#include "runtime/wire/frame_link.h"
#include "strategies/core/request.h"
#include "strategies/core/result.h"

namespace phoenix::load {

struct Outgoing {
  std::uint64_t number = 0;
  std::uint32_t gateway = 0;  // which of several
  std::string_view service, request_class;
  double work = 0;  // s at speed 1
  double request_bytes = 0;
  double response_bytes = 0;
  double memory_bytes = 0;
  double size = 1;
  std::uint64_t key = 0;
  bool has_key = false;
  bool repeatable = true;
  Duration time_left = Duration::max();
};

struct SendResult {
  std::uint64_t number = 0;
  FailureReason reason = FailureReason::kNone;
  std::int32_t node = -1;
  std::uint16_t attempts = 1;
};

class SenderUser {
 public:
  virtual ~SenderUser() = default;
  virtual void on_result(const SendResult& result) = 0;
};

class Sender {
 public:
  virtual ~Sender() = default;
  // Every request handed over gets one on_result(), perhaps within the call, unless forgotten.
  virtual void send(const Outgoing& request) = 0;
  // Nobody waits for it any more: no on_result(). Over HTTP its connection is closed, as by a
  // client who walks away; a server that hangs does not keep connections from those who come later.
  virtual void forget(std::uint64_t number) = 0;
  // Whether everything it sends to can be reached now.
  virtual bool is_ready() const = 0;
  virtual std::string problem() const = 0;  // why it is not ready; for people
};

struct FrameSenderSettings {
  std::vector<net::Address> gateways;
  std::string name = "load";
  std::string token;
  int connections = 2;        // to each gateway
  bool names_classes = true;  // else requests are of their service's first class
  bool direct = false;        // keyed requests go straight to the node a gateway named for the key
  std::shared_ptr<net::TlsContext> tls;
  wire::LinkSettings link;
};
std::unique_ptr<Sender> make_frame_sender(net::Loop& loop, const FrameSenderSettings& settings,
                                          SenderUser& user);

struct HttpSenderSettings {
  net::Address server;
  std::string host;  // for the Host header
  std::string target = "/";
  std::string method = "GET";
  std::string headers;  // lines, each ended by CRLF
  std::string body;
  int connections = 256;          // at most; requests beyond wait, and their wait counts
  std::size_t waiting = 100'000;  // more fail as in_flight_limit
  std::shared_ptr<net::TlsContext> tls;
};
// One request at a time on a connection. Answers of 400 and above are errors, they are not what was
// asked for; with the reason a Phoenix gateway names in X-Phoenix-Reason. A connection that breaks
// under a request fails it as kReset; nothing is sent twice.
std::unique_ptr<Sender> make_http_sender(net::Loop& loop, const HttpSenderSettings& settings,
                                         SenderUser& user);

}  // namespace phoenix::load
