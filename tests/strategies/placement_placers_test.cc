// What every placer promises, and what each is for. Placers that answer from the index must choose
// what a look at all nodes chooses.
#include <set>

#include <gmock/gmock.h>

#include "tests/strategies/placement_world.h"

namespace phoenix {
namespace {

using namespace phoenix::testing;  // NOLINT: builders
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const PlacerEntry& entry : placers()) names.push_back(entry.name);
  return names;
}

class EveryPlacer : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Registry, EveryPlacer, ::testing::ValuesIn(names()),
                         [](const auto& which) { return which.param; });

// Nodes of several shapes with labels, taints, prices and merits.
Inventory mixed_cluster(std::size_t nodes, Random& random) {
  Inventory books;
  for (std::size_t i = 0; i < nodes; ++i) {
    const Amount size = static_cast<Amount>(1 + random.below(3));
    NodeSpec node = node_spec(i, resources(16'000 * size, 64'000 * size),
                              "zone" + std::to_string(random.below(3)));
    if (random.below(4) == 0) node.capacity[Resource::kGpu] = 4000;
    if (random.below(3) == 0) node.labels = {{"disk", "ssd"}};
    if (random.below(8) == 0) node.taints = {"spot"};
    node.price_per_hour = static_cast<double>(size) * (node.taints.empty() ? 1.0 : 0.4);
    must(books.add_node(node));
  }
  std::vector<NodeObservation> seen(nodes);
  for (std::size_t i = 0; i < nodes; ++i) {
    seen[i].node = node_id(i);
    if (random.below(5) == 0) continue;
    seen[i].latency = 0.001 + random.uniform() * 0.1;
    seen[i].throughput = 100 * random.uniform();
    seen[i].availability = 0.9 + 0.1 * random.uniform();
  }
  must(books.observe(seen));
  return books;
}

AgentRules some_rules(Random& random) {
  AgentRules rules;
  const ServiceId service = service_id(random.below(6));
  if (random.below(3) == 0) rules.node_tests = {{"disk", NodeTest::Kind::kEquals, {"ssd"}}};
  if (random.below(3) == 0) rules.tolerations = {"spot"};
  if (random.below(4) == 0) rules.anti_affinity = {hard(AgentSelector::of(service))};
  if (random.below(4) == 0) rules.affinity.push_back(soft(AgentSelector::of(service), 2));
  if (random.below(4) == 0) rules.anti_affinity.push_back(soft(AgentSelector::of(service)));
  if (random.below(6) == 0) rules.affinity.push_back(hard(AgentSelector::of(service)));
  if (random.below(4) == 0) rules.zone_max_skew = 1 + static_cast<int>(random.below(3));
  if (random.below(4) == 0) rules.ratio_limits[0] = 0.5 + 0.5 * random.uniform();
  return rules;
}

AgentSpec some_agent(std::size_t id, Random& random) {
  AgentSpec agent = agent_spec(id,
                               resources(static_cast<Amount>(random.below(6'000)),
                                         static_cast<Amount>(random.below(20'000))),
                               random.below(6));
  if (random.below(6) == 0) agent.need[Resource::kGpu] = static_cast<Amount>(random.below(2'000));
  if (random.below(2) == 0) agent = with_rules(agent, some_rules(random));
  return agent;
}

TEST_P(EveryPlacer, PrintsItselfAndReadsThatBack) {
  const Result<MadePlacer> made = make_placer(GetParam());
  ASSERT_TRUE(made.ok()) << made.error();
  const Result<MadePlacer> again = make_placer(made->text);
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_EQ(again->text, made->text);
  EXPECT_FALSE(make_placer(GetParam() + "[no_such=1]").ok());
}

TEST_P(EveryPlacer, HasASummaryAndHelp) {
  for (const PlacerEntry& entry : placers()) {
    EXPECT_FALSE(entry.summary.empty());
    for (const SettingInfo& setting : entry.settings()) EXPECT_FALSE(setting.help.empty());
  }
}

TEST_P(EveryPlacer, FindsNothingWhereThereIsNothing) {
  auto placer = placer_of(GetParam());
  Random random(1);
  Inventory books;
  EXPECT_FALSE(placer->choose(agent_spec(0, {}), books, random).found());
  books = cluster_of(3, resources(100, 100));
  EXPECT_FALSE(placer->choose(agent_spec(0, resources(101, 0)), books, random).found());
  EXPECT_FALSE(placer->choose(agent_spec(0, resources(0, 0, 1)), books, random).found());
  for (std::size_t i = 0; i < 3; ++i) books.set_state(node_id(i), NodeState::kDown);
  EXPECT_FALSE(placer->choose(agent_spec(0, {}), books, random).found());
}

TEST_P(EveryPlacer, FindsTheOnlyNodeThatPasses) {
  auto placer = placer_of(GetParam());
  Random random(1);
  Inventory books = cluster_of(40, resources(100, 100), 3);
  for (std::size_t i = 0; i < 40; ++i) {
    if (i != 29) must(books.place(agent_spec(i, resources(100, 0)), node_id(i), kStart));
  }
  EXPECT_EQ(placer->choose(agent_spec(99, resources(1, 1)), books, random).node, node_id(29));
}

TEST_P(EveryPlacer, TakesAZeroRequest) {
  auto placer = placer_of(GetParam());
  Random random(1);
  const Inventory books = cluster_of(2, resources(100, 100));
  EXPECT_TRUE(placer->choose(agent_spec(0, {}), books, random).found());
}

// One large agent after many small ones: whoever spreads them may find no room for it, but none
// may break the books or miss a node that has room.
TEST_P(EveryPlacer, FragmentationEndsInARefusalOnlyIfNoNodeHasRoom) {
  auto placer = placer_of(GetParam());
  Random random(1);
  Inventory books = cluster_of(10, resources(100, 100), 2);
  for (std::size_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(
        find_and_place(*placer, agent_spec(i, resources(4, 4)), books, kStart, random).ok());
  }
  const AgentSpec large = agent_spec(100, resources(90, 90));
  const bool has_room = count_refusals(large, books).text() != "10 nodes: resources 10";
  EXPECT_EQ(find_and_place(*placer, large, books, kStart, random).ok(), has_room);
  expect_balanced(books);
}

TEST_P(EveryPlacer, NeverBreaksAFilterThroughABusyLifeAndRepeatsItself) {
  std::vector<NodeId> before;
  for (int run = 0; run < 2; ++run) {
    auto placer = placer_of(GetParam());
    Random random(5);
    Random own(6);
    Inventory books = mixed_cluster(60, random);
    std::vector<NodeId> choices;
    for (std::size_t id = 0; id < 600; ++id) {
      const AgentSpec agent = some_agent(id, random);
      const Choice choice = placer->choose(agent, books, own);
      choices.push_back(choice.node);
      if (choice.found()) {
        must(books.place(agent, choice.node, kStart, choice.generation));
      } else {
        const Refusals refusals = count_refusals(agent, books);
        std::uint32_t refused = 0;
        for (const std::uint32_t count : refusals.by_filter) refused += count;
        EXPECT_EQ(refused, refusals.nodes) << "a node had room";
      }
      if (random.below(3) > 0)
        static_cast<void>(books.remove_agent(agent_id(random.below(id + 1))));
    }
    expect_balanced(books);
    if (run == 1) {
      EXPECT_EQ(choices, before);
    }
    before = choices;
  }
}

class IndexedPlacers : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(
    Settings, IndexedPlacers,
    ::testing::Values("score", "score[goal=pack]",
                      "score[resource=0, affinity=0.5, load_balance=0.5, performance=0]",
                      "best_fit", "best_fit[rule=nomad]", "worst_fit", "dot_product",
                      "dot_product[measure=dot]", "dot_product[measure=cosine]", "balanced", "cost",
                      "objectives", "objectives[latency=1, throughput=0, balance=0, cost=0]"),
    [](const auto& which) { return std::to_string(which.index); });

// In either order of the index: what is chosen does not depend on it.
TEST_P(IndexedPlacers, ChooseWhatALookAtAllNodesChooses) {
  for (const std::size_t nodes : {1U, 2U, 30U, 300U}) {
    auto placer = placer_of(GetParam());
    Random random(nodes);
    Inventory books = mixed_cluster(nodes, random);
    const std::size_t agents = nodes * 6;
    const std::size_t check_every = nodes > 100 ? 29 : 1;
    for (std::size_t id = 0; id < agents; ++id) {
      if (id == agents / 2) books.order_index(IndexOrder::kSkew);
      const AgentSpec agent = some_agent(id, random);
      const Choice choice = placer->choose(agent, books, random);
      if (id % check_every == 0) {
        ASSERT_EQ(choice.node, best_by_scan(*placer, agent, books))
            << GetParam() << ", agent " << id << ", score " << choice.score;
      }
      if (choice.found()) must(books.place(agent, choice.node, kStart));
      if (random.below(2) == 0)
        static_cast<void>(books.remove_agent(agent_id(random.below(id + 1))));
      if (random.below(50) == 0) {
        books.set_state(node_id(random.below(nodes)),
                        random.below(2) == 0 ? NodeState::kCordoned : NodeState::kReady);
      }
    }
  }
}

// Nodes of one shape, so many that the index has several branches of boxes about as narrow as what
// agents take.
TEST_P(IndexedPlacers, ChooseTheBestOfThousandsOfOneShape) {
  Inventory books = cluster_of(3'000, resources(64'000, 256'000), 3);
  auto placer = placer_of(GetParam());
  Random random(9);
  const auto next_agent = [&](std::size_t id) {
    return agent_spec(id, resources(static_cast<Amount>(random.below(8'000)),
                                    static_cast<Amount>(random.below(30'000))));
  };
  constexpr std::size_t kBefore = 20'000;
  for (std::size_t id = 0; id < kBefore; ++id) {
    static_cast<void>(books.place(next_agent(id), node_id(random.below(3'000)), kStart));
  }
  for (std::size_t id = kBefore; id < kBefore + 2'000; ++id) {
    if (id == kBefore + 1'000) books.order_index(IndexOrder::kSkew);
    const AgentSpec agent = next_agent(id);
    const Choice choice = placer->choose(agent, books, random);
    if (id % 40 == 0) {
      ASSERT_EQ(choice.node, best_by_scan(*placer, agent, books)) << "agent " << id;
    }
    must(books.place(agent, choice.node, kStart));
    static_cast<void>(books.remove_agent(agent_id(random.below(id))));
  }
}

TEST(Ties, GoToTheLowestOfTenThousandAlikeNodes) {
  Inventory books = cluster_of(10'000, resources(64'000, 256'000), 3);
  Random random(1);
  for (const char* name : {"score", "best_fit", "worst_fit", "dot_product", "balanced", "cost",
                           "objectives", "first_fit"}) {
    EXPECT_EQ(placer_of(name)->choose(agent_spec(0, resources(500, 900)), books, random).node,
              node_id(0))
        << name;
  }
}

TEST(ScorePlacer, WeightsAreThePolicyTableAndMustSumToOne) {
  EXPECT_EQ(make_placer("score")->text,
            "score[resource=0.3, affinity=0.2, load_balance=0.3, performance=0.2, goal=spread]");
  const Result<MadePlacer> wrong = make_placer("score[resource=0.5]");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error(), HasSubstr("score: the weights sum to 1.2: must be 1"));
  EXPECT_EQ(make_placer("objectives")->text,
            "objectives[latency=0.3, throughput=0.3, balance=0.2, cost=0.2]");
  EXPECT_FALSE(make_placer("objectives[cost=0.5]").ok());
  EXPECT_FALSE(make_placer("sampled[cpu=1]").ok());
}

// Node 0 half full, node 1 empty; need a quarter of each kind; kinds stay even, nothing is
// measured.
//   spread, node 1: fit 1 - 0.25; free and even (0.75 + 1) / 2:
//                   0.3 * 0.75 + 0.2 * 0.5 + 0.3 * 0.875 = 0.5875
//   pack, node 0:   fit 0.25 / 0.5; used and even (0.75 + 1) / 2: 0.15 + 0.1 + 0.2625 = 0.5125
//   pack, node 1:   fit 0.25; used and even (0.25 + 1) / 2: 0.075 + 0.1 + 0.1875 = 0.3625
TEST(ScorePlacer, SpreadAndPackPullApart) {
  Inventory books = cluster_of(2, resources(100, 100));
  must(books.place(agent_spec(0, resources(50, 50)), node_id(0), kStart));
  const AgentSpec agent = agent_spec(1, resources(25, 25));
  Random random(1);
  const Choice spread = placer_of("score")->choose(agent, books, random);
  EXPECT_EQ(spread.node, node_id(1));
  EXPECT_NEAR(spread.score, 0.5875, 1e-12);
  const Choice pack = placer_of("score[goal=pack]")->choose(agent, books, random);
  EXPECT_EQ(pack.node, node_id(0));
  EXPECT_NEAR(pack.score, 0.5125, 1e-12);
  EXPECT_NEAR(placer_of("score[goal=pack]")->score(agent, node_id(1), books), 0.3625, 1e-12);
}

TEST(Packing, OpensNoIdleNodeWhileAUsedOneHasRoom) {
  for (const char* name : {"best_fit", "best_fit[rule=nomad]", "score[goal=pack]", "dot_product",
                           "dot_product[measure=dot]", "dot_product[measure=cosine]", "cost"}) {
    Inventory books = cluster_of(40, resources(1000, 1000));
    auto placer = placer_of(name);
    Random random(5);
    for (std::size_t id = 0; id < 150; ++id) {
      const AgentSpec agent = agent_spec(id, resources(static_cast<Amount>(1 + random.below(250)),
                                                       static_cast<Amount>(1 + random.below(250))));
      bool has_room = false;
      for (std::size_t i = 0; i < 40; ++i) {
        const NodeBook& node = books.node(node_id(i));
        has_room |= !node.agents.empty() && fits(agent.need, node.free());
      }
      const Choice choice = placer->choose(agent, books, random);
      ASSERT_TRUE(choice.found()) << name;
      EXPECT_EQ(books.node(choice.node).agents.empty(), !has_room) << name << ", agent " << id;
      must(books.place(agent, choice.node, kStart));
      if (id % 3 == 2) must(books.remove_agent(agent_id(random.below(2) == 0 ? id : id - 1)));
    }
  }
}

TEST(ScorePlacer, SoftAffinityAttractsAndRepels) {
  Inventory books = cluster_of(3, resources(100, 100));
  must(books.place(agent_spec(0, resources(5, 5), 1), node_id(2), kStart));
  Random random(1);
  AgentRules rules;
  rules.affinity = {soft(AgentSelector::of(service_id(1)))};
  const auto near = placer_of("score")->choose(with_rules(agent_spec(1, {}), rules), books, random);
  EXPECT_EQ(near.node, node_id(2));
  rules = {};
  rules.anti_affinity = {soft(AgentSelector::of(service_id(1)))};
  const auto far = placer_of("score[goal=pack]")
                       ->choose(with_rules(agent_spec(1, resources(1, 1)), rules), books, random);
  EXPECT_EQ(far.node, node_id(0));
}

TEST(DotProduct, MatchesTheShapeOfTheNeed) {
  Inventory books = cluster_of(2, resources(1000, 1000));
  must(books.place(agent_spec(0, resources(500, 100)), node_id(0), kStart));  // room 0.5, 0.9
  must(books.place(agent_spec(1, resources(200, 600)), node_id(1), kStart));  // room 0.8, 0.4
  Random random(1);
  for (const char* measure : {"dot", "l2", "cosine"}) {
    const auto placer = placer_of("dot_product[measure=" + std::string(measure) + "]");
    EXPECT_EQ(placer->choose(agent_spec(2, resources(200, 100)), books, random).node, node_id(1));
  }
}

TEST(Cost, OpensNoIdleNodeWhileAUsedOneFitsAndTakesTheCheapest) {
  Inventory books;
  for (std::size_t i = 0; i < 3; ++i) {
    NodeSpec node = node_spec(i, resources(100, 100));
    node.price_per_hour = i == 2 ? 0.5 : 1;
    must(books.add_node(node));
  }
  auto placer = placer_of("cost");
  Random random(1);
  std::vector<NodeId> nodes;
  for (std::size_t i = 0; i < 5; ++i) {
    nodes.push_back(
        find_and_place(*placer, agent_spec(i, resources(50, 10)), books, kStart, random)->node);
  }
  EXPECT_THAT(nodes, ElementsAre(node_id(2), node_id(2), node_id(0), node_id(0), node_id(1)));
}

TEST(Objectives, FollowTheirWeights) {
  Inventory books;
  NodeObservation seen[2];
  for (std::size_t i = 0; i < 2; ++i) {
    NodeSpec node = node_spec(i, resources(100, 100));
    node.price_per_hour = i == 0 ? 2 : 1;
    must(books.add_node(node));
    seen[i].node = node_id(i);
    seen[i].latency = i == 0 ? 0.001 : 0.1;
    seen[i].throughput = 10;
  }
  must(books.observe(seen));
  Random random(1);
  const AgentSpec agent = agent_spec(0, resources(10, 10));
  EXPECT_EQ(placer_of("objectives[latency=1, throughput=0, balance=0, cost=0]")
                ->choose(agent, books, random)
                .node,
            node_id(0));
  EXPECT_EQ(placer_of("objectives[latency=0, throughput=0, balance=0, cost=1]")
                ->choose(agent, books, random)
                .node,
            node_id(1));
}

TEST(Spread, PutsAtMostTheCeilingInEachZone) {
  for (const std::size_t zones : {2U, 3U, 5U}) {
    Inventory books = cluster_of(20, resources(1000, 1000), zones);
    auto placer = placer_of("spread");
    Random random(1);
    for (std::size_t replicas = 1; replicas <= 23; ++replicas) {
      ASSERT_TRUE(
          find_and_place(*placer, agent_spec(replicas, resources(50, 50), 3), books, kStart, random)
              .ok());
      for (std::uint32_t z = 0; z < zones; ++z) {
        EXPECT_LE(books.count_in_zone(service_id(3), z), (replicas + zones - 1) / zones);
      }
    }
  }
}

TEST(Spread, KeepsRoomForTheLossOfAZone) {
  Inventory books = cluster_of(3, resources(100, 100), 3);
  EXPECT_TRUE(survives_zone_loss(books, resources(100, 100), 0));
  EXPECT_FALSE(survives_zone_loss(books, resources(201, 0), 0));
  must(books.place(agent_spec(0, resources(60, 0), 1), node_id(0), kStart));
  must(books.place(agent_spec(1, resources(60, 0), 2), node_id(1), kStart));
  // 40 + 60 are left elsewhere for what zone 0 holds; with 50 more in zone 2 only 40 + 50, which
  // still takes the 60; with 50 more of another kind nothing changes.
  EXPECT_TRUE(survives_zone_loss(books, resources(50, 0), 2));
  EXPECT_FALSE(survives_zone_loss(books, resources(90, 0), 2));
}

TEST(Sampled, TakesTheLocalNodeWithinTheMargin) {
  Inventory books = cluster_of(16, resources(1000, 1000));
  auto placer = placer_of("sampled");
  Random random(3);
  AgentSpec agent = agent_spec(0, resources(10, 10));
  agent.origin = node_id(7);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(placer->choose(agent, books, random).node, node_id(7));
  must(books.place(agent_spec(1, resources(300, 300)), node_id(7), kStart));
  std::set<NodeId> seen;
  for (int i = 0; i < 50; ++i) seen.insert(placer->choose(agent, books, random).node);
  EXPECT_EQ(seen.count(node_id(7)), 0U);
  EXPECT_GT(seen.size(), 5U);
}

TEST(Sampled, SaysWhenTheSampleHadNoPlace) {
  Inventory books = cluster_of(400, resources(100, 100));
  for (std::size_t i = 1; i < 400; ++i) {
    must(books.place(agent_spec(i, resources(100, 0)), node_id(i), kStart));
  }
  Random random(3);
  for (const char* name : {"sampled", "random[tries=1]"}) {
    const Choice choice = placer_of(name)->choose(agent_spec(0, resources(1, 1)), books, random);
    EXPECT_EQ(choice.node, node_id(0));
    EXPECT_TRUE(choice.fell_back) << name;
  }
}

// 50, 50, 40, 30, 30 on two nodes of 100: in that order best fit needs 50 + 50 and 40 + 30 + 30.
// As they come (30, 50, 40, 30, 50) the last has no place.
TEST(Batch, PlacesTheLargestFirst) {
  std::vector<AgentSpec> agents;
  for (const Amount size : {30, 50, 40, 30, 50}) {
    agents.push_back(agent_spec(agents.size(), resources(size, 0)));
  }
  auto placer = placer_of("best_fit");
  Random random(1);
  Inventory one_by_one = cluster_of(2, resources(100, 100));
  std::size_t refused = 0;
  for (const AgentSpec& agent : agents) {
    refused += !find_and_place(*placer, agent, one_by_one, kStart, random).ok();
  }
  EXPECT_EQ(refused, 1U);
  Inventory books = cluster_of(2, resources(100, 100));
  const BatchResult result = place_batch(*placer, agents, books, kStart, random);
  EXPECT_TRUE(result.refused.empty());
  EXPECT_EQ(books.node(node_id(0)).reserved[Resource::kCpu], 100);
  EXPECT_EQ(books.node(node_id(1)).reserved[Resource::kCpu], 100);
}

TEST(Batch, AllOrNothingLeavesNothingBehind) {
  const AgentSpec agents[] = {agent_spec(0, resources(60, 0)), agent_spec(1, resources(60, 0)),
                              agent_spec(2, resources(10, 0))};
  auto placer = placer_of("best_fit");
  Random random(1);
  Inventory books = cluster_of(1, resources(100, 100));
  const BatchResult none = place_batch(*placer, agents, books, kStart, random, {true});
  EXPECT_TRUE(none.placed.empty());
  EXPECT_THAT(none.refused, ElementsAre(agent_id(1)));
  EXPECT_EQ(books.agent_count(), 0U);
  const BatchResult some = place_batch(*placer, agents, books, kStart, random);
  EXPECT_EQ(some.placed.size(), 2U);
  EXPECT_THAT(some.refused, ElementsAre(agent_id(1)));
}

TEST(PlacerRegistry, AnUnknownNameListsTheKnownOnes) {
  const Result<MadePlacer> made = make_placer("bestfit");
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error(), HasSubstr("unknown placer \"bestfit\" (known: score, best_fit, "));
}

}  // namespace
}  // namespace phoenix
