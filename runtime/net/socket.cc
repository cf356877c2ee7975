#include "runtime/net/socket.h"

#include <cctype>
#include <cerrno>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace phoenix::net {
namespace {

void set_option(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

bool add_literal(const std::string& host, std::uint16_t port, std::vector<Endpoint>& out) {
  Endpoint endpoint;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&endpoint.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    endpoint.length = sizeof *v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    endpoint.length = sizeof *v6;
  } else {
    return false;
  }
  out.push_back(endpoint);
  return true;
}

Descriptor open_stream(int family) {
  return Descriptor(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

void Descriptor::reset() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Address Endpoint::address() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return {text, ntohs(v6->sin6_port)};
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
  inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  return {text, ntohs(v4->sin_port)};
}

std::vector<Endpoint> literal_endpoints(const Address& address) {
  std::vector<Endpoint> out;
  if (address.host == "localhost") {
    add_literal("127.0.0.1", address.port, out);
    add_literal("::1", address.port, out);
  } else {
    add_literal(address.host, address.port, out);
  }
  return out;
}

Result<Descriptor> listen_on(const Endpoint& at, int backlog, bool reuse_port,
                             const ChannelSettings& settings) {
  Descriptor socket = open_stream(at.storage.ss_family);
  if (!socket) return Error{error_text(errno)};
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  // Accepted sockets inherit; a receive buffer must be set before the window is agreed on.
  set_buffers(socket.get(), settings.send_buffer, settings.receive_buffer);
  if (bind(socket.get(), at.raw(), at.length) != 0 || listen(socket.get(), backlog) != 0) {
    return Error{error_text(errno)};
  }
  return socket;
}

Result<Descriptor> begin_connect(const Endpoint& to, const ChannelSettings& settings) {
  Descriptor socket = open_stream(to.storage.ss_family);
  if (!socket) return Error{error_text(errno)};
  set_buffers(socket.get(), settings.send_buffer, settings.receive_buffer);
  set_no_delay(socket.get());
  if (connect(socket.get(), to.raw(), to.length) != 0 && errno != EINPROGRESS && errno != EINTR) {
    return Error{error_text(errno)};
  }
  return socket;
}

void set_buffers(int fd, int send_bytes, int receive_bytes) {
  if (send_bytes > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, send_bytes);
  if (receive_bytes > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes);
}

void set_no_delay(int fd) { set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

std::string error_text(int error) {
  if (error == ETIMEDOUT) return "timed out";
  std::string text = std::generic_category().message(error);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace phoenix::net
