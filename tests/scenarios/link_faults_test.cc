// What each effect on links does to messages, one by one. Two gateways are endpoints 0 and 1; nodes
// 0 to 2 are endpoints 2 to 4.
#include "scenarios/link_faults.h"

#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace phoenix {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kGateway = 0;
constexpr std::uint32_t kOtherGateway = 1;
constexpr std::uint32_t kNode = 2;
constexpr std::uint32_t kOtherNode = 3;

// From gateway 0 to node 0.
FaultEvent effect(std::uint32_t id, FaultAction action) {
  FaultEvent event;
  event.effect = id;
  event.action = action;
  event.from = {{true, 0}};
  event.to = {{false, 0}};
  return event;
}

FaultEvent loss(std::uint32_t id, double p) {
  FaultEvent event = effect(id, FaultAction::kLoss);
  event.magnitude = p;
  return event;
}

FaultEvent delay(std::uint32_t id, Duration constant, Duration jitter = Duration{0}) {
  FaultEvent event = effect(id, FaultAction::kDelay);
  event.duration2 = constant;
  event.jitter = jitter;
  return event;
}

FaultEvent clog(std::uint32_t id, std::int64_t capacity) {
  FaultEvent event = effect(id, FaultAction::kClog);
  event.capacity = capacity;
  return event;
}

class LinkFaultsTest : public ::testing::Test {
 protected:
  LinkFate::Kind sent(std::uint32_t from, std::uint32_t to, std::uint64_t message = 1) {
    return faults_.on_send(from, to, message).kind;
  }
  LinkFate::Kind arrived(std::uint32_t from, std::uint32_t to, std::uint64_t message = 1) {
    return faults_.on_arrival(from, to, message).kind;
  }

  Streams streams_{7};
  LinkFaults faults_{streams_, 2, 3};
};

constexpr auto kPasses = LinkFate::Kind::kPasses;
constexpr auto kLost = LinkFate::Kind::kLost;
constexpr auto kHeld = LinkFate::Kind::kHeld;

TEST_F(LinkFaultsTest, AreQuietUntilOneBegins) {
  EXPECT_FALSE(faults_.any());
  EXPECT_EQ(sent(kGateway, kNode), kPasses);
  faults_.begin(effect(4, FaultAction::kCut));
  EXPECT_TRUE(faults_.any());
  faults_.end(4);
  EXPECT_FALSE(faults_.any());
}

TEST_F(LinkFaultsTest, ACutStopsItsDirectionOnlyAlsoWhatWasSentBefore) {
  faults_.begin(effect(0, FaultAction::kCut));
  EXPECT_EQ(sent(kGateway, kNode), kLost);
  EXPECT_EQ(arrived(kGateway, kNode), kLost);
  EXPECT_EQ(sent(kNode, kGateway), kPasses);
  EXPECT_EQ(sent(kOtherGateway, kNode), kPasses);
  EXPECT_EQ(sent(kGateway, kOtherNode), kPasses);
  EXPECT_EQ(faults_.affected(0), 2U);
}

TEST_F(LinkFaultsTest, HealingOneCutDoesNotHealAnother) {
  faults_.begin(effect(0, FaultAction::kCut));
  faults_.begin(effect(1, FaultAction::kCut));
  faults_.end(0);
  EXPECT_EQ(sent(kGateway, kNode), kLost);
  faults_.end(1);
  EXPECT_EQ(sent(kGateway, kNode), kPasses);
  EXPECT_EQ(faults_.affected(0), 0U);
  EXPECT_EQ(faults_.affected(1), 1U) << "known after its end";
}

// Independent chances: 1 - 0.9 * 0.8 = 0.28 of 20,000, standard deviation 63.
TEST_F(LinkFaultsTest, LossesCombineAsIndependentChances) {
  faults_.begin(loss(0, 0.1));
  faults_.begin(loss(1, 0.2));
  int lost = 0;
  for (std::uint64_t m = 0; m < 20'000; ++m) lost += sent(kGateway, kNode, m) == kLost;
  EXPECT_NEAR(lost, 5600, 4 * 63);
}

TEST_F(LinkFaultsTest, LossStrikesOnSendingOnly) {
  faults_.begin(loss(0, 1.0));
  EXPECT_EQ(sent(kGateway, kNode), kLost);
  EXPECT_EQ(arrived(kGateway, kNode), kPasses);
  EXPECT_EQ(faults_.affected(0), 1U);
}

TEST_F(LinkFaultsTest, AMessagesFateHangsOnItsNumberNotOnWhatCameBefore) {
  faults_.begin(loss(3, 0.5));
  faults_.begin(delay(5, 1ms, 10ms));
  std::vector<LinkFate> fates;
  for (std::uint64_t m = 0; m < 100; ++m) fates.push_back(faults_.on_send(kGateway, kNode, m));

  LinkFaults again(streams_, 2, 3);
  again.begin(loss(3, 0.5));
  again.begin(delay(5, 1ms, 10ms));
  std::set<double> delays;
  for (std::uint64_t m = 100; m-- > 0;) {
    const LinkFate fate = again.on_send(kGateway, kNode, m);
    EXPECT_EQ(fate.kind, fates[m].kind);
    EXPECT_EQ(fate.delay_ns, fates[m].delay_ns);
    if (fate.kind == kPasses) delays.insert(fate.delay_ns);
  }
  EXPECT_GT(delays.size(), 20U) << "each message has its own";
}

TEST_F(LinkFaultsTest, DelaysAddAndFollowTheirSteps) {
  faults_.begin(delay(0, 10ms));
  faults_.begin(delay(1, 3ms));
  EXPECT_EQ(faults_.on_send(kGateway, kNode, 1).delay_ns, 13e6);
  EXPECT_EQ(faults_.on_arrival(kGateway, kNode, 1).delay_ns, 0);
  faults_.step(delay(0, 20ms));
  EXPECT_EQ(faults_.on_send(kGateway, kNode, 1).delay_ns, 23e6);
}

// Mean of 10,000 exponential delays of mean 4 ms after 1 ms: 5 ms, standard error 0.04 ms.
TEST_F(LinkFaultsTest, JitterIsExponential) {
  faults_.begin(delay(0, 1ms, 4ms));
  double sum = 0;
  for (std::uint64_t m = 0; m < 10'000; ++m) {
    const double delay_ns = faults_.on_send(kGateway, kNode, m).delay_ns;
    EXPECT_GE(delay_ns, 1e6);
    sum += delay_ns;
  }
  EXPECT_NEAR(sum / 10'000, 5e6, 4 * 0.04e6);
}

TEST_F(LinkFaultsTest, AClogHoldsUpToItsCapacityAndLosesTheRest) {
  faults_.begin(clog(9, 2));
  EXPECT_EQ(sent(kGateway, kNode), kHeld);
  EXPECT_EQ(faults_.on_arrival(kGateway, kNode, 2).held_by, 9U);
  EXPECT_EQ(sent(kGateway, kNode), kLost);
  EXPECT_EQ(arrived(kGateway, kNode), kLost);
  EXPECT_EQ(faults_.affected(9), 4U);
}

TEST_F(LinkFaultsTest, WhatIsCutAndCloggedIsLostAndTakesNoRoom) {
  faults_.begin(clog(0, 1));
  faults_.begin(effect(1, FaultAction::kCut));
  EXPECT_EQ(sent(kGateway, kNode), kLost);
  faults_.end(1);
  EXPECT_EQ(sent(kGateway, kNode), kHeld);
}

TEST_F(LinkFaultsTest, BandwidthFactorsMultiplyPerEndpointAndCountWhatMeetsThem) {
  FaultEvent half = effect(0, FaultAction::kBandwidth);
  half.from = half.to = {{false, 0}};
  half.magnitude = 0.5;
  FaultEvent tenth = half;
  tenth.effect = 1;
  tenth.magnitude = 0.1;
  faults_.begin(half);
  faults_.begin(tenth);
  EXPECT_DOUBLE_EQ(faults_.bandwidth_factor(kNode), 0.05);
  EXPECT_EQ(faults_.bandwidth_factor(kOtherNode), 1.0);
  EXPECT_EQ(sent(kGateway, kNode), kPasses);
  EXPECT_EQ(sent(kNode, kGateway), kPasses);
  EXPECT_EQ(sent(kOtherNode, kGateway), kPasses);
  EXPECT_EQ(arrived(kGateway, kNode), kPasses);
  EXPECT_EQ(faults_.affected(0), 2U);
  tenth.magnitude = 0.2;
  faults_.step(tenth);
  EXPECT_DOUBLE_EQ(faults_.bandwidth_factor(kNode), 0.1);
}

TEST(MessageNumbers, AreApart) {
  std::set<std::uint64_t> numbers;
  for (std::uint64_t seq = 0; seq < 50; ++seq) {
    for (std::uint32_t attempt = 0; attempt < 255; ++attempt) {
      EXPECT_TRUE(numbers.insert(request_number(seq, attempt)).second);
      EXPECT_TRUE(numbers.insert(answer_number(request_number(seq, attempt))).second);
    }
  }
  for (std::uint64_t round = 0; round < 5; ++round) {
    for (std::uint32_t node = 0; node < 3; ++node) {
      for (std::uint32_t gateway = 0; gateway < 2; ++gateway) {
        EXPECT_TRUE(numbers.insert(report_number(round, node, 3, gateway, 2)).second);
      }
    }
  }
  EXPECT_EQ(request_number(1, 300), request_number(1, 255)) << "never those of the next request";
}

}  // namespace
}  // namespace phoenix
