// The operators' HTTP server: a listener on the main loop and its few connections. What it answers
// is in admin_api.h. Bounded in connections, bytes and time, so that nobody who can reach it holds
// up the gateway. Main loop.
#pragma once

#include <memory>

#include "runtime/admin/admin_session.h"
#include "runtime/gateway/control.h"
#include "runtime/net/address.h"
#include "runtime/net/connect.h"
#include "runtime/net/loop.h"
#include "runtime/net/tls.h"
#include "strategies/core/result.h"

namespace phoenix::admin {

class AdminServer {
 public:
  // The error names the address and why. `control` must outlive the server.
  static Result<std::unique_ptr<AdminServer>> open(net::Loop& loop, const net::Address& address,
                                                   std::shared_ptr<net::TlsContext> tls,
                                                   const AdminLimits& limits,
                                                   gateway::GatewayControl& control);
  ~AdminServer();  // connections end at once
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  net::Address local() const;
  net::ListenCounters counters() const;  // since it listens where it does
  // Another address, other certificates: for connections from now on. Where that address cannot be
  // had, the old one stays.
  Status move_to(const net::Address& address, std::shared_ptr<net::TlsContext> tls);

 private:
  struct State;
  explicit AdminServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace phoenix::admin
