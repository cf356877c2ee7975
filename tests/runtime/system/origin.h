// An HTTP server inside the test that tells every request back as it came, and counts how often
// each was carried out. One thread, keep-alive, a parser of its own that knows Content-Length and
// nothing else, so that it sees what a careless server would see.
//
//   X-Delay-Ms: N    answers after that time
//   X-Status: N      answers with that status
//   X-Id: TEXT       counted by it
//   target /chunked  answers in chunks of 1,000 bytes
//   target /silent   never answers
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/eventfd.h>

#include "tests/runtime/system/raw_client.h"

namespace phoenix::system_test {

struct SeenRequest {
  std::string method, target, head, body;
};

class Origin {
 public:
  Origin() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
    ::listen(listener_, 1024);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = {"127.0.0.1", ntohs(address.sin_port)};
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
  }
  ~Origin() {
    const std::uint64_t one = 1;
    if (::write(wake_, &one, sizeof one) != sizeof one) std::abort();
    thread_.join();
    ::close(wake_);
    ::close(listener_);
  }
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  const net::Address& address() const { return address_; }
  std::string text() const { return address_.text(); }

  std::vector<SeenRequest> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  SeenRequest last() const {
    const std::lock_guard lock(mutex_);
    return seen_.empty() ? SeenRequest{} : seen_.back();
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return seen_.size();
  }
  std::map<std::string, int> executions() const {
    const std::lock_guard lock(mutex_);
    return executions_;
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    seen_.clear();
    executions_.clear();
  }
  // Counts only: for many requests.
  void keep_no_texts() { keeps_ = false; }

 private:
  struct Connection {
    int socket = -1;
    std::string in, out;
    Clock::time_point due = Clock::time_point::max();  // of `late`
    std::string late;
    bool is_over = false;
  };

  void serve() {
    for (;;) {
      std::vector<pollfd> all{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
      auto due = Clock::time_point::max();
      for (const auto& one : connections_) {
        const bool is_waiting = one->due != Clock::time_point::max();
        const int events = (is_waiting ? 0 : POLLIN) | (one->out.empty() ? 0 : POLLOUT);
        all.push_back({one->socket, static_cast<short>(events), 0});
        due = std::min(due, one->due);
      }
      ::poll(all.data(), all.size(), wait_until(due));
      if (all[0].revents != 0) break;
      for (std::size_t i = 2; i < all.size(); ++i) step(*connections_[i - 2], all[i].revents);
      if (all[1].revents != 0) accept_all();
      std::erase_if(connections_, [](const auto& one) {
        if (one->is_over) ::close(one->socket);
        return one->is_over;
      });
    }
    for (const auto& one : connections_) ::close(one->socket);
  }

  static int wait_until(Clock::time_point due) {
    if (due == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
  }

  void accept_all() {
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (socket < 0) return;
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connections_.push_back(std::make_unique<Connection>());
      connections_.back()->socket = socket;
    }
  }

  void step(Connection& one, int events) {
    if ((events & (POLLHUP | POLLERR)) != 0 && (events & POLLIN) == 0) one.is_over = true;
    if ((events & POLLIN) != 0) read(one);
    if (one.due <= Clock::now()) {
      one.due = Clock::time_point::max();
      one.out += std::exchange(one.late, {});
      take_requests(one);
    }
    if (!one.out.empty()) write(one);
  }

  void read(Connection& one) {
    char bytes[64 * 1024];
    const ssize_t got = ::recv(one.socket, bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) one.is_over = true;
    if (got <= 0) return;
    one.in.append(bytes, static_cast<std::size_t>(got));
    take_requests(one);
  }

  void write(Connection& one) {
    const ssize_t sent = ::send(one.socket, one.out.data(), one.out.size(), MSG_NOSIGNAL);
    if (sent > 0) one.out.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN) one.is_over = true;
  }

  void take_requests(Connection& one) {
    while (one.due == Clock::time_point::max()) {
      const std::size_t end = one.in.find("\r\n\r\n");
      if (end == std::string::npos) return;
      SeenRequest request;
      request.head = one.in.substr(0, end + 4);
      const std::size_t length = number_of(header_of(request.head, "Content-Length"));
      if (one.in.size() < end + 4 + length) return;
      request.body = one.in.substr(end + 4, length);
      one.in.erase(0, end + 4 + length);
      request.method = request.head.substr(0, request.head.find(' '));
      const std::size_t target = request.method.size() + 1;
      request.target = request.head.substr(target, request.head.find(' ', target) - target);
      answer(one, std::move(request));
    }
  }

  void answer(Connection& one, SeenRequest request) {
    const std::size_t delay = number_of(header_of(request.head, "X-Delay-Ms"));
    const bool is_silent = request.target.starts_with("/silent");
    std::string text = response_to(request);
    note(std::move(request));
    if (is_silent) return;
    if (delay == 0) {
      one.out += text;
      return;
    }
    one.late = std::move(text);
    one.due = Clock::now() + std::chrono::milliseconds(delay);
  }

  void note(SeenRequest request) {
    const std::lock_guard lock(mutex_);
    const std::string id = header_of(request.head, "X-Id");
    if (!id.empty()) ++executions_[id];
    if (keeps_) seen_.push_back(std::move(request));
  }

  static std::string response_to(const SeenRequest& request) {
    const std::string body = request.head + request.body;
    std::string status = header_of(request.head, "X-Status");
    if (status.empty()) status = "200";
    std::string text = "HTTP/1.1 " + status +
                       " So\r\nServer: origin\r\nX-Id: " + header_of(request.head, "X-Id") + "\r\n";
    if (request.target.starts_with("/chunked")) {
      text +=
          "Transfer-Encoding: chunked\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\n\r\n";
      for (std::size_t at = 0; at < body.size(); at += 1000) {
        const std::string piece = body.substr(at, 1000);
        char size[16];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        text.append(size).append(piece).append("\r\n");
      }
      return text + "0\r\n\r\n";
    }
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return request.method == "HEAD" ? text : text + body;
  }

  int listener_ = -1, wake_ = -1;
  net::Address address_;
  std::vector<std::unique_ptr<Connection>> connections_;
  bool keeps_ = true;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> seen_;
  std::map<std::string, int> executions_;
  std::thread thread_;
};

}  // namespace phoenix::system_test
