// Rebalancing: plans that make things better by more than they cost, break nothing, and come to an
// end when they are carried out again and again.
#include <cmath>

#include <gmock/gmock.h>

#include "tests/strategies/placement_world.h"

namespace phoenix {
namespace {

using namespace phoenix::testing;  // NOLINT: builders
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// No budget, no cooling: what the search itself does.
const std::string kFree =
    "budget_share=1, cooling=0 s, moves_per_node=100, start=1.01, stop=1, base_cost=0";

RebalanceView view_of(const Inventory& books, Time now = kStart + minutes(60)) {
  RebalanceView view;
  view.inventory = &books;
  view.now = now;
  return view;
}

void carry_out(const RebalancePlan& plan, Inventory& books, Time now) {
  for (const Move& move : plan.moves) must(books.begin_move(move.agent, move.to, now));
  for (const Move& move : plan.moves) books.finish_move(move.agent, now);
}

// Agents of 100 of CPU and memory each.
Inventory with_counts(const std::vector<std::size_t>& counts) {
  Inventory books = cluster_of(counts.size(), resources(10'000, 10'000));
  std::size_t id = 0;
  for (std::size_t node = 0; node < counts.size(); ++node) {
    for (std::size_t i = 0; i < counts[node]; ++i) {
      must(books.place(agent_spec(id++, resources(100, 100)), node_id(node), kStart));
    }
  }
  return books;
}

std::vector<std::size_t> counts_of(const Inventory& books) {
  std::vector<std::size_t> counts;
  for (std::size_t i = 0; i < books.node_limit(); ++i) {
    if (books.has_node(node_id(i))) counts.push_back(books.node(node_id(i)).agents.size());
  }
  return counts;
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const RebalancerEntry& entry : rebalancers()) names.push_back(entry.name);
  return names;
}

// Loads 10, 4, 4: moving 3 lowers the sum of squares by 18, moving 6 by nothing.
TEST(RebalanceFormulas, WorkedNumbers) {
  EXPECT_DOUBLE_EQ(square_change(3, 10, 4), -18);
  EXPECT_DOUBLE_EQ(square_change(6, 10, 4), 0);
  EXPECT_GT(square_change(7, 10, 4), 0);
  const double best = (10.0 - 4) / 2;
  EXPECT_LT(square_change(best, 10, 4), square_change(best + 0.1, 10, 4));
  EXPECT_LT(square_change(best, 10, 4), square_change(best - 0.1, 10, 4));
}

TEST(RebalanceFormulas, AMovePaysIfItsGainOverTheHorizonBeatsCostAndMargin) {
  RebalanceLimits limits;
  EXPECT_EQ(limits.horizon, seconds(600));
  EXPECT_DOUBLE_EQ(limits.margin, 0.2);
  EXPECT_EQ(limits.cooling, minutes(10));
  EXPECT_DOUBLE_EQ(limits.start_ratio, 1.15);
  EXPECT_DOUBLE_EQ(limits.stop_ratio, 1.05);
  EXPECT_DOUBLE_EQ(limits.budget_share, 0.05);
  EXPECT_EQ(limits.moves_per_node, 2);
  EXPECT_FALSE(pays(0.2, 100, limits));  // 120 is not more than 120
  EXPECT_TRUE(pays(0.2001, 100, limits));
  MigrationEstimate moved;
  moved.downtime = seconds(2);
  moved.bytes = 3e9;
  limits.price_per_gb = 4;
  limits.penalty = 5;
  EXPECT_DOUBLE_EQ(move_cost(moved, 10, limits), 0.1 + 2 * 10 * 5 + 3 * 4);
  EXPECT_DOUBLE_EQ(move_cost(moved, std::nan(""), limits), 0.1 + 12);
}

TEST(RebalanceFormulas, LatencyGrowsWithUse) {
  EXPECT_DOUBLE_EQ(expected_latency(0.010, 0.5, 0.75), 0.020);
  EXPECT_DOUBLE_EQ(expected_latency(0.010, 0.5, 0.5), 0.010);
  EXPECT_NEAR(expected_latency(0.010, 0.5, 5), 0.010 * 0.5 / 0.02, 1e-12);
}

TEST(Even, MovesOneOfThree) {
  Inventory books = with_counts({10, 4, 4});
  auto even = rebalancer_of("even[weigh=agents, " + kFree + "]");
  EXPECT_DOUBLE_EQ(even->objective(view_of(books)), 24);
  const RebalancePlan plan = even->plan(view_of(books));
  EXPECT_DOUBLE_EQ(plan.before, 24);
  EXPECT_DOUBLE_EQ(plan.after, 0);
  EXPECT_THAT(plan.moves, SizeIs(4));
  carry_out(plan, books, kStart);
  EXPECT_EQ(counts_of(books), (std::vector<std::size_t>{6, 6, 6}));
  EXPECT_DOUBLE_EQ(even->objective(view_of(books)), plan.after);  // the gain came about
}

TEST(Even, LeavesFourThreeThreeAlone) {
  for (const char* weigh : {"agents", "use"}) {
    const Inventory books = with_counts({4, 3, 3});
    auto even = rebalancer_of("even[weigh=" + std::string(weigh) + ", " + kFree + "]");
    EXPECT_THAT(even->plan(view_of(books)).moves, IsEmpty()) << weigh;
  }
}

// Givers are above the ceiling of the mean or takers below its floor, and it ends within one.
TEST(Even, EndsWithinOneOfTheMeanAndMovesNoMoreThanNeeded) {
  Random random(4);
  for (int round = 0; round < 30; ++round) {
    std::vector<std::size_t> counts(2 + random.below(8));
    std::size_t total = 0;
    for (std::size_t& count : counts) total += count = random.below(20);
    Inventory books = with_counts(counts);
    const std::size_t floor = total / counts.size();
    const std::size_t ceiling = (total + counts.size() - 1) / counts.size();
    std::size_t needed_up = 0;
    std::size_t needed_down = 0;
    for (const std::size_t count : counts) {
      needed_up += count < floor ? floor - count : 0;
      needed_down += count > ceiling ? count - ceiling : 0;
    }
    auto even = rebalancer_of("even[weigh=agents, " + kFree + "]");
    const RebalancePlan plan = even->plan(view_of(books));
    EXPECT_EQ(plan.moves.size(), std::max(needed_up, needed_down));
    carry_out(plan, books, kStart);
    for (const std::size_t count : counts_of(books)) {
      EXPECT_GE(count, floor);
      EXPECT_LE(count, ceiling);
    }
  }
}

TEST(Even, NoNodeAndOneNodeAreNoTrouble) {
  auto even = rebalancer_of("even");
  EXPECT_THAT(even->plan(view_of(Inventory{})).moves, IsEmpty());
  EXPECT_THAT(even->plan(view_of(with_counts({7}))).moves, IsEmpty());
}

TEST(Even, OneAgentHeavierThanTheMeanDoesNotPingPong) {
  Inventory books = cluster_of(3, resources(10'000, 10'000));
  must(books.place(agent_spec(0, resources(9'000, 9'000)), node_id(0), kStart));
  must(books.place(agent_spec(1, resources(100, 100)), node_id(1), kStart));
  for (const char* name : {"even", "resource"}) {
    auto rebalancer = rebalancer_of(std::string(name) + "[" + kFree + "]");
    EXPECT_THAT(rebalancer->plan(view_of(books)).moves, IsEmpty()) << name;
  }
}

TEST(Even, ActsAboveTheTriggerOnly) {
  auto even = rebalancer_of("even[weigh=agents, base_cost=0, budget_share=1]");
  // 23 to a mean of 20.67 is 1.113; 24 to 20.33 is 1.18.
  EXPECT_THAT(even->plan(view_of(with_counts({23, 20, 19}))).moves, IsEmpty());
  EXPECT_THAT(even->plan(view_of(with_counts({24, 19, 18}))).moves, ::testing::Not(IsEmpty()));
}

TEST(Plans, StayWithinTheBudgetAndTheMovesOfANode) {
  const Inventory books = with_counts({60, 0, 0, 0, 0, 0});
  const RebalancePlan five_percent =
      rebalancer_of("even[base_cost=0, moves_per_node=100]")->plan(view_of(books));
  EXPECT_THAT(five_percent.moves, SizeIs(3));
  EXPECT_TRUE(five_percent.is_cut_short);
  EXPECT_THAT(five_percent.reason, HasSubstr("budget used up"));
  const RebalancePlan two =
      rebalancer_of("even[base_cost=0, budget_share=1]")->plan(view_of(books));
  EXPECT_THAT(two.moves, SizeIs(2));
  EXPECT_THAT(rebalancer_of("even[budget=0]")->plan(view_of(books)).moves, IsEmpty());
}

TEST(Plans, LetAnAgentRestAfterAMove) {
  Inventory books = with_counts({1, 1, 0});
  must(books.begin_move(agent_id(0), node_id(1), kStart + minutes(55)));
  books.finish_move(agent_id(0), kStart + minutes(55));
  auto even = rebalancer_of("even[weigh=agents, base_cost=0, budget_share=1]");
  const RebalancePlan plan = even->plan(view_of(books, kStart + minutes(60)));
  ASSERT_THAT(plan.moves, SizeIs(1));
  EXPECT_EQ(plan.moves[0].agent, agent_id(1));
  EXPECT_EQ(plan.cooling, 1U);
}

TEST(Plans, MovesThatCostMoreThanTheyGainStay) {
  Inventory books = with_counts({10, 0});
  for (std::size_t a = 0; a < 10; ++a) {
    books.observe(agent_id(a), AgentObservation{100e9, 0, 1e6});
  }
  const RebalancePlan plan = rebalancer_of("even")->plan(view_of(books));
  EXPECT_THAT(plan.moves, IsEmpty());
  EXPECT_GT(plan.unprofitable, 0U);
  EXPECT_THAT(plan.reason, HasSubstr("not worth their cost"));
}

TEST(Plans, LeaveNodesAloneWhoseReportsHaveStopped) {
  for (const std::string& name : names()) {
    Inventory books = with_counts({9, 4, 1});
    std::vector<NodeObservation> seen(3);
    for (std::size_t i = 0; i < 3; ++i) {
      seen[i].node = node_id(i);
      seen[i].at = kStart + (i == 1 ? minutes(1) : minutes(60));
      seen[i].latency = i == 0 ? 0.1 : 0.001;
    }
    must(books.observe(seen));
    for (std::size_t a = 0; a < 9; ++a) books.observe(agent_id(a), AgentObservation{0, 0, 10});
    const RebalancePlan plan =
        rebalancer_of(name + "[base_cost=0, budget_share=1]")->plan(view_of(books));
    EXPECT_EQ(plan.frozen, 1U);
    EXPECT_THAT(plan.moves, ::testing::Not(IsEmpty())) << name;
    for (const Move& move : plan.moves) {
      EXPECT_NE(move.from, node_id(1)) << name;
      EXPECT_NE(move.to, node_id(1)) << name;
    }
    // Not even what has to leave goes there.
    books.set_state(node_id(0), NodeState::kDraining);
    const RebalancePlan off =
        rebalancer_of(name + "[base_cost=0, budget_share=1]")->plan(view_of(books));
    EXPECT_EQ(off.moves.size(), 9U) << name;
    for (const Move& move : off.moves) EXPECT_EQ(move.to, node_id(2)) << name;
  }
}

TEST(Plans, EmptyADrainingNodeWhateverItCosts) {
  for (const std::string& name : names()) {
    Inventory books = with_counts({5, 5, 5});
    for (std::size_t a = 0; a < 15; ++a) books.observe(agent_id(a), AgentObservation{1e12, 0, 1e6});
    books.set_state(node_id(1), NodeState::kDraining);
    const RebalancePlan plan = rebalancer_of(name + "[budget_share=1]")->plan(view_of(books));
    EXPECT_THAT(plan.moves, SizeIs(5)) << name;
    for (const Move& move : plan.moves) {
      EXPECT_EQ(move.from, node_id(1));
      EXPECT_NE(move.to, node_id(1));
      EXPECT_TRUE(std::isinf(move.gain));
    }
    carry_out(plan, books, kStart);
    EXPECT_TRUE(books.node(node_id(1)).agents.empty());
  }
}

TEST(Plans, TellOfAgentsThatCannotLeaveADrainingNode) {
  Inventory books = with_counts({3, 3});
  AgentRules rules;
  rules.node_tests = {{"only_here", NodeTest::Kind::kExists, {}}};
  NodeSpec special = node_spec(2, resources(10'000, 10'000));
  special.labels = {{"only_here", "yes"}};
  must(books.add_node(special));
  must(books.place(with_rules(agent_spec(10, resources(1, 1)), rules), node_id(2), kStart));
  books.set_state(node_id(2), NodeState::kDraining);
  const RebalancePlan plan = rebalancer_of("even")->plan(view_of(books));
  EXPECT_EQ(plan.stranded, 1U);
  EXPECT_THAT(plan.reason, HasSubstr("1 agents without another place"));
}

// A CPU-heavy and a memory-heavy node have the same mean use, so `even` sees nothing; `resource`
// swaps their kinds around.
TEST(Resource, LevelsEachKindForItself) {
  Inventory books = cluster_of(2, resources(1000, 1000));
  for (std::size_t a = 0; a < 8; ++a) {
    const bool first = a < 4;
    must(books.place(agent_spec(a, first ? resources(200, 10) : resources(10, 200)),
                     node_id(first ? 0 : 1), kStart));
  }
  EXPECT_THAT(rebalancer_of("even[" + kFree + "]")->plan(view_of(books)).moves, IsEmpty());
  auto resource = rebalancer_of("resource[" + kFree + "]");
  const double before = resource->objective(view_of(books));
  for (int round = 0; round < 8; ++round) {
    carry_out(resource->plan(view_of(books)), books, kStart);
  }
  EXPECT_LT(resource->objective(view_of(books)), before / 10);
}

TEST(Latency, BringsTalkersTogetherAndBusyAgentsToFastNodes) {
  Inventory books = cluster_of(4, resources(1000, 1000), 2);
  std::vector<NodeObservation> seen(4);
  for (std::size_t i = 0; i < 4; ++i) {
    seen[i].node = node_id(i);
    seen[i].at = kStart + minutes(60);
    seen[i].latency = i == 3 ? 0.001 : 0.010;
  }
  must(books.observe(seen));
  must(books.place(agent_spec(0, resources(10, 10)), node_id(0), kStart));
  must(books.place(agent_spec(1, resources(10, 10)), node_id(1), kStart));
  must(books.place(agent_spec(2, resources(10, 10)), node_id(2), kStart));
  books.observe(agent_id(2), AgentObservation{0, 0, 1'000});
  const AgentTraffic traffic[] = {{agent_id(0), agent_id(1), 5'000}};
  RebalanceView view = view_of(books);
  view.traffic = traffic;
  auto latency = rebalancer_of("latency[base_cost=0, budget_share=1]");
  // 1000 /s at 10 ms and 5000 messages a second of 1 ms between zones.
  EXPECT_NEAR(latency->objective(view), 10 + 5, 1e-9);
  const RebalancePlan plan = latency->plan(view);
  EXPECT_NEAR(plan.before, 15, 1e-9);
  carry_out(plan, books, kStart);
  EXPECT_EQ(books.agent(agent_id(2)).node, node_id(3));
  EXPECT_EQ(books.agent(agent_id(0)).node, books.agent(agent_id(1)).node);
  EXPECT_NEAR(latency->objective(view), plan.after, 0.05);
  EXPECT_LT(plan.after, 1.1);
}

class EveryRebalancer : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Registry, EveryRebalancer, ::testing::ValuesIn(names()),
                         [](const auto& which) { return which.param; });

TEST_P(EveryRebalancer, PrintsItselfAndReadsThatBack) {
  const Result<MadeRebalancer> made = make_rebalancer(GetParam());
  ASSERT_TRUE(made.ok()) << made.error();
  EXPECT_EQ(make_rebalancer(made->text)->text, made->text);
  EXPECT_FALSE(make_rebalancer(GetParam() + "[target=even]").ok());
}

TEST_P(EveryRebalancer, GetsBetterWithEveryRoundBreaksNoFilterAndComesToAnEnd) {
  Random random(11);
  Inventory books = cluster_of(30, resources(10'000, 20'000), 3);
  std::vector<NodeObservation> seen(30);
  for (std::size_t i = 0; i < 30; ++i) {
    seen[i].node = node_id(i);
    seen[i].at = kStart + minutes(60);
    seen[i].latency = 0.001 + 0.02 * random.uniform();
  }
  must(books.observe(seen));
  AgentRules apart;
  apart.anti_affinity = {hard(AgentSelector::of(service_id(1)))};
  auto placer = placer_of("best_fit");
  for (std::size_t id = 0; id < 300; ++id) {
    AgentSpec agent = agent_spec(id,
                                 resources(static_cast<Amount>(100 + random.below(900)),
                                           static_cast<Amount>(100 + random.below(1'500))),
                                 id % 20 == 0 ? 1 : 2);
    if (id % 20 == 0) agent = with_rules(agent, apart);
    ASSERT_TRUE(find_and_place(*placer, agent, books, kStart, random).ok());
    books.observe(agent_id(id), AgentObservation{1e6, 0, 20 * random.uniform()});
  }
  auto rebalancer = rebalancer_of(GetParam() + "[cooling=0 s, budget_share=0.2]");
  Time now = kStart + minutes(60);
  double last = rebalancer->objective(view_of(books, now));
  int rounds = 0;
  for (; rounds < 200; ++rounds) {
    const RebalancePlan plan = rebalancer->plan(view_of(books, now));
    EXPECT_NEAR(plan.before, last, 1e-9 * std::abs(last));
    if (plan.moves.empty()) break;
    EXPECT_LT(plan.after, plan.before);
    double gains = 0;
    for (const Move& move : plan.moves) {
      EXPECT_GT(move.gain, 0);
      gains += move.gain;
    }
    EXPECT_NEAR(plan.before - plan.after, gains, 1e-9 * plan.before);
    carry_out(plan, books, now);
    expect_balanced(books);
    last = rebalancer->objective(view_of(books, now));
    for (std::size_t a = 0; a < 300; a += 20) {
      EXPECT_EQ(Eligibility(books.agent(agent_id(a)).spec, books)
                    .broken_rule(books.agent(agent_id(a)).node),
                std::nullopt);
    }
    if (GetParam() == "latency") break;  // its latencies are those of before: observe them anew
  }
  EXPECT_LT(rounds, 200);
}

// Four alike nodes but for speed, throughput and price: each weight alone sends load to the best in
// its respect, and balance alone levels it.
TEST(Objectives, FollowTheirWeightsInRebalancingToo) {
  Inventory books;
  std::vector<NodeObservation> seen(4);
  for (std::size_t i = 0; i < 4; ++i) {
    NodeSpec node = node_spec(i, resources(1000, 1000));
    node.price_per_hour = i == 3 ? 1 : 4;
    must(books.add_node(node));
    seen[i].node = node_id(i);
    seen[i].at = kStart + minutes(60);
    seen[i].latency = i == 1 ? 0.001 : 0.010;
    seen[i].throughput = i == 2 ? 500 : 100;
  }
  must(books.observe(seen));
  for (std::size_t a = 0; a < 8; ++a) {
    must(books.place(agent_spec(a, resources(100, 100)), node_id(0), kStart));
  }
  const auto after = [&](const std::string& weights) {
    Inventory moved = books;
    auto rebalancer = rebalancer_of("objectives[" + weights + ", " + kFree + "]");
    const double before = rebalancer->objective(view_of(moved));
    const RebalancePlan plan = rebalancer->plan(view_of(moved));
    carry_out(plan, moved, kStart);
    EXPECT_NEAR(rebalancer->objective(view_of(moved)), plan.after, 1e-9 * before);
    return counts_of(moved);
  };
  using Counts = std::vector<std::size_t>;
  EXPECT_EQ(after("latency=1, throughput=0, balance=0, cost=0"), (Counts{0, 8, 0, 0}));
  EXPECT_EQ(after("latency=0, throughput=1, balance=0, cost=0"), (Counts{0, 0, 8, 0}));
  EXPECT_EQ(after("latency=0, throughput=0, balance=0, cost=1"), (Counts{0, 0, 0, 8}));
  EXPECT_EQ(after("latency=0, throughput=0, balance=1, cost=0"), (Counts{2, 2, 2, 2}));
  EXPECT_THAT(make_rebalancer("objectives[cost=0.3]").error(), HasSubstr("must be 1"));
  EXPECT_TRUE(make_rebalancer("objectives").ok());
}

TEST(Pack, EmptiesANodeWholeOrNotAtAll) {
  Inventory books = cluster_of(4, resources(100, 100));
  std::size_t id = 0;
  const auto put = [&](std::size_t node, Amount size) {
    must(books.place(agent_spec(id++, resources(size, size)), node_id(node), kStart));
  };
  put(0, 60);
  put(1, 15);
  put(1, 15);
  put(2, 20);
  // The 20 of node 2 fit best on node 0; of the 30 of node 1 only half do then.
  const RebalancePlan plan = rebalancer_of("pack[" + kFree + "]")->plan(view_of(books));
  ASSERT_EQ(plan.moves.size(), 1U);
  EXPECT_EQ(plan.moves[0].agent, agent_id(3));
  EXPECT_EQ(plan.moves[0].to, node_id(0));
  EXPECT_THAT(plan.reason, HasSubstr("1 of them emptied"));
  carry_out(plan, books, kStart);
  EXPECT_EQ(counts_of(books), (std::vector<std::size_t>{2, 2, 0, 0}));
  EXPECT_THAT(rebalancer_of("pack[" + kFree + "]")->plan(view_of(books)).moves, IsEmpty())
      << "an idle node is no place for what was on another";
}

TEST(Pack, ABudgetOrAnAgentThatHasToStayLeavesTheNodeAlone) {
  Inventory books = cluster_of(2, resources(100, 100));
  for (std::size_t i = 0; i < 10; ++i) {
    must(books.place(agent_spec(i, resources(5, 5)), node_id(i < 4 ? 0 : 1), kStart));
  }
  const auto moves = [&](const std::string& settings) {
    return rebalancer_of("pack[base_cost=0, " + settings + "]")->plan(view_of(books)).moves.size();
  };
  EXPECT_EQ(moves("budget_share=1"), 4U);
  EXPECT_EQ(moves("budget_share=0.3"), 0U) << "three moves do not empty it";
  EXPECT_EQ(moves("budget_share=1, moves_per_node=3"), 0U);
  must(books.begin_move(agent_id(0), node_id(1), kStart + minutes(59)));
  books.cancel_move(agent_id(0));
  EXPECT_EQ(moves("budget_share=1"), 0U) << "one is cooling";
}

TEST(Pack, ANodeThatWasGivenEnoughInThisRoundTakesNoMore) {
  Inventory books = with_counts({2, 5, 1});
  books.set_state(node_id(0), NodeState::kDraining);
  const auto taken = [&](int limit) {
    const std::string settings = "base_cost=0, budget_share=1, moves_per_node=";
    const RebalancePlan plan =
        rebalancer_of("pack[" + settings + std::to_string(limit) + "]")->plan(view_of(books));
    return std::count_if(plan.moves.begin(), plan.moves.end(),
                         [](const Move& move) { return move.to == node_id(1); });
  };
  EXPECT_EQ(taken(3), 3) << "two off the draining node, one to empty another";
  EXPECT_EQ(taken(2), 2);
}

TEST(Pack, EveryNodeThatGivesIsEmptyAfterwardsAndNoIdleOneIsUsed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    Inventory books = cluster_of(40, resources(10'000, 20'000), 3);
    for (std::size_t id = 0; id < 120; ++id) {
      const AgentSpec agent = agent_spec(id, resources(static_cast<Amount>(random.below(3'000)),
                                                       static_cast<Amount>(random.below(6'000))));
      static_cast<void>(books.place(agent, node_id(random.below(30)), kStart));
    }
    const auto before = counts_of(books);
    const RebalancePlan plan = rebalancer_of("pack[" + kFree + ", tries=40]")->plan(view_of(books));
    EXPECT_FALSE(plan.moves.empty());
    carry_out(plan, books, kStart + minutes(60));
    expect_balanced(books);
    const auto after = counts_of(books);
    for (std::size_t i = 0; i < 40; ++i) {
      const bool has_given = std::any_of(plan.moves.begin(), plan.moves.end(),
                                         [&](const Move& m) { return m.from == node_id(i); });
      if (!has_given && before[i] > 0) continue;
      EXPECT_EQ(after[i], 0U) << "seed " << seed << ", node " << i;
    }
  }
}

TEST(RebalancerRegistry, HasTheGoals) {
  EXPECT_THAT(names(), ::testing::ElementsAre("even", "resource", "latency", "objectives", "pack"));
  EXPECT_THAT(make_rebalancer("evn").error(), HasSubstr("did you mean \"even\"?"));
}

}  // namespace
}  // namespace phoenix
