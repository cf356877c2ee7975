// `--set KEY=VALUE`: which keys it reaches, how it reads values, and how it is refused.
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "scenarios/parser.h"

namespace phoenix {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Overrides = std::vector<std::string>;

constexpr const char* kFile = R"toml(
name = "base"
duration = "10 s"
[[cluster.group]]
name = "web"
count = 4
[[cluster.group]]
name = "big.iron"
count = 2
[[service]]
name = "shop"
[[service.class]]
name = "checkout"
work = "8 ms"
[[service.class]]
name = "browse"
[workload]
rate = [["0 s", "100 /s"], ["5 s", "200 /s"]]
[[fault]]
kind = "pause"
target = "node:0"
duration = "1 s"
[[fault]]
id = "late"
kind = "pause"
target = "node:1"
duration = "1 s"
)toml";

std::string printed(const ParsedScenario& parsed) {
  std::ostringstream out;
  print_problems(out, parsed.problems);
  return out.str();
}

Scenario with(const Overrides& overrides) {
  const ParsedScenario parsed = parse_scenario_text(kFile, "s.toml", overrides);
  EXPECT_TRUE(parsed.scenario.has_value()) << printed(parsed);
  return parsed.scenario.value_or(Scenario{});
}

std::string refusal(const Overrides& overrides) {
  const ParsedScenario parsed = parse_scenario_text(kFile, "s.toml", overrides);
  EXPECT_FALSE(parsed.scenario.has_value());
  return printed(parsed);
}

TEST(Override, ReplacesWhatTheFileSays) {
  const Scenario s = with({"duration=\"20 s\"", "workload.rate=\"3000 /s\""});
  EXPECT_EQ(s.duration, seconds(20));
  ASSERT_EQ(s.workload.rate.size(), 1U);
  EXPECT_EQ(s.workload.rate[0].per_second, 3000.0);
}

TEST(Override, NeedsNoQuotesAroundText) {
  const Scenario s = with({"duration=20 s", "name = other ", "workload.rate=3000 /s"});
  EXPECT_EQ(s.duration, seconds(20));
  EXPECT_EQ(s.name, "other");
  EXPECT_EQ(s.workload.rate[0].per_second, 3000.0);
}

TEST(Override, TakesTomlValues) {
  const Scenario s = with({"seed=12", "final_heal=false", "router.retry_budget=0.5",
                           "workload.rate=[[\"0 s\", \"1 /s\"], [\"1 s\", \"9 /s\"]]",
                           "fault.late.duration=inf", "cluster.group.web.services=[\"shop\"]"});
  EXPECT_EQ(s.seed, 12U);
  EXPECT_FALSE(s.final_heal);
  EXPECT_EQ(s.router.retry_budget, 0.5);
  EXPECT_EQ(s.workload.rate.at(1).per_second, 9.0);
  EXPECT_EQ(s.faults.at(1).duration, Duration::max());
  EXPECT_EQ(s.cluster.groups.at(0).services, (std::vector<std::string>{"shop"}));
}

TEST(Override, ReachesEntriesByName) {
  const Scenario s = with({"cluster.group.web.count=8", "cluster.group.\"big.iron\".count=9",
                           "service.shop.class.checkout.work=exponential(3 ms)"});
  EXPECT_EQ(s.cluster.groups.at(0).count, 8);
  EXPECT_EQ(s.cluster.groups.at(1).count, 9);
  EXPECT_EQ(s.services.at(0).classes.at(0).work.kind(), Distribution::Kind::kExponential);
}

TEST(Override, ReachesEntriesByPlace) {
  const Scenario s = with({"cluster.group[1].count=9", "service[0].class[1].deadline=200 ms",
                           "workload.rate[1][1]=7 /s"});
  EXPECT_EQ(s.cluster.groups.at(1).count, 9);
  EXPECT_EQ(s.services.at(0).classes.at(1).deadline, milliseconds(200));
  EXPECT_EQ(s.workload.rate.at(1).per_second, 7.0);
}

TEST(Override, ReachesFaultsByIdAndByDefaultId) {
  const Scenario s = with({"fault.late.start=3 s", "fault.pause-1.start=2 s"});
  EXPECT_EQ(s.faults.at(0).start, seconds(2));
  EXPECT_EQ(s.faults.at(1).start, seconds(3));
}

TEST(Override, CreatesTablesTheFileLeftOut) {
  const Scenario s = with({"gateway.count=5", "strategies.balancer=random"});
  EXPECT_EQ(s.gateway.count, 5);
  EXPECT_EQ(s.strategies.balancer, "random");
}

TEST(Override, KnowsStrategyFamiliesByTheirShortName) {
  EXPECT_EQ(with({"balancer=p2c[choices=4]"}).strategies.balancer, "p2c[choices=4]");
}

TEST(Override, LaterOnesWin) { EXPECT_EQ(with({"seed=1", "seed=2", "seed=3"}).seed, 3U); }

TEST(Override, MayMendTheFile) {
  const std::string broken = std::string(kFile) + "[router]\nretries = -1\n";
  const Overrides mended = {"router.retries=2"};
  EXPECT_FALSE(parse_scenario_text(broken, "s.toml").scenario.has_value());
  EXPECT_TRUE(parse_scenario_text(broken, "s.toml", mended).scenario.has_value());
}

TEST(Override, IsKeptAsGiven) {
  const Overrides given = {"seed=4", "balancer=random"};
  const Scenario s = with(given);
  EXPECT_EQ(s.overrides, given);
  EXPECT_EQ(s.text, kFile);
}

TEST(WrongOverride, GoesThroughTheSameChecks) {
  EXPECT_EQ(refusal({"cluster.group.web.count=0"}),
            "--set cluster.group.web.count=0: cluster.group.web.count: found 0; allowed a whole "
            "number, 1 to 1000000\n");
  EXPECT_EQ(refusal({"warmup=1 min"}),
            "--set warmup=1 min: warmup: found 1 min; allowed less than the duration of 10 s\n");
  EXPECT_EQ(refusal({"workload.factor=3"}),
            "--set workload.factor=3: workload.factor: found with arrivals = \"poisson\"; allowed "
            "with arrivals = \"flash_crowd\"\n");
}

TEST(WrongOverride, OfAnUnknownPathIsAnUnknownKey) {
  EXPECT_EQ(refusal({"duratoin=20 s"}),
            "--set duratoin=20 s: duratoin: found an unknown key; did you mean \"duration\"?\n");
  EXPECT_EQ(refusal({"gatway.count=2"}),
            "--set gatway.count=2: gatway: found an unknown key; did you mean \"gateway\"?\n");
  EXPECT_EQ(refusal({"router.retrys=2"}),
            "--set router.retrys=2: router.retrys: found an unknown key; did you mean "
            "\"retries\"?\n");
}

TEST(WrongOverride, OfAnUnknownEntryNamesTheKnownOnes) {
  EXPECT_EQ(refusal({"cluster.group.wbe.count=2"}),
            "--set cluster.group.wbe.count=2: cluster.group.wbe.count: found \"wbe\"; allowed web, "
            "big.iron, or [0] to [1]\n");
  EXPECT_EQ(refusal({"service[1].queue=2"}),
            "--set service[1].queue=2: service[1].queue: found [1]; allowed shop, or [0] to [0]\n");
}

TEST(WrongOverride, OfAPartOfAPlainValueIsRefused) {
  EXPECT_EQ(refusal({"duration[0]=2"}),
            "--set duration[0]=2: duration[0]: found \"10 s\", which has no [0]; allowed an index "
            "into an array\n");
  EXPECT_EQ(refusal({"duration.max=2"}),
            "--set duration.max=2: duration: found a table; allowed a duration such as \"50 ms\" "
            "(ns, us, ms, s, min, h, d)\n");
}

TEST(WrongOverride, WithoutAKeyOrValueIsRefused) {
  for (const char* text : {"", "seed", "=3", "a..b=1", ".a=1", "a[x]=1", "a[1=1", "\"a=1", "a b=1",
                           "a[99999999999999999999]=1"}) {
    EXPECT_EQ(refusal({text}), std::string("--set ") + text +
                                   ": found no KEY=VALUE; allowed such as "
                                   "workload.rate=\"2000 /s\"\n");
  }
}

TEST(WrongOverride, IsReportedAfterTheFileAndInTheOrderGiven) {
  const Overrides given = {"seed=-1", "nonsense", "name=7"};
  const std::string broken = std::string(kFile) + "[router]\nretries = -1\n";
  const ParsedScenario parsed = parse_scenario_text(broken, "s.toml", given);
  ASSERT_EQ(parsed.problems.size(), 4U) << printed(parsed);
  EXPECT_EQ(parsed.problems[0].file, "s.toml");
  EXPECT_EQ(parsed.problems[0].line, 29);
  EXPECT_EQ(parsed.problems[1].file, "--set seed=-1");
  EXPECT_EQ(parsed.problems[2].file, "--set nonsense");
  EXPECT_EQ(parsed.problems[3].file, "--set name=7");
  EXPECT_EQ(parsed.problems[3].line, 0);
  EXPECT_EQ(parsed.problems[3].key, "name");
}

}  // namespace
}  // namespace phoenix
