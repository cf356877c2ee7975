// The `http` handler in front of a server on the same loop: what is passed on, what comes back, and
// what a server that fails costs.
#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/net/connect.h"
#include "runtime/node/handlers.h"
#include "tests/runtime/node/calls.h"
#include "tests/runtime/node/serve.h"

namespace phoenix::node {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// Answers each request whose head has come with the next scripted text; "" closes the connection
// instead. Remembers what it was sent on connections that sent anything.
class Server {
 public:
  explicit Server(net::Loop& loop) {
    listener_ = std::move(*net::Listener::open(
        loop, {"127.0.0.1", 0}, {}, [this](std::unique_ptr<net::Channel> channel) {
          sessions_.push_back(std::make_unique<Session>(*this, std::move(channel)));
        }));
  }
  net::Address address() const { return listener_->local(); }

  std::string received;
  int connections = 0;  // that brought a request
  std::deque<std::string> answers;

 private:
  struct Session final : net::ChannelUser {
    Session(Server& owner, std::unique_ptr<net::Channel> its_channel)
        : server(owner), channel(std::move(its_channel)) {
      channel->start(*this);
    }
    std::size_t on_bytes(std::string_view bytes) override {
      if (!std::exchange(has_spoken, true)) ++server.connections;
      server.received += bytes;
      if (bytes.find("\r\n\r\n") == std::string::npos || server.answers.empty()) {
        return bytes.size();
      }
      const std::string answer = server.answers.front();
      server.answers.pop_front();
      if (answer.empty()) {
        channel.reset();
      } else {
        channel->write(answer);
      }
      return bytes.size();
    }
    void on_closed(net::CloseReason, const std::string&) override { channel.reset(); }

    Server& server;
    std::unique_ptr<net::Channel> channel;
    bool has_spoken = false;
  };

  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<Session>> sessions_;
};

class HttpHandlerTest : public ::testing::Test {
 protected:
  Handler& make(const std::string& text) {
    Result<MadeHandler> made = make_handler(text, {loop_, cores_, slowdowns_, 2, 1.0, 100});
    EXPECT_TRUE(made.ok()) << made.error();
    made_.push_back(std::move(*made));
    return *made_.back().handler;
  }
  Handler& forward() { return make("http:" + server_.address().text()); }

  CallReply ask(Handler& handler, CallRequest request) {
    std::optional<CallReply> answer;
    handler.handle(make_call(std::move(request), [&](CallReply reply) { answer = reply; }));
    EXPECT_TRUE(serve_until(loop_, [&] { return answer.has_value(); }));
    return answer.value_or(CallReply{0, {}, "no answer", AttemptResult::kReset});
  }

  net::Loop loop_;
  SyntheticCores cores_{loop_, 2, 1.0, Discipline::kProcessorSharing};
  Slowdowns slowdowns_;
  Server server_{loop_};
  std::vector<MadeHandler> made_;
};

TEST_F(HttpHandlerTest, PassesRequestAndAnswerOn) {
  server_.answers = {"HTTP/1.1 201 Created\r\nX-Made: yes\r\nContent-Length: 5\r\n\r\nhello"};
  CallRequest request = http_request("PUT", "/a?b=c", "body");
  request.headers = "Host: shop.example\r\nX-Asked: please\r\n";
  const CallReply reply = ask(forward(), request);
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "hello");
  EXPECT_EQ(reply.result, AttemptResult::kOk);
  EXPECT_THAT(reply.headers, HasSubstr("X-Made: yes\r\n"));
  EXPECT_THAT(server_.received, AllOf(StartsWith("PUT /a?b=c HTTP/1.1\r\n"),
                                      HasSubstr("X-Asked: please\r\n"), HasSubstr("\r\n\r\nbody")));
}

TEST_F(HttpHandlerTest, ChunkedAnswersAreCollected) {
  server_.answers = {
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"};
  EXPECT_EQ(ask(forward(), http_request("GET", "/")).body, "abcdefg");
}

TEST_F(HttpHandlerTest, BodiesOfNativeClientsArePosted) {
  server_.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
  CallRequest request;
  request.body = "native";
  EXPECT_EQ(ask(forward(), request).status, 200);
  EXPECT_THAT(server_.received, AllOf(StartsWith("POST / HTTP/1.1\r\n"), HasSubstr("native")));
}

TEST_F(HttpHandlerTest, KeepsTheConnection) {
  Handler& handler = forward();
  for (int i = 0; i < 3; ++i) {
    server_.answers.push_back("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(ask(handler, http_request("GET", "/" + std::to_string(i))).body, "ok");
  }
  EXPECT_THAT(server_.received, AllOf(HasSubstr("GET /0 "), HasSubstr("GET /2 ")));
  EXPECT_EQ(server_.connections, 1);
}

TEST_F(HttpHandlerTest, FailuresOfTheServerCountAsErrors) {
  server_.answers = {"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad"};
  const CallReply reply = ask(forward(), http_request("GET", "/"));
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body, "bad");
  EXPECT_EQ(reply.result, AttemptResult::kError);
}

TEST_F(HttpHandlerTest, AServerThatClosesOrBreaksOffIsABadGateway) {
  server_.answers = {""};
  EXPECT_EQ(ask(forward(), http_request("POST", "/", "x")).status, 502);
  server_.answers = {"rubbish\r\n\r\n"};
  const CallReply reply = ask(forward(), http_request("POST", "/", "x"));
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.result, AttemptResult::kError);
}

TEST_F(HttpHandlerTest, AServerThatIsNotThereIsABadGateway) {
  std::string gone;
  {
    const Server other(loop_);
    gone = other.address().text();
  }
  const CallReply reply = ask(make("http:" + gone), http_request("GET", "/"));
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.result, AttemptResult::kError);
}

TEST_F(HttpHandlerTest, ASlowServerIsGivenUp) {
  Handler& handler = make("http[server=" + server_.address().text() + ", timeout=1 ms]");
  EXPECT_EQ(ask(handler, http_request("GET", "/")).status, 504);
}

TEST_F(HttpHandlerTest, WaitingRequestsAreBounded) {
  Handler& handler = make("http[server=" + server_.address().text() + ", connections=1, queue=1]");
  std::vector<CallReply> replies;
  for (int i = 0; i < 3; ++i) {
    handler.handle(make_call(http_request("GET", "/"),
                             [&](CallReply reply) { replies.push_back(std::move(reply)); }));
  }
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].result, AttemptResult::kQueueFull);
  made_.clear();  // the others are answered as the handler goes
  EXPECT_EQ(replies.size(), 3U);
}

}  // namespace
}  // namespace phoenix::node
