// An operator's HTTP connection to an admin server on the same loop, for tests.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/admin/admin_server.h"
#include "tests/runtime/admin/fake_gateway.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::admin::testing {

struct Answer {
  int status = 0;  // 0: none came
  std::string head, body;

  bool has(const std::string& line) const { return head.find(line + "\r\n") != std::string::npos; }
};

class Operator {
 public:
  Operator(net::Loop& loop, const net::Address& server, const net::DialSettings& settings = {})
      : loop_(loop) {
    auto channel = net::dial(loop, server, settings);
    EXPECT_TRUE(channel.ok()) << (channel.ok() ? "" : channel.error());
    party_ = std::make_unique<net::Party>(std::move(*channel));
  }

  void send(const std::string& bytes) { party_->channel->write(bytes); }

  // The next answer; HEAD's has no body.
  Answer await(bool to_head = false) {
    std::optional<Answer> answer;
    net::drive(loop_, [&] {
      if (!answer) answer = take(to_head);
      return answer || party_->closed;
    });
    return answer.value_or(Answer{});
  }
  Answer ask(const std::string& method, const std::string& target, const std::string& lines = "",
             const std::string& body = "") {
    std::string request = method + " " + target + " HTTP/1.1\r\nHost: edge\r\n" + lines;
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(request + "\r\n" + body);
    return await(method == "HEAD");
  }

  bool await_end() {
    return net::drive(loop_, [this] { return party_->closed.has_value(); });
  }
  bool is_closed() const { return party_->closed.has_value(); }
  net::Party& party() { return *party_; }

 private:
  std::optional<Answer> take(bool to_head) {
    std::string& bytes = party_->received;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return std::nullopt;
    Answer answer;
    answer.head = bytes.substr(0, end + 2);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const std::size_t at = answer.head.find("Content-Length: ");
    const bool has_body = !to_head && at != std::string::npos;
    const std::size_t length = has_body ? std::stoul(answer.head.substr(at + 16)) : 0;
    if (bytes.size() < end + 4 + length) return std::nullopt;
    answer.body = bytes.substr(end + 4, length);
    bytes.erase(0, end + 4 + length);
    return answer;
  }

  net::Loop& loop_;
  std::unique_ptr<net::Party> party_;
};

inline std::unique_ptr<AdminServer> open_server(net::Loop& loop, GatewayControl& control,
                                                const AdminLimits& limits = {},
                                                std::shared_ptr<net::TlsContext> tls = nullptr) {
  auto opened = AdminServer::open(loop, {"127.0.0.1", 0}, std::move(tls), limits, control);
  EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error());
  return std::move(*opened);
}

}  // namespace phoenix::admin::testing
