// The predictive balancer and what it learns with: recursive least squares, what nodes cost, and
// what requests weigh.
#include <algorithm>
#include <cmath>
#include <queue>
#include <set>
#include <string>

#include "strategies/balancing/node_costs.h"
#include "strategies/balancing/request_work.h"
#include "strategies/core/recursive_least_squares.h"
#include "strategies/metrics/histogram.h"
#include "tests/strategies/pool_harness.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using std::chrono::milliseconds;
using std::chrono::seconds;

NodeId node(std::size_t i) { return id_at<NodeId>(i); }

using Line = RecursiveLeastSquares<1>;
using Plane = RecursiveLeastSquares<2>;

Line::Vector at(double x) { return Line::Vector::Constant(x); }

TEST(RecursiveLeastSquares, WorkedExampleWithoutForgetting) {
  Line model(100);
  model.learn(at(1), 2, 1);
  EXPECT_NEAR(model.theta()[0], 1.980198, 1e-6);
  EXPECT_NEAR(model.covariance()(0, 0), 0.990099, 1e-6);
  model.learn(at(1), 4, 1);
  EXPECT_NEAR(model.theta()[0], 2.985075, 1e-6);
  model.learn(at(2), 6, 1);
  EXPECT_NEAR(model.theta()[0], 2.995008, 1e-6);
}

TEST(RecursiveLeastSquares, WorkedExampleWithForgetting) {
  Line model(100);
  model.learn(at(1), 2, 0.9);
  EXPECT_NEAR(model.theta()[0], 1.982161, 1e-6);
  model.learn(at(1), 4, 0.9);
  EXPECT_NEAR(model.theta()[0], 3.039673, 1e-6);
  model.learn(at(2), 6, 0.9);
  EXPECT_NEAR(model.theta()[0], 3.011916, 1e-6);
}

TEST(RecursiveLeastSquares, TwoFeaturesEqualBatchRidge) {
  Plane model(1);
  model.learn({1, 1}, 3, 1);
  EXPECT_NEAR(model.theta()[0], 1, 1e-9);
  EXPECT_NEAR(model.theta()[1], 1, 1e-9);
  model.learn({1, 2}, 5, 1);
  EXPECT_NEAR(model.theta()[0], 1, 1e-9);
  EXPECT_NEAR(model.theta()[1], 1.666667, 1e-6);
}

TEST(RecursiveLeastSquares, AMillionConstantInputsStayBounded) {
  Plane model(100);
  for (int i = 0; i < 1'000'000; ++i) model.learn({1, 3}, 7, 0.99);
  EXPECT_TRUE(model.covariance().allFinite());
  EXPECT_LE(model.covariance().trace(), 2'000 * (1 + 1e-9));
  EXPECT_EQ(model.covariance()(0, 1), model.covariance()(1, 0));
  EXPECT_NEAR(model.predict({1, 3}), 7, 1e-6);
  // And it still learns: a new law shows within its memory.
  for (int i = 0; i < 800; ++i) model.learn({1, static_cast<double>(i % 5)}, 2.0 * (i % 5), 0.99);
  EXPECT_NEAR(model.predict({1, 4}), 8, 0.1);
}

LoadReport rates(Time at, float cpu, float rate, std::uint32_t in_service = 0) {
  LoadReport report;
  report.measured_at = at;
  report.cpu = cpu;
  report.rate = rate;
  report.in_service = in_service;
  return report;
}

NodeCosts costs_of(std::size_t nodes) {
  NodeCosts costs{NodeCostSettings{}};
  costs.grow(nodes);
  for (std::size_t i = 0; i < nodes; ++i) costs.set_weight(node(i), 1.0);
  return costs;
}

// Seconds of reports, one a second: node 1 needs four times the CPU for an answer.
void report_rates(NodeCosts& costs, int seconds_of_them, float rate) {
  for (int s = 1; s <= seconds_of_them; ++s) {
    const Time now = kStart + seconds(s);
    const float wobble = s % 2 == 0 ? 1.01F : 0.99F;
    costs.hear(node(0), rates(now, 0.005F * rate * wobble, rate * wobble), 0, now);
    costs.hear(node(1), rates(now, 0.020F * rate * wobble, rate * wobble), 0, now);
  }
}

TEST(NodeCosts, CostIsCpuPerAnswerAsReported) {
  NodeCosts costs = costs_of(2);
  report_rates(costs, 30, 500);
  EXPECT_NEAR(costs.cost(node(0)), 0.005, 0.0005);
  EXPECT_NEAR(costs.cost(node(1)), 0.020, 0.0005);
}

TEST(NodeCosts, FewAnswersProveLittle) {
  // Two answers a second, memory 5 s: ten answers against the fleet's mean counted as 50.
  NodeCosts costs = costs_of(2);
  report_rates(costs, 30, 2);
  EXPECT_LT(costs.cost(node(1)) / costs.cost(node(0)), 1.7);
  EXPECT_GT(costs.cost(node(1)), costs.cost(node(0)));
}

TEST(NodeCosts, AnUnknownNodeIsAnOrdinaryOneOfItsWeight) {
  NodeCosts costs = costs_of(4);
  costs.set_weight(node(3), 2.0);
  report_rates(costs, 30, 500);
  EXPECT_GT(costs.cost(node(2)), costs.cost(node(0)));
  EXPECT_LT(costs.cost(node(2)), costs.cost(node(1)));
  EXPECT_NEAR(costs.cost(node(3)), costs.cost(node(2)) / 2, 1e-12);
}

TEST(NodeCosts, WithoutRatesResponseTimesTellTheSlowNode) {
  NodeCosts costs = costs_of(2);
  for (int i = 0; i < 2'000; ++i) {
    const Time now = kStart + milliseconds(i);
    costs.learn(node(0), 0.010, 1.0, 2, true, now);
    costs.learn(node(1), 0.030, 1.0, 2, true, now);
  }
  EXPECT_NEAR(costs.cost(node(1)) / costs.cost(node(0)), 3, 0.2);
}

TEST(NodeCosts, OverheadIsWhatCostDoesNotExplainAndChanceIsNot) {
  NodeCosts costs = costs_of(3);
  for (int s = 1; s <= 10; ++s) {
    const Time now = kStart + seconds(s);
    const float rate = s % 2 == 0 ? 201 : 199;
    for (const std::size_t n : {0U, 2U})
      costs.hear(node(n), rates(now, 0.005F * rate, rate), 0, now);
  }
  Random random(5);
  for (int i = 0; i < 3'000; ++i) {
    const Time now = kStart + seconds(10) + milliseconds(i);
    const double noise = -0.005 * std::log(random.uniform_positive());  // mean 5 ms
    costs.learn(node(0), noise, 1.0, 0, true, now);
    costs.learn(node(2), noise + 0.040, 1.0, 0, true, now);  // 40 ms away
  }
  const Time end = kStart + seconds(13);
  EXPECT_LT(costs.overhead(node(0), 1, end), 0.0005);
  EXPECT_NEAR(costs.overhead(node(2), 1, end), 0.035, 0.008);
  // Idle, it fades with a memory of 10 s: exp(-1) after that long.
  EXPECT_NEAR(costs.overhead(node(2), 0, end + seconds(10)),
              costs.overhead(node(2), 1, end) * std::exp(-1.0), 1e-4);
}

TEST(NodeCosts, FailuresMakeANodeDear) {
  NodeCosts costs = costs_of(1);
  for (int i = 0; i < 500; ++i) {
    costs.learn(node(0), i % 20 == 0 ? 1.0 : 0.005, 1.0, 0, i % 20 != 0, kStart + milliseconds(i));
  }
  // One in twenty at 1 s: 50 ms on average, less two standard errors of 10 ms each.
  EXPECT_NEAR(costs.overhead(node(0), 1, kStart + milliseconds(500)), 0.030, 0.012);
}

TEST(NodeCosts, RequestsOfOthersCountAndFadeToTheirAverage) {
  NodeCosts costs = costs_of(1);
  costs.learn(node(0), 0.010, 1.0, 0, true, kStart);  // reports live for 20 ms
  for (int i = 0; i < 200; ++i) costs.hear(node(0), rates(kStart, 0.5F, 100, 2), 0, kStart);
  const Time now = kStart + seconds(1);
  costs.hear(node(0), rates(now, 0.5F, 100, 10), 2, now);  // 8 beyond our own 2
  EXPECT_NEAR(costs.others(node(0), now), 8, 1e-9);
  EXPECT_NEAR(costs.others(node(0), now + seconds(1)), 2.3, 0.05);
}

TEST(RequestWork, LearnsClassAndSize) {
  RequestWork work;
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t kind = random.below(2);
    const double size = 0.5 + random.uniform();
    work.learn(id_at<ClassId>(kind), size,
               (kind == 0 ? 1.0 : 4.0) * size * (0.8 + 0.4 * random.uniform()));
  }
  // The mean request weighs 2.5 of these units.
  EXPECT_NEAR(work.relative(ClassId{0}, 1.0), 1.0 / 2.5, 0.05);
  EXPECT_NEAR(work.relative(ClassId{1}, 1.0), 4.0 / 2.5, 0.1);
  EXPECT_NEAR(work.relative(ClassId{1}, 1.5), 6.0 / 2.5, 0.2);
  EXPECT_EQ(work.relative(ClassId{7}, 1.0), 1.0) << "nothing is known of it";
}

TEST(RequestWork, AHomeIsWorthWhatItsAnswersSay) {
  RequestWork work;
  for (int i = 0; i < 99; ++i) work.learn_home(true, 0.25);
  for (int i = 0; i < 200; ++i) work.learn_home(false, 1.0);
  EXPECT_EQ(work.home_share(), RequestWork::kHomeUntold) << "too few to tell";
  work.learn_home(true, 0.25);
  EXPECT_NEAR(work.home_share(), 0.25, 1e-9);
}

TEST(Predictive, UntrainedItTakesTheLeastLoadedForItsWeight) {
  PoolHarness pool("predictive", 4);
  pool.set_weight(node(3), 3.0);
  for (const std::size_t i : {0U, 1U, 2U}) pool.send_to(node(i));
  pool.send_to(node(3));
  pool.send_to(node(3));
  // (1 + 1) / 1 against (2 + 1) / 3.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(pool.pick(), node(3));
}

TEST(Predictive, ANodeThatFailsFastGetsLessThanItsShareAndIsTriedAgain) {
  PoolHarness pool("predictive", 5);
  std::vector<int> picks(5, 0);
  for (int i = 0; i < 20'000; ++i) {
    const NodeId chosen = pool.send();
    ++picks[index(chosen)];
    pool.done(chosen, milliseconds(chosen == node(2) ? 1 : 10), chosen != node(2));
    pool.now += milliseconds(5);
    if (i % 200 == 0) pool.tick();
  }
  EXPECT_LT(picks[2], 1'000);  // 100 s
  EXPECT_GT(picks[2], 0);
}

TEST(Predictive, FindsOutThatKeysHaveHomes) {
  // Every node remembers the last 150 of 300 keys; a hit takes 2 ms and a miss 20.
  constexpr std::size_t kNodes = 8;
  PoolHarness pool("predictive", kNodes);
  pool.request.has_key = true;
  std::vector<std::vector<std::uint64_t>> kept(kNodes);
  Random random(11);
  std::vector<std::pair<NodeId, Duration>> open;
  int hits = 0;
  constexpr int kRequests = 30'000;
  for (int i = 0; i < kRequests; ++i) {
    pool.request.key = random.below(300);
    const NodeId chosen = pool.send();
    auto& keys = kept[index(chosen)];
    const auto found = std::find(keys.begin(), keys.end(), pool.request.key);
    const bool hit = found != keys.end();
    if (hit) keys.erase(found);
    keys.push_back(pool.request.key);
    if (keys.size() > 150) keys.erase(keys.begin());
    if (i >= kRequests / 2) hits += hit ? 1 : 0;
    open.push_back({chosen, milliseconds(hit ? 2 : 20)});
    if (open.size() > 6) {
      pool.done(open.front().first, open.front().second);
      open.erase(open.begin());
    }
    pool.now += milliseconds(1);
    if (i % 1'000 == 0) pool.tick();
  }
  // Blind to keys half of them hit, 150 of 300.
  EXPECT_GT(hits, kRequests / 2 * 0.75);
}

// A pool of nodes with four cores that has learnt that answers of homes take as long as others.
PoolHarness indifferent_pool(float memory) {
  constexpr std::size_t kNodes = 8;
  PoolHarness pool("predictive", kNodes);
  pool.request.has_key = true;
  Random random(12);
  for (int i = 0; i < 100'000; ++i) {
    if (i % 1'000 == 0) {
      for (std::size_t n = 0; n < kNodes; ++n) {
        LoadReport report = testing::report_of(pool.now, 0.25F, memory, 0);
        report.in_service = 1;
        pool.report(node(n), report);
      }
    }
    pool.request.key = random.below(10'000);
    const NodeId chosen = pool.send();
    pool.now += milliseconds(10);
    pool.done(chosen, milliseconds(10));
  }
  pool.now += seconds(10);  // what was reported is old
  pool.tick();
  return pool;
}

TEST(Predictive, KeepsKeysAtHomeWhereMemoryIsInUse) {
  PoolHarness roomy = indifferent_pool(0.1F);
  PoolHarness tight = indifferent_pool(0.6F);
  int left = 0;
  for (std::uint64_t key = 0; key < 50; ++key) {
    roomy.request.key = tight.request.key = key;
    const NodeId home = tight.pick();  // all are idle
    for (PoolHarness* pool : {&roomy, &tight}) {
      for (int i = 0; i < 3; ++i) pool->send_to(home);  // with one of others, all cores
    }
    left += roomy.pick() != home ? 1 : 0;
    EXPECT_EQ(tight.pick(), home) << key;
    for (PoolHarness* pool : {&roomy, &tight}) {
      for (int i = 0; i < 3; ++i) pool->done(home, milliseconds(10));
    }
  }
  EXPECT_GT(left, 45);
}

// Nodes with four cores each and one queue, half of them at a third of the speed; Poisson arrivals
// at 0.75 of capacity, exponential work of 10 ms. Returns the 99th percentile in seconds.
double p99_on_unequal_nodes(const std::string& strategy) {
  constexpr std::size_t kNodes = 12;
  constexpr int kCores = 4;
  constexpr int kRequests = 120'000;
  PoolHarness pool(strategy, kNodes);
  Random random(21);
  std::vector<std::vector<double>> free_at(kNodes, std::vector<double>(kCores, 0));
  struct Answer {
    double at;
    double sent;
    std::size_t node;
    bool operator<(const Answer& other) const { return at > other.at; }
  };
  std::priority_queue<Answer> answers;
  Histogram latencies;
  double clock = 0;
  const double rate = 0.75 * kCores * (6 + 6 / 3.0) / 0.010;
  for (int i = 0; i < kRequests; ++i) {
    clock -= std::log(random.uniform_positive()) / rate;
    while (!answers.empty() && answers.top().at <= clock) {
      const Answer answer = answers.top();
      answers.pop();
      pool.now = kStart + from_seconds(answer.at);
      pool.done(node(answer.node), from_seconds(answer.at - answer.sent));
      if (i > kRequests / 4) latencies.record(from_seconds(answer.at - answer.sent));
    }
    pool.now = kStart + from_seconds(clock);
    const std::size_t n = index(pool.send());
    const double speed = n < 6 ? 1.0 : 1.0 / 3;
    auto core = std::min_element(free_at[n].begin(), free_at[n].end());
    *core = std::max(*core, clock) - std::log(random.uniform_positive()) * 0.010 / speed;
    answers.push({*core, clock, n});
  }
  return to_seconds(latencies.quantile(0.99));
}

TEST(Predictive, HasAShorterTailThanP2cOnUnequalNodes) {
  const double p2c = p99_on_unequal_nodes("p2c");
  const double predictive = p99_on_unequal_nodes("predictive");
  EXPECT_LT(predictive, 0.85 * p2c) << "p2c " << p2c;
}

}  // namespace
}  // namespace phoenix
