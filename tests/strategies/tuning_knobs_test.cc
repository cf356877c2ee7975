// Knobs and the arithmetic about them.
#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "strategies/tuning/formulas.h"
#include "strategies/tuning/knobs.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {
namespace {

using testing::HasSubstr;

TEST(Knobs, TheListIsInTheOrderOfTheIdsAndDefaultsAreAllowed) {
  ASSERT_EQ(knob_list().size(), kKnobs);
  for (std::size_t i = 0; i < kKnobs; ++i) {
    const KnobInfo& info = knob_list()[i];
    EXPECT_EQ(static_cast<std::size_t>(info.id), i);
    EXPECT_EQ(&knob_info(info.id), &info);
    EXPECT_EQ(*knob_named(info.name), info.id);
    EXPECT_LE(info.low, info.safe_low);
    EXPECT_LE(info.safe_low, info.first);
    EXPECT_LE(info.first, info.safe_high);
    EXPECT_LE(info.safe_high, info.high);
    EXPECT_FALSE(info.help.empty());
    EXPECT_EQ(nearest_safe(info.id, info.first), info.first) << info.name;
  }
  EXPECT_TRUE(check_knobs(Knobs{}));
}

TEST(Knobs, EveryKnobCanBeSetReadPrintedAndParsed) {
  Random random(1);
  for (const KnobInfo& info : knob_list()) {
    for (int i = 0; i < 200; ++i) {
      const double wanted = info.safe_low + random.uniform() * (info.safe_high - info.safe_low);
      const double value = nearest_safe(info.id, wanted);
      Knobs knobs;
      ASSERT_TRUE(set_knob(knobs, info.id, value)) << info.name << ' ' << value;
      ASSERT_DOUBLE_EQ(knob_value(knobs, info.id), value) << info.name;
      const Result<double> parsed = parse_knob(info.id, print_knob(info.id, value));
      ASSERT_TRUE(parsed) << parsed.error();
      ASSERT_DOUBLE_EQ(*parsed, value) << info.name;
      for (const KnobInfo& other : knob_list()) {
        if (other.id == info.id) continue;
        ASSERT_EQ(knob_value(knobs, other.id), knob_value(Knobs{}, other.id));
      }
    }
  }
}

TEST(Knobs, WhatIsOutOfBoundsChangesNothing) {
  Knobs knobs;
  const auto error = [&](KnobId id, double value) {
    const Status done = set_knob(knobs, id, value);
    return done ? std::string("accepted") : done.error();
  };
  EXPECT_EQ(error(KnobId::kBatchSize, 0), "batch_size: found 0; allowed 1 to 4096");
  EXPECT_THAT(error(KnobId::kBatchSize, 2.5), HasSubstr("a whole number"));
  EXPECT_THAT(error(KnobId::kSocketBuffer, 1e12), HasSubstr("allowed 0 to 268435456"));
  EXPECT_NE(error(KnobId::kPoolSize, std::nan("")), "accepted");
  EXPECT_NE(error(KnobId::kHibernateIdle, std::numeric_limits<double>::infinity()), "accepted");
  EXPECT_NE(error(KnobId::kDirectRouting, 2), "accepted");
  EXPECT_EQ(knobs, Knobs{});
  knobs.pool_size = 65;
  EXPECT_EQ(check_knobs(knobs).error(), "pool_size: found 65; allowed 1 to 64");
}

TEST(Knobs, TextsAndNamesAreChecked) {
  EXPECT_THAT(knob_named("batch_sise").error(), HasSubstr("did you mean \"batch_size\"?"));
  EXPECT_EQ(print_knob(KnobId::kBatchDelay, 200e-6), "200 us");
  EXPECT_EQ(print_knob(KnobId::kCompressAbove, 4096), "4 KiB");
  EXPECT_EQ(print_knob(KnobId::kDirectRouting, 1), "true");
  EXPECT_THAT(parse_knob(KnobId::kBatchDelay, "5").error(), HasSubstr("batch_delay: "));
  EXPECT_THAT(parse_knob(KnobId::kDirectRouting, "yes").error(), HasSubstr("true or false"));
  EXPECT_THAT(parse_knob(KnobId::kPoolSize, "100").error(), HasSubstr("allowed 1 to 64"));
}

TEST(Knobs, ADecisionCarriesNameAndValue) {
  TuningAction action;
  action.kind = ActionKind::kNetworkBuffers;
  action.knob = KnobId::kSocketBuffer;
  action.from = 0;
  action.value = 64'000;
  action.reason = "why";
  const Decision decision = knob_decision(action);
  EXPECT_EQ(decision.kind, DecisionKind::kSetKnob);
  EXPECT_EQ(decision.subject, "socket_buffer");
  EXPECT_EQ(decision.value, 64'000);
  EXPECT_EQ(decision.text, "64 kB");
  EXPECT_STREQ(decision.family, "tuning");
  Knobs knobs;
  EXPECT_TRUE(set_knob(knobs, *knob_named(decision.subject), decision.value));
  EXPECT_EQ(knobs.socket_buffer, 64'000);
}

TEST(Formulas, BatchFillWait) {
  EXPECT_DOUBLE_EQ(batch_fill_wait(10, 1'000), 0.0045);
  EXPECT_DOUBLE_EQ(batch_fill_wait(10, 100), 0.045);  // alone eats a 50 ms target
  EXPECT_EQ(batch_for(1'000, 0.0045), 10);
  EXPECT_EQ(batch_for(100, 0.002), 1);
  EXPECT_EQ(batch_for(0, 0.002), 1);
  EXPECT_TRUE(std::isnan(batch_fill_wait(10, 0)));
}

TEST(Formulas, BufferByBandwidthDelayProduct) {
  EXPECT_EQ(buffer_for(125e6, 0.0005), 64'000);  // 62,500 fits
  EXPECT_DOUBLE_EQ(buffer_for(125e6, 0.0005, 0), 62'500);
  EXPECT_EQ(buffer_for(1'250e6, 0.001), 1'250'000);
  EXPECT_TRUE(std::isnan(buffer_for(std::nan(""), 0.001)));
}

TEST(Formulas, PoolByLittlesLaw) {
  EXPECT_EQ(pool_for(200, 0.05), 15);
  EXPECT_EQ(pool_for(0, 0.05), 1);
  EXPECT_EQ(pool_for(200, 0.0501), 16);
  EXPECT_TRUE(std::isnan(pool_for(-1, 0.05)));
}

TEST(Formulas, CompressionPaysOnSlowLinksOnly) {
  const double slow = compression_gain(2, 125e6, 700e6, 4000e6);
  const double fast = compression_gain(2, 1'250e6, 700e6, 4000e6);
  EXPECT_NEAR(1e9 * (1 / 700e6 + 1 / 4000e6), 1.68, 0.005);  // ms per MB it costs
  EXPECT_NEAR(1e9 * slow, 4.0 - 1.68, 0.005);
  EXPECT_NEAR(1e9 * fast, 0.4 - 1.68, 0.005);
  EXPECT_EQ(compress_above_for(fast, 2e-6), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(compress_above_for(slow, 2e-6), 862, 2);        // 2 us / 2.32 ns
  EXPECT_LT(compression_gain(0.9, 125e6, 700e6, 4000e6), 0);  // it grew
  EXPECT_TRUE(std::isnan(compression_gain(0, 125e6, 700e6, 4000e6)));
}

TEST(Formulas, DirectRoutingPaysWhileOwnersAreFresh) {
  EXPECT_NEAR(direct_routing_gain(100e-6, 0.01, 2e-3), 80e-6, 1e-12);
  EXPECT_LT(direct_routing_gain(100e-6, 0.1, 2e-3), 0);
}

TEST(Formulas, WorkersQueuesAndAdmission) {
  EXPECT_EQ(workers_for(4, 0), 4);
  EXPECT_EQ(workers_for(4, 0.5), 8);
  EXPECT_EQ(workers_for(4, 0.9), 40);
  EXPECT_TRUE(std::isnan(workers_for(4, 1)));
  EXPECT_EQ(queue_for(0.05, 0.005, 4), 36);
  EXPECT_EQ(queue_for(0.005, 0.05, 4), 0);
  EXPECT_EQ(in_flight_for(1'000, 0.05), 50);
  EXPECT_TRUE(std::isnan(in_flight_for(0, 0.05)));
}

TEST(Formulas, HibernationGrowsWithPressure) {
  EXPECT_EQ(hibernate_after(0.5), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(hibernate_after(0.85), 3'600);
  EXPECT_NEAR(hibernate_after(0.9), std::sqrt(3'600.0 * 10), 1e-6);
  EXPECT_NEAR(hibernate_after(0.95), 10, 1e-9);
  EXPECT_NEAR(hibernate_after(1.0), 10, 1e-9);
  EXPECT_TRUE(std::isnan(hibernate_after(std::nan(""))));
}

}  // namespace
}  // namespace phoenix
