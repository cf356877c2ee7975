// An HTTP server as a node, over loopback sockets, with a server that says what the test tells it
// to.
#include "runtime/gateway/http_upstream.h"

#include <deque>
#include <map>

#include <gtest/gtest.h>

#include "runtime/http/message.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::gateway {
namespace {

using net::Party;

// What an upstream told of its attempts.
class Told final : public UpstreamUser {
 public:
  struct Outcome {
    AttemptResult result{};
    bool has_reply = false, more = false;
    AttemptReply reply;  // its views have ended
    std::string headers, body;
    int pieces = 0;
    bool is_ended = false, is_broken = false;
  };

  void on_attempt(AttemptId attempt, AttemptResult result, const AttemptReply* reply) override {
    EXPECT_FALSE(is_sending) << "told within send()";
    EXPECT_FALSE(outcomes.contains(attempt)) << "told twice";
    Outcome& outcome = outcomes[attempt];
    outcome.result = result;
    outcome.is_ended = reply == nullptr || !reply->more;
    if (reply != nullptr) {
      outcome.has_reply = true;
      outcome.reply = *reply;
      outcome.more = reply->more;
      outcome.headers = reply->headers;
      outcome.body = reply->body;
    }
    if (when_told) when_told(attempt);
  }
  bool on_attempt_body(AttemptId attempt, std::string_view piece, bool last) override {
    Outcome& outcome = outcomes.at(attempt);
    EXPECT_TRUE(outcome.more && !outcome.is_ended);
    outcome.body += piece;
    outcome.is_ended = last;
    ++outcome.pieces;
    return wants_more;
  }
  void on_attempt_broken(AttemptId attempt) override { outcomes.at(attempt).is_broken = true; }
  void on_node_report(NodeId, const wire::Report&) override {}
  void on_piggybacked(NodeId, const LoadReport&) override {}
  void on_reachable(NodeId node, bool reachable) override {
    EXPECT_EQ(node, NodeId{7});
    reachability.push_back(reachable);
  }

  std::map<AttemptId, Outcome> outcomes;
  std::vector<bool> reachability;
  std::function<void(AttemptId)> when_told;
  bool wants_more = true;
  bool is_sending = false;
};

// A server on a free port; `parties` are its connections in order of arrival. Connections on which
// no byte has come may be checks of the server's health.
struct Rig {
  explicit Rig(Knobs knobs = {}, const std::string& health_path = {}, TermsSource terms = {})
      : server(loop) {
    service.health_path = health_path;
    service.health_interval = std::chrono::hours(1);
    config.address = server.listener->local();
    upstream = make_http_upstream(loop, NodeId{7}, config, service, std::move(terms), knobs, told);
    EXPECT_TRUE(comes_true([&] { return !told.reachability.empty() || !health_path.empty(); }));
  }

  template <class Condition>
  bool comes_true(Condition condition) {
    return net::drive(loop, [&] {
      while (auto channel = server.take()) {
        parties.push_back(std::make_unique<Party>(std::move(channel)));
      }
      return condition();
    });
  }
  Request& request(std::string method = "GET", std::string target = "/", std::string body = {}) {
    Request& made = requests.emplace_back();
    made.method = std::move(method);
    made.target = std::move(target);
    made.headers = "Host: h\r\nX: y\r\n";
    made.body = std::move(body);
    made.repeatable = made.method == "GET" || made.method == "HEAD";
    return made;
  }
  AttemptId send(const Request& of, Duration time_left = Duration::max()) {
    told.is_sending = true;
    upstream->send(++last, of, "api", "default", time_left);
    told.is_sending = false;
    return last;
  }
  // The connection on which the next request comes; what came before on it is forgotten.
  Party& next_asked() {
    Party* found = nullptr;
    EXPECT_TRUE(comes_true([&] {
      for (const auto& party : parties) {
        if (party->received.ends_with("\r\n\r\n") && !party->closed) found = party.get();
      }
      return found != nullptr;
    }));
    asked = std::exchange(found->received, {});
    return *found;
  }
  const Told::Outcome& outcome(AttemptId attempt) {
    EXPECT_TRUE(comes_true([&] {
      const auto at = told.outcomes.find(attempt);
      return at != told.outcomes.end() && (at->second.is_ended || at->second.is_broken);
    }));
    return told.outcomes[attempt];
  }

  net::Loop loop;
  net::Server server;
  std::vector<std::unique_ptr<Party>> parties;
  std::deque<Request> requests;
  std::string asked;
  Told told;
  ServerConfig config;
  ServiceConfig service;
  AttemptId last = 0;
  std::unique_ptr<Upstream> upstream;
};

constexpr std::string_view kHello =
    "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5\r\n\r\nhello";

TEST(HttpUpstream, SendsTheRequestAndTellsTheAnswer) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request("GET", "/a?b"));
  Party& party = rig.next_asked();
  EXPECT_EQ(rig.asked, "GET /a?b HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n");
  EXPECT_EQ(rig.upstream->under_way(), 1U);
  party.channel->write(kHello);
  const Told::Outcome& outcome = rig.outcome(attempt);
  EXPECT_EQ(outcome.result, AttemptResult::kOk);
  EXPECT_EQ(outcome.reply.status, 200);
  EXPECT_EQ(outcome.headers, "Server: s\r\n");
  EXPECT_EQ(outcome.body, "hello");
  EXPECT_FALSE(outcome.more);
  EXPECT_EQ(rig.upstream->under_way(), 0U);
  EXPECT_EQ(rig.upstream->connections(), 1U);
}

TEST(HttpUpstream, BodiesGoWithTheirLengthAndDeadlinesWithWhatIsLeft) {
  Rig rig;
  Request& request = rig.request("POST", "/", "abc\r\n\r\n");
  request.headers.clear();
  rig.send(request, std::chrono::milliseconds(1500));
  rig.next_asked();
  const auto left = http::find_header(rig.asked, "X-Request-Timeout-Ms");
  ASSERT_TRUE(left.has_value());
  EXPECT_GT(std::stoi(std::string(*left)), 0);
  EXPECT_LE(std::stoi(std::string(*left)), 1500);
  EXPECT_EQ(rig.asked, "POST / HTTP/1.1\r\nHost: " + rig.config.address.text() +
                           "\r\nX-Request-Timeout-Ms: " + std::string(*left) +
                           "\r\nContent-Length: 7\r\n\r\nabc\r\n\r\n");
}

TEST(HttpUpstream, ConnectionsAreKeptAndUsedAgain) {
  Rig rig;
  for (int i = 0; i < 3; ++i) {
    const AttemptId attempt = rig.send(rig.request());
    rig.next_asked().channel->write(kHello);
    EXPECT_EQ(rig.outcome(attempt).body, "hello");
  }
  EXPECT_EQ(rig.upstream->connections(), 1U);
}

TEST(HttpUpstream, AttemptsBeyondThePoolWaitForAFreeConnection) {
  Knobs knobs;
  knobs.http_pool_size = 1;
  Rig rig(knobs);
  const AttemptId first = rig.send(rig.request("GET", "/1"));
  const AttemptId second = rig.send(rig.request("GET", "/2"));
  Party& party = rig.next_asked();
  net::settle(rig.loop);
  EXPECT_EQ(rig.upstream->connections(), 1U);
  EXPECT_EQ(rig.upstream->under_way(), 2U);
  party.channel->write(kHello);
  rig.outcome(first);
  Party& again = rig.next_asked();
  EXPECT_EQ(&again, &party);
  EXPECT_TRUE(rig.asked.starts_with("GET /2 "));
  again.channel->write(kHello);
  EXPECT_EQ(rig.outcome(second).body, "hello");
}

TEST(HttpUpstream, ALongerPoolIsUsedAtOnce) {
  Knobs knobs;
  knobs.http_pool_size = 1;
  Rig rig(knobs);
  rig.send(rig.request());
  rig.send(rig.request());
  rig.next_asked();
  knobs.http_pool_size = 2;
  rig.upstream->apply(knobs);
  rig.next_asked();
  EXPECT_EQ(rig.upstream->connections(), 2U);
}

TEST(HttpUpstream, TheQueueIsBounded) {
  Knobs knobs;
  knobs.http_pool_size = 1;
  Rig rig(knobs);
  for (int i = 0; i < 1025; ++i) rig.send(rig.request());
  EXPECT_EQ(rig.outcome(rig.last).result, AttemptResult::kQueueFull);
  EXPECT_EQ(rig.told.outcomes.size(), 1U);
}

TEST(HttpUpstream, AnAnswerInPiecesIsPassedOnAsItComes) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request());
  Party& party = rig.next_asked();
  party.channel->write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  EXPECT_TRUE(rig.comes_true([&] { return rig.told.outcomes.contains(attempt); }));
  EXPECT_TRUE(rig.told.outcomes[attempt].more);
  EXPECT_EQ(rig.told.outcomes[attempt].body, "one");
  EXPECT_EQ(rig.told.outcomes[attempt].reply.content_length, -1);
  party.channel->write("3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_EQ(rig.outcome(attempt).body, "onetwo");
  EXPECT_EQ(rig.upstream->connections(), 1U);
}

TEST(HttpUpstream, AShortBodyOfKnownLengthIsTakenWhole) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request());
  Party& party = rig.next_asked();
  party.channel->write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none");
  net::settle(rig.loop);
  EXPECT_FALSE(rig.told.outcomes.contains(attempt));
  party.channel->write("two");
  EXPECT_EQ(rig.outcome(attempt).body, "onetwo");
  EXPECT_FALSE(rig.outcome(attempt).more);
}

TEST(HttpUpstream, ALongBodyIsHeldBackWhileNobodyTakesIt) {
  Rig rig;
  rig.told.wants_more = false;
  const AttemptId attempt = rig.send(rig.request());
  Party& party = rig.next_asked();
  const std::string body = net::pattern(12 * 1024 * 1024);
  party.channel->write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\n\r\n" + body);
  EXPECT_TRUE(rig.comes_true([&] {
    return rig.told.outcomes.contains(attempt) && rig.told.outcomes[attempt].pieces > 0;
  }));
  net::settle(rig.loop);
  const int pieces = rig.told.outcomes[attempt].pieces;
  EXPECT_LT(rig.told.outcomes[attempt].body.size(), body.size() / 2);
  net::settle(rig.loop);
  EXPECT_EQ(rig.told.outcomes[attempt].pieces, pieces);
  rig.told.wants_more = true;
  rig.upstream->resume(attempt);
  EXPECT_TRUE(rig.outcome(attempt).body == body);
}

TEST(HttpUpstream, TheEndOfTheConnectionMayEndTheBody) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request());
  Party& party = rig.next_asked();
  party.channel->write("HTTP/1.0 200 OK\r\n\r\nall there is");
  net::Channel::close_gracefully(std::move(party.channel));
  EXPECT_EQ(rig.outcome(attempt).body, "all there is");
  EXPECT_EQ(rig.upstream->connections(), 0U);
}

TEST(HttpUpstream, HeadAndInterimAnswersAreUnderstood) {
  Rig rig;
  const AttemptId head = rig.send(rig.request("HEAD"));
  rig.next_asked().channel->write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_EQ(rig.outcome(head).reply.content_length, 1000);
  const AttemptId hinted = rig.send(rig.request());
  rig.next_asked().channel->write(
      "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(rig.outcome(hinted).reply.status, 204);
  EXPECT_EQ(rig.outcome(hinted).headers, "");
  EXPECT_EQ(rig.upstream->connections(), 1U);
}

TEST(HttpUpstream, FailuresOfTheServerComeWithItsReply) {
  Rig rig;
  for (const int status : {500, 502, 503, 504}) {
    const AttemptId attempt = rig.send(rig.request());
    rig.next_asked().channel->write("HTTP/1.1 " + std::to_string(status) +
                                    " No\r\nContent-Length: 3\r\n\r\nwhy");
    EXPECT_EQ(rig.outcome(attempt).result, AttemptResult::kError) << status;
    EXPECT_EQ(rig.outcome(attempt).body, "why");
  }
  const AttemptId attempt = rig.send(rig.request());
  rig.next_asked().channel->write("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(rig.outcome(attempt).result, AttemptResult::kOk);
}

TEST(HttpUpstream, ConnectionsThatSayCloseAreNotUsedAgain) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request());
  rig.next_asked().channel->write(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  rig.outcome(attempt);
  EXPECT_EQ(rig.upstream->connections(), 0U);
}

TEST(HttpUpstream, WhatIsNotHttpResetsTheAttempt) {
  for (const char* garbage : {"hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"}) {
    Rig rig;
    const AttemptId attempt = rig.send(rig.request());
    rig.next_asked().channel->write(garbage);
    EXPECT_EQ(rig.outcome(attempt).result, AttemptResult::kReset) << garbage;
    EXPECT_FALSE(rig.outcome(attempt).has_reply);
    EXPECT_EQ(rig.upstream->connections(), 0U);
  }
}

TEST(HttpUpstream, HeadsWithoutEndResetTheAttempt) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request());
  rig.next_asked().channel->write("HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x'));
  EXPECT_EQ(rig.outcome(attempt).result, AttemptResult::kReset);
}

TEST(HttpUpstream, BytesNobodyAskedForEndTheConnection) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request());
  rig.next_asked().channel->write(std::string(kHello) + "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(rig.outcome(attempt).body, "hello");
  EXPECT_EQ(rig.upstream->connections(), 0U);
}

TEST(HttpUpstream, AConnectionThatBreaksBeforeTheAnswerIsAReset) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request());
  rig.next_asked().channel.reset();
  EXPECT_EQ(rig.outcome(attempt).result, AttemptResult::kReset);
}

TEST(HttpUpstream, AConnectionThatBreaksWithinTheAnswerBreaksItOff) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request());
  Party& party = rig.next_asked();
  party.channel->write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nstart");
  EXPECT_TRUE(rig.comes_true([&] { return rig.told.outcomes.contains(attempt); }));
  party.channel.reset();
  EXPECT_TRUE(rig.outcome(attempt).is_broken);
}

TEST(HttpUpstream, AKeptConnectionFoundClosedIsReplacedForWhatMayBeSentAgain) {
  Rig rig;
  rig.send(rig.request());
  rig.next_asked().channel->write(kHello);
  rig.outcome(rig.last);
  const AttemptId again = rig.send(rig.request("GET", "/again"));
  rig.next_asked().channel.reset();  // before any byte of an answer
  Party& fresh = rig.next_asked();
  EXPECT_TRUE(rig.asked.starts_with("GET /again "));
  fresh.channel->write(kHello);
  EXPECT_EQ(rig.outcome(again).result, AttemptResult::kOk);
}

TEST(HttpUpstream, WhatWasPerhapsCarriedOutIsSentAgainNeitherTwiceNorUnasked) {
  Rig rig;
  rig.send(rig.request());
  rig.next_asked().channel->write(kHello);
  rig.outcome(rig.last);
  const AttemptId post = rig.send(rig.request("POST"));
  rig.next_asked().channel.reset();
  EXPECT_EQ(rig.outcome(post).result, AttemptResult::kReset);

  rig.send(rig.request());
  rig.next_asked().channel->write(kHello);
  rig.outcome(rig.last);
  const AttemptId twice = rig.send(rig.request());
  rig.next_asked().channel.reset();
  rig.next_asked().channel.reset();
  EXPECT_EQ(rig.outcome(twice).result, AttemptResult::kReset);
}

TEST(HttpUpstream, AServerThatRefusesConnectionsRefusesAttemptsAndIsSoonUnreachable) {
  Rig rig;
  EXPECT_EQ(rig.told.reachability, std::vector<bool>{true});
  const net::Address address = rig.config.address;
  rig.server.listener.reset();
  for (int i = 0; i < 3; ++i) {
    const AttemptId attempt = rig.send(rig.request("POST"));
    EXPECT_EQ(rig.outcome(attempt).result, AttemptResult::kRefused);
  }
  EXPECT_TRUE(rig.comes_true([&] { return rig.told.reachability.size() == 2; }));
  EXPECT_FALSE(rig.told.reachability[1]);
  auto back = net::Listener::open(rig.loop, address, {}, [](auto) {});
  ASSERT_TRUE(back.ok()) << back.error();
  EXPECT_TRUE(rig.comes_true([&] { return rig.told.reachability.size() == 3; }));
  EXPECT_TRUE(rig.told.reachability[2]);
}

TEST(HttpUpstream, HealthIsWhatTheServerSaysAtItsPath) {
  Rig rig({}, "/health");
  Party& unwell = rig.next_asked();
  EXPECT_EQ(rig.asked, "GET /health HTTP/1.1\r\nHost: " + rig.config.address.text() + "\r\n\r\n");
  unwell.channel->write("HTTP/1.1 503 Not Yet\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(rig.comes_true([&] { return rig.told.reachability == std::vector{false}; }));
  rig.next_asked().channel->write("HTTP/1.1 204 Fine\r\n\r\n");
  EXPECT_TRUE(rig.comes_true([&] { return rig.told.reachability.size() == 2; }));
  EXPECT_TRUE(rig.told.reachability[1]);
}

TEST(HttpUpstream, AReloadedHealthPathIsAskedAtOnce) {
  HttpTerms terms{nullptr, "/health", std::chrono::hours(1)};
  Rig rig({}, "/health", [&] { return terms; });
  rig.next_asked().channel->write("HTTP/1.1 204 Fine\r\n\r\n");
  EXPECT_TRUE(rig.comes_true([&] { return rig.told.reachability == std::vector{true}; }));
  terms.health_path = "/ready";
  rig.upstream->apply(Knobs{});
  rig.next_asked();
  EXPECT_TRUE(rig.asked.starts_with("GET /ready "));
}

TEST(HttpUpstream, ForgottenAttemptsAreNotToldAndTheirConnectionCloses) {
  Knobs knobs;
  knobs.http_pool_size = 1;
  Rig rig(knobs);
  const AttemptId asked = rig.send(rig.request("GET", "/asked"));
  const AttemptId waiting = rig.send(rig.request("GET", "/waiting"));
  const AttemptId last = rig.send(rig.request("GET", "/last"));
  Party& party = rig.next_asked();
  rig.upstream->forget(waiting);
  rig.upstream->forget(asked);
  EXPECT_TRUE(rig.comes_true([&] { return party.closed.has_value(); }));
  Party& fresh = rig.next_asked();
  EXPECT_TRUE(rig.asked.starts_with("GET /last "));
  fresh.channel->write(kHello);
  EXPECT_EQ(rig.outcome(last).body, "hello");
  EXPECT_EQ(rig.told.outcomes.size(), 1U);
}

TEST(HttpUpstream, ANextAttemptMayBeSentWhileTheLastIsTold) {
  Rig rig;
  rig.told.when_told = [&](AttemptId attempt) {
    if (attempt < 3) rig.upstream->send(++rig.last, rig.request(), "api", "default", {});
  };
  rig.send(rig.request());
  for (int i = 0; i < 3; ++i) rig.next_asked().channel->write(kHello);
  EXPECT_EQ(rig.outcome(3).body, "hello");
}

TEST(HttpUpstream, AMovedServerIsDialledAtItsNewPlace) {
  Rig rig;
  const AttemptId old = rig.send(rig.request());
  rig.next_asked();
  net::Server elsewhere(rig.loop);
  rig.upstream->move(elsewhere.listener->local(), 2);
  EXPECT_EQ(rig.outcome(old).result, AttemptResult::kReset);
  rig.send(rig.request());
  std::vector<std::unique_ptr<Party>> there;
  EXPECT_TRUE(rig.comes_true([&] {
    while (auto channel = elsewhere.take()) {
      there.push_back(std::make_unique<Party>(std::move(channel)));
    }
    return std::any_of(there.begin(), there.end(),
                       [](const auto& party) { return !party->received.empty(); });
  }));
}

TEST(HttpUpstream, NativeRequestsCannotSplitLines) {
  Rig rig;
  const AttemptId attempt = rig.send(rig.request("GET", "/ HTTP/1.1\r\nX: y"));
  EXPECT_EQ(rig.outcome(attempt).result, AttemptResult::kError);
  Request& plain = rig.request("", "", "body");
  plain.headers = "Host: h\r\nContent-Length: 99\r\nbroken\nA: b\r\n";
  rig.send(plain);
  rig.comes_true([&] { return rig.parties.back()->received.ends_with("body"); });
  EXPECT_EQ(rig.parties.back()->received,
            "POST / HTTP/1.1\r\nHost: h\r\nA: b\r\nContent-Length: 4\r\n\r\nbody");
}

}  // namespace
}  // namespace phoenix::gateway
