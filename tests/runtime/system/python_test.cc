// The gateway as Python's http.client and hand-written bytes see it; the checks are in
// http_client.py. The same twice: over an HTTP upstream, and over a node that forwards.
#include <tuple>

#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

using Case = std::tuple<std::string, std::string>;

class PythonClient : public ClusterTest, public testing::WithParamInterface<Case> {};

TEST_P(PythonClient, FindsEverythingAsItShouldBe) {
  SKIP_WITHOUT("python3");
  const auto& [upstream, name] = GetParam();
  if (upstream == "http") {
    start_gateway(http_service("origin", {origin_.address()}, "/"));
  } else {
    start_gateway(node_service("origin", "/"));
    start_node("n1", {"--service", "origin=http:" + origin_.text()});
    ASSERT_TRUE(gateway_->await_nodes(1));
  }
  ASSERT_TRUE(gateway_->await_answers("/echo"));
  const std::string errors = folder_.file("python.log");
  Process python(
      {find_program("python3"), PHOENIX_SOURCE_DIR "/tests/runtime/system/http_client.py", name,
       gateway_->http().host, std::to_string(gateway_->http().port)},
      errors);
  EXPECT_EQ(python.await_end(std::chrono::seconds(60)), 0) << contents(errors);
}

INSTANTIATE_TEST_SUITE_P(
    System, PythonClient,
    testing::Combine(testing::Values("http", "node"),
                     testing::Values("pipelining", "pipelined_bodies", "keep_alive",
                                     "chunked_both_ways", "trailers_and_extensions", "slow_body",
                                     "split_everywhere", "header_edges", "hop_by_hop", "forwarded",
                                     "deadline", "half_closed")),
    [](const auto& one) { return std::get<0>(one.param) + "_" + std::get<1>(one.param); });

}  // namespace
}  // namespace phoenix::system_test
