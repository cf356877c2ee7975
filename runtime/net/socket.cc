#include "runtime/net/socket.h"

#include <cctype>
#include <cerrno>
#include <chrono>
#include <system_error>

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace phoenix::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// An idle peer is asked after kSilence / 2, and then kProbes times until kSilence is over.
constexpr seconds kSilence(60);
constexpr int kProbes = 3;

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

// What accepted sockets inherit, too. A receive buffer must be set before the window is agreed on.
void set_up_stream(int fd, const ChannelSettings& settings) {
  set_buffers(fd, settings.send_buffer, settings.receive_buffer);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  constexpr int kIdle = static_cast<int>(kSilence.count()) / 2;
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kIdle);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kIdle / kProbes);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(milliseconds(kSilence).count()));
}

Result<Descriptor> open_stream(int family, const ChannelSettings& settings) {
  Descriptor opened(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!opened) return Error{error_text(errno)};
  set_up_stream(opened.get(), settings);
  return opened;
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
  Result<Descriptor> socket = open_stream(at.storage.ss_family, settings);
  if (!socket.ok()) return socket;
  const int fd = socket->get();
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (bind(fd, at.raw(), at.length) != 0 || listen(fd, backlog) != 0) {
    return Error{error_text(errno)};
  }
  return socket;
}

Result<Descriptor> begin_connect(const Endpoint& to, const ChannelSettings& settings) {
  Result<Descriptor> socket = open_stream(to.storage.ss_family, settings);
  if (!socket.ok()) return socket;
  if (connect(socket->get(), to.raw(), to.length) != 0 && errno != EINPROGRESS && errno != EINTR) {
    return Error{error_text(errno)};
  }
  return socket;
}

void set_buffers(int fd, int send_bytes, int receive_bytes) {
  if (send_bytes > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, send_bytes);
  if (receive_bytes > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes);
}

double unacknowledged_bytes(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

Endpoint local_endpoint(int fd) {
  Endpoint local;
  local.length = sizeof local.storage;
  getsockname(fd, local.raw(), &local.length);
  return local;
}

int outcome_of_connect(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  if (error != 0) return error;
  Endpoint peer;
  peer.length = sizeof peer.storage;
  if (getpeername(fd, peer.raw(), &peer.length) != 0) return errno;
  return peer.address() == local_endpoint(fd).address() ? ECONNREFUSED : 0;
}

std::string error_text(int error) {
  if (error == ETIMEDOUT) return "timed out";
  std::string text = std::generic_category().message(error);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace phoenix::net
