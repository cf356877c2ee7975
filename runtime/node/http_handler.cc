// Forwards to a local HTTP/1.1 server through the client that the gateway uses for its own HTTP
// upstreams: the same pool of kept connections, the same rules for what may be sent again.
#include <algorithm>
#include <map>
#include <utility>

#include "runtime/gateway/http_upstream.h"
#include "runtime/http/message.h"
#include "runtime/log.h"
#include "runtime/node/handler_makers.h"

namespace phoenix::node {
namespace {

constexpr std::size_t kBodyMax = 15 * 1024 * 1024;  // of an answer; it has to fit into a frame
constexpr Duration kSweep = std::chrono::milliseconds(250);

struct HttpOptions {
  int connections = 64;
  int queue = 512;
  Duration timeout = std::chrono::seconds(30);
  void visit(SettingVisitor& v) {
    v.integer("connections", connections, 1, 10'000, "to the server at most, one request on each");
    v.integer("queue", queue, 0, 1'000'000, "requests that may wait for a connection");
    v.duration("timeout", timeout, std::chrono::milliseconds(1), std::chrono::hours(1),
               "for the whole answer; later ones are given up with 504");
  }
};

CallReply failure(int status, std::string why, AttemptResult result) {
  return {status, "Content-Type: text/plain\r\n", std::move(why), result};
}

class HttpForward final : public Handler, private gateway::UpstreamUser {
 public:
  HttpForward(net::Loop& loop, const net::Address& server, const HttpOptions& options)
      : loop_(loop),
        options_(options),
        at_once_(options.connections),
        queue_(options.queue),
        server_(server),
        sweep_timer_(loop, [this] { sweep(); }) {
    gateway::ServiceConfig service;
    service.protocol = gateway::Protocol::kHttp;
    gateway::Knobs knobs;
    knobs.http_pool_size = options.connections;
    gateway::UpstreamUser& user = *this;
    upstream_ =
        gateway::make_http_upstream(loop, NodeId{0}, {server, 1}, service, nullptr, knobs, user);
  }

  void handle(Call call) override {
    if (exchanges_.size() >= static_cast<std::size_t>(at_once_ + queue_)) {
      return call.answer({503, {}, {}, AttemptResult::kQueueFull});
    }
    const AttemptId id = next_++;
    Exchange& exchange = exchanges_.emplace(id, std::move(call)).first->second;
    exchange.give_up = std::min(exchange.call.request().deadline, loop_.now() + options_.timeout);
    fill(exchange);
    if (sweep_timer_.armed() == kNever) sweep_timer_.arm(loop_.now() + kSweep);
    upstream_->send(id, exchange.request, exchange.call.request().service,
                    exchange.call.request().request_class, exchange.give_up - loop_.now());
  }

  void set_limits(int workers, int queue) {
    at_once_ = workers > 0 ? workers : options_.connections;
    queue_ = queue > 0 ? queue : options_.queue;
    gateway::Knobs knobs;
    knobs.http_pool_size = at_once_;
    upstream_->apply(knobs);
  }

 private:
  struct Exchange {
    explicit Exchange(Call the_call) : call(std::move(the_call)) {}
    Call call;
    gateway::Request request;
    Time give_up = kNever;
    CallReply reply;
  };

  // Native clients name no method: their body is posted to the root.
  void fill(Exchange& exchange) const {
    const CallRequest& call = exchange.call.request();
    gateway::Request& request = exchange.request;
    request.method = call.method.empty() ? "POST" : call.method;
    request.target = call.target.empty() ? "/" : call.target;
    request.headers = call.headers;
    request.body = call.body;
    request.repeatable = !call.method.empty() && http::is_idempotent(call.method);
    request.arrived = loop_.now();
    request.deadline = exchange.give_up;
  }

  void finish(AttemptId id, CallReply reply) {
    const auto exchange = exchanges_.extract(id);  // first: answering may bring the next request
    if (!exchange.empty()) exchange.mapped().call.answer(std::move(reply));
  }

  void on_attempt(AttemptId id, AttemptResult result, const gateway::AttemptReply* reply) override {
    const auto found = exchanges_.find(id);
    if (found == exchanges_.end()) return;
    if (reply == nullptr) return finish(id, without_reply(result));
    CallReply& collected = found->second.reply;
    collected.status = reply->status;
    collected.headers = reply->headers;
    collected.body = reply->body;
    collected.result = result;
    if (reply->more) return;
    if (found->second.request.method == "HEAD" && reply->content_length >= 0) {
      collected.headers += "Content-Length: " + std::to_string(reply->content_length) + "\r\n";
    }
    finish(id, std::move(collected));
  }

  // A server that cannot be reached must cost this node its health, so it is no mere refusal.
  static CallReply without_reply(AttemptResult result) {
    if (result == AttemptResult::kQueueFull) return {503, {}, {}, result};
    return failure(502, "the local server did not answer\n", AttemptResult::kError);
  }

  bool on_attempt_body(AttemptId id, std::string_view piece, bool last) override {
    const auto found = exchanges_.find(id);
    if (found == exchanges_.end()) return true;
    CallReply& collected = found->second.reply;
    if (collected.body.size() + piece.size() > kBodyMax) {
      upstream_->forget(id);
      finish(id, failure(502, "the local server's answer is too long\n", AttemptResult::kError));
      return true;
    }
    collected.body += piece;
    if (last) finish(id, std::move(collected));
    return true;
  }

  void on_attempt_broken(AttemptId id) override {
    finish(id, failure(502, "the local server broke off its answer\n", AttemptResult::kError));
  }
  void on_node_report(NodeId, const wire::Report&) override {}
  void on_piggybacked(NodeId, const LoadReport&) override {}
  void on_reachable(NodeId, bool reachable) override {
    log_info(reachable ? "server reachable" : "server unreachable", {{"server", server_.text()}});
  }

  void sweep() {
    const Time now = loop_.now();
    std::vector<AttemptId> late;
    for (const auto& [id, exchange] : exchanges_) {
      if (exchange.give_up <= now) late.push_back(id);
    }
    for (const AttemptId id : late) {
      upstream_->forget(id);
      finish(id, failure(504, "the local server was too slow\n", AttemptResult::kError));
    }
    if (!exchanges_.empty()) sweep_timer_.arm(now + kSweep);
  }

  net::Loop& loop_;
  HttpOptions options_;
  int at_once_, queue_;  // as they are in force
  net::Address server_;
  AttemptId next_ = 1;
  std::map<AttemptId, Exchange> exchanges_;
  net::Timer sweep_timer_;
  std::unique_ptr<gateway::Upstream> upstream_;
};

}  // namespace

Result<MadeHandler> make_http(const SettingsText& text, const HandlerContext& context) {
  SettingsText others = text;
  const std::string server = take_setting(others, "server");
  if (server.empty()) return Error{"http: the setting server, written HOST:PORT, is missing"};
  const Result<net::Address> address = net::Address::parse(server);
  if (!address) return Error{"http: server = " + server + ": " + address.error()};
  if (address->port == 0) return Error{"http: server = " + server + ": the port must not be 0"};
  HttpOptions options;
  options.queue = context.queue;
  const VisitFunction visit = [&](SettingVisitor& v) { options.visit(v); };
  if (Status applied = apply_settings(others, visit); !applied) return Error{applied.error()};
  MadeHandler made;
  auto handler = std::make_unique<HttpForward>(context.loop, *address, options);
  made.set_limits = [http = handler.get()](int workers, int queue) {
    http->set_limits(workers, queue);
  };
  made.handler = std::move(handler);
  made.text = print_settings("http", visit);
  made.text.insert(sizeof("http[") - 1, "server=" + address->text() + ", ");
  made.queue = options.queue;
  return made;
}

std::vector<SettingInfo> http_settings() {
  HttpOptions options;
  std::vector<SettingInfo> settings = {{"server", "", "HOST:PORT", "the server to forward to"}};
  for (SettingInfo& info : list_settings([&](SettingVisitor& v) { options.visit(v); })) {
    settings.push_back(std::move(info));
  }
  return settings;
}

}  // namespace phoenix::node
