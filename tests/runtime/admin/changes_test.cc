// Changes: who may make them, what is understood, what is refused and how.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/runtime/admin/operator.h"

namespace phoenix::admin {
namespace {

using testing::Answer;
using ::testing::ElementsAre;
using testing::FakeGateway;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Operator;

const std::string kToken = "Authorization: Bearer open sesame\r\n";

class Changes : public ::testing::Test {
 protected:
  Answer put(const std::string& target, const std::string& body) {
    return operator_.ask("PUT", target, kToken, body);
  }
  static std::string error_of(const Answer& answer) {
    const nlohmann::json body = nlohmann::json::parse(answer.body, nullptr, false);
    return body.is_object() && body.size() == 1 ? body.value("error", "") : "";
  }

  net::Loop loop_;
  FakeGateway gateway_;
  std::unique_ptr<AdminServer> server_ = testing::open_server(loop_, gateway_);
  Operator operator_{loop_, server_->local()};
};

TEST_F(Changes, ReachTheGatewayAsTheyWereAskedFor) {
  EXPECT_EQ(put("/strategy", R"({"service": "shop", "balancer": "p2c[choices=3]"})").status, 200);
  EXPECT_EQ(put("/nodes/web-1", R"({"state": "draining"})").status, 200);
  EXPECT_EQ(put("/nodes/web-1", R"({"state": "up"})").status, 200);
  EXPECT_EQ(put("/nodes/web%2d2", R"({"service": "shop", "weight": 2.5})").status, 200);
  EXPECT_EQ(operator_.ask("POST", "/reload", kToken).status, 200);
  EXPECT_THAT(gateway_.changes,
              ElementsAre("balancer shop p2c[choices=3]", "drain web-1", "undrain web-1",
                          "weight web-2 shop 2.500000", "reload"));
}

TEST_F(Changes, KnobsLeftOutStayAsTheyAre) {
  gateway_.now.knobs.pool_size = 7;
  EXPECT_EQ(put("/knobs", R"({"batch_size": 16, "batch_delay": "300 us", "compress_above": "4 KiB",
                              "socket_buffer": "1 MiB", "direct_routing": true,
                              "workers": 4, "queue_length": 30, "max_in_flight": 500,
                              "hibernate_idle": "5 min"})")
                .status,
            200);
  const gateway::Knobs& knobs = gateway_.now.knobs;
  EXPECT_EQ(knobs.batch_size, 16);
  EXPECT_EQ(knobs.batch_delay, std::chrono::microseconds(300));
  EXPECT_EQ(knobs.compress_above, 4096U);
  EXPECT_EQ(knobs.socket_buffer, 1 << 20);
  EXPECT_TRUE(knobs.direct_routing);
  EXPECT_EQ(knobs.workers, 4);
  EXPECT_EQ(knobs.queue_length, 30);
  EXPECT_EQ(knobs.max_in_flight, 500);
  EXPECT_EQ(knobs.hibernate_idle, std::chrono::minutes(5));
  EXPECT_EQ(knobs.pool_size, 7);
  EXPECT_EQ(knobs.http_pool_size, gateway::Knobs{}.http_pool_size);
}

TEST_F(Changes, TheKnobsThatStatusShowsCanBeSentBack) {
  gateway_.now.knobs.batch_size = 9;
  gateway_.now.knobs.compress_above = 1500;
  const gateway::Knobs before = gateway_.now.knobs;
  const nlohmann::json status = nlohmann::json::parse(operator_.ask("GET", "/status").body);
  EXPECT_EQ(put("/knobs", status["knobs"].dump()).status, 200);
  EXPECT_EQ(gateway_.now.knobs, before);
}

TEST_F(Changes, TwoAtOnceDoNotUndoEachOther) {
  gateway_.is_silent = true;
  Operator other(loop_, server_->local());
  const auto request = [](const std::string& body) {
    return "PUT /knobs HTTP/1.1\r\nHost: x\r\n" + kToken +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  operator_.send(request(R"({"batch_size": 16})"));
  other.send(request(R"({"pool_size": 5})"));
  ASSERT_TRUE(net::drive(loop_, [&] { return gateway_.asked == 2; }));
  gateway_.answer_all();
  EXPECT_EQ(operator_.await().status, 200);
  EXPECT_EQ(other.await().status, 200);
  EXPECT_EQ(gateway_.now.knobs.batch_size, 16);
  EXPECT_EQ(gateway_.now.knobs.pool_size, 5);
}

TEST_F(Changes, WithoutTheRightTokenAre401) {
  for (const char* lines :
       {"", "Authorization: Bearer open sesamf\r\n", "Authorization: Bearer \r\n",
        "Authorization: Bearer open sesame2\r\n", "Authorization: Basic b3Blbg==\r\n",
        "Authorization: open sesame\r\n"}) {
    for (const char* target : {"/strategy", "/knobs", "/nodes/web-1", "/nodes/nobody"}) {
      const Answer answer = operator_.ask("PUT", target, lines, "{}");
      EXPECT_EQ(answer.status, 401) << lines << target;
      EXPECT_THAT(answer.head, HasSubstr("WWW-Authenticate: Bearer"));
      EXPECT_NE(error_of(answer), "");
    }
    EXPECT_EQ(operator_.ask("POST", "/reload", lines).status, 401);
  }
  EXPECT_THAT(gateway_.changes, IsEmpty());
}

TEST_F(Changes, AreForbiddenWhereTheGatewayHasNoToken) {
  gateway_.secret = "";
  for (const char* lines : {"", "Authorization: Bearer \r\n", "Authorization: Bearer x\r\n"}) {
    const Answer answer = operator_.ask("POST", "/reload", lines);
    EXPECT_EQ(answer.status, 403) << lines;
    EXPECT_THAT(error_of(answer), HasSubstr("token_file"));
  }
  EXPECT_THAT(gateway_.changes, IsEmpty());
}

TEST_F(Changes, ThatTheGatewayRefusesSayWhy) {
  gateway_.refusal = "found balancer \"p3c\"; allowed p2c; did you mean \"p2c\"?";
  const Answer answer = put("/strategy", R"({"service": "shop", "balancer": "p3c"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(error_of(answer), gateway_.refusal);
  EXPECT_EQ(operator_.ask("POST", "/reload", kToken).status, 400);
}

TEST_F(Changes, OfUnknownNodesAre404AndNameTheKnown) {
  const Answer answer = put("/nodes/web-4", R"({"state": "up"})");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(error_of(answer), HasSubstr("found node \"web-4\"; allowed web-1, web-2, web-3"));
  EXPECT_EQ(put("/nodes/web%zz", R"({"state": "up"})").status, 400);
  EXPECT_EQ(put("/nodes/web-1%4", R"({"state": "up"})").status, 400);
}

struct BadBody {
  const char* target;
  const char* body;
  const char* error;
};

class BadBodies : public Changes, public ::testing::WithParamInterface<BadBody> {};

TEST_P(BadBodies, Are400AndChangeNothing) {
  const gateway::Knobs before = gateway_.now.knobs;
  const Answer answer = put(GetParam().target, GetParam().body);
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(error_of(answer), HasSubstr(GetParam().error));
  EXPECT_THAT(gateway_.changes, IsEmpty());
  EXPECT_EQ(gateway_.now.knobs, before);
}

INSTANTIATE_TEST_SUITE_P(
    Of, BadBodies,
    ::testing::Values(
        BadBody{"/strategy", "", "not JSON"}, BadBody{"/strategy", "{", "not JSON"},
        BadBody{"/strategy", "[1]", "found an array; allowed one JSON object"},
        BadBody{"/strategy", "{}", "found no service; allowed a text"},
        BadBody{"/strategy", R"({"service": "shop"})", "found no balancer"},
        BadBody{"/strategy", R"({"service": 7, "balancer": "p2c"})",
                "service: found 7; allowed a text"},
        BadBody{"/strategy", R"({"service": "shop", "balancer": "p2c", "bananas": 1})",
                "found key \"bananas\"; allowed service, balancer"},
        BadBody{"/knobs", R"({"batch_sise": 1})", "did you mean \"batch_size\"?"},
        BadBody{"/knobs", R"({"batch_size": 1.5})",
                "batch_size: found 1.5; allowed a whole number"},
        BadBody{"/knobs", R"({"batch_size": 1e300})", "allowed a whole number"},
        BadBody{"/knobs", R"({"batch_size": 0})", "batch_size: found 0; allowed 1 to"},
        BadBody{"/knobs", R"({"batch_delay": "5"})", "allowed a time such as"},
        BadBody{"/knobs", R"({"batch_delay": 5})", "allowed a time such as"},
        BadBody{"/knobs", R"({"compress_above": "-1 B"})", "allowed a size such as"},
        BadBody{"/knobs", R"({"direct_routing": "yes"})", "allowed true or false"},
        BadBody{"/nodes/web-1", R"({"state": "asleep"})", "allowed \"draining\", \"up\""},
        BadBody{"/nodes/web-1", R"({"weight": 2})", "found no service"},
        BadBody{"/nodes/web-1", R"({"service": "shop", "weight": "2"})", "allowed a number"},
        BadBody{"/nodes/web-1", R"({"state": "up", "weight": 2, "service": "shop"})",
                "found key \"state\"; allowed weight, service"}));

TEST_F(Changes, DeeplyNestedBodiesAreOnlyWrong) {
  EXPECT_EQ(put("/knobs", std::string(60'000, '[')).status, 400);
  EXPECT_EQ(put("/knobs", std::string(30'000, '[') + std::string(30'000, ']')).status, 400);
}

TEST_F(Changes, PathsTakeTheirMethodsOnly) {
  struct Case {
    const char *method, *target, *allowed;
  };
  for (const Case& c : {Case{"POST", "/", "GET, HEAD"}, Case{"DELETE", "/status", "GET, HEAD"},
                        Case{"GET", "/strategy", "PUT"}, Case{"POST", "/knobs", "PUT"},
                        Case{"GET", "/nodes/web-1", "PUT"}, Case{"GET", "/reload", "POST"},
                        Case{"OPTIONS", "/knobs", "PUT"}}) {
    const Answer answer = operator_.ask(c.method, c.target, kToken);
    EXPECT_EQ(answer.status, 405) << c.method << c.target;
    EXPECT_TRUE(answer.has(std::string("Allow: ") + c.allowed)) << answer.head;
    EXPECT_NE(error_of(answer), "");
  }
  for (const char* target : {"/nowhere", "/nodes/", "/nodes", "/status/"}) {
    EXPECT_EQ(operator_.ask("GET", target).status, 404) << target;
  }
  EXPECT_THAT(gateway_.changes, IsEmpty());
}

}  // namespace
}  // namespace phoenix::admin
