// One thread of a gateway: its loop, its Router, its listeners on the shared ports, its connections
// to every node. Requests come in through accept(), attempts go out through upstreams; whatever
// happens in between is the Router's decision.
//
// All members run on the worker's loop, unless said otherwise; others post.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/gateway/control.h"
#include "runtime/gateway/exchange.h"
#include "runtime/net/loop.h"

namespace phoenix::gateway {

struct ExchangeId {
  std::uint64_t value = ~0ULL;
};

// As ingress connections see the worker.
class RequestSink {
 public:
  virtual ~RequestSink() = default;
  virtual net::Loop& loop() = 0;
  virtual const GatewayConfig& config() const = 0;  // the current one

  // Which service and class serve this host and path; false: no route (404).
  virtual bool route(std::string_view host, std::string_view path, ServiceId& service,
                     ClassId& request_class) const = 0;
  virtual bool find_service(std::string_view service, std::string_view request_class,
                            ServiceId& service_id, ClassId& class_id) const = 0;
  virtual Duration class_deadline(ClassId request_class) const = 0;

  // `client` gets exactly one reply under `tag`, unless it leaves first.
  virtual ExchangeId accept(Request&& request, Client& client, std::uint64_t tag) = 0;
  // The client is gone: no call to it any more for this exchange. The request runs on.
  virtual void leave(ExchangeId exchange) = 0;
  virtual void resume_reply(ExchangeId exchange) = 0;
  virtual bool is_draining() const = 0;  // ingress closes connections when they are idle
  virtual HttpCounters& http_counters() = 0;
};

}  // namespace phoenix::gateway
