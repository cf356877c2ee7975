// Parties for tests of HTTP over loopback sockets: a client on a plain socket, so that it can half
// close, reset and refuse to read, and a sink that answers when the test says so.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/gateway/http_ingress.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::gateway {

class Caller {
 public:
  Caller(net::Loop& loop, const net::Address& to, int receive_buffer = 0)
      : loop_(loop), fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~Caller() { end(); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void say(std::string_view bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void say_no_more() { shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger abort{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    end();
  }
  void end() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  void listen() {
    char buffer[65536];
    for (;;) {
      const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) {
        was_reset = was_reset || (got < 0 && errno == ECONNRESET);
        is_closed = is_closed || got == 0 || was_reset;
        return;
      }
      heard.append(buffer, static_cast<std::size_t>(got));
    }
  }
  // Whether `text` arrives.
  bool hears(std::string_view text) {
    return net::drive(loop_, [&] { return listen(), heard.find(text) != std::string::npos; });
  }
  bool hears_the_end() {
    return net::drive(loop_, [&] { return listen(), is_closed; });
  }

  std::string heard;
  bool is_closed = false;
  bool was_reset = false;

 private:
  net::Loop& loop_;
  int fd_;
};

struct Asked {
  Request request;
  Client* client = nullptr;
  std::uint64_t tag = 0;
  bool is_left = false;
  int resumed = 0;

  void answer(std::string_view body, std::string_view headers = "Date: today\r\n",
              int status = 200) {
    Reply reply = from_node(headers, status);
    reply.body = body;
    client->on_reply(tag, reply);
  }
  void begin(std::string_view piece, std::int64_t length = -1) {
    Reply reply = from_node("Date: today\r\n", 200);
    reply.body = piece;
    reply.more = true;
    reply.content_length = length;
    client->on_reply(tag, reply);
  }
  bool go_on(std::string_view piece, bool last = false) {
    return client->on_reply_body(tag, piece, last);
  }
  void fail(FailureReason reason) {
    Reply reply;
    reply.reason = reason;
    client->on_reply(tag, reply);
  }
  static Reply from_node(std::string_view headers, int status) {
    Reply reply;
    reply.from_node = true;
    reply.headers = headers;
    reply.status = status;
    return reply;
  }
};

// Serves every path but those below /nowhere.
class FakeSink final : public RequestSink {
 public:
  explicit FakeSink(net::Loop& on) : loop_(on) { config_.services.emplace_back().name = "api"; }

  net::Loop& loop() override { return loop_; }
  const GatewayConfig& config() const override { return config_; }
  bool route(std::string_view, std::string_view path, ServiceId&, ClassId&) const override {
    return !path.starts_with("/nowhere");
  }
  bool find_service(std::string_view service, std::string_view, ServiceId&,
                    ClassId&) const override {
    return service == "api";
  }
  Duration class_deadline(ClassId) const override { return std::chrono::seconds(30); }
  ExchangeId accept(Request&& request, Client& client, std::uint64_t tag) override {
    asked.push_back({std::move(request), &client, tag});
    const std::size_t place = asked.size() - 1;
    if (at_once) at_once(asked[place]);
    return {place};
  }
  void leave(ExchangeId exchange) override { asked[exchange.value].is_left = true; }
  void resume_reply(ExchangeId exchange) override { ++asked[exchange.value].resumed; }
  bool is_draining() const override { return draining; }
  HttpCounters& http_counters() override { return counters; }

  GatewayConfig config_;
  std::vector<Asked> asked;
  std::function<void(Asked&)> at_once;
  HttpCounters counters;
  bool draining = false;

 private:
  net::Loop& loop_;
};

// An ingress that listens on a free port.
struct Gateway {
  explicit Gateway(const HttpLimits& limits = {}) : sink(loop) {
    sink.config_.http_limits = limits;
    auto opened = net::Listener::open(loop, {"127.0.0.1", 0}, {},
                                      [this](auto channel) { ingress->adopt(std::move(channel)); });
    EXPECT_TRUE(opened.ok());
    listener = std::move(*opened);
    ingress = std::make_unique<HttpIngress>(sink);
  }
  std::unique_ptr<Caller> call(std::string_view text = {}, int receive_buffer = 0) {
    auto caller = std::make_unique<Caller>(loop, listener->local(), receive_buffer);
    if (!text.empty()) caller->say(text);
    return caller;
  }
  // The request of that number, counted from 0, once it has come.
  Asked& asked(std::size_t number = 0) {
    EXPECT_TRUE(net::drive(loop, [&] { return sink.asked.size() > number; }));
    return sink.asked.at(number);
  }
  template <class Condition>
  bool comes_true(Condition condition) {
    return net::drive(loop, condition);
  }

  net::Loop loop;
  FakeSink sink;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<HttpIngress> ingress;
};

}  // namespace phoenix::gateway
