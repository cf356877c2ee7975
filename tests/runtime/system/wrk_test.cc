// wrk at full speed: nobody is lost, and everybody counts the same.
#include <regex>

#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

class Wrk : public ClusterTest {
 protected:
  // Requests that wrk got answers to; the rest of its report must be without errors.
  std::size_t run_wrk(const std::string& target) {
    const Ended wrk = run({find_program("wrk"), "-t1", "-c32", "-d2s", gateway_->url(target)});
    EXPECT_EQ(wrk.code, 0);
    EXPECT_EQ(wrk.out.find("Socket errors"), std::string::npos) << wrk.out;
    EXPECT_EQ(wrk.out.find("Non-2xx"), std::string::npos) << wrk.out;
    std::smatch found;
    const bool is_there = std::regex_search(wrk.out, found, std::regex("(\\d+) requests in"));
    EXPECT_TRUE(is_there) << wrk.out;
    return is_there ? std::stoul(found[1]) : 0;
  }

  // wrk leaves at most one answer per connection unread when its time is over.
  static void expect_conserved(std::size_t answered, std::size_t counted) {
    EXPECT_GE(counted, answered);
    EXPECT_LE(counted, answered + 32);
    EXPECT_GT(answered, 1000U);
  }
  bool await_rest() {
    return await([this] {
      return gateway_->status("/open_requests") == 0 &&
             gateway_->status("/http/listener/open") == 0;
    });
  }
};

TEST_F(Wrk, LosesNothingBeforeAnHttpUpstream) {
  SKIP_WITHOUT("wrk");
  SKIP_WITHOUT("nginx");
  folder_.write("page.txt", "hello");
  start_nginx();
  start_nginx();
  start_gateway(http_service("files", {servers_[0].address(), servers_[1].address()}, "/",
                             "balancer = \"least_connections\""));
  ASSERT_TRUE(gateway_->await_answers("/page.txt"));
  const long before = gateway_->status("/classes/0/answered_well");
  const std::size_t answered = run_wrk("/page.txt");
  ASSERT_TRUE(await_rest());
  const Json status = gateway_->status();
  const auto served =
      static_cast<std::size_t>(gateway_->status("/classes/0/answered_well") - before);
  expect_conserved(answered, served);
  EXPECT_EQ(status["classes"][0]["offered"], status["classes"][0]["answered_well"]);
  EXPECT_EQ(status["http"]["requests"], status["classes"][0]["offered"]);
  // The servers were asked for their health, which is no request of /page.txt.
  std::size_t logged = 0;
  for (const Nginx& server : servers_) {
    const std::string log = server.log();
    for (std::size_t at = log.find("GET /page.txt 200"); at != std::string::npos;
         at = log.find("GET /page.txt 200", at + 1)) {
      ++logged;
    }
  }
  EXPECT_EQ(logged, status["nodes"][0]["attempts"].get<std::size_t>() +
                        status["nodes"][1]["attempts"].get<std::size_t>());
  EXPECT_EQ(status["router"]["retries"], 0);
}

TEST_F(Wrk, LosesNothingBeforeNodes) {
  SKIP_WITHOUT("wrk");
  start_gateway(node_service("echo", "/", "balancer = \"round_robin\"") +
                "[knobs]\nbatch_size = 16\n");
  start_node("n1", {"--service", "echo=echo"});
  start_node("n2", {"--service", "echo=echo"});
  ASSERT_TRUE(gateway_->await_nodes(2));
  const std::size_t answered = run_wrk("/");
  ASSERT_TRUE(await_rest());
  const Json status = gateway_->status();
  expect_conserved(answered, status["classes"][0]["answered_well"].get<std::size_t>());
  const auto first = status["nodes"][0]["attempts"].get<double>();
  const auto second = status["nodes"][1]["attempts"].get<double>();
  EXPECT_EQ(first + second, status["classes"][0]["offered"].get<double>());
  EXPECT_NEAR(first / second, 1.0, 0.01) << "round robin on each of two threads";
}

}  // namespace
}  // namespace phoenix::system_test
