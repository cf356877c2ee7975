// A plain HTTP/1.1 server as a node of one worker: keep-alive connections, at most
// Knobs::http_pool_size of them, one attempt on each at a time. Attempts beyond wait for a free one
// in a bounded queue; when that is full they end with kQueueFull.
//
// Results: an answer below 500 is kOk, any other kError with the reply. kRefused where no
// connection stood or nothing was sent. Broken connections and what is not HTTP are kReset. A
// repeatable request that finds a kept connection closed before the first byte of an answer is sent
// once more on a fresh one before anybody hears of it.
//
// Reachable: asked in the background, by GET of health_path (2xx and 3xx are well) or by
// connecting; the first success counts, then three failures in a row, also of connections for
// attempts, make the server unreachable; asked again at growing intervals until it answers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/gateway/exchange.h"
#include "runtime/net/loop.h"
#include "runtime/net/tls.h"

namespace phoenix::gateway {

// How a server is reached and asked for its health.
struct HttpTerms {
  std::shared_ptr<net::TlsContext> tls;  // null: plain
  std::string health_path;
  Duration health_interval{0};
};
// Asked at every dial and with new knobs, so that a reload reaches new connections and the next
// checks. Empty: the terms stay as the service has them, and plain.
using TermsSource = std::function<HttpTerms()>;

// `user` must outlive the upstream and not destroy it within a callback.
std::unique_ptr<Upstream> make_http_upstream(net::Loop& loop, NodeId node,
                                             const ServerConfig& server,
                                             const ServiceConfig& service, TermsSource terms,
                                             const Knobs& knobs, UpstreamUser& user);

}  // namespace phoenix::gateway
