// One machine's CPU against traces reckoned by hand. Dates and work are in whole nanoseconds; a
// finish is the first whole nanosecond at which the work is done.
#include "scenarios/node_server.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"

namespace phoenix {
namespace {

Time at(std::int64_t ns) { return Time{Duration{ns}}; }

using Server = NodeServer<ServiceJob>;
using Finish = std::pair<std::int64_t, std::uint32_t>;  // date, job

class NodeServerTest : public ::testing::Test {
 protected:
  void make(int cores, Discipline discipline, std::vector<int> queues = {1000},
            double speed = 1.0) {
    server_.emplace_back(cores, speed, discipline, std::move(queues));
  }
  Server& server() { return server_.back(); }

  std::uint32_t job(double work, std::uint16_t service = 0) {
    const std::uint32_t id = jobs_.acquire();
    jobs_[id].work = work;
    jobs_[id].service = service;
    return id;
  }

  // Plays what finishes up to `until`, as the world does it.
  void play(std::int64_t until) {
    while (server().next_finish() <= at(until)) {
      const Time date = server().next_finish();
      std::vector<std::uint32_t> finished;
      server().collect_finished(jobs_, date, finished);
      for (const std::uint32_t id : finished) {
        finishes_.emplace_back(date.time_since_epoch().count(), id);
      }
    }
  }
  std::uint32_t arrive(std::int64_t ns, double work, std::uint16_t service = 0) {
    play(ns);
    const std::uint32_t id = job(work, service);
    EXPECT_TRUE(server().admit(jobs_, id, at(ns)));
    return id;
  }

  Server::Jobs jobs_;
  std::vector<Server> server_;
  std::vector<Finish> finishes_;
};

constexpr Discipline kPs = Discipline::kProcessorSharing;
constexpr Discipline kFifo = Discipline::kFifo;
constexpr std::int64_t kFar = 1'000'000'000;

// One core. A (100) alone to 20: 80 left. A and B (30) share: B is done after 60, at 80, when A has
// 50 left, alone: 130.
TEST_F(NodeServerTest, SharesOneCoreEvenly) {
  make(1, kPs);
  const auto a = arrive(0, 100);
  const auto b = arrive(20, 30);
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{80, b}, {130, a}}));
}

// Two cores: two jobs do not disturb each other; three get 2/3 of a core each. A, B, C of 60 from
// 0: each runs at 2/3, all done at 90.
TEST_F(NodeServerTest, SharesOnlyWhenThereAreMoreJobsThanCores) {
  make(2, kPs);
  const auto a = arrive(0, 50);
  const auto b = arrive(0, 80);
  play(100);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{50, a}, {80, b}}));
  finishes_.clear();
  const auto c = arrive(100, 60);
  const auto d = arrive(100, 60);
  const auto e = arrive(100, 60);
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{190, c}, {190, d}, {190, e}}));
}

// Two cores, three jobs: 30, 60, 60 from 0. At rate 2/3 the first is done at 45; the others have 30
// left and a core each: 75.
TEST_F(NodeServerTest, GivesRoomBackWhenAJobLeaves) {
  make(2, kPs);
  const auto a = arrive(0, 30);
  const auto b = arrive(0, 60);
  const auto c = arrive(0, 60);
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{45, a}, {75, b}, {75, c}}));
}

// One core, first come first served: 100, 10, 5 from 0, 1, 2 end at 100, 110, 115.
TEST_F(NodeServerTest, ServesInOrderOfArrivalUnderFifo) {
  make(1, kFifo);
  const auto a = arrive(0, 100);
  const auto b = arrive(1, 10);
  const auto c = arrive(2, 5);
  EXPECT_EQ(server().in_service(), 1U);
  EXPECT_EQ(server().waiting(), 2U);
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{100, a}, {110, b}, {115, c}}));
}

// Two cores under fifo: 100, 30, 50 from 0: the third starts at 30 and ends at 80.
TEST_F(NodeServerTest, StartsTheNextJobOnTheCoreThatIsFreeFirst) {
  make(2, kFifo);
  const auto a = arrive(0, 100);
  const auto b = arrive(0, 30);
  const auto c = arrive(0, 50);
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{30, b}, {80, c}, {100, a}}));
}

TEST_F(NodeServerTest, ServesFasterBySpeed) {
  make(1, kFifo, {1000}, 2.5);
  const auto a = arrive(0, 100);
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{40, a}}));
}

// 100 of work, at full speed to 40; at half from there: 60 / 0.5 = 120 more, unless full speed
// comes back at 100, when 30 are left: 130.
TEST_F(NodeServerTest, TakesAChangeOfSpeedMidwayIntoAccount) {
  make(1, kPs);
  const auto a = arrive(0, 100);
  server().set_factor(0.5, at(40));
  EXPECT_EQ(server().next_finish(), at(160));
  server().set_factor(1.0, at(100));
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{130, a}}));
}

// A change of speed holds for all who share: 60 and 90 on one core, half speed from 40 on (20 done
// each): the first needs 40 more at 1/4: 200; the second then 30 at 1/2: 260.
TEST_F(NodeServerTest, SlowsAllWhoShare) {
  make(1, kPs);
  const auto a = arrive(0, 60);
  const auto b = arrive(0, 90);
  server().set_factor(0.5, at(40));
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{200, a}, {260, b}}));
}

TEST_F(NodeServerTest, MakesNoProgressWhilePausedAndKeepsWhatWasDone) {
  for (const Discipline discipline : {kPs, kFifo}) {
    make(1, discipline);
    finishes_.clear();
    const auto a = arrive(0, 100);
    play(30);
    server().set_factor(0, at(30));
    EXPECT_EQ(server().next_finish(), kNever);
    EXPECT_EQ(server().busy_core_ns(at(500)), 30);
    server().set_factor(1, at(1000));
    play(kFar);
    EXPECT_EQ(finishes_, (std::vector<Finish>{{1070, a}}));
    EXPECT_EQ(server().busy_core_ns(at(2000)), 100);
  }
}

TEST_F(NodeServerTest, TakesJobsWhilePausedAndServesThemAfterwards) {
  make(1, kFifo);
  server().set_factor(0, at(0));
  const auto a = arrive(10, 5);
  const auto b = arrive(20, 5);
  server().set_factor(1, at(100));
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{105, a}, {110, b}}));
}

// One core and a queue of two is room for three, whatever the discipline.
TEST_F(NodeServerTest, RefusesBeyondCoresAndQueue) {
  for (const Discipline discipline : {kPs, kFifo}) {
    make(1, discipline, {2});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(server().admit(jobs_, job(10), at(0)));
    EXPECT_FALSE(server().admit(jobs_, job(10), at(0)));
    std::vector<std::uint32_t> finished;
    server().collect_finished(jobs_, at(discipline == kPs ? 30 : 10), finished);
    EXPECT_EQ(finished.size(), discipline == kPs ? 3U : 1U);
    EXPECT_TRUE(server().admit(jobs_, job(10), at(30)));
  }
}

TEST_F(NodeServerTest, CountsEachServicesRoomByItself) {
  make(2, kFifo, {0, 1});
  EXPECT_TRUE(server().admit(jobs_, job(10, 0), at(0)));
  EXPECT_TRUE(server().admit(jobs_, job(10, 0), at(0)));
  EXPECT_FALSE(server().admit(jobs_, job(10, 0), at(0)));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(server().admit(jobs_, job(10, 1), at(0)));
  EXPECT_FALSE(server().admit(jobs_, job(10, 1), at(0)));
}

// A service a machine does not host has a room of minus its cores.
TEST_F(NodeServerTest, TakesNothingOfAServiceItDoesNotHost) {
  make(4, kPs, {10, -4});
  EXPECT_FALSE(server().admit(jobs_, job(10, 1), at(0)));
  EXPECT_TRUE(server().admit(jobs_, job(10, 0), at(0)));
}

TEST_F(NodeServerTest, EvictsInServiceFirstThenWaitingEachInOrder) {
  make(2, kFifo);
  const auto a = arrive(0, 100);
  const auto b = arrive(0, 50);
  const auto c = arrive(0, 10);
  const auto d = arrive(0, 10);
  std::vector<std::uint32_t> evicted;
  server().evict(jobs_, at(20), false, evicted);
  EXPECT_EQ(evicted, (std::vector<std::uint32_t>{a, b, c, d}));
  EXPECT_EQ(server().in_service() + server().waiting(), 0U);
  EXPECT_EQ(server().next_finish(), kNever);
  const auto e = arrive(30, 10);
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{40, e}}));
}

TEST_F(NodeServerTest, KeepsTheWaitingAcrossADeathThatKeepsTheQueue) {
  make(1, kFifo, {2});
  arrive(0, 100);
  const auto b = arrive(0, 10);
  const auto c = arrive(0, 20);
  std::vector<std::uint32_t> evicted;
  server().evict(jobs_, at(50), true, evicted);
  EXPECT_EQ(evicted.size(), 1U);
  EXPECT_EQ(server().waiting(), 2U);
  server().refill(jobs_, at(200));
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{210, b}, {230, c}}));
  EXPECT_EQ(server().busy_core_ns(at(300)), 80);
}

TEST_F(NodeServerTest, AddsUpMemoryBusyTimeAndWork) {
  make(2, kPs);
  const std::uint32_t a = job(100);
  jobs_[a].memory_bytes = 4096;
  ASSERT_TRUE(server().admit(jobs_, a, at(0)));
  EXPECT_EQ(server().memory_bytes(), 4096);
  EXPECT_EQ(server().busy_core_ns(at(10)), 10);
  arrive(50, 25);
  EXPECT_EQ(server().busy_core_ns(at(60)), 70);
  play(kFar);
  EXPECT_EQ(server().memory_bytes(), 0);
  EXPECT_EQ(server().work_done_ns(), 125);
  EXPECT_EQ(server().busy_core_ns(at(kFar)), 125);
}

TEST_F(NodeServerTest, ServesJobsWithoutWorkAtOnce) {
  make(1, kFifo);
  const auto a = arrive(5, 0);
  play(kFar);
  EXPECT_EQ(finishes_, (std::vector<Finish>{{5, a}}));
}

// Work conservation under processor sharing: the last of any batch is done when one core would have
// done all of it, and shorter jobs never end after longer ones that came with them.
TEST_F(NodeServerTest, LosesNoWorkToSharing) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    make(1, kPs);
    finishes_.clear();
    double total = 0;
    for (int i = 0; i < 40; ++i) {
      const auto work = static_cast<double>(random.below(100'000) + 1);
      total += work;
      arrive(0, work);
    }
    play(kFar);
    ASSERT_EQ(finishes_.size(), 40U);
    EXPECT_NEAR(static_cast<double>(finishes_.back().first), total, 40);
    for (std::size_t i = 1; i < finishes_.size(); ++i) {
      EXPECT_LE(jobs_[finishes_[i - 1].second].work, jobs_[finishes_[i].second].work);
    }
  }
}

// Flow fidelity: the server only says who may run. Two cores under fifo: two of three start.
TEST_F(NodeServerTest, HandsOutTheNextJobForServiceElsewhere) {
  make(2, kFifo);
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(job(10));
    ASSERT_TRUE(server().admit_elsewhere(jobs_, ids.back(), at(0)));
  }
  EXPECT_EQ(server().start_next(jobs_, at(0)), ids[0]);
  EXPECT_EQ(server().start_next(jobs_, at(0)), ids[1]);
  EXPECT_EQ(server().start_next(jobs_, at(0)), kNoIndex);
  server().finish_elsewhere(jobs_, ids[1], at(10));
  EXPECT_EQ(server().start_next(jobs_, at(10)), ids[2]);
  EXPECT_EQ(server().busy_core_ns(at(15)), 30);
  EXPECT_EQ(server().work_done_ns(), 10);
}

}  // namespace
}  // namespace phoenix
