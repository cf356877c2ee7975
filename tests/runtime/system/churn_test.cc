// Exactly one answer per accepted request while servers and nodes are killed, paused, restarted and
// drained and the configuration changes under load; and nothing is left over afterwards.
#include <atomic>
#include <set>

#include "runtime/wire/frame.h"
#include "runtime/wire/messages.h"
#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

struct Sent {
  std::string id;
  bool is_post = false;
  int status = 0;
  std::string reason;
};

// Clients with a connection each that ask one thing after another until they are stopped.
class Load {
 public:
  Load(const net::Address& to, const std::string& round, int clients) : to_(to), sent_(clients) {
    for (int i = 0; i < clients; ++i) {
      threads_.emplace_back([this, i, name = round + "-" + std::to_string(i)] { ask(i, name); });
    }
  }
  ~Load() { stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  bool await_answers(int more) const {
    const int wanted = answered_ + more;
    return await([&] { return answered_ >= wanted; });
  }
  std::vector<Sent> stop() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    std::vector<Sent> all;
    for (const auto& some : sent_) all.insert(all.end(), some.begin(), some.end());
    return all;
  }
  int surplus() const { return surplus_; }

 private:
  static constexpr int kMost = 2000;  // of one client

  void ask(int client, const std::string& name) {
    auto connection = std::make_unique<RawClient>(to_);
    for (int i = 0; i < kMost && !is_over_; ++i) {
      Sent one{name + "-" + std::to_string(i), i % 2 == 1, 0, {}};
      const std::string service = (i / 2) % 2 == 0 ? "/nodes" : "/servers";
      std::string text = (one.is_post ? "POST " : "GET ") + service + "/x HTTP/1.1\r\nHost: a\r\n" +
                         "X-Id: " + one.id + "\r\nX-Delay-Ms: " + std::to_string(1 + i % 4) +
                         "\r\n";
      text += one.is_post ? "Content-Length: 4\r\n\r\nbody" : "\r\n";
      const RawAnswer answer = connection->ask(text);
      one.status = answer.status;
      one.reason = header_of(answer.head, "X-Phoenix-Reason");
      const bool is_its_own =
          answer.status != 200 || answer.body.find("X-Id: " + one.id + "\r\n") != std::string::npos;
      if (!is_its_own || !connection->unread().empty()) ++surplus_;
      sent_[static_cast<std::size_t>(client)].push_back(one);
      ++answered_;
      if (answer.status == 0) connection = std::make_unique<RawClient>(to_);
    }
  }

  net::Address to_;
  std::atomic<bool> is_over_ = false;
  std::atomic<int> answered_ = 0, surplus_ = 0;
  std::vector<std::vector<Sent>> sent_;
  std::vector<std::thread> threads_;
};

class Churn : public ClusterTest {
 protected:
  static constexpr int kClients = 8;

  void SetUp() override {
    SKIP_WITHOUT("nginx");
    const std::string proxy = "location / { proxy_pass http://" + origin_.text() + "; }";
    start_nginx(proxy);
    start_nginx(proxy);
    start_gateway(config("p2c", ""));
    for (const char* name : {"n1", "n2", "n3"}) {
      start_node(name, {"--service", "nodes=http:" + origin_.text(), "--grace", "5 s"});
    }
    ASSERT_TRUE(is_whole());
    origin_.keep_no_texts();
  }

  std::string config(const std::string& balancer, const std::string& knobs,
                     const std::string& more = {}) const {
    const std::string both = "balancer = \"" + balancer +
                             "\"\n[[service.class]]\nname = \"c\"\ndeadline = \"3 s\"\n"
                             "attempt_timeout = \"250 ms\"\n";
    return "[router]\nejection_time = \"200 ms\"\nslow_start = \"100 ms\"\nretries = 2\n[knobs]\n" +
           knobs +
           http_service("servers", {servers_[0].address(), servers_[1].address()}, "/servers",
                        both) +
           node_service("nodes", "/nodes", both) + more;
  }

  bool is_whole() const {
    return gateway_->await_nodes(3) && gateway_->await_answers("/nodes") &&
           gateway_->await_answers("/servers");
  }

  void disturb(Load& load) {
    const auto go_on = [&] { ASSERT_TRUE(load.await_answers(60)); };
    nodes_[0].process().kill();
    go_on();
    nodes_[0].restart();
    ASSERT_TRUE(gateway_->await_nodes(3));
    nodes_[1].process().signal(SIGSTOP);
    go_on();
    nodes_[1].process().signal(SIGCONT);
    go_on();
    gateway_->configure(config("round_robin", "batch_size = 8\npool_size = 1\n"));
    EXPECT_TRUE(gateway_->reload());
    go_on();
    nodes_[2].process().signal(SIGTERM);
    EXPECT_EQ(nodes_[2].process().await_end(), 0) << "drained";
    go_on();
    servers_[0].process().kill();
    go_on();
    gateway_->configure(config("least_connections",
                               "pool_size = 3\nhttp_pool_size = 2\ncompress_above = \"64 B\"\n",
                               http_service("more", {origin_.address()}, "/nodes/y")));
    EXPECT_TRUE(gateway_->reload());
    servers_[0].restart();
    nodes_[2].restart();
    go_on();
    gateway_->configure(config("p2c", "", "[[route]]\npath = \"/\"\nservice = \"nowhere\"\n"));
    EXPECT_FALSE(gateway_->reload()) << "a wrong configuration changes nothing";
    servers_[1].process().signal(SIGSTOP);
    go_on();
    servers_[1].process().signal(SIGCONT);
    gateway_->configure(config("p2c", ""));
    EXPECT_TRUE(gateway_->reload());
    go_on();
  }

  void expect_one_answer_each(const std::vector<Sent>& sent) {
    const std::map<std::string, int> executions = origin_.executions();
    int well = 0;
    for (const Sent& one : sent) {
      const auto found = executions.find(one.id);
      const int carried_out = found == executions.end() ? 0 : found->second;
      const bool is_failure = one.status >= 502 && one.status <= 504 && !one.reason.empty();
      EXPECT_TRUE(one.status == 200 || is_failure) << one.id << ": " << one.status;
      EXPECT_TRUE(one.status != 200 || carried_out >= 1) << one.id;
      EXPECT_TRUE(!one.is_post || carried_out <= 1) << one.id << " done " << carried_out;
      well += one.status == 200 ? 1 : 0;
    }
    EXPECT_GT(well, static_cast<int>(sent.size() * 8 / 10)) << "of " << sent.size();
  }

  // Descriptors that are not connections to nodes and servers, whose number may differ.
  long own_descriptors() {
    const Json status = gateway_->status();
    long connections = 0;
    for (const Json& node : status["nodes"]) connections += node["connections"].get<long>();
    return static_cast<long>(open_descriptors(gateway_->process().pid())) - connections;
  }
};

TEST_F(Churn, EveryRequestHasOneAnswerAndNothingLeaks) {
  const long descriptors_before = own_descriptors();
  long resident = 0;
  for (int round = 0; round < 3; ++round) {
    Load load(gateway_->http(), "r" + std::to_string(round), kClients);
    disturb(load);
    expect_one_answer_each(load.stop());
    EXPECT_EQ(load.surplus(), 0);
    ASSERT_TRUE(is_whole()) << "all are served again";
    EXPECT_TRUE(await([&] { return own_descriptors() == descriptors_before; }))
        << own_descriptors() << " instead of " << descriptors_before;
    EXPECT_TRUE(await([&] { return gateway_->status("/open_requests") == 0; }));
    if (round == 0) resident = resident_kib(gateway_->process().pid());
  }
  EXPECT_LT(resident_kib(gateway_->process().pid()), resident + 4096);
  const Json status = gateway_->status();
  for (const Json& one : status["classes"]) {
    long answers = one["answered_well"].get<long>();
    for (const Json& failed : one["failed"]) answers += failed.get<long>();
    EXPECT_EQ(one["offered"].get<long>(), answers) << one["service"];
  }
}

TEST_F(Churn, ARollingRestartOfNodesAndReloadsFailNoRequest) {
  Load load(gateway_->http(), "rolling", kClients);
  for (Node& node : nodes_) {
    node.process().signal(SIGTERM);
    EXPECT_EQ(node.process().await_end(), 0);
    node.restart();
    ASSERT_TRUE(gateway_->await_nodes(3));
    gateway_->configure(config("least_connections", "pool_size = 3\nbatch_size = 4\n",
                               http_service("new", {origin_.address()}, "/new")));
    EXPECT_TRUE(gateway_->reload());
    ASSERT_TRUE(load.await_answers(100));
    gateway_->configure(config("p2c", ""));
    EXPECT_TRUE(gateway_->reload());
    ASSERT_TRUE(load.await_answers(100));
  }
  for (const Sent& one : load.stop()) EXPECT_EQ(one.status, 200) << one.id << " " << one.reason;
  for (const auto& [id, count] : origin_.executions()) EXPECT_EQ(count, 1) << id;
}

TEST_F(Churn, AnAnswerBrokenOffInTheMiddleIsNotMistakenForAWholeOne) {
  folder_.write("large.bin", std::string(8 << 20, 'l'));
  Nginx& slow = start_nginx("limit_rate 2m; sendfile_max_chunk 64k;");
  gateway_->configure(config("p2c", "", http_service("slow", {slow.address()}, "/large.bin")));
  ASSERT_TRUE(gateway_->reload());
  RawClient client(gateway_->http());
  ASSERT_TRUE(await([&] {
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.receive() && client.unread().starts_with("HTTP/1.1 200")
               ? true
               : (client.answer(), false);
  }));
  slow.process().kill();
  EXPECT_TRUE(client.await_end());
  EXPECT_EQ(client.answer().status, 0) << "less than it was told";
  EXPECT_EQ(gateway_->get("/nodes").status, 200);
}

TEST_F(Churn, ADrainingGatewayAnswersWhatItHasAccepted) {
  origin_.forget();
  std::deque<RawClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(gateway_->http());
    clients.back().send(std::string("POST ") + (i % 2 == 0 ? "/nodes" : "/servers") +
                        " HTTP/1.1\r\nHost: a\r\nX-Delay-Ms: 200\r\nX-Id: " + std::to_string(i) +
                        "\r\nContent-Length: 0\r\n\r\n");
  }
  ASSERT_TRUE(await([&] { return origin_.executions().size() == 20; }));
  RawClient idle(gateway_->http());
  gateway_->process().signal(SIGTERM);
  EXPECT_TRUE(idle.await_end()) << "nothing is owed to it";
  EXPECT_TRUE(await([&] { return !RawClient(gateway_->http()).is_open(); }));
  for (RawClient& client : clients) EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(gateway_->process().await_end(), 0);
  for (const auto& [id, count] : origin_.executions()) EXPECT_EQ(count, 1) << id;
}

TEST_F(Churn, NativeClientsGetOneResponsePerRequestWhileANodeIsKilled) {
  constexpr std::uint64_t kRequests = 600;
  RawClient client(gateway_->frames());
  wire::Hello hello;
  hello.role = wire::Role::kClient;
  hello.name = "test";
  std::string bytes, payload;
  encode(hello, payload);
  wire::append_frame(bytes, wire::FrameType::kHello, 0, payload, 0);
  for (std::uint64_t id = 1; id <= kRequests; ++id) {
    wire::Request request;
    request.service = "nodes";
    const std::string headers = "X-Id: f" + std::to_string(id) + "\r\nX-Delay-Ms: 20\r\n";
    request.headers = headers;
    request.method = id % 2 == 0 ? "GET" : "POST";
    request.repeatable = id % 2 == 0;
    payload.clear();
    encode(request, payload);
    wire::append_frame(bytes, wire::FrameType::kRequest, id, payload, 0);
  }
  client.send(bytes);
  ASSERT_TRUE(await([&] { return origin_.executions().size() > 100; }));
  nodes_[0].process().kill();
  std::set<std::uint64_t> answered;
  std::string scratch;
  while (answered.size() < kRequests) {
    const wire::Decoded decoded = wire::decode_frame(client.unread(), {}, scratch);
    ASSERT_EQ(decoded.error, wire::FrameError::kNone);
    if (decoded.consumed == 0) {
      ASSERT_TRUE(client.receive()) << answered.size();
      continue;
    }
    if (decoded.frame.type == wire::FrameType::kResponse) {
      EXPECT_TRUE(answered.insert(decoded.frame.id).second) << decoded.frame.id << " twice";
    }
    client.take(decoded.consumed);
  }
  EXPECT_FALSE(client.receive(std::chrono::milliseconds(50))) << "nothing is left to say";
  for (const auto& [id, count] : origin_.executions()) {
    const bool is_post = number_of(std::string_view(id).substr(1)) % 2 == 1;
    EXPECT_TRUE(!is_post || count == 1) << id << " done " << count;
  }
}

}  // namespace
}  // namespace phoenix::system_test
