// What is refused before a run, and how it is said.
#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/fault_plan.h"
#include "tests/scenarios/fault_fixtures.h"

namespace phoenix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> problems_of(const FaultSpec& spec,
                                     Fidelity fidelity = Fidelity::kRequest) {
  std::vector<std::string> lines;
  for (const FaultProblem& problem : check_fault(spec, fault_topology(small_cluster()), fidelity)) {
    lines.push_back(problem.key + ": " + problem.message);
  }
  return lines;
}

// A fault of the kind that is fine.
FaultSpec good(const std::string& kind) {
  static const std::vector<std::pair<std::string, FaultSpec>> specs = [] {
    std::vector<std::pair<std::string, FaultSpec>> list;
    const auto add = [&](const std::string& name, const std::string& target, double duration_s,
                         Numbers numbers = {}, Texts texts = {}) {
      list.emplace_back(
          name, make_fault(name, target, 10, duration_s, std::move(numbers), std::move(texts)));
    };
    for (const char* name :
         {"crash", "crash_notify", "crash_restart", "stop_graceful", "pause", "stall", "start_fail",
          "metrics_missing", "metrics_frozen", "cut", "clog"}) {
      add(name, "node:1", 5);
    }
    add("slow_cpu", "node:1", 5, {{"factor", 0.5}});
    add("bandwidth", "node:1", 5, {{"factor", 0.5}});
    add("metrics_wrong", "node:1", 5, {{"factor", 3}});
    add("cpu_noise", "node:1", 5, {{"factor", 0.5}}, {{"mean_on", "1 s"}, {"mean_off", "2 s"}});
    add("flap", "node:1", 5, {}, {{"mean_on", "1 s"}, {"mean_off", "2 s"}});
    add("start_delay", "node:1", 5, {}, {{"delay", "20 s"}});
    add("delay", "node:1", 5, {}, {{"delay", "20 ms"}});
    add("metrics_stale", "node:1", 5, {}, {{"delay", "20 ms"}});
    add("loss", "node:1", 5, {{"p", 0.1}});
    add("partition", "", 5);
    add("zone_outage", "zone:a", 5);
    add("rolling_restart", "all", 0, {}, {{"gap", "20 s"}, {"down", "30 s"}});
    add("gray_node", "random:1", 5, {{"factor", 0.5}});
    add("chaos", "", 5, {}, {{"rate", "0.1 /s"}});
    return list;
  }();
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const auto& spec) { return spec.first == kind; });
  EXPECT_NE(found, specs.end()) << kind;
  return found->second;
}

FaultSpec with_number(FaultSpec spec, const std::string& key, double value) {
  std::erase_if(spec.numbers, [&](const auto& number) { return number.first == key; });
  spec.numbers.emplace_back(key, value);
  return spec;
}

FaultSpec with_text(FaultSpec spec, const std::string& key, const std::string& value) {
  std::erase_if(spec.texts, [&](const auto& text) { return text.first == key; });
  spec.texts.emplace_back(key, value);
  return spec;
}

FaultSpec at(FaultSpec spec, const std::string& target) {
  spec.target = target;
  return spec;
}

TEST(FaultCheck, EveryBuiltKindHasAnAcceptedForm) {
  int built = 0;
  for (const FaultKindInfo& kind : fault_kinds()) {
    if (!kind.built) continue;
    ++built;
    EXPECT_THAT(problems_of(good(std::string(kind.name))), IsEmpty()) << kind.name;
  }
  EXPECT_EQ(built, 25);
}

TEST(FaultCheck, KindsAreListedOnceWithASummary) {
  std::set<std::string_view> names;
  for (const FaultKindInfo& kind : fault_kinds()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_FALSE(kind.summary.empty()) << kind.name;
  }
  EXPECT_EQ(names.size(), 56U);
}

TEST(FaultCheck, ListsParametersWithTheirBounds) {
  const auto parameters = [](std::string_view name) {
    for (const FaultKindInfo& kind : fault_kinds()) {
      if (kind.name == name) return std::string(kind.parameters);
    }
    return std::string("no such kind");
  };
  EXPECT_EQ(parameters("slow_cpu"), "factor in (0, 1], ramp");
  EXPECT_EQ(parameters("crash_restart"), "state lost or kept, duration");
  EXPECT_EQ(parameters("flap"), "mean_on in [0.001 s, inf), mean_off in [0.001 s, inf)");
  EXPECT_EQ(parameters("clog"), "capacity in [1, 1000000000] = 10000, duration");
  EXPECT_EQ(parameters("metrics_frozen"), "");
}

TEST(FaultCheck, MistypedKindsAreRefusedWithTheNearestName) {
  EXPECT_THAT(problems_of(make_fault("crsh", "node:1", 1, 1)),
              ElementsAre(HasSubstr("kind: found \"crsh\": unknown fault kind; did you mean "
                                    "\"crash\"?; known: crash, crash_notify, crash_restart, ")));
}

TEST(FaultCheck, UnbuiltKindsAreRefusedByName) {
  int unbuilt = 0;
  for (const FaultKindInfo& kind : fault_kinds()) {
    if (kind.built) continue;
    ++unbuilt;
    const std::string name(kind.name);
    FaultSpec spec = make_fault(name, "node:1", 1, 1, {{"anything", 1}});
    EXPECT_THAT(problems_of(spec),
                ElementsAre("kind: found \"" + name + "\": known, but not built yet"));
    spec.allow_unsupported = true;
    EXPECT_THAT(problems_of(spec), IsEmpty());
  }
  EXPECT_EQ(unbuilt, 31);
}

TEST(FaultCheck, FlowFidelityRefusesWhatChangesRunningWork) {
  std::vector<std::string> refused;
  for (const FaultKindInfo& kind : fault_kinds()) {
    if (!kind.built || kind.name == "chaos") continue;
    FaultSpec spec = good(std::string(kind.name));
    const auto problems = problems_of(spec, Fidelity::kFlow);
    if (problems.empty()) continue;
    refused.emplace_back(kind.name);
    EXPECT_THAT(problems,
                ElementsAre("kind: found \"" + std::string(kind.name) +
                            "\": not exact in fidelity \"flow\"; allow_unsupported = true "
                            "skips it"));
    spec.allow_unsupported = true;
    EXPECT_THAT(problems_of(spec, Fidelity::kFlow), IsEmpty());
  }
  EXPECT_THAT(refused, UnorderedElementsAre("pause", "slow_cpu", "cpu_noise", "stall", "bandwidth",
                                            "clog", "gray_node"));
}

TEST(FaultCheck, FlowFidelityRefusesChaosThatCouldDrawSuchKinds) {
  const FaultSpec spec = with_text(good("chaos"), "kinds", "cut, pause");
  EXPECT_THAT(problems_of(spec, Fidelity::kFlow),
              ElementsAre("kinds: found \"cut, pause\": pause is not exact in fidelity \"flow\"; "
                          "allow_unsupported = true skips it"));
  EXPECT_THAT(problems_of(with_text(spec, "kinds", "cut"), Fidelity::kFlow), IsEmpty());
}

struct Refusal {
  FaultSpec spec;
  std::string problem;
};

void expect_refused(const std::vector<Refusal>& rows) {
  for (const Refusal& row : rows) EXPECT_THAT(problems_of(row.spec), ElementsAre(row.problem));
}

TEST(FaultCheck, ParametersAreHeldToTheirNamesAndBounds) {
  FaultSpec none = good("slow_cpu");
  none.numbers.clear();
  expect_refused({
      {with_number(good("slow_cpu"), "factr", 1),
       "factr: unknown parameter of slow_cpu; did you mean \"factor\"?; known: factor"},
      {with_text(good("pause"), "grace", "1 s"), "grace: unknown parameter of pause; it has none"},
      {with_number(good("slow_cpu"), "factor", 0), "factor: found 0: must be in (0, 1]"},
      {with_number(good("slow_cpu"), "factor", 1.5), "factor: found 1.5: must be in (0, 1]"},
      {none, "factor: slow_cpu needs one, in (0, 1]"},
      {with_number(good("loss"), "p", -0.1), "p: found -0.1: must be in (0, 1]"},
      {with_text(good("delay"), "delay", "-1 s"), "delay: found \"-1 s\": must be in (0 s, inf)"},
      {with_text(good("delay"), "delay", "inf"), "delay: found \"inf\": must be in (0 s, inf)"},
      {with_number(good("clog"), "capacity", 0.5),
       "capacity: found 0.5: must be in [1, 1000000000]"},
      {with_text(good("flap"), "mean_on", "1 us"),
       "mean_on: found \"1 us\": must be in [0.001 s, inf)"},
      {with_text(good("chaos"), "rate", "200 /s"),
       "rate: found \"200 /s\": must be in (0 /s, 100 /s]"},
      {with_text(good("crash"), "state", "gone"), "state: found \"gone\": must be lost or kept"},
      {with_number(good("crash"), "state", 1), "state: found 1: must be a text"},
      {with_number(good("start_delay"), "delay", 0), "delay: found 0: must be in (0 s, inf)"},
  });
}

TEST(FaultCheck, DurationsAndRatesNeedAUnit) {
  FaultSpec delay = good("delay");
  delay.texts.clear();
  FaultSpec chaos = good("chaos");
  chaos.texts.clear();
  expect_refused({
      {with_number(delay, "delay", 20), "delay: found 20: needs a unit, as in \"20 s\""},
      {with_number(chaos, "rate", 2), "rate: found 2: needs a unit, as in \"2 /s\""},
  });
  EXPECT_THAT(problems_of(with_text(delay, "delay", "20 parsec")),
              ElementsAre(HasSubstr("delay: found \"20 parsec\"")));
}

TEST(FaultCheck, TimesAreHeldToTheirBounds) {
  const auto changed = [](const std::string& kind, auto change) {
    FaultSpec spec = good(kind);
    change(spec);
    return spec;
  };
  using std::chrono::microseconds;
  using std::chrono::seconds;
  expect_refused({
      {changed("pause", [](FaultSpec& s) { s.has_duration = false; }), "duration: pause needs one"},
      {changed("pause", [](FaultSpec& s) { s.duration = Duration{0}; }),
       "duration: found 0 s: must be above 0 s"},
      {changed("rolling_restart",
               [](FaultSpec& s) {
                 s.has_duration = true;
                 s.duration = seconds(5);
               }),
       "duration: found 5 s: rolling_restart has none; its length follows from down and gap"},
      {changed("crash", [](FaultSpec& s) { s.start = seconds(-1); }),
       "start: found -1 s: must be in [0 s, inf)"},
      {changed("crash", [](FaultSpec& s) { s.ramp = seconds(1); }),
       "ramp: found 1 s: crash has no magnitude that could ramp"},
      {changed("loss", [](FaultSpec& s) { s.ramp = seconds(3); }),
       "ramp: found 3 s: must be at most half the duration of 5 s: it ramps up and down within it"},
      {changed("crash", [](FaultSpec& s) { s.probability = 1.5; }),
       "probability: found 1.5: must be in [0, 1]"},
      {changed("crash", [](FaultSpec& s) { s.every = microseconds(5); }),
       "every: found 5 us: must be 0 (once) or at least 1 ms"},
      {changed("crash", [](FaultSpec& s) { s.count = 3; }),
       "count: found 3: needs every, the time between repetitions"},
      {changed("crash", [](FaultSpec& s) { s.count = -1; }), "count: found -1: must be at least 0"},
      {changed("crash", [](FaultSpec& s) { s.jitter = seconds(-1); }),
       "jitter: found -1 s: must be in [0 s, inf)"},
      {changed("crash", [](FaultSpec& s) { s.max_unavailable = 0; }),
       "max_unavailable: found 0: must be at least 1, or -1 for no limit"},
      {with_text(good("rolling_restart"), "down", "10 s"),
       "down: found 10 s: must be at least grace, 30 s"},
  });
}

TEST(FaultCheck, TargetsMustExistAndSuitTheKind) {
  const FaultSpec crash = good("crash");
  const FaultSpec cut = good("cut");
  const std::string forms =
      "must be node:N, nodes:[N, N], group:NAME, zone:NAME, random:K, fraction:F, link:A->B, "
      "pair:A,B, busiest or all";
  const std::string nobody =
      "does not exist in this world: nodes have no roles and nothing controls them";
  const std::string ends = "\"rack:1\" must be node:N, gateway:N, group:NAME or zone:NAME";
  expect_refused({
      {at(crash, ""), "target: crash needs one"},
      {at(crash, "rack:1"), "target: found \"rack:1\": " + forms},
      {at(crash, "node:10"),
       "target: found \"node:10\": no node \"10\"; there are 10, numbered from 0"},
      {at(crash, "node:-1"),
       "target: found \"node:-1\": no node \"-1\"; there are 10, numbered from 0"},
      {at(crash, "nodes:1"), "target: found \"nodes:1\": \"1\" must be a list, as in nodes:[1, 2]"},
      {at(crash, "nodes:[1, 1]"), "target: found \"nodes:[1, 1]\": a node is listed twice"},
      {at(crash, "group:odl"),
       "target: found \"group:odl\": no group \"odl\"; did you mean \"old\"?; "
       "groups: new, old"},
      {at(crash, "zone:c"), "target: found \"zone:c\": no zone \"c\"; zones: a, b"},
      {at(crash, "random:11"),
       "target: found \"random:11\": random:K needs a whole number K in [1, 10]"},
      {at(crash, "random:0"),
       "target: found \"random:0\": random:K needs a whole number K in [1, 10]"},
      {at(crash, "fraction:0"),
       "target: found \"fraction:0\": fraction:F needs a number F in (0, 1]"},
      {at(crash, "role:leader"), "target: found \"role:leader\": " + nobody},
      {at(crash, "controller"), "target: found \"controller\": " + nobody},
      {at(crash, "link:gateway:0->1"),
       "target: found \"link:gateway:0->1\": crash acts on nodes, not on links"},
      {at(cut, "link:gateway:2->1"),
       "target: found \"link:gateway:2->1\": no gateway \"2\"; there are "
       "2, numbered from 0"},
      {at(cut, "link:gateway:0"),
       "target: found \"link:gateway:0\": two ends with \"->\" between them "
       "are needed"},
      {at(cut, "pair:rack:1,2"), "target: found \"pair:rack:1,2\": an end " + ends},
      {at(cut, "pair:2,node:2"), "target: found \"pair:2,node:2\": both ends are the same"},
      {at(cut, "busiest"), "target: found \"busiest\": cut must know its nodes before the run"},
      {at(good("chaos"), "busiest"),
       "target: found \"busiest\": chaos must know its nodes before the run"},
      {at(good("zone_outage"), "group:old"),
       "target: found \"group:old\": zone_outage needs zone:NAME"},
      {at(good("partition"), "node:1"),
       "target: found \"node:1\": only mode isolate_one picks from a "
       "target; others need all"},
  });
}

TEST(FaultCheck, PartitionsNeedAKnownModeOrSoundGroups) {
  const FaultSpec spec = good("partition");
  expect_refused({
      {with_text(spec, "mode", "thirds"),
       "mode: found \"thirds\": must be halves, isolate_one, majority_ring, zones or bridge"},
      {with_text(with_text(spec, "mode", "halves"), "groups", "0 | 1"),
       "mode: found \"halves\": mode or groups, not both"},
      {with_text(spec, "groups", "0, 1"),
       "groups: found \"0, 1\": at least two groups with | between them are needed"},
      {with_text(spec, "groups", "group:old | 7"),
       "groups: found \"group:old | 7\": node:7 is named more than once"},
  });
}

TEST(FaultCheck, PartitionByZonesNeedsTwoOfThem) {
  Scenario scenario = small_cluster();
  scenario.cluster.groups[1].zone = "a";
  const auto problems = check_fault(with_text(good("partition"), "mode", "zones"),
                                    fault_topology(scenario), Fidelity::kRequest);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].message, "found \"zones\": the cluster has one zone only");
}

TEST(FaultCheck, ChaosDrawsOnlySimpleKindsWithPositiveWeights) {
  EXPECT_THAT(problems_of(with_text(good("chaos"), "kinds", "cut, chaos")),
              ElementsAre(HasSubstr("kinds: found \"cut, chaos\": \"chaos\": not a kind chaos can "
                                    "draw; it can draw crash, crash_notify, ")));
  expect_refused({{with_text(good("chaos"), "kinds", "cut:0"),
                   "kinds: found \"cut:0\": \"cut:0\": the weight must be a number above 0"}});
}

TEST(FaultCheck, SeveralProblemsAreReportedTogether) {
  FaultSpec spec = at(with_number(good("slow_cpu"), "factor", 7), "node:77");
  spec.probability = 2;
  EXPECT_THAT(problems_of(spec), testing::SizeIs(3));
}

}  // namespace
}  // namespace phoenix
