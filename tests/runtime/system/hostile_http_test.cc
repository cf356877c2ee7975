// What must not get through the HTTP port: half messages, too much, nonsense, slowness, floods, and
// requests hidden in requests. Each is refused and counted, reaches no server, and the gateway
// serves the next client as ever.
#include <sys/resource.h>

#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

// A second request, for whoever takes the first to be shorter than the gateway did.
const std::string kHidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

struct Hostile {
  std::string name, bytes;
  int status;
  std::string reason;
};

std::string post(const std::string& headers, const std::string& rest) {
  return "POST /seen HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + rest;
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body + kHidden);
}
std::string get(const std::string& headers) {
  return "GET /seen HTTP/1.1\r\n" + headers + "\r\n" + kHidden;
}

std::vector<Hostile> smuggling() {
  const std::string length = "Content-Length: " + std::to_string(kHidden.size()) + "\r\n";
  std::vector<Hostile> all;
  const auto bad = [&](const std::string& name, const std::string& bytes) {
    all.push_back({name, bytes, 400, "bad_message"});
  };
  bad("length and chunks", post(length + "Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden));
  bad("chunks and length", post("Transfer-Encoding: chunked\r\n" + length, "0\r\n\r\n" + kHidden));
  bad("two lengths", post("Content-Length: 0\r\n" + length, kHidden));
  bad("a list of lengths", post("Content-Length: 0, 33\r\n", kHidden));
  for (const std::string wrong :
       {"+0", "-1", "0x0", "0 0", "1e1", "", "\"0\"", "0;", "99999999999999999999999"}) {
    bad("length " + wrong, post("Content-Length: " + wrong + "\r\n", kHidden));
  }
  bad("space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + kHidden));
  bad("space before the colon of a length", post("Content-Length : 33\r\n", kHidden));
  bad("folded coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" + kHidden));
  bad("folded header", get("Host: a\r\nX-Folded: one\r\n two\r\n"));
  bad("folded first header", "GET /seen HTTP/1.1\r\n Host: a\r\n\r\n" + kHidden);
  bad("coding in HTTP/1.0",
      "POST /seen HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\n" +
          kHidden);
  for (const std::string size :
       {"g", "-1", "0x1", " 1", "1 ", "+1", "", "FFFFFFFFFFFFFFFFF", "11111111111111111111"}) {
    bad("chunk of " + size, chunked(size + "\r\nx\r\n0\r\n\r\n"));
  }
  bad("chunk longer than it says", chunked("1\r\nxyz\r\n0\r\n\r\n"));
  bad("chunk without its end", chunked("1\r\nx0\r\n\r\n"));
  bad("chunk line ended by LF", chunked("1\nx\r\n0\r\n\r\n"));
  for (const std::string coding :
       {"gzip, chunked", "chunked, identity", "xchunked", "identity", "chunked;q=1"}) {
    all.push_back({"coding " + coding,
                   post("Transfer-Encoding: " + coding + "\r\n", "0\r\n\r\n" + kHidden), 501,
                   "bad_encoding"});
  }
  return all;
}

std::vector<Hostile> nonsense() {
  std::vector<Hostile> all;
  const auto bad = [&](const std::string& name, const std::string& bytes) {
    all.push_back({name, bytes, 400, "bad_message"});
  };
  bad("two hosts", get("Host: a\r\nHost: b\r\n"));
  bad("no host", get(""));
  bad("host with a path", get("Host: a/b\r\n"));
  bad("host with a user", get("Host: me@a\r\n"));
  bad("name with a space", get("Host: a\r\nX Y: 1\r\n"));
  bad("empty name", get("Host: a\r\n: 1\r\n"));
  bad("no colon", get("Host: a\r\nnonsense\r\n"));
  bad("NUL in a value", get(std::string("Host: a\r\nX: a\0b\r\n", 18)));
  bad("CR in a value", get("Host: a\r\nX: a\rb\r\n"));
  bad("control in a value", get("Host: a\r\nX: a\x01\r\n"));
  bad("LF alone", "GET /seen HTTP/1.1\nHost: a\n\n" + kHidden);
  bad("space in the target", "GET /seen /it HTTP/1.1\r\nHost: a\r\n\r\n");
  bad("relative target", "GET seen HTTP/1.1\r\nHost: a\r\n\r\n");
  bad("no version", "GET /seen\r\nHost: a\r\n\r\n");
  bad("bad method", "G(T /seen HTTP/1.1\r\nHost: a\r\n\r\n");
  bad("lower-case version", "GET /seen http/1.1\r\nHost: a\r\n\r\n");
  bad("garbage", std::string("\x00\xff\x12\x80garbage\r\n\r\n", 15));
  bad("a TLS hello", std::string("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 11));
  all.push_back({"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "bad_version"});
  all.push_back({"HTTP/3", "GET /seen HTTP/3.0\r\nHost: a\r\n\r\n", 505, "bad_version"});
  all.push_back(
      {"long head", get("Host: a\r\nX: " + std::string(5000, 'x') + "\r\n"), 431, "head_too_long"});
  all.push_back({"long target", "GET /" + std::string(5000, 'x'), 431, "head_too_long"});
  std::string many = "Host: a\r\n";
  for (int i = 0; i < 2000; ++i) many += "X:\r\n";
  all.push_back({"many headers", get(many), 431, "head_too_long"});
  all.push_back({"long body", post("Content-Length: 1000000\r\n", ""), 413, "body_too_long"});
  all.push_back({"endless chunks",
                 post("Transfer-Encoding: chunked\r\n", "20000\r\n" + std::string(0x20000, 'x')),
                 413, "body_too_long"});
  return all;
}

class HostileHttp : public ClusterTest {
 protected:
  static constexpr const char* kClass = "[[service.class]]\ndeadline = \"500 ms\"\nname = \"c\"";

  void SetUp() override {
    folder_.write("large.bin", std::string(32 << 20, 'l'));
    start_gateway(config(20));
    ASSERT_TRUE(gateway_->await_answers("/normal"));
    origin_.forget();
  }

  // `connections`: of each of the two threads.
  std::string config(int connections) const {
    return "[http_limits]\nhead = \"4 KiB\"\nbody = \"64 KiB\"\nhead_timeout = \"300 ms\"\n"
           "body_timeout = \"300 ms\"\nwrite_timeout = \"300 ms\"\nconnections = " +
           std::to_string(connections) + "\n" +
           http_service("origin", {origin_.address()}, "/", kClass);
  }
  long refused(const std::string& reason) const {
    return gateway_->status("/http/refused/" + reason);
  }
  // Serves a normal request, and has passed on nothing else since.
  void expect_well(const std::string& after) {
    EXPECT_EQ(gateway_->get("/normal").status, 200) << after;
    const std::vector<SeenRequest> seen = origin_.seen();
    const auto other =
        std::ranges::find_if(seen, [](auto& one) { return one.target != "/normal"; });
    EXPECT_TRUE(other == seen.end()) << after << ": " << other->head;
    origin_.forget();
  }
  void expect_refused(const Hostile& hostile) {
    const long before = refused(hostile.reason);
    RawClient client(gateway_->http());
    client.send(hostile.bytes);
    const RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, hostile.status) << hostile.name;
    EXPECT_EQ(header_of(answer.head, "Connection"), "close") << hostile.name;
    EXPECT_TRUE(client.await_end()) << hostile.name;
    EXPECT_EQ(client.unread(), "") << hostile.name;
    EXPECT_EQ(refused(hostile.reason), before + 1) << hostile.name;
    expect_well(hostile.name);
  }
};

TEST_F(HostileHttp, NoRequestIsSmuggledInAnother) {
  for (const Hostile& hostile : smuggling()) expect_refused(hostile);
}

TEST_F(HostileHttp, WhatIsNotHttpOrTooMuchIsRefused) {
  for (const Hostile& hostile : nonsense()) expect_refused(hostile);
}

TEST_F(HostileHttp, WhatComesInATrustedHeaderIsNoFraming) {
  const RawAnswer answer = RawClient(gateway_->http())
                               .ask(
                                   "POST /normal HTTP/1.1\r\nHost: a\r\nConnection: close, "
                                   "Content-Length, Host, X-Forwarded-For\r\n"
                                   "Content-Length: 4\r\n\r\nbody");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(origin_.last().body, "body");
  EXPECT_EQ(header_of(origin_.last().head, "Host"), "a");
  expect_well("Connection naming framing headers");
}

TEST_F(HostileHttp, ConnectAndUpgradesAreNotImplemented) {
  EXPECT_EQ(RawClient(gateway_->http())
                .ask("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n")
                .status,
            501);
  EXPECT_EQ(gateway_->get("/chat", "Upgrade: websocket\r\n").status, 501);
  EXPECT_EQ(refused("not_implemented"), 2);
  expect_well("501");
}

TEST_F(HostileHttp, MessagesCutOffAnywhereReachNobody) {
  const std::string whole =
      "POST /cut HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\n";
  for (std::size_t length = 1; length < whole.size(); ++length) {
    RawClient client(gateway_->http());
    client.send(whole.substr(0, length));
    if (length % 2 != 0) continue;
    client.end_sending();
    EXPECT_TRUE(client.await_end()) << length;
  }
  ASSERT_TRUE(await([&] { return gateway_->status("/http/listener/open") == 0; }));
  expect_well("cut off");
}

TEST_F(HostileHttp, ASlowHeadAndAStalledBodyAre408) {
  RawClient slow_head(gateway_->http()), stalled_body(gateway_->http()), idle(gateway_->http());
  stalled_body.send("POST /seen HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  const std::string head = "GET /seen HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(1000, 'x');
  const auto began = Clock::now();
  std::size_t sent = 0;
  while (sent < head.size() && !slow_head.receive(std::chrono::milliseconds(20))) {
    slow_head.send(head.substr(sent++, 1));
  }
  EXPECT_GE(Clock::now() - began, std::chrono::milliseconds(300));
  EXPECT_LT(sent, head.size()) << "bytes now and then must not hold it open";
  EXPECT_EQ(slow_head.answer().status, 408);
  EXPECT_TRUE(slow_head.await_end());
  EXPECT_EQ(stalled_body.answer().status, 408);
  EXPECT_TRUE(stalled_body.await_end());
  EXPECT_EQ(gateway_->status("/http/timeouts"), 2);
  EXPECT_EQ(idle.ask("GET /normal HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
      << "a connection at rest has longer";
  expect_well("slow");
}

TEST_F(HostileHttp, WhoDoesNotReadIsCutOff) {
  SKIP_WITHOUT("nginx");
  Nginx& nginx = start_nginx();
  gateway_->configure("[http_limits]\nwrite_timeout = \"300 ms\"\n" +
                      http_service("origin", {origin_.address()}, "/", kClass) +
                      http_service("files", {nginx.address()}, "/large.bin"));
  ASSERT_TRUE(gateway_->reload());
  ASSERT_TRUE(await([&] { return gateway_->get("/large.bin").status == 200; }));
  const long before = gateway_->status("/http/timeouts");
  RawClient deaf(gateway_->http());
  deaf.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(await([&] { return gateway_->status("/http/timeouts") == before + 1; }));
  EXPECT_TRUE(await([&] { return gateway_->status("/http/listener/open") == 0; }));
  EXPECT_EQ(gateway_->status("/open_requests"), 0);
  expect_well("deaf");
}

TEST_F(HostileHttp, AFloodOfConnectionsIsRefusedBeyondTheLimit) {
  ASSERT_TRUE(await([&] { return gateway_->status("/http/listener/open") == 0; }));
  std::deque<RawClient> flood;
  for (int i = 0; i < 200; ++i) flood.emplace_back(gateway_->http());
  ASSERT_TRUE(await([&] { return gateway_->status("/http/listener/refused") == 160; }));
  EXPECT_EQ(gateway_->status("/http/listener/open"), 40);
  int served = 0;
  for (RawClient& client : flood) {
    client.send("GET /normal HTTP/1.1\r\nHost: a\r\n\r\n");
    served += client.answer().status == 200 ? 1 : 0;
  }
  EXPECT_EQ(served, 40) << "those within the limit are served";
  gateway_->configure(config(25));
  ASSERT_TRUE(gateway_->reload());
  for (int i = 0; i < 200; ++i) flood.emplace_back(gateway_->http());
  ASSERT_TRUE(await([&] { return gateway_->status("/http/listener/refused") == 350; }));
  EXPECT_EQ(gateway_->status("/http/listener/open"), 50) << "the limit of a reload";
  flood.clear();
  ASSERT_TRUE(await([&] { return gateway_->status("/http/listener/open") == 0; }));
  expect_well("flood");
}

TEST_F(HostileHttp, AFloodThatUsesUpTheDescriptorsIsSurvived) {
  const pid_t pid = gateway_->process().pid();
  rlimit usual{};
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &usual), 0);
  const rlimit few{open_descriptors(pid) + 8, usual.rlim_max};
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &few, nullptr), 0);
  std::deque<RawClient> flood;
  for (int i = 0; i < 100; ++i) flood.emplace_back(gateway_->http());
  for (RawClient& client : flood) client.send("GET /normal HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(await([&] { return open_descriptors(pid) >= few.rlim_cur; }));
  flood.clear();
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &usual, nullptr), 0);
  EXPECT_TRUE(gateway_->await_answers("/normal"));
  EXPECT_TRUE(await([&] { return gateway_->status("/http/listener/open") == 0; }));
  EXPECT_GT(gateway_->status("/http/listener/refused"), 0);
  expect_well("no descriptor left");
}

TEST_F(HostileHttp, PipeliningWithoutEndIsBounded) {
  RawClient client(gateway_->http());
  const std::string silent = "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string many;
  for (int i = 0; i < 2000; ++i) many += silent;
  client.send(many);
  ASSERT_TRUE(await([&] { return gateway_->status("/open_requests") == 64; }));
  client.close();
  ASSERT_TRUE(await([&] { return gateway_->status("/http/listener/open") == 0; }));
  ASSERT_TRUE(await([&] { return gateway_->status("/open_requests") == 0; }));
  EXPECT_LT(origin_.count(), 1000U) << "what nobody waits for is not carried out";
  origin_.forget();
  expect_well("pipelining");
}

}  // namespace
}  // namespace phoenix::system_test
