// Who belongs to the cluster, and what threads are told of it.
#include "runtime/gateway/directory.h"

#include <gtest/gtest.h>

namespace phoenix::gateway {
namespace {

using std::chrono::seconds;

class DirectoryRules : public ::testing::Test {
 protected:
  Announcement named(const std::string& name, std::uint64_t incarnation = 1) {
    return {name, "127.0.0.1:7001", incarnation, 2, "", {{"api", 1.0}}};
  }
  Time at(int s) { return kStart + seconds(s); }

  std::vector<NodeView> told_;
  Directory directory_{seconds(60), 3, ZoneList({}),
                       [this](const NodeView& node) { told_.push_back(node); }};
};

TEST_F(DirectoryRules, NodesAreNumberedInTheOrderTheyCome) {
  EXPECT_EQ(*directory_.announce(1, named("b")), NodeId{0});
  EXPECT_EQ(*directory_.announce(2, named("a")), NodeId{1});
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1].name, "a");
  EXPECT_EQ(told_[1].state, NodeState::kUp);
  EXPECT_EQ(told_[1].offers, (std::vector<ServiceOffer>{{"api", 1.0}}));
}

TEST_F(DirectoryRules, NodesOfOneZoneShareItsNumber) {
  Announcement east = named("a"), west = named("b"), nowhere = named("c");
  east.zone = "east";
  west.zone = "west";
  ASSERT_TRUE(directory_.announce(1, east));
  ASSERT_TRUE(directory_.announce(2, west));
  ASSERT_TRUE(directory_.announce(3, nowhere));
  EXPECT_EQ(told_[0].zone_id, ZoneId{0});
  EXPECT_EQ(told_[1].zone_id, ZoneId{1});
  EXPECT_EQ(told_[2].zone_id, kNoZone);
  west.zone = "east";  // it has moved
  ASSERT_TRUE(directory_.announce(2, west));
  EXPECT_EQ(told_.back().zone_id, ZoneId{0});
  EXPECT_EQ(told_.back().zone, "east");
}

TEST_F(DirectoryRules, ANodeWhoseConnectionEndsIsDownAndComesBackUnderItsNumber) {
  ASSERT_TRUE(directory_.announce(1, named("a")));
  ASSERT_TRUE(directory_.announce(2, named("b")));
  directory_.closed(1, at(10));
  EXPECT_EQ(told_.back().state, NodeState::kDown);
  EXPECT_EQ(directory_.next_wake(), at(70));
  EXPECT_EQ(*directory_.announce(3, named("a", 2)), NodeId{0});
  EXPECT_EQ(told_.back().state, NodeState::kUp);
  EXPECT_EQ(told_.back().incarnation, 2U);
  EXPECT_EQ(directory_.next_wake(), kNever);
}

TEST_F(DirectoryRules, ANodeUnheardOfIsForgottenAndItsNumberIsFree) {
  ASSERT_TRUE(directory_.announce(1, named("a")));
  directory_.closed(1, at(10));
  directory_.on_wake(at(69));
  EXPECT_FALSE(told_.back().has_left);
  directory_.on_wake(at(70));
  EXPECT_TRUE(told_.back().has_left);
  EXPECT_TRUE(directory_.nodes().empty());
  EXPECT_EQ(*directory_.announce(2, named("c")), NodeId{0});
}

TEST_F(DirectoryRules, GoodbyeDrainsANodeAndTheEndOfItsConnectionLetsItLeave) {
  ASSERT_TRUE(directory_.announce(1, named("a")));
  directory_.goodbye(1);
  EXPECT_EQ(told_.back().state, NodeState::kDraining);
  directory_.closed(1, at(1));
  EXPECT_TRUE(told_.back().has_left);
}

TEST_F(DirectoryRules, ANewIncarnationReplacesAnOldOneWhoseConnectionHasNotEndedYet) {
  ASSERT_TRUE(directory_.announce(1, named("a", 1)));
  ASSERT_TRUE(directory_.announce(2, named("a", 2)));
  const std::size_t told = told_.size();
  directory_.closed(1, at(1));
  EXPECT_EQ(told_.size(), told);
  EXPECT_EQ(told_.back().state, NodeState::kUp);
}

TEST_F(DirectoryRules, ANodeWithSeveralConnectionsIsDownWhenTheLastEnds) {
  ASSERT_TRUE(directory_.announce(1, named("a")));
  ASSERT_TRUE(directory_.announce(2, named("a")));
  directory_.closed(1, at(1));
  EXPECT_EQ(told_.back().state, NodeState::kUp);
  directory_.closed(2, at(1));
  EXPECT_EQ(told_.back().state, NodeState::kDown);
}

TEST_F(DirectoryRules, AConnectionAnnouncesOneNodeOnlyWhichIsDownWhenItEnds) {
  ASSERT_TRUE(directory_.announce(1, named("a")));
  const Result<NodeId> second = directory_.announce(1, named("b"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), "found \"b\" on the connection of \"a\"; allowed one node each");
  directory_.closed(1, at(1));
  EXPECT_EQ(told_.back().name, "a");
  EXPECT_EQ(told_.back().state, NodeState::kDown);
}

TEST_F(DirectoryRules, MoreThanTheBoundMayNotJoin) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(directory_.announce(i, named("n" + std::to_string(i))));
  }
  const Result<NodeId> refused = directory_.announce(4, named("n4"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("max_nodes = 3"), std::string::npos);
  EXPECT_TRUE(directory_.announce(5, named("n2", 7)));
}

TEST_F(DirectoryRules, AnOperatorsDrainAndWeightOutliveARestart) {
  ASSERT_TRUE(directory_.announce(1, named("a")));
  ASSERT_TRUE(directory_.drain("a"));
  ASSERT_TRUE(directory_.set_weight("a", "api", 3));
  directory_.closed(1, at(1));
  ASSERT_TRUE(directory_.announce(2, named("a", 2)));
  EXPECT_EQ(told_.back().state, NodeState::kDraining);
  EXPECT_EQ(told_.back().offers[0].weight, 3);
  ASSERT_TRUE(directory_.undrain("a"));
  EXPECT_EQ(told_.back().state, NodeState::kUp);
}

TEST_F(DirectoryRules, WhatIsNotThereIsToldWithWhatIs) {
  ASSERT_TRUE(directory_.announce(1, named("web-1")));
  EXPECT_EQ(directory_.drain("web-2").error(),
            "found \"web-2\"; allowed web-1; did you mean \"web-1\"?");
  EXPECT_FALSE(directory_.set_weight("web-1", "nobody", 1));
  EXPECT_FALSE(directory_.set_weight("web-1", "api", 0));
}

TEST_F(DirectoryRules, TheEndOfASilencedNodesConnectionsGoesUnnoticedUntilItIsHeardAgain) {
  ASSERT_TRUE(directory_.announce(1, named("a")));
  directory_.silence("a");
  const std::size_t told = told_.size();
  directory_.closed(1, at(1));
  EXPECT_EQ(told_.size(), told);
  directory_.unsilence("a", at(5));
  EXPECT_EQ(told_.back().state, NodeState::kDown);
}

TEST_F(DirectoryRules, ServersOfTheConfigurationComeAndGoWithIt) {
  GatewayConfig config;
  config.max_nodes = 10;
  ServiceConfig service;
  service.name = "web";
  service.protocol = Protocol::kHttp;
  service.servers = {{{"127.0.0.1", 81}, 1}, {{"127.0.0.1", 82}, 2}};
  config.services.push_back(service);
  directory_.apply(config);
  ASSERT_EQ(directory_.nodes().size(), 2U);
  EXPECT_EQ(directory_.nodes()[1].offers[0].weight, 2);
  EXPECT_FALSE(directory_.announce(1, named("127.0.0.1:81")));
  config.services[0].servers.pop_back();
  directory_.apply(config);
  ASSERT_EQ(directory_.nodes().size(), 1U);
  EXPECT_EQ(directory_.nodes()[0].name, "127.0.0.1:81");
}

}  // namespace
}  // namespace phoenix::gateway
