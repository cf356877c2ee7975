// Which nodes may take an agent, why others may not, and the numbers behind each score.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "strategies/placement/scores.h"
#include "strategies/placement/statistics.h"
#include "tests/strategies/placement_world.h"

namespace phoenix {
namespace {

using namespace phoenix::testing;  // NOLINT: builders
using ::testing::HasSubstr;

std::optional<Filter> refusal(const AgentSpec& agent, std::size_t node, const Inventory& books) {
  return Eligibility(agent, books).refusal(node_id(node));
}

TEST(Amounts, RefuseWhatIsNoAmount) {
  EXPECT_EQ(*to_amount(Resource::kCpu, 1.5), 1500);
  EXPECT_EQ(*to_amount(Resource::kMemory, 4096), 4096);
  EXPECT_EQ(*to_amount(Resource::kGpu, 0.0001), 1);  // never rounded to nothing
  const double none = std::nan("");
  for (const double bad : {-1.0, none, std::numeric_limits<double>::infinity(), 1e300}) {
    const Result<Amount> made = to_amount(Resource::kCpu, bad);
    ASSERT_FALSE(made.ok()) << bad;
    EXPECT_THAT(made.error(), HasSubstr("cpu = "));
  }
}

TEST(Specs, BadOnesAreErrorsThatNameTheValue) {
  EXPECT_THAT(check_agent(agent_spec(1, resources(-5, 0))).error(), HasSubstr("cpu = -5"));
  EXPECT_THAT(check_node(node_spec(2, resources(0, -1))).error(), HasSubstr("node 2: memory = -1"));
  AgentRules rules;
  rules.ratio_limits[0] = 1.5;
  EXPECT_THAT(check_agent(with_rules(agent_spec(1, {}), rules)).error(), HasSubstr("1.5"));
  rules = {};
  rules.node_tests = {{"disk", NodeTest::Kind::kEquals, {}}};
  EXPECT_THAT(check_agent(with_rules(agent_spec(1, {}), rules)).error(), HasSubstr("disk"));
  rules = {};
  rules.affinity = {AffinityRule{}};
  EXPECT_FALSE(check_agent(with_rules(agent_spec(1, {}), rules)).ok());
  rules.affinity = {soft(AgentSelector::of(service_id(1)), std::nan(""))};
  EXPECT_FALSE(check_agent(with_rules(agent_spec(1, {}), rules)).ok());
}

TEST(Filters, ResourcesMissingKindIsZeroAndFullIsFull) {
  Inventory books = cluster_of(1, resources(4000, 8000));
  EXPECT_EQ(refusal(agent_spec(1, resources(4000, 8000)), 0, books), std::nullopt);
  EXPECT_EQ(refusal(agent_spec(1, resources(4001, 0)), 0, books), Filter::kResources);
  EXPECT_EQ(refusal(agent_spec(1, resources(0, 0, 1)), 0, books), Filter::kResources);
  EXPECT_EQ(refusal(agent_spec(1, {}), 0, books), std::nullopt);
}

TEST(Filters, HealthIsTheNodesOwn) {
  Inventory books = cluster_of(1, resources(4000, 8000));
  for (const NodeState state : {NodeState::kCordoned, NodeState::kDraining, NodeState::kDown}) {
    books.set_state(node_id(0), state);
    EXPECT_EQ(refusal(agent_spec(1, {}), 0, books), Filter::kHealth);
  }
  books.set_state(node_id(0), NodeState::kReady);
  EXPECT_EQ(refusal(agent_spec(1, {}), 0, books), std::nullopt);
}

TEST(Filters, NodeSelectorTestsKeyValueSetAndPresence) {
  Inventory books;
  NodeSpec node = node_spec(0, resources(1, 1));
  node.labels = {{"disk", "ssd"}, {"rack", "r7"}};
  must(books.add_node(node));
  const auto tested = [&](NodeTest test) {
    AgentRules rules;
    rules.node_tests = {std::move(test)};
    return refusal(with_rules(agent_spec(1, {}), rules), 0, books);
  };
  using Kind = NodeTest::Kind;
  EXPECT_EQ(tested({"disk", Kind::kEquals, {"ssd"}}), std::nullopt);
  EXPECT_EQ(tested({"disk", Kind::kEquals, {"hdd"}}), Filter::kNodeSelector);
  EXPECT_EQ(tested({"rack", Kind::kIn, {"r1", "r7"}}), std::nullopt);
  EXPECT_EQ(tested({"rack", Kind::kIn, {"r1"}}), Filter::kNodeSelector);
  EXPECT_EQ(tested({"rack", Kind::kExists, {}}), std::nullopt);
  EXPECT_EQ(tested({"gpu", Kind::kExists, {}}), Filter::kNodeSelector);
}

TEST(Filters, TaintsMustAllBeTolerated) {
  Inventory books;
  NodeSpec node = node_spec(0, resources(1, 1));
  node.taints = {"batch", "spot"};
  must(books.add_node(node));
  AgentRules rules;
  rules.tolerations = {"spot"};
  EXPECT_EQ(refusal(agent_spec(1, {}), 0, books), Filter::kTaint);
  EXPECT_EQ(refusal(with_rules(agent_spec(1, {}), rules), 0, books), Filter::kTaint);
  rules.tolerations.push_back("batch");
  EXPECT_EQ(refusal(with_rules(agent_spec(1, {}), rules), 0, books), std::nullopt);
}

TEST(Filters, RatioIsJudgedAfterPlacement) {
  Inventory books = cluster_of(1, resources(1000, 1000));
  must(books.place(agent_spec(0, resources(500, 0)), node_id(0), kStart));
  AgentRules rules;
  rules.ratio_limits[0] = 0.7;
  // 500 used now is below the limit; 500 + 201 is not.
  EXPECT_EQ(refusal(with_rules(agent_spec(1, resources(200, 0)), rules), 0, books), std::nullopt);
  EXPECT_EQ(refusal(with_rules(agent_spec(1, resources(201, 0)), rules), 0, books), Filter::kRatio);
  rules.ratio_limits[static_cast<std::size_t>(Resource::kGpu)] = 0.5;  // the node has none of it
  EXPECT_EQ(refusal(with_rules(agent_spec(1, resources(1, 0)), rules), 0, books), Filter::kRatio);
}

TEST(Filters, AffinityLetsTheFirstOfAGroupIn) {
  Inventory books = cluster_of(2, resources(9, 9));
  AgentRules rules;
  rules.affinity = {hard(AgentSelector::of(service_id(5)))};
  const AgentSpec first = with_rules(agent_spec(0, resources(1, 1), 5), rules);
  EXPECT_EQ(refusal(first, 0, books), std::nullopt);
  must(books.place(first, node_id(1), kStart));
  const AgentSpec second = with_rules(agent_spec(1, resources(1, 1), 5), rules);
  EXPECT_EQ(refusal(second, 0, books), Filter::kAffinity);
  EXPECT_EQ(refusal(second, 1, books), std::nullopt);
  // One that does not match its own rule has to wait for the group.
  const AgentSpec stranger = with_rules(agent_spec(2, resources(1, 1), 6), rules);
  EXPECT_EQ(refusal(stranger, 0, books), Filter::kAffinity);
  EXPECT_EQ(refusal(stranger, 1, books), std::nullopt);
}

TEST(Filters, AntiAffinityHoldsBothWays) {
  Inventory books = cluster_of(2, resources(9, 9));
  AgentRules rules;
  rules.anti_affinity = {hard(AgentSelector::of(Label{"app", "db"}))};
  must(books.place(with_rules(agent_spec(0, resources(1, 1), 1), rules), node_id(0), kStart));
  AgentRules db;
  db.labels = {{"app", "db"}};
  EXPECT_EQ(refusal(with_rules(agent_spec(1, {}, 2), db), 0, books), Filter::kAntiAffinity);
  must(books.place(with_rules(agent_spec(1, {}, 2), db), node_id(1), kStart));
  const AgentSpec another = with_rules(agent_spec(2, {}, 1), rules);
  EXPECT_EQ(refusal(another, 1, books), Filter::kAntiAffinity);
  EXPECT_EQ(refusal(another, 0, books), std::nullopt);
  must(books.remove_agent(agent_id(0)));
  EXPECT_EQ(refusal(with_rules(agent_spec(3, {}, 2), db), 0, books), std::nullopt);
}

TEST(Filters, SelectorsMatchIdServiceAndLabelAndAnySuffices) {
  AgentRules labels;
  labels.labels = {{"tier", "web"}};
  const AgentSpec agent = with_rules(agent_spec(7, {}, 3), labels);
  EXPECT_TRUE(matches(AgentSelector::of(agent_id(7)), agent));
  EXPECT_FALSE(matches(AgentSelector::of(agent_id(8)), agent));
  EXPECT_TRUE(matches(AgentSelector::of(service_id(3)), agent));
  EXPECT_FALSE(matches(AgentSelector::of(service_id(7)), agent));
  EXPECT_TRUE(matches(AgentSelector::of(Label{"tier", "web"}), agent));
  EXPECT_FALSE(matches(AgentSelector::of(Label{"tier", "db"}), agent));
  EXPECT_TRUE(matches_any(
      {{AgentSelector::of(agent_id(1)), AgentSelector::of(service_id(3))}, true, 1}, agent));
}

// Zones with 3 and 1 of the service: 3 + 1 - 1 = 3 is above a skew of 2, 1 + 1 - 1 is not.
TEST(Filters, ZoneSpreadBoundsTheSkew) {
  Inventory books = cluster_of(2, resources(99, 99), 2);
  for (const std::size_t agent : {0U, 1U, 2U}) {
    must(books.place(agent_spec(agent, resources(1, 1)), node_id(0), kStart));
  }
  must(books.place(agent_spec(3, resources(1, 1)), node_id(1), kStart));
  AgentRules rules;
  rules.zone_max_skew = 2;
  const AgentSpec next = with_rules(agent_spec(4, resources(1, 1)), rules);
  EXPECT_EQ(refusal(next, 0, books), Filter::kZoneSpread);
  EXPECT_EQ(refusal(next, 1, books), std::nullopt);
  // A new, empty zone makes the least count 0; one without a node for the agent does not count.
  NodeSpec tainted = node_spec(2, resources(9, 9), "new");
  tainted.taints = {"no"};
  must(books.add_node(tainted));
  EXPECT_EQ(refusal(next, 1, books), std::nullopt);
  must(books.add_node(node_spec(3, resources(9, 9), "new")));
  must(books.place(agent_spec(5, resources(1, 1)), node_id(1), kStart));
  EXPECT_EQ(refusal(next, 1, books), Filter::kZoneSpread);
  EXPECT_EQ(refusal(next, 3, books), std::nullopt);
}

TEST(Filters, RefusalsAreCountedByTheFirstThatRefuses) {
  Inventory books = cluster_of(5, resources(10, 10));
  books.set_state(node_id(0), NodeState::kDown);
  must(books.place(agent_spec(0, resources(8, 0)), node_id(1), kStart));
  AgentRules rules;
  rules.ratio_limits[0] = 0.3;
  const AgentSpec agent = with_rules(agent_spec(9, resources(4, 4)), rules);
  const Refusals refusals = count_refusals(agent, books);
  EXPECT_EQ(refusals.text(), "5 nodes: health 1, resources 1, ratio 3");
  auto placer = placer_of("best_fit");
  Random random(1);
  const Result<Choice> found = find_placement(*placer, agent, books, random);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error(), "no_suitable_nodes: 5 nodes: health 1, resources 1, ratio 3");
  EXPECT_EQ(explain_node(*placer, agent, node_id(1), books), "node 1: refused by resources");
  EXPECT_THAT(explain_node(*placer, agent_spec(9, resources(1, 1)), node_id(2), books),
              HasSubstr("node 2: score 0."));
}

TEST(Scores, WorkedNumbers) {
  const double used[] = {0.25, 0.75};
  EXPECT_DOUBLE_EQ(balanced_allocation(used), 0.75);
  EXPECT_NEAR(nomad_fit(0.3, 0.5), 14.8425, 5e-5);
  EXPECT_NEAR(nomad_fit(0.1, 0.1), 17.4821, 5e-5);
  EXPECT_EQ(nomad_fit(1, 1), 0);
  EXPECT_EQ(nomad_fit(-1, -1), 18);
  const double need[] = {0.2, 0.1};
  const double a[] = {0.5, 0.9};
  const double b[] = {0.8, 0.4};
  const double one[] = {1, 1};
  EXPECT_NEAR(dot_product(need, a, one), 0.19, 1e-12);
  EXPECT_NEAR(dot_product(need, b, one), 0.20, 1e-12);
  EXPECT_NEAR(l2_distance(need, a, one), 0.73, 1e-12);
  EXPECT_NEAR(l2_distance(need, b, one), 0.45, 1e-12);
  EXPECT_NEAR(cosine(need, a), 0.8253, 5e-5);
  EXPECT_NEAR(cosine(need, b), 1.0, 1e-12);
  const double three[] = {0.1, 0.2, 0.6};  // mean 0.3, squares 0.04 + 0.01 + 0.09 = 0.14
  EXPECT_NEAR(population_deviation(three), std::sqrt(0.14 / 3), 1e-12);
}

TEST(Scores, LeastAndMostAllocatedLookAtSharesAfterPlacing) {
  const Inventory books = cluster_of(1, resources(4, 8));
  const AgentSpec agent = agent_spec(0, resources(1, 4));  // leaves 3/4 and 1/2
  EXPECT_DOUBLE_EQ(placer_of("worst_fit")->score(agent, node_id(0), books), 0.625);
  EXPECT_DOUBLE_EQ(placer_of("best_fit")->score(agent, node_id(0), books), 0.375);
}

// Of 1,000 of each kind, 400, 900 and 50 are free.
TEST(Scores, TightnessIsAMeanOverWhatIsRequired) {
  const auto tightness =
      placer_of("score[resource=1, affinity=0, load_balance=0, performance=0, goal=pack]");
  Inventory books = cluster_of(2, resources(1'000, 1'000, 1'000));
  must(books.place(agent_spec(0, resources(600, 100, 950)), node_id(0), kStart));
  must(books.place(agent_spec(1, resources(1'000, 1'000, 1'000)), node_id(1), kStart));
  const AgentSpec agent = agent_spec(2, resources(200, 0, 100));
  EXPECT_DOUBLE_EQ(tightness->score(agent, node_id(0), books), (0.5 + 1) / 2);
  EXPECT_EQ(tightness->score(agent_spec(2, resources(0, 0, 0)), node_id(0), books), 1);
  EXPECT_EQ(tightness->score(agent, node_id(1), books), 0);
  const auto balance = placer_of("score[resource=0, affinity=0, load_balance=1, performance=0]");
  const Inventory empty = cluster_of(1, resources(400, 800));
  EXPECT_DOUBLE_EQ(balance->score(agent_spec(0, resources(100, 600)), node_id(0), empty),
                   (0.5 + 0.75) / 2);
}

TEST(Statistics, AreComputed) {
  Inventory books = cluster_of(4, resources(100, 200));
  must(books.place(agent_spec(0, resources(60, 20)), node_id(0), kStart));
  must(books.place(agent_spec(1, resources(20, 20)), node_id(1), kStart));
  must(books.place(agent_spec(2, resources(10, 40)), node_id(2), kStart));
  PlacementStatistics stats = placement_statistics(books);
  EXPECT_EQ(stats.agents, 3U);
  EXPECT_EQ(stats.nodes_in_use, 3U);
  EXPECT_DOUBLE_EQ(stats.utilization[0], 90.0 / 400);
  EXPECT_DOUBLE_EQ(stats.utilization[1], 80.0 / 800);
  EXPECT_TRUE(std::isnan(stats.utilization[4]));
  EXPECT_DOUBLE_EQ(stats.efficiency, 1.0 / 3);  // 90 of CPU fit one node
  // Largest shares 0.6, 0.2, 0.2, 0: mean 0.25, squares 0.1225 + 2 * 0.0025 + 0.0625 = 0.19.
  EXPECT_NEAR(stats.imbalance, std::sqrt(0.19 / 4), 1e-12);
  EXPECT_EQ(stats.violations, 0U);
  EXPECT_EQ(placement_statistics(Inventory{}).efficiency, 1);
}

TEST(Statistics, CountBrokenRules) {
  Inventory books = cluster_of(2, resources(100, 100));
  AgentRules together;
  together.affinity = {hard(AgentSelector::of(service_id(1)))};
  must(books.place(agent_spec(0, {}, 1), node_id(0), kStart));
  must(books.place(with_rules(agent_spec(1, {}, 2), together), node_id(0), kStart));
  EXPECT_EQ(placement_statistics(books).violations, 0U);
  must(books.begin_move(agent_id(0), node_id(1), kStart));
  books.finish_move(agent_id(0), kStart);
  EXPECT_EQ(placement_statistics(books).violations, 1U);
}

}  // namespace
}  // namespace phoenix
