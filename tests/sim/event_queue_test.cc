#include "sim/event_queue.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"

namespace phoenix::sim {
namespace {

Time at(std::int64_t ns) { return Time{Duration{ns}}; }

TEST(EventQueue, GivesEventsBackByDate) {
  EventQueue queue;
  for (const std::int64_t ns : {50, 10, 40, 20, 30}) {
    queue.push(at(ns), EventKind::kNodeArrive, static_cast<std::uint32_t>(ns));
  }
  for (const std::uint32_t expected : {10U, 20U, 30U, 40U, 50U}) {
    EXPECT_EQ(queue.next_at(), expected);
    EXPECT_EQ(queue.pop().subject, expected);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(EventQueue, KeepsTheOrderOfSchedulingAtOneDateWhateverTheKinds) {
  EventQueue queue;
  const EventKind kinds[] = {EventKind::kTransfer, EventKind::kArrival, EventKind::kSample};
  for (std::uint32_t i = 0; i < 100; ++i) queue.push(at(7), kinds[i % 3], i);
  for (std::uint32_t i = 0; i < 100; ++i) {
    const Event event = queue.pop();
    EXPECT_EQ(event.subject, i);
    EXPECT_EQ(event.kind(), kinds[i % 3]);
    EXPECT_EQ(event.time(), at(7));
  }
}

TEST(EventQueue, HandsBackKindSubjectAndExtra) {
  EventQueue queue;
  queue.push(at(3), EventKind::kDrainLimit, 17, 4);
  const Event event = queue.pop();
  EXPECT_EQ(event.kind(), EventKind::kDrainLimit);
  EXPECT_EQ(event.subject, 17U);
  EXPECT_EQ(event.extra, 4U);
}

TEST(EventQueue, IsDueNeverWhenEmpty) {
  const EventQueue queue;
  EXPECT_EQ(queue.next_at(), kNever.time_since_epoch().count());
  EXPECT_EQ(queue.size(), 0U);
}

// Pushes and pops mixed, against a sorted vector; dates from a small range, so that many are equal.
TEST(EventQueue, AgreesWithASortedListUnderRandomUse) {
  struct Known {
    std::int64_t at;
    std::uint32_t subject;
  };
  EventQueue queue;
  std::vector<Known> known;
  Random random(11);
  std::uint32_t next = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (known.empty() || random.below(100) < 52) {
      const auto ns = static_cast<std::int64_t>(random.below(50));
      queue.push(at(ns), EventKind::kResponse, next);
      known.push_back({ns, next++});
      continue;
    }
    const auto first = std::ranges::min_element(known, {}, [](const Known& k) {
      return std::pair{k.at, k.subject};
    });
    const Event event = queue.pop();
    ASSERT_EQ(event.at, first->at);
    ASSERT_EQ(event.subject, first->subject);
    known.erase(first);
    ASSERT_EQ(queue.size(), known.size());
  }
}

// Messages that come in the order of their dates go a shorter way than the others; nobody may see
// it. Dates rise with the clock, most by one delay per kind, some by more, so that all ways are
// taken, cross, and grow.
TEST(EventQueue, AgreesWithASortedListWhenMessagesMostlyTakeEquallyLong) {
  struct Known {
    std::int64_t at;
    std::uint32_t subject;
  };
  EventQueue queue;
  std::vector<Known> known;
  Random random(12);
  std::int64_t now = 0;
  for (std::uint32_t next = 0; next < 20'000;) {
    if (known.empty() || random.below(100) < 52) {
      constexpr EventKind kKinds[] = {EventKind::kNodeArrive, EventKind::kResponse,
                                      EventKind::kNodeService};
      const std::uint64_t kind = random.below(3);
      const std::uint64_t delay = kind == 2 ? random.below(300) : 100 + kind;
      const auto ns = now + static_cast<std::int64_t>(delay + (random.below(50) == 0 ? 200 : 0));
      queue.push(at(ns), kKinds[kind], next);
      known.push_back({ns, next++});
      continue;
    }
    const auto first = std::ranges::min_element(known, {}, [](const Known& k) {
      return std::pair{k.at, k.subject};
    });
    ASSERT_EQ(queue.next_at(), first->at);
    const Event event = queue.pop();
    ASSERT_EQ(event.at, first->at);
    ASSERT_EQ(event.subject, first->subject);
    now = event.at;
    known.erase(first);
    ASSERT_EQ(queue.size(), known.size());
  }
}

}  // namespace
}  // namespace phoenix::sim
