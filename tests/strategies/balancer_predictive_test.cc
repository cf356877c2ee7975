// The predictive balancer and what it learns with: recursive least squares and the latency model.
#include <cmath>
#include <queue>
#include <string>

#include "strategies/balancing/latency_model.h"
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

// Teaches that node n answers after speed_n * (work of the class * size + 4 ms per request ahead).
void teach(LatencyModel& model, const std::vector<double>& slowness, int samples) {
  Random random(3);
  for (int i = 0; i < samples; ++i) {
    const std::size_t n = random.below(slowness.size());
    LatencyModel::Sample sample;
    sample.request_class = id_at<ClassId>(random.below(2));
    sample.size = 0.5 + random.uniform();
    sample.in_flight_when_sent = static_cast<std::uint32_t>(random.below(8));
    const double work = index(sample.request_class) == 0 ? 0.005 : 0.020;
    sample.seconds = slowness[n] * (work * sample.size + 0.004 * sample.in_flight_when_sent) *
                     (0.8 + 0.4 * random.uniform());
    model.learn(node(n), sample, kStart);
  }
}

TEST(LatencyModel, LearnsSpeedBacklogClassAndSize) {
  LatencyModel model(0.998);
  model.grow(3);
  teach(model, {1, 1, 3}, 6'000);
  const auto predict = [&](std::size_t n, std::size_t kind, double size, std::uint32_t ahead) {
    return model.predict(node(n), model.traits(id_at<ClassId>(kind), size), ahead);
  };
  // The law it was taught, within 15 %: the model is linear, the truth has a size times class term.
  EXPECT_NEAR(predict(0, 0, 1.0, 4), 0.005 + 0.016, 0.15 * 0.021);
  EXPECT_NEAR(predict(0, 1, 1.0, 4), 0.020 + 0.016, 0.15 * 0.036);
  EXPECT_NEAR(predict(1, 1, 1.5, 2), 0.030 + 0.008, 0.15 * 0.038);
  EXPECT_NEAR(predict(2, 1, 1.0, 4), 3 * 0.036, 0.15 * 0.108);
}

TEST(LatencyModel, TakesANewNodeForAnOrdinaryOne) {
  LatencyModel model(0.998);
  model.grow(2);
  teach(model, {1, 1}, 2'000);
  model.grow(3);
  const RequestTraits traits = model.traits(ClassId{0}, 1.0);
  EXPECT_NEAR(model.predict(node(2), traits, 3) / model.predict(node(0), traits, 3), 1, 0.1);
}

TEST(LatencyModel, EveryRequestAheadDelays) {
  // Whatever noise says: answers that do not depend on backlog, or fall with it.
  LatencyModel model(0.998);
  model.grow(1);
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    LatencyModel::Sample sample;
    sample.in_flight_when_sent = i % 8;
    sample.seconds = 0.010 - 0.001 * sample.in_flight_when_sent;
    model.learn(node(0), sample, kStart);
  }
  const RequestTraits traits = model.traits(ClassId{0}, 1.0);
  for (std::uint32_t ahead = 0; ahead < 50; ++ahead) {
    EXPECT_LT(model.predict(node(0), traits, ahead), model.predict(node(0), traits, ahead + 1));
  }
}

TEST(LatencyModel, CountsWhatOtherGatewaysHaveThere) {
  LatencyModel model(0.998);
  model.grow(2);
  teach(model, {1, 1}, 2'000);
  LoadReport busy;
  busy.queue_length = 6;
  busy.in_service = 4;
  model.hear(node(1), busy, 2);  // 8 beyond our own 2
  const RequestTraits traits = model.traits(ClassId{0}, 1.0);
  EXPECT_NEAR(model.predict(node(1), traits, 2) / model.predict(node(0), traits, 10), 1, 0.1);
}

TEST(LatencyModel, FailuresTeachTheNodeAlone) {
  LatencyModel model(0.998);
  model.grow(3);
  teach(model, {1, 1}, 2'000);
  const RequestTraits traits = model.traits(ClassId{0}, 1.0);
  const double before = model.predict(node(0), traits, 2);
  LatencyModel::Sample failure;
  failure.seconds = 1;
  failure.ok = false;
  for (int i = 0; i < 100; ++i) model.learn(node(1), failure, kStart);
  EXPECT_DOUBLE_EQ(model.predict(node(0), traits, 2), before);
  EXPECT_GT(model.predict(node(1), traits, 2), 3 * before);
}

TEST(Predictive, IsP2cUntilEveryCandidateIsKnown) {
  // Two choices and loads 0, 1, 2, 3 without an answer yet: the pair law 1/2, 1/3, 1/6, 0.
  PoolHarness pool("predictive[choices=2, exploration=0]", 4);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t k = 0; k < i; ++k) pool.send_to(node(i));
  }
  std::vector<int> picks(4, 0);
  for (int i = 0; i < 60'000; ++i) ++picks[index(pool.pick())];
  EXPECT_NEAR(picks[0], 30'000, 5 * std::sqrt(60'000 * 0.25));
  EXPECT_NEAR(picks[1], 20'000, 5 * std::sqrt(60'000 * 2.0 / 9));
  EXPECT_NEAR(picks[2], 10'000, 5 * std::sqrt(60'000 * 5.0 / 36));
  EXPECT_EQ(picks[3], 0);
}

// `count` answered requests at a node, one at a time.
void answer(PoolHarness& pool, std::size_t i, int count, Duration latency) {
  for (int k = 0; k < count; ++k) {
    pool.send_to(node(i));
    pool.done(node(i), latency);
  }
}

TEST(Predictive, TrustsANodeAfterThirtyAnswers) {
  PoolHarness pool("predictive[exploration=0]", 2);
  answer(pool, 0, 200, milliseconds(10));
  answer(pool, 1, 29, milliseconds(40));
  int slow = 0;
  for (int i = 0; i < 100; ++i) slow += pool.pick() == node(1);
  EXPECT_GT(slow, 20);  // equal loads: first sampled
  answer(pool, 1, 1, milliseconds(40));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pool.pick(), node(0));
}

TEST(Predictive, ExploresAtItsRateANodeItHasLostTouchWith) {
  // A request every 10 ms, both nodes known, node 1 slower. A second after its last answer node 1
  // is explored by each pick with probability 0.02 * 1/2 (it is sampled first): 100 picks without,
  // then 100 on average until. Of 40,000 picks one in 200: 200 cycles, each with standard deviation
  // 100 picks, so the count has 100 / 200 * sqrt(200) = 7; five of them are allowed.
  PoolHarness pool("predictive", 2);
  answer(pool, 0, 100, milliseconds(10));
  answer(pool, 1, 100, milliseconds(40));
  int slow = 0;
  for (int i = 0; i < 40'000; ++i) {
    const NodeId chosen = pool.send();
    slow += chosen == node(1);
    pool.done(chosen, milliseconds(chosen == node(0) ? 10 : 40));
    pool.now += milliseconds(10);
  }
  EXPECT_NEAR(slow, 200, 36);
}

TEST(Predictive, HeavyRequestsGoWhereTheyAreFast) {
  // Node 1 takes three times as long for everything. With the fast node four requests deep a light
  // request does better at the idle slow one, a heavy request still does not.
  PoolHarness pool("predictive[exploration=0]", 2);
  Random random(9);
  for (int i = 0; i < 4'000; ++i) {
    const std::size_t n = random.below(2);
    const bool heavy = random.below(2) == 1;
    pool.request.request_class = id_at<ClassId>(heavy ? 1 : 0);
    const std::uint32_t ahead = static_cast<std::uint32_t>(random.below(8));
    for (std::uint32_t k = 0; k < ahead; ++k) pool.pool.sent(node(n));
    pool.send_to(node(n));
    for (std::uint32_t k = 0; k < ahead; ++k) pool.pool.done(node(n));
    pool.done(node(n),
              milliseconds((n == 0 ? 1 : 3) * ((heavy ? 40 : 4) + 4 * static_cast<int>(ahead))));
  }
  for (int k = 0; k < 6; ++k) pool.pool.sent(node(0));
  // Fast node: 4 + 24 = 28 ms against 12 ms. Heavy: 40 + 24 = 64 ms against 120 ms.
  pool.request.request_class = ClassId{0};
  EXPECT_EQ(pool.pick(), node(1));
  pool.request.request_class = ClassId{1};
  EXPECT_EQ(pool.pick(), node(0));
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
