#include "runtime/local/port.h"

#include <cerrno>

#include <netinet/in.h>

namespace phoenix::local {

Result<ReservedPort> reserve_port() {
  net::Endpoint at = net::literal_endpoints({"127.0.0.1", 0}).front();
  ReservedPort port;
  port.socket = net::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  const bool is_bound =
      port.socket &&
      ::setsockopt(port.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::bind(port.socket.get(), at.raw(), at.length) == 0 &&
      ::getsockname(port.socket.get(), at.raw(), &at.length) == 0;
  if (!is_bound) return Error{"cannot reserve a port: " + net::error_text(errno)};
  port.address = at.address().text();
  return port;
}

}  // namespace phoenix::local
