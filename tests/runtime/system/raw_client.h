// A blocking TCP client that sends bytes as they are given and looks at what comes back without the
// runtime's own parser.
#pragma once

#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/net/address.h"
#include "tests/runtime/system/process.h"

namespace phoenix::system_test {

// Of a head; empty where it is missing.
inline std::string header_of(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at)) {
    at += 2;
    const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        ::strncasecmp(line.data(), name.data(), name.size()) != 0) {
      continue;
    }
    const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
    return value == std::string_view::npos ? "" : std::string(line.substr(value));
  }
  return {};
}

inline std::size_t number_of(std::string_view text, int base = 10) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

struct RawAnswer {
  int status = 0;  // 0: the connection ended before a whole answer
  std::string head, body;
};

class RawClient {
 public:
  explicit RawClient(const net::Address& to) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    ::inet_pton(AF_INET, to.host.c_str(), &address.sin_addr);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), read_(std::move(other.read_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  bool is_open() const { return socket_ >= 0; }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  // send() fails where nothing is taken for this long.
  void send_within(std::chrono::milliseconds at_most) const {
    const timeval time{at_most.count() / 1000, at_most.count() % 1000 * 1000};
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  }
  void end_sending() const { ::shutdown(socket_, SHUT_WR); }

  // False where the peer takes no more.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Whether something more has come within this time; the end of the connection is nothing.
  bool receive(std::chrono::milliseconds at_most = std::chrono::seconds(10)) {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(at_most.count())) <= 0) return false;
    char bytes[64 * 1024];
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got > 0) {
      read_.append(bytes, static_cast<std::size_t>(got));
    } else {
      is_ended_ = true;
    }
    return got > 0;
  }
  // Whether the peer ends the connection within this time.
  bool await_end(std::chrono::milliseconds at_most = std::chrono::seconds(10)) {
    const auto until = Clock::now() + at_most;
    while (!is_ended_ && Clock::now() < until) receive(std::chrono::milliseconds(50));
    return is_ended_;
  }
  bool is_ended() const { return is_ended_; }
  const std::string& unread() const { return read_; }
  std::string take(std::size_t bytes) {
    std::string taken = read_.substr(0, bytes);
    read_.erase(0, bytes);
    return taken;
  }

  // The next answer, interim ones left out.
  RawAnswer answer(bool to_head = false) {
    for (;;) {
      RawAnswer found;
      if (!until("\r\n\r\n")) return {};
      found.head = take(read_.find("\r\n\r\n") + 4);
      found.status = static_cast<int>(number_of(std::string_view(found.head).substr(9, 3)));
      if (found.status < 200) continue;
      if (to_head || found.status == 204 || found.status == 304) return found;
      if (!read_body(found)) return {};
      return found;
    }
  }
  RawAnswer ask(std::string_view request) { return send(request) ? answer() : RawAnswer{}; }

 private:
  bool until(std::string_view mark) {
    while (read_.find(mark) == std::string::npos) {
      if (!receive()) return false;
    }
    return true;
  }
  bool have(std::size_t bytes) {
    while (read_.size() < bytes) {
      if (!receive()) return false;
    }
    return true;
  }

  bool read_body(RawAnswer& found) {
    if (header_of(found.head, "Transfer-Encoding") == "chunked") return read_chunks(found);
    const std::string length = header_of(found.head, "Content-Length");
    if (length.empty()) {
      while (receive()) {
      }
      found.body = take(read_.size());
      return is_ended_;
    }
    if (!have(number_of(length))) return false;
    found.body = take(number_of(length));
    return true;
  }

  bool read_chunks(RawAnswer& found) {
    for (;;) {
      if (!until("\r\n")) return false;
      const std::size_t size = number_of(take(read_.find("\r\n") + 2), 16);
      if (!have(size + 2)) return false;
      found.body += take(size);
      take(2);
      if (size == 0) return true;
    }
  }

  int socket_ = -1;
  bool is_ended_ = false;
  std::string read_;
};

}  // namespace phoenix::system_test
