// Routes, and what services answer: HTTP servers, nodes in front of the same servers, and nodes
// that keep values.
#include <filesystem>

#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

using testing::HasSubstr;

class Services : public ClusterTest {
 protected:
  RawAnswer send(const std::string& method, const std::string& target,
                 const std::string& headers = {}, const std::string& body = {}) {
    RawClient client(gateway_->http());
    client.send(method + " " + target + " HTTP/1.1\r\nHost: a.test\r\n" + headers +
                "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body);
    return client.answer(method == "HEAD");
  }
  std::string reason_of(const std::string& target) {
    return header_of(gateway_->get(target).head, "X-Phoenix-Reason");
  }
};

TEST_F(Services, TheMostSpecificHostThenTheLongestPrefixWins) {
  Origin named, deep;
  std::string text = http_service("any", {origin_.address()}, "/a") +
                     http_service("named", {named.address()}, "/other") +
                     http_service("deep", {deep.address()}, "/a/b");
  text += "[[route]]\nhost = \"shop.test\"\nservice = \"named\"\n";
  text += "[[route]]\nhost = \"*.shop.test\"\nservice = \"deep\"\n";
  start_gateway(text);
  ASSERT_TRUE(gateway_->await_answers("/a") && gateway_->await_answers("/other") &&
              gateway_->await_answers("/a/b"));
  origin_.forget();
  named.forget();
  deep.forget();
  const auto ask = [&](const std::string& target, const std::string& host) {
    return RawClient(gateway_->http())
        .ask("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
        .status;
  };
  EXPECT_EQ(ask("/a", "x.test"), 200);
  EXPECT_EQ(ask("/a/c", "x.test"), 200);
  EXPECT_EQ(origin_.count(), 2U);
  EXPECT_EQ(ask("/a/b/c?d", "x.test"), 200);
  EXPECT_EQ(ask("/a/b", "www.SHOP.test:80"), 200);
  EXPECT_EQ(deep.count(), 2U);
  EXPECT_EQ(ask("/a/b", "Shop.test"), 200);
  EXPECT_EQ(ask("http://shop.test/a/b", "other.test"), 200) << "an absolute target names the host";
  EXPECT_EQ(named.count(), 2U);
  EXPECT_EQ(ask("/ab", "x.test"), 404) << "whole segments";
  EXPECT_EQ(ask("/", "x.test"), 404);
  EXPECT_EQ(origin_.count() + named.count() + deep.count(), 6U);
}

// What differs between two answers of the same server is only the date.
std::string without_date(const std::string& head) {
  const std::size_t at = head.find("\r\nDate: ");
  if (at == std::string::npos) return head;
  return head.substr(0, at) + head.substr(head.find("\r\n", at + 2));
}

TEST_F(Services, ANodeInFrontOfAServerAnswersAsTheServerDoes) {
  SKIP_WITHOUT("nginx");
  std::filesystem::create_directory(folder_.file("f"));
  folder_.write("f/page.txt", std::string(3000, 'p'));
  folder_.write("f/empty.txt", "");
  Nginx& nginx = start_nginx(
      "location /n { alias " + folder_.path() + "/f; } location /h { alias " + folder_.path() +
      "/f; } location ~ /moved { return 302 http://else.test/; } location ~ /none { return 204; }");
  start_gateway(http_service("direct", {nginx.address()}, "/h") + node_service("node", "/n"));
  start_node("n1", {"--service", "node=http:" + nginx.address().text()});
  ASSERT_TRUE(gateway_->await_nodes(1));
  ASSERT_TRUE(gateway_->await_answers("/h/page.txt"));
  for (const std::string method : {"GET", "HEAD", "POST", "OPTIONS", "DELETE"}) {
    for (const std::string path : {"/page.txt", "/empty.txt", "/missing", "/moved", "/none"}) {
      const RawAnswer direct = send(method, "/h" + path);
      const RawAnswer by_node = send(method, "/n" + path);
      EXPECT_NE(direct.status, 0) << method << path;
      EXPECT_EQ(without_date(by_node.head), without_date(direct.head)) << method << path;
      EXPECT_EQ(by_node.body, direct.body) << method << path;
    }
  }
  const std::string range = "Range: bytes=5-14\r\n";
  EXPECT_EQ(send("GET", "/n/page.txt", range).head.substr(0, 20),
            send("GET", "/h/page.txt", range).head.substr(0, 20));
}

TEST_F(Services, NodesKeepValuesOverHttp) {
  start_gateway(node_service("cache", "/"));
  start_node("n1", {"--service", "cache=kv"});
  ASSERT_TRUE(gateway_->await_nodes(1));
  for (int i = 0; i < 40; ++i) {
    const std::string key = "/k" + std::to_string(i);
    EXPECT_EQ(send("GET", key).status, 404);
    EXPECT_EQ(send("PUT", key, "", "value of " + key).status, 201);
    EXPECT_EQ(send("PUT", key, "", "new value of " + key).status, 204);
    EXPECT_EQ(send("GET", key).body, "new value of " + key);
  }
  EXPECT_EQ(send("DELETE", "/k7").status, 204);
  EXPECT_EQ(send("DELETE", "/k7").status, 404);
  EXPECT_EQ(send("GET", "/k7").status, 404);
  EXPECT_EQ(send("PATCH", "/k7").status, 405);
}

TEST_F(Services, AServiceWithoutNodesIs503AndAServerThatIsGoneToo) {
  std::string text = node_service("nodes", "/nodes");
  {
    Origin gone;
    text += http_service("gone", {gone.address()}, "/gone");
  }
  start_gateway(text);
  EXPECT_EQ(gateway_->get("/nodes").status, 503);
  EXPECT_EQ(reason_of("/nodes"), "no_healthy_nodes");
  EXPECT_EQ(gateway_->get("/gone").status, 503);
  EXPECT_EQ(gateway_->status("/open_requests"), 0);
}

TEST_F(Services, OnlyWhatIsSafeIsSentAgain) {
  Origin second;
  start_gateway("[router]\nretries = 3\nretry_reserve_per_s = 1000\nconsecutive_errors = 0\n" +
                http_service("two", {origin_.address(), second.address()}, "/"));
  ASSERT_TRUE(gateway_->await_answers("/"));
  const auto executions = [&](const std::string& id) {
    return origin_.executions()[id] + second.executions()[id];
  };
  EXPECT_EQ(send("GET", "/", "X-Id: get\r\nX-Status: 500\r\n").status, 500);
  EXPECT_EQ(executions("get"), 4);
  EXPECT_EQ(send("POST", "/", "X-Id: post\r\nX-Status: 500\r\n", "x").status, 500);
  EXPECT_EQ(executions("post"), 1);
  EXPECT_EQ(send("POST", "/", "X-Id: key\r\nIdempotency-Key: 7\r\nX-Status: 503\r\n", "x").status,
            503);
  EXPECT_EQ(executions("key"), 4);
  EXPECT_EQ(send("GET", "/", "X-Id: missing\r\nX-Status: 404\r\n").status, 404);
  EXPECT_EQ(executions("missing"), 1) << "the client's fault";
}

TEST_F(Services, ADeadlineEndsAtTheClientAndTravelsOn) {
  start_gateway(http_service("origin", {origin_.address()}, "/",
                             "[[service.class]]\nname = \"c\"\ndeadline = \"250 ms\"\n"));
  ASSERT_TRUE(gateway_->await_answers("/"));
  origin_.forget();
  EXPECT_EQ(gateway_->get("/silent").status, 504);
  const std::size_t passed_on = number_of(header_of(origin_.last().head, "X-Request-Timeout-Ms"));
  EXPECT_GT(passed_on, 0U);
  EXPECT_LE(passed_on, 250U);
  EXPECT_EQ(gateway_->status("/classes/0/failed/deadline"), 1);
}

// Asked for until a copy has been sent: each of the gateway's threads learns by itself what is
// slow.
TEST_F(Services, ASlowRequestIsSentToASecondServerOnlyWhereThatIsSafe) {
  Origin second;
  start_gateway(
      "[router]\nhedge_quantile = 0.5\nhedge_min = \"5 ms\"\nhedge_max = \"5 ms\"\n"
      "retry_reserve_per_s = 1000\n" +
      http_service("two", {origin_.address(), second.address()}, "/"));
  ASSERT_TRUE(gateway_->await_answers("/"));
  const auto executions = [&](const std::string& id) {
    return origin_.executions()[id] + second.executions()[id];
  };
  int round = 0;
  const auto ask_slowly = [&](const std::string& method, const std::string& id) {
    const std::string headers = "X-Delay-Ms: 100\r\nX-Id: " + id + "\r\n";
    const RawAnswer answer = send(method, "/", headers, method == "POST" ? "x" : "");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("X-Id: " + id + "\r\n"));
  };
  ASSERT_TRUE(await([&] {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(gateway_->get("/").status, 200);
    const std::string id = "get-" + std::to_string(++round);
    ask_slowly("GET", id);
    const std::string post = "post-" + std::to_string(round);
    ask_slowly("POST", post);
    EXPECT_EQ(executions(post), 1);
    EXPECT_LE(executions(id), 2);
    return executions(id) == 2;
  }));
  EXPECT_GE(gateway_->status("/router/hedges"), 1);
  EXPECT_TRUE(await([&] { return gateway_->status("/open_requests") == 0; }));
}

}  // namespace
}  // namespace phoenix::system_test
