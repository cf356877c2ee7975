#include "tests/runtime/gateway/frame_parties.h"
#include "tests/runtime/load/load_parties.h"

namespace phoenix::load {
namespace {

using gateway::testing::Party;

// A gateway, or a node that takes direct requests: says hello when asked to, keeps requests.
class FakeGateway {
 public:
  struct Got {
    Party* from;
    std::uint64_t id;
    std::uint64_t number;
    std::string service, request_class;
    std::size_t bytes;
    std::uint32_t time_left_us;
    std::uint64_t key;
    bool repeatable;
  };

  explicit FakeGateway(net::Loop& loop) : loop_(loop) { listen({"127.0.0.1", 0}); }

  net::Address address() const { return address_; }
  void listen(const net::Address& at) {
    auto opened = net::Listener::open(loop_, at, {}, [this](auto channel) {
      parties.push_back(std::make_unique<Party>(
          loop_, std::move(channel),
          [this](Party& party, const wire::Frame& frame) { on_frame(party, frame); }));
    });
    ASSERT_TRUE(opened.ok()) << opened.error();
    listener_ = std::move(*opened);
    address_ = listener_->local();
  }
  void die() {
    listener_.reset();
    parties.clear();
  }
  void answer(const Got& to, const wire::Response& response = {}) {
    to.from->link().send(to.id, response);
  }

  bool greets = true;
  std::vector<std::string> tokens;
  std::vector<Got> got;
  std::vector<std::unique_ptr<Party>> parties;

 private:
  void on_frame(Party& party, const wire::Frame& frame) {
    if (frame.type == wire::FrameType::kHello) {
      wire::Hello theirs;
      ASSERT_TRUE(wire::decode(frame.payload, theirs));
      tokens.emplace_back(theirs.token);
      wire::Hello ours;
      ours.role = wire::Role::kGateway;
      ours.name = "fake";
      if (greets) party.link().send(ours);
      return;
    }
    wire::Request request;
    ASSERT_TRUE(wire::decode(frame.payload, request));
    got.push_back({&party, frame.id, request.number, std::string(request.service),
                   std::string(request.request_class), request.body.size(), request.time_left_us,
                   request.key, request.repeatable});
  }

  net::Loop& loop_;
  net::Address address_;
  std::unique_ptr<net::Listener> listener_;
};

class FrameSenderTest : public testing::Test {
 protected:
  void make(FrameSenderSettings settings = {}) {
    settings.gateways = {gateway_.address()};
    settings.token = "secret";
    sender_ = make_frame_sender(loop_, settings, results_);
    ASSERT_TRUE(net::drive(loop_, [&] { return sender_->is_ready(); })) << sender_->problem();
  }
  static Outgoing request(std::uint64_t number) {
    Outgoing out;
    out.number = number;
    out.service = "shop";
    out.request_class = "browse";
    out.work = 0.001;
    out.request_bytes = 300;
    out.response_bytes = 100;
    out.time_left = std::chrono::milliseconds(250);
    return out;
  }
  static Outgoing keyed(std::uint64_t number, bool repeatable = true) {
    Outgoing out = request(number);
    out.key = 42;
    out.has_key = true;
    out.repeatable = repeatable;
    return out;
  }
  template <class Condition>
  void await(Condition condition) {
    ASSERT_TRUE(net::drive(loop_, condition));
  }
  // A first keyed request, whose answer names the node of its key.
  void learn(FakeGateway& node) {
    FrameSenderSettings settings;
    settings.direct = true;
    make(settings);
    sender_->send(keyed(0));
    await([&] { return gateway_.got.size() == 1; });
    wire::Response response;
    const std::string where = node.address().text();
    response.direct = where;
    gateway_.answer(gateway_.got[0], response);
    await([&] { return results_.all.size() == 1 && node.tokens.size() == 1; });
    net::settle(loop_);
  }

  net::Loop loop_;
  FakeGateway gateway_{loop_};
  KeptResults results_;
  std::unique_ptr<Sender> sender_;
};

TEST_F(FrameSenderTest, SaysAllThatTheGatewayNeeds) {
  make();
  sender_->send(request(9));
  await([&] { return gateway_.got.size() == 1; });
  const FakeGateway::Got& got = gateway_.got[0];
  EXPECT_EQ(gateway_.tokens.at(0), "secret");
  EXPECT_EQ(got.number, 9U);
  EXPECT_EQ(got.service, "shop");
  EXPECT_EQ(got.request_class, "browse");
  EXPECT_EQ(got.bytes, 300U);
  EXPECT_EQ(got.time_left_us, 250'000U);
  EXPECT_TRUE(got.repeatable);
}

TEST_F(FrameSenderTest, PassesOnWhatTheGatewaySays) {
  make();
  sender_->send(request(1));
  await([&] { return gateway_.got.size() == 1; });
  wire::Response response;
  response.reason = FailureReason::kQueueFull;
  response.node = 4;
  response.attempts = 3;
  gateway_.answer(gateway_.got[0], response);
  await([&] { return !results_.all.empty(); });
  EXPECT_EQ(results_.all[0].reason, FailureReason::kQueueFull);
  EXPECT_EQ(results_.all[0].node, 4);
  EXPECT_EQ(results_.all[0].attempts, 3);
}

TEST_F(FrameSenderTest, ANodesLateAnswerIsTheEndOfADirectRequest) {
  FakeGateway node(loop_);
  learn(node);
  sender_->send(keyed(1));
  await([&] { return node.got.size() == 1; });
  wire::Response response;
  response.result = AttemptResult::kLate;
  response.reason = FailureReason::kDeadline;
  node.answer(node.got[0], response);
  await([&] { return results_.all.size() == 2; });
  EXPECT_EQ(results_.all[1].reason, FailureReason::kDeadline);
  net::settle(loop_);
  EXPECT_EQ(gateway_.got.size(), 1U) << "asked again though it was carried out";
}

TEST_F(FrameSenderTest, IsReadyOnlyWhenTheGatewayHasTakenItIn) {
  gateway_.greets = false;
  FrameSenderSettings settings;
  settings.gateways = {gateway_.address()};
  sender_ = make_frame_sender(loop_, settings, results_);
  await([&] { return gateway_.tokens.size() == 2; });
  net::settle(loop_);
  EXPECT_FALSE(sender_->is_ready());
  for (const auto& party : gateway_.parties) party->close();
  await([&] { return sender_->problem().find("did not say hello") != std::string::npos; });
}

TEST_F(FrameSenderTest, FailsWhatWasUnderWayOnABrokenConnectionAndDialsAgain) {
  FrameSenderSettings settings;
  settings.connections = 1;
  make(settings);
  for (const std::uint64_t number : {3U, 1U, 2U}) sender_->send(request(number));
  await([&] { return gateway_.got.size() == 3; });
  gateway_.parties.front()->close();
  await([&] { return results_.all.size() == 3; });
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(results_.all[i].number, i + 1);
    EXPECT_EQ(results_.all[i].reason, FailureReason::kReset);
  }
  sender_->send(request(4));
  EXPECT_EQ(results_.all.back().number, 4U) << "there is no connection to send it on";
  await([&] { return sender_->is_ready(); });
  sender_->send(request(5));
  await([&] { return gateway_.got.size() == 4; });
}

TEST_F(FrameSenderTest, SharesRequestsBetweenItsConnections) {
  make();
  for (std::uint64_t i = 0; i < 4; ++i) sender_->send(request(i));
  await([&] { return gateway_.got.size() == 4; });
  EXPECT_EQ(gateway_.parties.size(), 2U);
  std::size_t on_first = 0;
  for (const FakeGateway::Got& got : gateway_.got) {
    on_first += got.from == gateway_.parties[0].get() ? 1 : 0;
  }
  EXPECT_EQ(on_first, 2U);
}

TEST_F(FrameSenderTest, GoesStraightToTheNodeThatOwnsTheKey) {
  FakeGateway node(loop_);
  learn(node);
  sender_->send(keyed(1));
  await([&] { return node.got.size() == 1; });
  EXPECT_EQ(node.got[0].key, 42U);
  node.answer(node.got[0]);
  await([&] { return results_.all.size() == 2; });
  EXPECT_EQ(results_.all[1].reason, FailureReason::kNone);
  EXPECT_EQ(results_.all[1].attempts, 1);
  Outgoing other = keyed(2);
  other.key = 43;
  sender_->send(other);
  await([&] { return gateway_.got.size() == 2; });
}

TEST_F(FrameSenderTest, AsksTheGatewayWhereTheNodeRefuses) {
  FakeGateway node(loop_);
  learn(node);
  sender_->send(keyed(1));
  await([&] { return node.got.size() == 1; });
  wire::Response refused;
  refused.result = AttemptResult::kRefused;
  node.answer(node.got[0], refused);
  await([&] { return gateway_.got.size() == 2; });
  EXPECT_EQ(gateway_.got[1].number, 1U);
  gateway_.answer(gateway_.got[1]);
  await([&] { return results_.all.size() == 2; });
  EXPECT_EQ(results_.all[1].reason, FailureReason::kNone);
  sender_->send(keyed(2));
  await([&] { return gateway_.got.size() == 3; });
}

TEST_F(FrameSenderTest, TriesAgainThroughTheGatewayOnlyWhatMayBeRepeatedWhenTheNodeDies) {
  FakeGateway node(loop_);
  learn(node);
  sender_->send(keyed(1, true));
  sender_->send(keyed(2, false));
  await([&] { return node.got.size() == 2; });
  node.die();
  await([&] { return results_.all.size() == 2 && gateway_.got.size() == 2; });
  EXPECT_EQ(results_.all[1].number, 2U);
  EXPECT_EQ(results_.all[1].reason, FailureReason::kReset);
  EXPECT_EQ(gateway_.got[1].number, 1U);
}

TEST_F(FrameSenderTest, SaysNothingOfWhatWasForgottenThoughTheNodeFailsIt) {
  FakeGateway node(loop_);
  learn(node);
  sender_->send(keyed(1));
  sender_->send(keyed(2));
  await([&] { return node.got.size() == 2; });
  sender_->forget(1);
  sender_->forget(2);
  wire::Response refused;
  refused.result = AttemptResult::kRefused;
  node.answer(node.got[0], refused);
  net::settle(loop_);
  node.die();
  net::settle(loop_);
  EXPECT_EQ(results_.all.size(), 1U);
  EXPECT_EQ(gateway_.got.size(), 1U);
}

}  // namespace
}  // namespace phoenix::load
