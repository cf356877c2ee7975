// An agent moves between two nodes while it is written to: driven by the migration protocol, over
// real sockets. Whatever happens, every request is answered once and nothing that was written is
// lost.
#include "runtime/agents/agent_mover.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/node/kv_handler.h"
#include "runtime/node/node.h"
#include "tests/runtime/node/peers.h"
#include "tests/runtime/node/serve.h"

namespace phoenix::agents {
namespace {

using node::encode_kv;
using node::serve_until;
using node::TestClient;
using testing::HasSubstr;

constexpr NodeId kSource{0}, kTarget{1};
constexpr AgentId kAgent{0};
constexpr const char* kService = "cache";
constexpr int kWrittenBefore = 2'000;
constexpr std::size_t kAtOnce = 16;

std::string value_of(int key) { return "value " + std::to_string(key) + std::string(500, '.'); }

OrderLink::Settings lab_at(const net::Address& address) {
  OrderLink::Settings settings;
  settings.address = address;
  settings.role = wire::Role::kLab;
  return settings;
}

class AgentMoverTest : public ::testing::Test {
 protected:
  AgentMoverTest()
      : migrations_(inventory_, options()),
        mover_([this](NodeId id) { return party(id); },
               [this](const MigrationOrder& order, const Status& how, double dirty_bytes) {
                 on_ended(order, how, dirty_bytes);
               }) {
    for (const NodeId id : {kSource, kTarget}) {
      nodes_.push_back(start(id));
      links_.push_back(std::make_unique<OrderLink>(loop_, lab_at(nodes_.back()->local())));
      NodeSpec spec;
      spec.id = id;
      spec.capacity[Resource::kCpu] = 10;
      EXPECT_TRUE(inventory_.add_node(spec).ok());
    }
    AgentSpec agent;
    agent.id = kAgent;
    agent.need[Resource::kCpu] = 1;
    EXPECT_TRUE(inventory_.place(agent, kSource, loop_.now()).ok());
    inventory_.observe(kAgent, {1e6, 1e5, 100});
    client_ = std::make_unique<TestClient>(loop_, nodes_[0]->local(), wire::Role::kGateway);
    for (int i = 0; i < kWrittenBefore; ++i) write();
    EXPECT_TRUE(serve_until(loop_, [&] { return all_answered(); }));
  }

  static MigrationOptions options() {
    MigrationOptions options;
    options.means.rest_bytes = 5'000;
    options.means.rounds_max = 5;
    return options;
  }
  std::unique_ptr<node::Node> start(NodeId id) {
    node::NodeSettings settings;
    settings.lab = true;
    settings.name = "node-" + std::to_string(index(id));
    settings.services = {{kService, "kv", 1, id == kTarget}};
    auto made = node::Node::make(loop_, settings);
    EXPECT_TRUE(made.ok()) << made.error();
    EXPECT_TRUE((*made)->start().ok());
    return std::move(*made);
  }
  AgentMover::Party party(NodeId id) {
    const auto& node = nodes_[index(id)];
    if (node == nullptr) return {};
    return {links_[index(id)].get(), node->local().text()};
  }

  void write() {
    client_->request(static_cast<std::uint64_t>(written_), kService,
                     encode_kv('P', std::to_string(written_), value_of(written_)));
    ++written_;
  }
  bool all_answered() const {
    return client_->responses.size() == static_cast<std::size_t>(written_);
  }
  // Writes on and on until it is over.
  template <class Over>
  void write_until(Over over) {
    EXPECT_TRUE(serve_until(loop_, [&] {
      while (written_ - static_cast<int>(client_->responses.size()) < static_cast<int>(kAtOnce)) {
        write();
      }
      return over();
    }));
    EXPECT_TRUE(serve_until(loop_, [&] { return all_answered(); }));
  }
  void expect_all_written() const {
    for (const auto& [id, response] : client_->responses) {
      ASSERT_EQ(response.result, AttemptResult::kOk) << "request " << id;
      ASSERT_EQ(response.status, 201) << "request " << id;
    }
  }
  // Every key, from this node itself.
  void expect_all_at(NodeId id) {
    TestClient reader(loop_, nodes_[index(id)]->local(), wire::Role::kGateway);
    for (int key = 0; key < written_; ++key) {
      reader.request(static_cast<std::uint64_t>(key), kService,
                     encode_kv('G', std::to_string(key), ""));
    }
    ASSERT_TRUE(serve_until(
        loop_, [&] { return reader.responses.size() == static_cast<std::size_t>(written_); }));
    for (const auto& [key, response] : reader.responses) {
      ASSERT_EQ(response.body, value_of(static_cast<int>(key))) << key;
    }
  }

  void begin(const std::string& method) {
    Migrations::Orders orders;
    const Status begun = migrations_.begin({kAgent, kTarget, method}, loop_.now(), orders);
    ASSERT_TRUE(begun.ok()) << begun.error();
    carry_out(orders);
  }
  void carry_out(const Migrations::Orders& orders) {
    for (const MigrationOrder& order : orders) {
      actions_.push_back(order.action);
      if (kill_target_at_ == order.action) kill_target();
      mover_.step(order, kService, 1);
    }
  }
  void on_ended(const MigrationOrder& order, const Status& how, double dirty_bytes) {
    Migrations::Orders orders;
    if (how) {
      migrations_.step_done(order.token, loop_.now(), dirty_bytes, orders);
    } else {
      migrations_.step_failed(order.token, how.error(), loop_.now(), orders);
    }
    carry_out(orders);
  }
  void kill_target() {
    kill_target_at_.reset();
    nodes_[1].reset();
    links_[1]->give_up();
    loop_.post([this] {
      Migrations::Orders orders;
      migrations_.node_died(kTarget, loop_.now(), orders);
      inventory_.remove_node(kTarget);
      carry_out(orders);
    });
  }
  bool is_over() const { return migrations_.running() == 0; }
  long count(MigrationAction action) const {
    return std::count(actions_.begin(), actions_.end(), action);
  }
  MigrationOutcome outcome() {
    const std::vector<MigrationOutcome> outcomes = migrations_.take_outcomes();
    EXPECT_EQ(outcomes.size(), 1U);
    return outcomes.empty() ? MigrationOutcome{} : outcomes.front();
  }

  net::Loop loop_;
  Inventory inventory_;
  Migrations migrations_;
  std::vector<std::unique_ptr<node::Node>> nodes_;
  std::vector<std::unique_ptr<OrderLink>> links_;
  AgentMover mover_;
  std::unique_ptr<TestClient> client_;
  int written_ = 0;
  std::vector<MigrationAction> actions_;
  std::optional<MigrationAction> kill_target_at_;
};

TEST_F(AgentMoverTest, ALiveMoveLosesNoWriteAndReportsItsPause) {
  begin("live");
  write_until([&] { return is_over(); });
  const MigrationOutcome moved = outcome();
  EXPECT_EQ(moved.kind, OutcomeKind::kDone) << moved.cause;
  EXPECT_GE(moved.rounds, 1);
  EXPECT_GT(moved.downtime, Duration{0});
  EXPECT_LT(moved.downtime, moved.took);
  EXPECT_GT(written_, kWrittenBefore) << "there was no load";
  expect_all_written();
  expect_all_at(kTarget);
}

// A gateway that has not heard of the move still sends to the old place.
TEST_F(AgentMoverTest, TheOldPlaceForwardsAndHasForgottenTheState) {
  begin("live");
  ASSERT_TRUE(serve_until(loop_, [&] { return is_over(); }));
  EXPECT_EQ(outcome().kind, OutcomeKind::kDone);
  const int before = written_;
  while (written_ < before + 100) write();
  ASSERT_TRUE(serve_until(loop_, [&] { return all_answered(); }));
  expect_all_written();
  expect_all_at(kSource);  // by way of the target
  nodes_[1].reset();
  TestClient reader(loop_, nodes_[0]->local(), wire::Role::kGateway);
  ASSERT_TRUE(serve_until(loop_, [&] {
    reader.responses.clear();
    reader.request(1, kService, encode_kv('G', "1", ""));
    static_cast<void>(serve_until(loop_, [&] { return !reader.responses.empty(); }));
    return reader.responses[1].result == AttemptResult::kRefused;
  })) << "nothing is left at the old place, and nothing serves it";
}

TEST_F(AgentMoverTest, ACheckpointMovesEverythingToo) {
  begin("checkpoint");
  write_until([&] { return is_over(); });
  const MigrationOutcome moved = outcome();
  EXPECT_EQ(moved.kind, OutcomeKind::kDone) << moved.cause;
  EXPECT_EQ(count(MigrationAction::kCopyRound), 0);
  expect_all_written();
  expect_all_at(kTarget);
}

TEST_F(AgentMoverTest, AColdMoveStartsAnewAtTheTarget) {
  begin("cold");
  write_until([&] { return is_over(); });
  EXPECT_EQ(outcome().kind, OutcomeKind::kDone);
  expect_all_written();
  TestClient reader(loop_, nodes_[1]->local(), wire::Role::kGateway);
  reader.request(1, kService, encode_kv('G', "1", ""));
  ASSERT_TRUE(serve_until(loop_, [&] { return !reader.responses.empty(); }));
  EXPECT_EQ(reader.responses[1].status, 404) << "state that is not stored is lost";
}

class TargetDies : public AgentMoverTest, public testing::WithParamInterface<MigrationAction> {};

TEST_P(TargetDies, AndTheSourceServesOnWithEverything) {
  kill_target_at_ = GetParam();
  begin("live");
  write_until([&] { return is_over(); });
  const MigrationOutcome failed = outcome();
  EXPECT_EQ(failed.kind, OutcomeKind::kFailed);
  EXPECT_FALSE(failed.is_lost);
  EXPECT_FALSE(kill_target_at_.has_value()) << "the step never came";
  EXPECT_EQ(inventory_.agent(kAgent).node, kSource);
  expect_all_written();
  expect_all_at(kSource);
}

INSTANTIATE_TEST_SUITE_P(AtEveryStep, TargetDies,
                         testing::Values(MigrationAction::kStartTarget, MigrationAction::kCopyRound,
                                         MigrationAction::kFreeze, MigrationAction::kSendRest,
                                         MigrationAction::kSwitchRoute),
                         [](const auto& at) { return std::string(to_text(at.param)); });

}  // namespace
}  // namespace phoenix::agents
