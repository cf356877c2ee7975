#include "runtime/gateway/http_health.h"

#include <utility>

#include "runtime/http/parser.h"
#include "runtime/http/render.h"

namespace phoenix::gateway {
namespace {

constexpr http::ParserLimits kLimits{16 * 1024, 1024 * 1024};

}  // namespace

struct HttpHealthCheck::State final : net::ChannelUser, http::ParserUser {
  State(net::Loop& loop, const Question& asked, std::function<void(const Status&)> then)
      : question(asked),
        done(std::move(then)),
        limit(loop, [this] { finish(Error{"not well: no answer in time"}); }),
        parser(http::Parser::Kind::kResponse, kLimits, *this) {
    limit.arm(add_saturating(loop.now(), question.timeout));
    dial = net::Dial::start(loop, question.address, question.dial,
                            [this](Result<std::unique_ptr<net::Channel>> result) {
                              if (!result.ok()) return finish(Error{result.error()});
                              if (question.path.empty()) return finish(success());
                              ask(std::move(*result));
                            });
  }

  void ask(std::unique_ptr<net::Channel> connected) {
    channel = std::move(connected);
    const std::string host = question.address.text();
    http::RequestForm form;
    form.method = "GET";
    form.target = question.path;
    form.host = host;
    http::append_request(channel->output(), form);
    channel->flush_soon();
    channel->start(*this);
  }

  std::size_t on_bytes(std::string_view bytes) override {
    std::size_t used = parser.feed(bytes);
    while (done && parser.is_done()) {  // with a 1xx: the answer follows
      parser.reset();
      used += parser.feed(bytes.substr(used));
    }
    if (parser.error() != http::ParseError::kNone) {
      finish(Error{"not well: its answer is not HTTP"});
    }
    return done ? used : bytes.size();
  }
  void on_closed(net::CloseReason, const std::string& detail) override {
    finish(Error{"not well: closed without an answer" + (detail.empty() ? "" : ": " + detail)});
  }

  void on_head(const http::Head& head) override {
    if (head.status >= 400) finish(Error{"not well: status " + std::to_string(head.status)});
    if (head.status >= 200) finish(success());
  }
  void on_body(std::string_view) override {}
  void on_end() override {}

  void finish(const Status& outcome) {
    limit.disarm();
    if (const auto then = std::exchange(done, nullptr)) then(outcome);
  }

  Question question;
  std::function<void(const Status&)> done;
  net::Timer limit;
  http::Parser parser;
  std::unique_ptr<net::Dial> dial;
  std::unique_ptr<net::Channel> channel;
};

HttpHealthCheck::HttpHealthCheck(net::Loop& loop, const Question& question,
                                 std::function<void(const Status&)> done)
    : state_(std::make_unique<State>(loop, question, std::move(done))) {}
HttpHealthCheck::~HttpHealthCheck() = default;

}  // namespace phoenix::gateway
