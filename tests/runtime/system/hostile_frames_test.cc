// What must not get through the frame ports of gateway and node: each ends that connection, is
// counted, and the next peer is served as ever.
#include "runtime/wire/frame.h"
#include "runtime/wire/messages.h"
#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

using wire::FrameType;
using wire::Role;

constexpr const char* kToken = "a-long-enough-secret";

std::string frame(FrameType type, const std::string& payload, std::uint64_t id = 1,
                  std::size_t compress_above = 0) {
  std::string bytes;
  wire::append_frame(bytes, type, id, payload, compress_above);
  return bytes;
}

std::string hello(Role role, const std::string& token = kToken, const std::string& address = {}) {
  wire::Hello message;
  message.role = role;
  message.name = "test";
  message.token = token;
  message.address = address;
  std::string payload;
  encode(message, payload);
  return frame(FrameType::kHello, payload);
}

std::string request(const std::string& service, const std::string& body) {
  wire::Request message;
  message.service = service;
  message.body = body;
  std::string payload;
  encode(message, payload);
  return frame(FrameType::kRequest, payload, 77);
}

std::string changed(std::string bytes, std::size_t at, int value) {
  bytes[at] = static_cast<char>(value);
  return bytes;
}

struct Hostile {
  std::string name, bytes, counter;
};

// Before a peer has said who it is.
std::vector<Hostile> strangers() {
  const std::string good = hello(Role::kClient);
  return {
      {"HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "links/errors/bad_magic"},
      {"garbage", std::string(300, '\xaa'), "links/errors/bad_magic"},
      {"another version", changed(good, 1, 99), "links/errors/bad_version"},
      {"unknown type", changed(good, 2, 99), "links/errors/unknown_type"},
      {"unknown flags", changed(good, 3, 8), "links/errors/unknown_flags"},
      {"a changed byte", changed(good, good.size() - 1, 7), "links/errors/bad_checksum"},
      {"a changed id", changed(good, 9, 7), "links/errors/bad_checksum"},
      {"a length of 2 GiB", changed(good, 7, 0x7f).substr(0, wire::kHeaderBytes),
       "links/errors/too_long"},
      {"a megabyte from a stranger",
       frame(FrameType::kHello, std::string(1 << 20, 'x')).substr(0, wire::kHeaderBytes),
       "links/errors/too_long"},
      {"not LZ4", changed(frame(FrameType::kHello, "nonsense"), 3, 1), "links/errors/"},
      {"16 MiB in 64 KiB", frame(FrameType::kHello, std::string(16 << 20, '\0'), 1, 1),
       "links/errors/too_long"},
      {"a batch in a batch", frame(FrameType::kBatch, frame(FrameType::kBatch, good)),
       "links/errors/bad_batch"},
      {"compressed in a batch",
       frame(FrameType::kBatch, frame(FrameType::kHello, std::string(900, 'x'), 1, 1)),
       "links/errors/bad_batch"},
      {"half a frame in a batch", frame(FrameType::kBatch, good.substr(0, good.size() - 1)),
       "links/errors/bad_batch"},
      {"an empty batch", frame(FrameType::kBatch, ""), "links/errors/bad_batch"},
      {"an empty hello", frame(FrameType::kHello, ""), "links/errors/bad_payload"},
  };
}

class HostileFrames : public ClusterTest {
 protected:
  void SetUp() override {
    const std::string token = folder_.write("token", kToken);
    start_gateway("token_file = \"" + token + "\"\n" + node_service("echo", "/"));
    start_node("n1",
               {"--service", "echo=echo", "--token-file", token, "--lab", "--connections", "50"});
    ASSERT_TRUE(gateway_->await_nodes(1));
  }

  // A native client's request comes back.
  static void expect_served(const net::Address& port, const std::string& after) {
    RawClient client(port);
    client.send(hello(Role::kClient) + request("echo", "served?"));
    while (client.unread().find("served?") == std::string::npos && client.receive()) {
    }
    EXPECT_NE(client.unread().find("served?"), std::string::npos) << after;
  }
  // The peer ends the connection; it said nothing but, perhaps, hello.
  static void expect_cut_off(const net::Address& port, const Hostile& hostile) {
    RawClient client(port);
    client.send(hostile.bytes);
    EXPECT_TRUE(client.await_end()) << hostile.name;
    EXPECT_EQ(client.unread().find("served?"), std::string::npos) << hostile.name;
    expect_served(port, hostile.name);
  }
  // The sum where `counter` names a family.
  long counted(const std::string& counter) {
    if (!counter.ends_with('/')) return gateway_->status("/frames/" + counter);
    long sum = 0;
    const Json status = gateway_->status();
    for (const auto& one : status[Json::json_pointer("/frames/links/errors")]) {
      sum += one.get<long>();
    }
    return sum;
  }
  void expect_counted(const Hostile& hostile) {
    const long before = counted(hostile.counter);
    expect_cut_off(gateway_->frames(), hostile);
    EXPECT_EQ(counted(hostile.counter), before + 1) << hostile.name;
  }
  // What the node tells a lab.
  Json node_stats() {
    RawClient lab(nodes_[0].address());
    lab.send(hello(Role::kLab) + frame(FrameType::kControl, R"({"stats": true})"));
    std::string scratch;
    for (;;) {
      const wire::Decoded decoded = wire::decode_frame(lab.unread(), {}, scratch);
      if (decoded.consumed == 0 && !lab.receive()) return {};
      if (decoded.consumed == 0) continue;
      if (decoded.frame.type == FrameType::kControl) {
        return parse_json(std::string(decoded.frame.payload));
      }
      lab.take(decoded.consumed);
    }
  }
};

TEST_F(HostileFrames, TheGatewayRefusesAndCountsEachStranger) {
  for (const Hostile& hostile : strangers()) expect_counted(hostile);
}

TEST_F(HostileFrames, TheNodeRefusesAndCountsEachStranger) {
  long bad = node_stats()["bad_frames"].get<long>();
  for (const Hostile& hostile : strangers()) {
    expect_cut_off(nodes_[0].address(), hostile);
    EXPECT_EQ(node_stats()["bad_frames"].get<long>(), bad + 1) << hostile.name;
    bad = node_stats()["bad_frames"].get<long>();
  }
}

TEST_F(HostileFrames, TheGatewayTakesOnlyWhatARoleMaySend) {
  const std::string client = hello(Role::kClient);
  const std::vector<Hostile> all = {
      {"wrong token", hello(Role::kClient, "guess") + request("echo", "served?"),
       "refused/wrong_token"},
      {"no token", hello(Role::kNode, "", "127.0.0.1:1"), "refused/wrong_token"},
      {"a gateway", hello(Role::kGateway), "refused/wrong_role"},
      {"a lab in production", hello(Role::kLab), "refused/wrong_role"},
      {"a node from nowhere", hello(Role::kNode, kToken, "not an address"),
       "refused/bad_announcement"},
      {"no hello", request("echo", "served?"), "refused/no_hello"},
      {"a client that reports", client + frame(FrameType::kReport, "x"), "links/errors/unexpected"},
      {"a client that answers", client + frame(FrameType::kResponse, "x"),
       "links/errors/unexpected"},
      {"a client that commands", client + frame(FrameType::kControl, "{}"),
       "links/errors/unexpected"},
      {"a second hello", client + client, "links/errors/unexpected"},
      {"a request of noise", client + frame(FrameType::kRequest, std::string(60, '\xff')),
       "links/errors/bad_payload"},
      {"a frame beyond all bounds",
       client + frame(FrameType::kRequest, std::string((16 << 20) + 1, 'x'))
                    .substr(0, wire::kHeaderBytes),
       "links/errors/too_long"},
  };
  for (const Hostile& hostile : all) expect_counted(hostile);
  EXPECT_EQ(gateway_->status()["nodes"].size(), 1U);
}

TEST_F(HostileFrames, TheNodeTakesOnlyWhatARoleMaySend) {
  const std::string gateway = hello(Role::kGateway);
  for (const Hostile& hostile : std::vector<Hostile>{
           {"wrong token", hello(Role::kGateway, "guess") + request("echo", "served?"), ""},
           {"no token", hello(Role::kLab, ""), ""},
           {"a node", hello(Role::kNode, kToken, "127.0.0.1:1"), ""},
           {"no hello", request("echo", "served?"), ""},
           {"a gateway that commands", gateway + frame(FrameType::kControl, "{}"), ""},
           {"a gateway that answers", gateway + frame(FrameType::kResponse, "x"), ""},
           {"a request of noise", gateway + frame(FrameType::kRequest, std::string(60, '\xff')),
            ""}}) {
    const long bad = node_stats()["bad_frames"].get<long>();
    expect_cut_off(nodes_[0].address(), hostile);
    EXPECT_EQ(node_stats()["bad_frames"].get<long>(), bad + 1) << hostile.name;
  }
}

TEST_F(HostileFrames, FramesCutOffAnywhereHarmNobody) {
  const std::string whole = hello(Role::kClient) + request("echo", "served?");
  for (const net::Address& port : {gateway_->frames(), nodes_[0].address()}) {
    for (std::size_t length = 1; length < whole.size(); length += 5) {  // the node takes 50
      RawClient(port).send(whole.substr(0, length));
    }
    expect_served(port, "cut off");
  }
  EXPECT_TRUE(await([&] { return gateway_->status("/open_requests") == 0; }));
}

TEST_F(HostileFrames, BytesOneByOneAreAFrameInTheEnd) {
  const std::string whole = hello(Role::kClient) + request("echo", "served?");
  for (const net::Address& port : {gateway_->frames(), nodes_[0].address()}) {
    RawClient client(port);
    for (const char byte : whole) client.send({&byte, 1});
    while (client.unread().find("served?") == std::string::npos && client.receive()) {
    }
    EXPECT_NE(client.unread().find("served?"), std::string::npos);
  }
}

TEST_F(HostileFrames, WhoAsksAndDoesNotReadIsHeldBack) {
  for (const net::Address& port : {gateway_->frames(), nodes_[0].address()}) {
    RawClient deaf(port);
    deaf.send_within(std::chrono::milliseconds(300));
    const std::string more = request("echo", std::string(256 * 1024, 'x'));
    bool is_taken = deaf.send(hello(Role::kClient));
    std::size_t sent = 0;
    for (; is_taken && sent < 2000; ++sent) is_taken = deaf.send(more);
    EXPECT_LT(sent, 2000U) << "half a gigabyte must not be taken";
    EXPECT_LT(resident_kib(gateway_->process().pid()), 200 * 1024);
    EXPECT_LT(resident_kib(nodes_[0].process().pid()), 200 * 1024);
    expect_served(port, "deaf");
  }
  EXPECT_TRUE(await([&] { return gateway_->status("/open_requests") == 0; }));
}

TEST_F(HostileFrames, WhoNeverSaysWhoItIsIsSentAway) {
  RawClient at_gateway(gateway_->frames()), at_node(nodes_[0].address());
  at_gateway.send(hello(Role::kClient).substr(0, 10));
  at_node.send(hello(Role::kClient).substr(0, 10));
  EXPECT_TRUE(at_gateway.await_end(std::chrono::seconds(15)));
  EXPECT_TRUE(at_node.await_end(std::chrono::seconds(15)));
  EXPECT_EQ(gateway_->status("/frames/refused/no_hello"), 1);
}

TEST_F(HostileFrames, AFloodOfConnectionsToANodeIsRefusedBeyondTheLimit) {
  std::deque<RawClient> flood;
  for (int i = 0; i < 200; ++i) flood.emplace_back(nodes_[0].address());
  EXPECT_EQ(gateway_->get("/").status, 200) << "the gateway's connections stand";
  for (RawClient& client : flood) client.send(hello(Role::kClient) + request("echo", "served?"));
  int served = 0;
  for (RawClient& client : flood) {
    while (client.unread().find("served?") == std::string::npos && client.receive()) {
    }
    served += client.unread().find("served?") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(served, 46) << "50 less the gateway's";
  flood.clear();
  EXPECT_TRUE(await([&] {
    const Json stats = node_stats();
    return stats.is_object() && stats["connections"] == 5;
  }));
  EXPECT_GE(node_stats()["connections_refused"], 154);
  expect_served(nodes_[0].address(), "flood");
}

}  // namespace
}  // namespace phoenix::system_test
