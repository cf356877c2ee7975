// What requests are like, and that nothing but the seed decides it.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/scenarios/laws.h"
#include "tests/scenarios/workloads.h"

namespace phoenix {
namespace {

using std::chrono::seconds;
using testing::arrivals_of;
using testing::class_of;
using testing::is_same;
using testing::plain_scenario;

Scenario three_classes() {
  Scenario scenario = plain_scenario();
  scenario.services[0].classes = {class_of("a", 1, Distribution::exponential(0.001)),
                                  class_of("b", 0, Distribution::constant(9)),
                                  class_of("c", 2, Distribution::constant(0.002))};
  Service second;
  second.classes = {class_of("d", 5, Distribution::uniform(0.01, 0.03))};
  scenario.services.push_back(second);
  return scenario;
}

std::vector<double> work_of(const std::vector<Arrival>& arrivals, ClassId request_class) {
  std::vector<double> work;
  for (const Arrival& arrival : arrivals) {
    if (arrival.request_class == request_class) work.push_back(arrival.work);
  }
  return work;
}

void expect_same(const std::vector<Arrival>& a, const std::vector<Arrival>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_TRUE(is_same(a[i], b[i])) << "arrival " << i;
}

TEST(Requests, ClassesComeByTheirShare) {
  const auto arrivals = arrivals_of(three_classes());
  std::vector<double> counts(4);
  for (const Arrival& arrival : arrivals) counts[index(arrival.request_class)] += 1;
  EXPECT_EQ(counts[1], 0);
  counts.erase(counts.begin() + 1);
  const auto n = static_cast<double>(arrivals.size());
  testing::expect_counts(counts, {n / 8, n * 2 / 8, n * 5 / 8});
}

TEST(Requests, ManyUnequalClassesKeepTheirShares) {
  Scenario scenario = plain_scenario();
  scenario.services[0].classes.clear();
  double total = 0;
  for (int i = 0; i < 100; ++i) {
    const double share = 1 + i % 7 * 3.3;
    total += share;
    scenario.services[0].classes.push_back(
        class_of("class " + std::to_string(i), share, Distribution::constant(0.001)));
  }
  const auto arrivals = arrivals_of(scenario);
  std::vector<double> counts(100);
  for (const Arrival& arrival : arrivals) counts[index(arrival.request_class)] += 1;
  std::vector<double> means;
  for (const RequestClass& one : scenario.services[0].classes) {
    means.push_back(one.share / total * static_cast<double>(arrivals.size()));
  }
  testing::expect_counts(counts, means);
}

TEST(Requests, WorkFollowsTheClass) {
  const auto arrivals = arrivals_of(three_classes());
  testing::expect_law(work_of(arrivals, ClassId{0}),
                      [](double x) { return 1 - std::exp(-x / 0.001); });
  testing::expect_law(work_of(arrivals, ClassId{3}), [](double x) { return (x - 0.01) / 0.02; });
  for (const double work : work_of(arrivals, ClassId{2})) ASSERT_EQ(work, 0.002);
}

TEST(Requests, SizesFollowTheClassAndTheGatewaySeesTheRequestSize) {
  Scenario scenario = plain_scenario();
  scenario.services[0].classes[0].request_bytes = Distribution::exponential(2000);
  scenario.services[0].classes[0].response_bytes = Distribution::uniform(100, 300);
  std::vector<double> requests;
  std::vector<double> responses;
  for (const Arrival& arrival : arrivals_of(scenario)) {
    requests.push_back(arrival.request_bytes);
    responses.push_back(arrival.response_bytes);
    ASSERT_EQ(arrival.size, arrival.request_bytes);
    ASSERT_FALSE(arrival.has_key);
  }
  testing::expect_law(requests, [](double x) { return 1 - std::exp(-x / 2000); });
  testing::expect_law(responses, [](double x) { return (x - 100) / 200; });
}

TEST(Requests, OfNoBytesAreSeenAsOne) {
  Scenario scenario = plain_scenario();
  scenario.services[0].classes[0].request_bytes = Distribution::constant(0);
  EXPECT_EQ(arrivals_of(scenario)[0].size, 1);
}

std::map<std::uint64_t, double> keys_of(const Scenario& scenario) {
  std::map<std::uint64_t, double> counts;
  for (const Arrival& arrival : arrivals_of(scenario)) {
    EXPECT_TRUE(arrival.has_key);
    counts[arrival.key] += 1;
  }
  return counts;
}

TEST(Keys, AreUniformHashesOfTheirRank) {
  Scenario scenario = plain_scenario();
  scenario.workload.keys = {KeySettings::Kind::kUniform, 20, 0};
  const auto keys = keys_of(scenario);
  std::vector<double> counts;
  double total = 0;
  for (std::uint64_t rank = 0; rank < 20; ++rank) {
    ASSERT_TRUE(keys.contains(mix64(rank)));
    counts.push_back(keys.at(mix64(rank)));
    total += counts.back();
  }
  testing::expect_counts(counts, std::vector<double>(20, total / 20));
}

TEST(Keys, OfAZipfLawFavourTheFirstRanks) {
  Scenario scenario = plain_scenario();
  scenario.workload.keys = {KeySettings::Kind::kZipf, 3, 1};
  auto keys = keys_of(scenario);
  const double total = keys[mix64(0)] + keys[mix64(1)] + keys[mix64(2)];
  // 1 : 1/2 : 1/3 is 6 : 3 : 2.
  testing::expect_counts({keys[mix64(0)], keys[mix64(1)], keys[mix64(2)]},
                         {total * 6 / 11, total * 3 / 11, total * 2 / 11});
  EXPECT_EQ(keys.size(), 3U);
}

TEST(Determinism, SameSeedSameArrivals) {
  for (const ArrivalKind kind :
       {ArrivalKind::kConstant, ArrivalKind::kPoisson, ArrivalKind::kDiurnal,
        ArrivalKind::kFlashCrowd, ArrivalKind::kMmpp}) {
    Scenario scenario = three_classes();
    scenario.duration = seconds(5);
    scenario.workload.arrivals = kind;
    scenario.workload.keys = {KeySettings::Kind::kZipf, 1000, 0.9};
    expect_same(arrivals_of(scenario), arrivals_of(scenario));
  }
}

TEST(Determinism, SeedsAndReplicationsShareNothing) {
  Scenario scenario = plain_scenario();
  const Time first = arrivals_of(scenario)[0].at;
  scenario.replication = 1;
  const Time second = arrivals_of(scenario)[0].at;
  scenario.replication = 0;
  scenario.seed = 2;
  const Time third = arrivals_of(scenario)[0].at;
  EXPECT_NE(first, second);
  EXPECT_NE(first, third);
  EXPECT_NE(second, third);
}

// Worlds ask when the next arrival is as often as they like, and may report answers nobody needs.
TEST(Determinism, DoesNotDependOnHowTheSourceIsAsked) {
  Scenario scenario = three_classes();
  scenario.duration = seconds(5);
  const auto plain = arrivals_of(scenario);
  const auto source = testing::source_of(scenario);
  EXPECT_FALSE(source->is_closed());
  std::vector<Arrival> asked;
  while (source->next_at() != kNever) {
    for (std::size_t i = 0; i < asked.size() % 4; ++i) static_cast<void>(source->next_at());
    asked.push_back(source->next());
    if (asked.size() % 3 == 0) source->on_answer(0, asked.back().at);
  }
  expect_same(plain, asked);
}

TEST(Streams, TimesAndClassesStayWhenWorkChanges) {
  Scenario scenario = three_classes();
  const auto before = arrivals_of(scenario);
  scenario.services[0].classes[0].work = Distribution::hyperexponential(0.1, 9);
  scenario.services[0].classes[2].response_bytes = Distribution::exponential(1e6);
  const auto after = arrivals_of(scenario);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    ASSERT_EQ(before[i].at, after[i].at);
    ASSERT_EQ(before[i].request_class, after[i].request_class);
  }
  EXPECT_EQ(work_of(before, ClassId{3}), work_of(after, ClassId{3}));
}

TEST(Streams, AClassKeepsItsWorkWhenRatesAndKeysChange) {
  Scenario scenario = three_classes();
  auto before = work_of(arrivals_of(scenario), ClassId{0});
  scenario.workload.rate = {{Duration{0}, 1500}};
  scenario.workload.keys = {KeySettings::Kind::kUniform, 10, 0};
  scenario.services[1].classes[0].share = 4;
  auto after = work_of(arrivals_of(scenario), ClassId{0});
  const std::size_t both = std::min(before.size(), after.size());
  ASSERT_GT(both, 10'000U);
  before.resize(both);
  after.resize(both);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace phoenix
