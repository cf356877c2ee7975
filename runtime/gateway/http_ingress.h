// HTTP/1.1 towards clients: keeps the HTTP connections of one worker, turns what comes in on them
// into requests for the RequestSink, and writes each answer in the order of the requests.
//
// Answers by itself what is not HTTP (400, 413, 431, 501, 505), has no route (404) or comes too
// slowly (408); CONNECT and Upgrade (WebSocket) are answered 501. What the node never answered
// becomes 502, 503 or 504 with a body {"error":"<reason>"} and the header X-Phoenix-Reason.
//
// Answers that wait for those to earlier requests of their connection stop the reading of more;
// what would make them more than 64 MiB is answered 502 (too_much_waits) instead.
//
// Headers it reads: X-Request-Timeout-Ms (whole milliseconds) shortens the class's deadline and is
// taken off; upstreams send it with what is left. Idempotency-Key makes any method repeatable.
// X-Forwarded-For, -Proto, -Host and Forwarded are taken off unless trusted; the first three are
// added as configured.
//
// On the worker's loop. Nothing is allocated for a connection at rest but its session (a few
// hundred bytes); one timer serves all timeouts.
#pragma once

#include <memory>

#include "runtime/gateway/worker.h"
#include "runtime/net/channel.h"

namespace phoenix::gateway {

class HttpIngress {
 public:
  // `sink` must outlive the ingress.
  explicit HttpIngress(RequestSink& sink);
  ~HttpIngress();  // closes all connections; leaves their exchanges
  HttpIngress(const HttpIngress&) = delete;
  HttpIngress& operator=(const HttpIngress&) = delete;

  void adopt(std::unique_ptr<net::Channel> channel);
  void apply(const Knobs& knobs);  // to the connections there are

  // To be called once the sink is draining: closes connections at rest now, others after the
  // answers they wait for.
  void drain();

  std::size_t connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phoenix::gateway
