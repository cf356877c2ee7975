// The formulas of the knobs against their worked numbers, and the parts of the wire by themselves.
#include "sim/wire_model.h"

#include <vector>

#include <gtest/gtest.h>

#include "scenarios/node_server.h"
#include "sim/gateway.h"
#include "sim/keyed_agents.h"
#include "sim/wire.h"
#include "strategies/tuning/formulas.h"

namespace phoenix::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time at(Duration since_start) { return kStart + since_start; }

TEST(BatchFormula, CostsOneMessageAndLessForEachFurtherFrame) {
  EXPECT_EQ(batch_cpu(1, microseconds(5), microseconds(1)), microseconds(5));
  EXPECT_EQ(batch_cpu(10, microseconds(5), microseconds(1)), microseconds(14));
  EXPECT_EQ(batch_cpu(10, microseconds(1), microseconds(5)), microseconds(10));
}

TEST(BatchFormula, FillsInHalfTheTimeOfItsFrames) {
  EXPECT_DOUBLE_EQ(batch_fill_wait(10, 1000), 4.5e-3);
  EXPECT_DOUBLE_EQ(batch_fill_wait(10, 100), 45e-3);
  EXPECT_EQ(batch_fill_wait(1, 100), 0);
}

TEST(CompressionFormula, PaysOnASlowLinkOnly) {
  const double codecs = codec_ns(1e6, 700e6) + codec_ns(1e6, 4e9);
  EXPECT_NEAR(codecs, 1.68e6, 0.01e6);  // ns for a MB
  EXPECT_NEAR(compression_gain(2, 125e6, 700e6, 4e9) * 1e6, 4.0e-3 - 1.68e-3, 0.01e-3);
  EXPECT_NEAR(compression_gain(2, 1250e6, 700e6, 4e9) * 1e6, 0.4e-3 - 1.68e-3, 0.01e-3);
  EXPECT_EQ(compressed_bytes(1000, 4), 250);
  EXPECT_EQ(compressed_bytes(1000, 0.9), 1000);
}

TEST(Window, LetsABufferThroughAtOnceAndThenOnePerRoundTrip) {
  Window window;
  EXPECT_EQ(window.pass(1000, 1000, milliseconds(2), at(seconds(1))), Duration{0});
  EXPECT_EQ(window.pass(1000, 1000, milliseconds(2), at(seconds(1))), milliseconds(2));
  EXPECT_EQ(window.pass(500, 1000, milliseconds(2), at(seconds(1))), milliseconds(3));
  // Empty again: nothing is owed.
  EXPECT_EQ(window.pass(1000, 1000, milliseconds(2), at(seconds(2))), Duration{0});
}

TEST(Window, KnowsBeforehandWhenTheLastByteWillBeAcknowledged) {
  Window window;
  const Time now = at(seconds(1));
  const auto ms = [&](double bytes) {
    return window.acknowledged_at(bytes, 1000, milliseconds(2), now) * 1e-6 - 1000;
  };
  EXPECT_NEAR(ms(1000), 2, 1e-9);
  EXPECT_NEAR(ms(1000), 2, 1e-9) << "asking hands nothing over";
  window.pass(2500, 1000, milliseconds(2), now);
  EXPECT_NEAR(ms(0), 5, 1e-9);
  EXPECT_NEAR(ms(500), 6, 1e-9);
}

// Bytes per second that a stream of messages gets, each handed over as the one before has left.
double sustained(double message, double buffer, Duration trip) {
  Window window;
  Time now = kStart;
  for (int i = 0; i < 10'000; ++i) now += window.pass(message, buffer, trip, now);
  return 10'000 * message / to_seconds(now);
}

TEST(Window, SustainsABufferPerRoundTrip) {
  EXPECT_NEAR(sustained(4000, 16'000, milliseconds(10)), 1.6e6, 0.01e6);
  // 1 Gbit/s over 0.5 ms wants the bandwidth-delay product.
  const double fitting = buffer_for(125e6, 500e-6, 0);
  EXPECT_EQ(fitting, 62'500);
  EXPECT_NEAR(sustained(4000, fitting, microseconds(500)), 125e6, 1e6);
}

TEST(PagingFormula, SlowsWhatDoesNotFit) {
  EXPECT_EQ(paging_factor(99, 100, 10), 1);
  EXPECT_EQ(paging_factor(100, 100, 10), 1);
  EXPECT_DOUBLE_EQ(paging_factor(110, 100, 10), 0.5);
  EXPECT_EQ(paging_factor(200, 100, 0), 1);
}

TEST(MessageCpu, HandlesUnequalCostsFirstComeFirstServedOnTheFirstFreeCore) {
  Gateway settings;
  settings.cores = 2;
  settings.cpu_per_message = microseconds(10);
  MessageCpu cpu(settings);
  EXPECT_EQ(cpu.handle(kStart), at(microseconds(10)));                    // core 0
  EXPECT_EQ(cpu.handle(kStart, microseconds(30)), at(microseconds(30)));  // core 1
  EXPECT_EQ(cpu.handle(kStart), at(microseconds(20)));                    // core 0
  EXPECT_EQ(cpu.handle(kStart), at(microseconds(30)));                    // core 0
  EXPECT_EQ(cpu.handle(kStart, microseconds(5)), at(microseconds(35)));   // either
  EXPECT_EQ(cpu.handle(at(seconds(1))), at(seconds(1) + microseconds(10)));
  EXPECT_EQ(cpu.busy(), microseconds(75));
}

TEST(MessageCpu, EqualCostsComeToTheSameEitherWay) {
  Gateway settings;
  settings.cores = 3;
  MessageCpu ring(settings);
  MessageCpu heap(settings);
  Time now = kStart;
  for (int i = 0; i < 1000; ++i) {
    now += Duration{(i * 7919) % 4000};
    EXPECT_EQ(ring.is_full(now), heap.is_full(now));
    ASSERT_EQ(ring.handle(now), heap.handle(now, settings.cpu_per_message));
  }
}

TEST(ConnectionPool, RunsOutAndServesAgainWhatIsReleased) {
  ConnectionPool pool;
  const Time give_up = at(seconds(5));
  const auto first = pool.take(2, give_up, kStart);
  const auto second = pool.take(2, give_up, kStart);
  ASSERT_NE(first.connection, kNoIndex);
  ASSERT_NE(second.connection, kNoIndex);
  EXPECT_NE(first.connection, second.connection);
  EXPECT_EQ(pool.take(2, give_up, kStart).connection, kNoIndex);
  pool.release(first.connection, first.serial);
  EXPECT_EQ(pool.take(2, give_up, kStart).connection, first.connection);
  EXPECT_EQ(pool.busy(), 2U);
}

TEST(ConnectionPool, ClosesConnectionsWhoseRequestIsGivenUp) {
  ConnectionPool pool;
  const auto stuck = pool.take(1, at(seconds(1)), kStart);
  EXPECT_EQ(pool.first_give_up(), at(seconds(1)));
  EXPECT_EQ(pool.take(1, at(seconds(9)), at(milliseconds(999))).connection, kNoIndex);
  const auto next = pool.take(1, at(seconds(9)), at(seconds(1)));
  EXPECT_EQ(next.connection, stuck.connection);
  pool.release(stuck.connection, stuck.serial);  // its late answer frees nothing
  EXPECT_EQ(pool.busy(), 1U);
  pool.release(next.connection, next.serial);
  EXPECT_EQ(pool.busy(), 0U);
  EXPECT_EQ(pool.first_give_up(), kNever);
}

TEST(ConnectionPool, ASmallerOneTakesEffectAsConnectionsBecomeFree) {
  ConnectionPool pool;
  std::vector<ConnectionPool::Taken> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(pool.take(4, kNever, kStart));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pool.take(2, kNever, kStart).connection, kNoIndex);
    pool.release(taken[static_cast<std::size_t>(i)].connection,
                 taken[static_cast<std::size_t>(i)].serial);
  }
  EXPECT_NE(pool.take(2, kNever, kStart).connection, kNoIndex);
}

TEST(KeyedAgents, HibernateLongestIdleFirstAndWakeOnUse) {
  KeyedAgents agents;
  const Duration wake = milliseconds(50);
  const auto a = agents.enter(0, 1, 100, wake, at(seconds(1)));
  const auto b = agents.enter(0, 2, 100, wake, at(seconds(1)));
  EXPECT_TRUE(a.is_new && b.is_new);
  EXPECT_LE(a.ready_at, at(seconds(1)));
  EXPECT_EQ(agents.memory_bytes(), 200);
  EXPECT_EQ(agents.idle_since(), kNever);
  agents.leave(b.hold, at(seconds(2)));
  agents.leave(a.hold, at(seconds(3)));
  EXPECT_EQ(agents.idle_since(), at(seconds(2)));
  EXPECT_EQ(agents.hibernate(at(seconds(2))), 1U);
  EXPECT_EQ(agents.memory_bytes(), 100);
  EXPECT_EQ(agents.asleep(), 1U);

  const auto woken = agents.enter(0, 2, 100, wake, at(seconds(4)));
  EXPECT_TRUE(woken.wakes);
  EXPECT_FALSE(woken.is_new);
  EXPECT_EQ(woken.ready_at, at(seconds(4) + wake));
  // One that comes meanwhile waits for the same date.
  const auto second = agents.enter(0, 2, 100, wake, at(seconds(4) + milliseconds(10)));
  EXPECT_FALSE(second.wakes);
  EXPECT_EQ(second.ready_at, at(seconds(4) + wake));
  // Busy ones never hibernate.
  EXPECT_EQ(agents.hibernate(at(seconds(100))), 1U);
  agents.leave(woken.hold, at(seconds(5)));
  EXPECT_EQ(agents.hibernate(at(seconds(100))), 0U);
  agents.leave(second.hold, at(seconds(6)));
  EXPECT_EQ(agents.idle_since(), at(seconds(6)));
}

TEST(KeyedAgents, ACrashTakesThemAllAndHoldsFromBeforeAreIgnored) {
  KeyedAgents agents;
  const auto before = agents.enter(0, 1, 100, Duration{0}, kStart);
  agents.clear();
  EXPECT_EQ(agents.memory_bytes(), 0);
  const auto after = agents.enter(0, 1, 100, Duration{0}, at(seconds(1)));
  EXPECT_TRUE(after.is_new);
  agents.leave(before.hold, at(seconds(2)));
  EXPECT_EQ(agents.idle_since(), kNever);
  agents.leave(after.hold, at(seconds(3)));
  EXPECT_EQ(agents.idle_since(), at(seconds(3)));
}

TEST(KeyedAgents, KeepServicesApartAndIgnoreThoseWithoutMemory) {
  KeyedAgents agents;
  EXPECT_TRUE(agents.enter(0, 7, 10, Duration{0}, kStart).is_new);
  EXPECT_TRUE(agents.enter(1, 7, 20, Duration{0}, kStart).is_new);
  const auto none = agents.enter(2, 0, 0, Duration{0}, kStart);
  agents.leave(none.hold, at(seconds(1)));
  EXPECT_EQ(agents.hibernate(at(seconds(10))), 0U);
  EXPECT_EQ(agents.memory_bytes(), 30);
  EXPECT_FALSE(agents.enter(2, 0, 0, Duration{0}, at(seconds(2))).is_new);
}

// Workers and queue of a node, changed while it serves.
class NodeKnobs : public ::testing::Test {
 protected:
  std::uint32_t job(double work_ns) {
    const std::uint32_t id = jobs.acquire();
    jobs[id].work = work_ns;
    return id;
  }
  Slab<ServiceJob> jobs;
};

TEST_F(NodeKnobs, FewerWorkersServeFewerAndLoseNothing) {
  NodeServer<ServiceJob> server(2, 1.0, Discipline::kProcessorSharing, {8});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(server.admit(jobs, job(1e6), kStart));
  EXPECT_EQ(server.in_service(), 4U);
  server.set_workers(1);
  EXPECT_TRUE(server.admit(jobs, job(1e6), kStart));
  EXPECT_EQ(server.in_service(), 4U);  // those in service stay
  EXPECT_EQ(server.waiting(), 1U);
  std::vector<std::uint32_t> done;
  server.collect_finished(jobs, at(milliseconds(2)), done);  // four share two cores
  EXPECT_EQ(done.size(), 4U);
  EXPECT_EQ(server.in_service(), 1U);
  server.set_workers(0);
  server.collect_finished(jobs, at(milliseconds(3)), done);
  EXPECT_EQ(done.size(), 5U);
}

TEST_F(NodeKnobs, MoreWorkersThanCoresShareThem) {
  NodeServer<ServiceJob> server(1, 1.0, Discipline::kFifo, {8});
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(server.admit(jobs, job(1e6), kStart));
  EXPECT_EQ(server.waiting(), 1U);
  server.set_workers(2);
  server.refill(jobs, kStart);
  EXPECT_EQ(server.in_service(), 2U);
  EXPECT_EQ(server.next_finish(), at(milliseconds(2)));
}

TEST_F(NodeKnobs, AShorterQueueRefusesNewOnesAndKeepsThoseThatWait) {
  NodeServer<ServiceJob> server(1, 1.0, Discipline::kFifo, {3});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(server.admit(jobs, job(1e6), kStart));
  EXPECT_FALSE(server.admit(jobs, job(1e6), kStart));
  server.set_queue(1);
  EXPECT_EQ(server.waiting(), 3U);
  std::vector<std::uint32_t> done;
  server.collect_finished(jobs, at(milliseconds(2)), done);
  EXPECT_FALSE(server.admit(jobs, job(1e6), at(milliseconds(2))));  // one serves, one waits
  server.set_queue(0);                                              // as at the beginning
  EXPECT_TRUE(server.admit(jobs, job(1e6), at(milliseconds(2))));
}

}  // namespace
}  // namespace phoenix::sim
