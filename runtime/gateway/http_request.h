// From the head of an HTTP request to what the gateway makes of it: forwarding headers, deadline,
// key. Pure functions, internal to the HTTP ingress.
#pragma once

#include <string_view>

#include "runtime/gateway/exchange.h"
#include "runtime/gateway/worker.h"

namespace phoenix::gateway {

struct HttpPeer {
  std::string_view address;
  bool is_encrypted = false;
};

// Edits `request.headers` for the next hop, and sets `repeatable` (by method or Idempotency-Key)
// and `deadline`. REQUIRES: method, headers, request_class and arrived are set.
void prepare(Request& request, std::string_view host, const HttpPeer& peer,
             const RequestSink& sink);

// By ServiceConfig::key; a request without the header named there has no key.
void set_key(Request& request, const HttpPeer& peer, const RequestSink& sink);

}  // namespace phoenix::gateway
