// The books of a cluster: they always balance, whatever happens in whatever order.
#include <cmath>

#include <gmock/gmock.h>

#include "tests/strategies/placement_world.h"

namespace phoenix {
namespace {

using namespace phoenix::testing;  // NOLINT: builders
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Books, PlaceReservesAndRemoveReleasesExactly) {
  Inventory books = cluster_of(1, resources(1000, 1000));
  must(books.place(agent_spec(0, resources(300, 100)), node_id(0), kStart + seconds(3)));
  EXPECT_EQ(books.node(node_id(0)).free(), resources(700, 900));
  EXPECT_EQ(books.agent(agent_id(0)).placed_at, kStart + seconds(3));
  must(books.remove_agent(agent_id(0)));
  EXPECT_EQ(books.node(node_id(0)).reserved, Resources{});
  EXPECT_FALSE(books.has_agent(agent_id(0)));
  EXPECT_THAT(books.remove_agent(agent_id(0)).error(), HasSubstr("agent_not_found"));
}

TEST(Books, PlaceVerifiesEverythingFirst) {
  Inventory books = cluster_of(2, resources(1000, 1000));
  books.set_state(node_id(1), NodeState::kDown);
  const AgentSpec agent = agent_spec(0, resources(600, 0));
  EXPECT_THAT(books.place(agent, node_id(1), kStart).error(),
              HasSubstr("placement_validation_failed: node 1 refused by health"));
  EXPECT_THAT(books.place(agent, node_id(7), kStart).error(), HasSubstr("node 7 is not there"));
  must(books.place(agent, node_id(0), kStart));
  EXPECT_THAT(books.place(agent, node_id(0), kStart).error(), HasSubstr("is placed already"));
  EXPECT_THAT(books.place(agent_spec(1, resources(-1, 0)), node_id(0), kStart).error(),
              HasSubstr("cpu = -1"));
  EXPECT_THAT(books.add_node(node_spec(0, {})).error(), HasSubstr("is there already"));
  expect_balanced(books);
}

// Two decisions on the same state: the second may go through while it fits, and is told why not.
TEST(Books, AStaleChoiceIsRefusedOnlyIfItNoLongerFits) {
  Inventory books = cluster_of(1, resources(1000, 1000));
  auto placer = placer_of("best_fit");
  Random random(1);
  const AgentSpec agents[] = {agent_spec(0, resources(400, 0)), agent_spec(1, resources(400, 0)),
                              agent_spec(2, resources(400, 0))};
  std::vector<Choice> choices;
  for (const AgentSpec& agent : agents) choices.push_back(placer->choose(agent, books, random));
  for (int i : {0, 1}) must(books.place(agents[i], choices[0].node, kStart, choices[0].generation));
  const Status third = books.place(agents[2], choices[2].node, kStart, choices[2].generation);
  EXPECT_THAT(third.error(), HasSubstr("refused by resources; it has changed since it was chosen"));
  expect_balanced(books);
}

TEST(Books, ANodeThatVanishedAfterTheDecisionTakesNothing) {
  Inventory books = cluster_of(2, resources(1000, 1000));
  auto placer = placer_of("best_fit");
  Random random(1);
  const Choice choice = placer->choose(agent_spec(0, resources(1, 1)), books, random);
  EXPECT_TRUE(books.remove_node(choice.node).empty());
  EXPECT_FALSE(
      books.place(agent_spec(0, resources(1, 1)), choice.node, kStart, choice.generation).ok());
  EXPECT_EQ(books.agent_count(), 0U);
}

TEST(Books, AMoveIsBookedOnBothUntilItEnds) {
  Inventory books = cluster_of(3, resources(100, 100));
  must(books.place(agent_spec(0, resources(60, 10)), node_id(0), kStart));
  EXPECT_THAT(books.agent(agent_id(0)).history, ElementsAre());
  must(books.begin_move(agent_id(0), node_id(1), kStart));
  EXPECT_EQ(books.node(node_id(0)).reserved, resources(60, 10));
  EXPECT_EQ(books.node(node_id(1)).reserved, resources(60, 10));
  EXPECT_THAT(books.begin_move(agent_id(0), node_id(2), kStart).error(),
              HasSubstr("migration_failed: agent 0 is moving already"));
  books.cancel_move(agent_id(0));
  EXPECT_EQ(books.node(node_id(1)).reserved, Resources{});
  must(books.begin_move(agent_id(0), node_id(2), kStart));
  books.finish_move(agent_id(0), kStart + seconds(1));
  EXPECT_EQ(books.agent(agent_id(0)).node, node_id(2));
  EXPECT_EQ(books.node(node_id(0)).reserved, Resources{});
  EXPECT_THAT(books.agent(agent_id(0)).history, ElementsAre(node_id(0)));
  EXPECT_THAT(books.begin_move(agent_id(0), node_id(2), kStart).error(), HasSubstr("already"));
  EXPECT_THAT(books.begin_move(agent_id(5), node_id(2), kStart).error(),
              HasSubstr("agent_not_found"));
  must(books.place(agent_spec(1, resources(60, 0)), node_id(1), kStart));
  EXPECT_THAT(books.begin_move(agent_id(0), node_id(1), kStart).error(),
              HasSubstr("node 1 refused by resources"));
  expect_balanced(books);
}

TEST(Books, HistoryIsBounded) {
  Inventory books = cluster_of(2, resources(100, 100));
  must(books.place(agent_spec(0, resources(1, 1)), node_id(0), kStart));
  for (std::size_t i = 1; i <= 25; ++i) {
    must(books.begin_move(agent_id(0), node_id(i % 2), kStart));
    books.finish_move(agent_id(0), kStart);
  }
  EXPECT_EQ(books.agent(agent_id(0)).history.size(), AgentBook::kHistory);
  EXPECT_EQ(books.agent(agent_id(0)).history.back(), node_id(0));
}

TEST(Books, ObservationsMergeAndReservationsStay) {
  Inventory books = cluster_of(3, resources(100, 100));
  must(books.place(agent_spec(0, resources(60, 10)), node_id(0), kStart));
  must(books.observe(std::span<const NodeObservation>{}));  // nothing collected
  EXPECT_EQ(books.node_count(), 3U);
  EXPECT_EQ(books.node(node_id(0)).reserved, resources(60, 10));

  NodeObservation seen;
  seen.node = node_id(0);
  seen.capacity = resources(80, 100);
  seen.other_use = resources(5, 0);
  must(books.observe(std::span(&seen, 1)));
  EXPECT_EQ(books.node(node_id(0)).free(), resources(15, 90));
  EXPECT_EQ(books.total_capacity(), resources(280, 300));

  // Less than is reserved: the agent stays, nothing more goes there, and it shows.
  seen.capacity = resources(50, 100);
  must(books.observe(std::span(&seen, 1)));
  EXPECT_EQ(books.overcommitted(), 1U);
  EXPECT_EQ(books.node(node_id(0)).free()[Resource::kCpu], 0);
  EXPECT_EQ(Eligibility(agent_spec(1, {}), books).refusal(node_id(0)), Filter::kResources);
  must(books.remove_agent(agent_id(0)));
  EXPECT_EQ(books.overcommitted(), 0U);
  expect_balanced(books);

  NodeObservation bad[2];
  bad[0].node = node_id(9);
  bad[1] = seen;
  bad[1].capacity = resources(70, 100);
  EXPECT_THAT(books.observe(bad).error(), HasSubstr("node 9"));
  EXPECT_EQ(books.node(node_id(0)).capacity, resources(70, 100));  // the other one counts
}

TEST(Books, MeritsAreSharesBetweenTheWorstAndTheBestKnown) {
  Inventory books = cluster_of(4, resources(100, 100));
  NodeObservation seen[3];
  const double latencies[] = {0.010, 0.020, 0.050};
  for (std::size_t i = 0; i < 3; ++i) {
    seen[i].node = node_id(i);
    seen[i].latency = latencies[i];
    seen[i].availability = 0.99;
  }
  must(books.observe(seen));
  EXPECT_DOUBLE_EQ(books.node(node_id(0)).merits.latency, 1);
  EXPECT_DOUBLE_EQ(books.node(node_id(1)).merits.latency, 0.75);
  EXPECT_DOUBLE_EQ(books.node(node_id(2)).merits.latency, 0);
  EXPECT_DOUBLE_EQ(books.node(node_id(3)).merits.latency, 0);  // unknown is not good
  EXPECT_DOUBLE_EQ(books.node(node_id(0)).merits.availability, 1);
  EXPECT_DOUBLE_EQ(books.node(node_id(0)).merits.throughput, 0);
}

TEST(Books, ARemovedNodeTakesItsAgentsAndCancelsMovesToIt) {
  Inventory books = cluster_of(2, resources(100, 100));
  must(books.place(agent_spec(0, resources(10, 10)), node_id(0), kStart));
  must(books.place(agent_spec(1, resources(10, 10)), node_id(1), kStart));
  must(books.begin_move(agent_id(1), node_id(0), kStart));
  EXPECT_THAT(books.remove_node(node_id(0)), ElementsAre(agent_id(0)));
  EXPECT_FALSE(books.has_node(node_id(0)));
  EXPECT_EQ(books.agent(agent_id(1)).moving_to, kNoNode);
  expect_balanced(books);
}

using BooksDeathTest = ::testing::Test;

TEST(BooksDeathTest, EndingAMoveTwiceIsABrokenInvariant) {
  Inventory books = cluster_of(2, resources(100, 100));
  must(books.place(agent_spec(0, resources(10, 10)), node_id(0), kStart));
  must(books.begin_move(agent_id(0), node_id(1), kStart));
  books.cancel_move(agent_id(0));
  EXPECT_DEBUG_DEATH(
      {
        Inventory copy = books;
        copy.cancel_move(agent_id(0));
      },
      "moving_to");
}

// Any sequence of operations, the same on a second set of books that knows nothing but a map of
// agents to their nodes: what one refuses the other has no room for, and the sums agree.
TEST(Books, BalanceThroughARandomLife) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Random random(seed);
    Inventory books = cluster_of(12, resources(1000, 2000, 0), 3);
    std::map<std::size_t, std::pair<Resources, std::vector<std::size_t>>> plain;  // nodes it is on
    const auto free_on = [&](std::size_t node) {
      Resources free = books.node(node_id(node)).capacity;
      for (const auto& [id, agent] : plain) {
        for (const std::size_t on : agent.second) {
          if (on == node) free -= agent.first;
        }
      }
      return free;
    };
    for (std::size_t step = 0; step < 3'000; ++step) {
      const std::size_t id = random.below(150);
      const std::size_t node = random.below(12);
      const bool is_ready = books.node(node_id(node)).state == NodeState::kReady;
      const auto found = plain.find(id);
      const bool is_there = found != plain.end();
      switch (random.below(6)) {
        case 0:
        case 1: {
          const Resources need = resources(static_cast<Amount>(random.below(300)),
                                           static_cast<Amount>(random.below(500)));
          const bool fits_there = !is_there && is_ready && fits(need, free_on(node));
          EXPECT_EQ(books.place(agent_spec(id, need), node_id(node), kStart).ok(), fits_there);
          if (fits_there) plain[id] = {need, {node}};
          break;
        }
        case 2:
          EXPECT_EQ(books.remove_agent(agent_id(id)).ok(), is_there);
          plain.erase(id);
          break;
        case 3: {
          const bool may = is_there && is_ready && found->second.second.size() == 1 &&
                           found->second.second[0] != node &&
                           fits(found->second.first, free_on(node));
          EXPECT_EQ(books.begin_move(agent_id(id), node_id(node), kStart).ok(), may);
          if (may) found->second.second.push_back(node);
          break;
        }
        case 4:
          if (!is_there || found->second.second.size() != 2) break;
          if (random.below(2) == 0) {
            books.finish_move(agent_id(id), kStart);
            found->second.second.erase(found->second.second.begin());
          } else {
            books.cancel_move(agent_id(id));
            found->second.second.pop_back();
          }
          break;
        default:
          books.set_state(node_id(node),
                          random.below(4) == 0 ? NodeState::kCordoned : NodeState::kReady);
      }
      if (step % 100 == 0) expect_balanced(books);
      EXPECT_EQ(books.node(node_id(node)).free(), free_on(node));
    }
    EXPECT_EQ(books.agent_count(), plain.size());
  }
}

}  // namespace
}  // namespace phoenix
