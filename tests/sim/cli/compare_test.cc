// `phoenix compare`, `merge` and `export` as a user meets them: the same table whatever the number
// of jobs and however often it was killed, clear refusals, and exit codes for pipelines.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/sim/cli/tool.h"

namespace phoenix {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace fs = std::filesystem;

class CompareToolTest : public testing::Test {
 protected:
  CompareToolTest() { fs::copy_file(kQuickstart, tool_.file("s.toml")); }

  // A comparison of two balancers, quick to play.
  Outcome compare(const std::string& options) const {
    return tool_.run(
        "$PHOENIX compare s.toml --set \"duration=8 s\" --set workload.rate=500/s "
        "--vary balancer=p2c,round_robin " +
        options);
  }

  // The same without what keeps it from being steady, so that pilot runs settle its warm-up.
  Outcome compare_steady(const std::string& options) const {
    return tool_.run(
        "sed -e /^warmup/d -e /fault/,/^factor/d s.toml >steady.toml; "
        "$PHOENIX compare steady.toml --set \"duration=8 s\" --set workload.rate=500/s "
        "--vary balancer=p2c,round_robin " +
        options);
  }

  // Five nodes have too much to do where eight have not.
  Outcome fewer_nodes(const std::string& options) const {
    return tool_.run(
        "$PHOENIX compare s.toml --set \"duration=8 s\" "
        "--vary cluster.group.web.count=8,5 " +
        options);
  }

  std::size_t cells(const std::string& folder) const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(tool_.file(folder + "/cells"))) {
      count += entry.path().extension() == ".json" ? 1 : 0;
    }
    return count;
  }

  const std::string kQuickstart =
      std::string(PHOENIX_SOURCE_DIR) + "/scenarios/library/quickstart.toml";
  const ToolFolder tool_;
};

TEST_F(CompareToolTest, PrintsAVerdictATableAndAllMeans) {
  const Outcome outcome = compare("--replications 4");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part : {"s.toml, simulated: 2 variations x 4 replications", "p99: ", "against",
                           "difference", "wins", "rank", "baseline", "throughput"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
  EXPECT_THAT(outcome.out, Not(HasSubstr("\033["))) << "no colour where nobody looks";
}

TEST_F(CompareToolTest, IsTheSameWhateverTheNumberOfJobs) {
  const Outcome one = compare("--replications 3 --jobs 1 --json -o one");
  const Outcome three = compare("--replications 3 --jobs 3 --json -o three");
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(one.out, three.out);
  EXPECT_EQ(tool_.run("diff -r one/cells three/cells && diff one/plan.json three/plan.json").code,
            0);
}

TEST_F(CompareToolTest, KilledAndResumedIsAsIfNothingHadHappened) {
  const Outcome whole = compare("--replications 6 --json -o whole");
  // SIGKILL whenever there are two more cells, until it gets through.
  const Outcome killed = tool_.run(R"sh(
    $PHOENIX compare s.toml --set "duration=8 s" --set workload.rate=500/s \
      --vary balancer=p2c,round_robin --replications 6 -o cut --plan >/dev/null
    for round in 1 2 3; do
      $PHOENIX compare --resume cut --jobs 2 --json >/dev/null 2>&1 & pid=$!
      while [ $(ls cut/cells | grep -c json$) -lt $((2 * round)) ] && kill -0 $pid; do :; done
      kill -9 $pid; wait $pid
    done
    ls cut/cells | grep -c json$)sh");
  EXPECT_GE(std::stoi(killed.out), 6) << "a kill costs the runs under way, no other";
  const Outcome resumed = tool_.run("$PHOENIX compare --resume cut --json");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(resumed.out, whole.out);
  EXPECT_EQ(tool_.run("diff -r -x '*.part' whole/cells cut/cells").code, 0);
}

TEST_F(CompareToolTest, ARunThatFailsIsReportedAndLosesNobody) {
  const Outcome outcome = tool_.run(R"sh(
    printf 'time_s\n0.1\n0.2\n0.3\n' > trace.csv
    cat > t.toml <<EOF
name = "traced"
duration = "2 s"
[[cluster.group]]
name = "web"
count = 2
cores = 1
[[service]]
name = "shop"
[[service.class]]
name = "all"
work = "constant(1 ms)"
[workload]
arrivals = "trace"
[workload.trace]
file = "trace.csv"
time = "time_s"
EOF
    cp trace.csv gone.csv
    $PHOENIX compare t.toml --vary balancer=p2c,random --vary workload.trace.file=trace.csv,gone.csv \
      --replications 2 -o r --plan >/dev/null
    rm gone.csv
    $PHOENIX compare --resume r)sh");
  EXPECT_EQ(outcome.code, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("left out: run 1"), HasSubstr("gone.csv")));
  EXPECT_THAT(outcome.out, HasSubstr("workload.trace.file=trace.csv"));
}

TEST_F(CompareToolTest, FailsAPipelineByItsRule) {
  const Outcome slower = fewer_nodes("--replications 4 --fail-if 'p99 > +5%'");
  EXPECT_EQ(slower.code, 1);
  EXPECT_THAT(slower.err, HasSubstr("p99 > +5%: cluster.group.web.count=5 has +"));
  EXPECT_EQ(fewer_nodes("--replications 4 --fail-if 'throughput > +5%'").code, 0);
  const Outcome wrong = compare("--fail-if 'p98 > 5%'");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--fail-if: found metric \"p98\""));
}

TEST_F(CompareToolTest, ARuleThatNoRunCanBreakIsBadInput) {
  for (const char* options :
       {"--replications 1 --fail-if 'p99 > +5%'", "--fail-if 'availability < -0.01'",
        "--only balancer=p2c --fail-if 'p99 > +5%'",
        "--baseline balancer=p2c,balancer=round_robin"}) {
    const Outcome outcome = compare(options);
    EXPECT_EQ(outcome.code, 2) << options;
    EXPECT_EQ(outcome.out, "") << options;
    EXPECT_THAT(outcome.err, HasSubstr("found ")) << options;
  }
}

TEST_F(CompareToolTest, StopsWhenItIsPreciseEnough) {
  const Outcome loose = compare("--precision 50% --json");
  EXPECT_EQ(loose.code, 0) << loose.err;
  EXPECT_EQ(nlohmann::json::parse(loose.out).at("replications"), 10);
  const Outcome tight = fewer_nodes("--precision 0.01% --max-replications 12 --json");
  EXPECT_EQ(nlohmann::json::parse(tight.out).at("replications"), 12);
  EXPECT_THAT(tight.err, HasSubstr("not as precise as asked for after 12 replications"));
}

TEST_F(CompareToolTest, PrecisionEndsWhereAVariationHasNoRun) {
  compare("--precision 0.01% --max-replications 30 -o r --plan");
  // The places of the second variation's records are taken: none of its runs can be kept.
  const Outcome outcome = tool_.run(R"sh(
    for cell in $(seq 1 2 59); do mkdir -p r/records/$(printf %07d $cell).h5/taken; done
    $PHOENIX compare --resume r)sh");
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  EXPECT_THAT(outcome.err, HasSubstr("no run of balancer=round_robin has a result"));
  EXPECT_EQ(cells("r"), 20U) << "ten of each, and no other block";
}

TEST_F(CompareToolTest, PlaysSingleRunsAndJoinsThem) {
  const Outcome plan = compare("--replications 2 -o a --plan");
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_THAT(plan.out, StartsWith("0\tphoenix run s.toml --set 'duration=8 s'"));
  EXPECT_EQ(std::count(plan.out.begin(), plan.out.end(), '\n'), 4);
  const Outcome played = tool_.run(R"sh(set -e
    cp -r a b
    $PHOENIX compare --resume a --cell 0
    $PHOENIX compare --resume a --cell 3
    SLURM_ARRAY_TASK_ID=1 $PHOENIX compare --resume b --cell
    JOB_COMPLETION_INDEX=2 $PHOENIX compare --resume b --cell
    $PHOENIX merge a b -o all.h5
    $PHOENIX export all.h5 --csv tables)sh");
  EXPECT_EQ(played.code, 0) << played.err;
  EXPECT_THAT(played.out, HasSubstr("4 runs of 4 in all.h5"));
  const std::string runs = contents(tool_.file("tables/runs.csv"));
  EXPECT_THAT(runs, StartsWith("run,replication,balancer,offered,completed"));
  EXPECT_EQ(std::count(runs.begin(), runs.end(), '\n'), 5);
  EXPECT_EQ(tool_.run("$PHOENIX compare --resume a --cell 4").code, 2);
  const Outcome nobody = tool_.run("$PHOENIX compare --resume a --cell");
  EXPECT_EQ(nobody.code, 2);
  EXPECT_THAT(nobody.err, HasSubstr("SLURM_ARRAY_TASK_ID"));
}

TEST_F(CompareToolTest, SingleRunsAtOnceAgreeOnTheWarmUp) {
  const Outcome whole = compare_steady("--replications 2 -o whole");
  EXPECT_EQ(whole.code, 0) << whole.err;
  // A folder whose warm-up nobody has settled, and four that start with it.
  const Outcome apart = tool_.run(R"sh(
    mkdir -p apart/cells apart/records
    /usr/bin/python3 -c 'import json
plan = json.load(open("whole/plan.json"))
assert plan["warm_up"]
plan["warm_up"] = None
json.dump(plan, open("apart/plan.json", "w"))'
    for cell in 0 1 2 3; do $PHOENIX compare --resume apart --jobs 2 --cell $cell & done
    wait; diff whole/plan.json apart/plan.json && diff -r whole/cells apart/cells)sh");
  EXPECT_EQ(apart.code, 0) << apart.out << apart.err;
  EXPECT_EQ(apart.err, "");
}

TEST_F(CompareToolTest, APilotThatFailsIsAnErrorAndNoWarmUp) {
  fs::create_directories(tool_.file("r/pilot/records/0000001.h5/where the record belongs"));
  const Outcome outcome = compare_steady("--replications 2 -o r");
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  EXPECT_THAT(outcome.err, HasSubstr("the pilot run of balancer=round_robin failed"));
  EXPECT_THAT(contents(tool_.file("r/plan.json")), HasSubstr("\"warm_up\": null"));
  EXPECT_EQ(cells("r"), 0U);
}

TEST_F(CompareToolTest, APlannedRunIsTheOneThatRunPlays) {
  const Outcome outcome = tool_.run(R"sh(set -e
    $PHOENIX compare s.toml --set "duration=8 s" --vary balancer=p2c --replications 2 -o r \
      --keep-records all >/dev/null
    $PHOENIX run s.toml --set "duration=8 s" --set balancer=p2c --set replication=1 -o alone.h5 \
      >/dev/null
    $PHOENIX diff r/records/0000001.h5 alone.h5)sh");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("the same events, one by one"));
}

TEST_F(CompareToolTest, RefusesWhatCannotBe) {
  const std::pair<const char*, const char*> cases[] = {
      {"--vary", "the required argument"},
      {"--vary balancer=p3c", "strategies.balancer"},
      {"--vary balancer=p2c --vary balancer=c3", "twice"},
      {"--replications 0 --vary balancer=p2c", "found 0; allowed 1 or more"},
      {"--vary balancer=p2c --jobs 0", "--jobs: found 0"},
      {"--vary balancer=p2c --precision 200%", "--precision: found \"200%\""},
      {"--vary balancer=p2c --precision 5% --replications 3", "without --replications"},
      {"--vary balancer=p2c --confidence 49%", "--confidence: found \"49%\"; allowed 50% to"},
      {"--vary balancer=p2c --confidence 0.9999999", "allowed 50% to 99.9999%"},
      {"--vary balancer=p2c --metric p98", "--metric: found \"p98\"; allowed mean"},
      {"--vary balancer=p2c --on moon", "--on: found \"moon\""},
      {"--vary balancer=p2c --cell 1", "goes with --resume DIR or -o DIR"},
      {"--resume nowhere --vary balancer=p2c", "goes without --vary"},
      {"", "takes at least one --vary"}};
  for (const auto& [options, part] : cases) {
    const Outcome outcome = tool_.run(std::string("$PHOENIX compare s.toml ") + options);
    EXPECT_EQ(outcome.code, 2) << options;
    EXPECT_THAT(outcome.err, HasSubstr(part)) << options;
    EXPECT_EQ(outcome.out, "") << options;
  }
  EXPECT_EQ(tool_.run("$PHOENIX compare nothing.toml --vary balancer=p2c").code, 2);
  EXPECT_EQ(tool_.run("$PHOENIX merge s.toml -o all.h5").code, 2);
  EXPECT_EQ(tool_.run("$PHOENIX export s.toml --csv d").code, 2);
}

TEST_F(CompareToolTest, SaysSoWhereThereIsNoRoomForTemporaryResults) {
  const std::pair<const char*, const char*> cases[] = {{"$PWD/nowhere", "No such file"},
                                                       {"$PWD/s.toml", "Not a directory"}};
  for (const auto& [place, why] : cases) {
    const Outcome outcome = tool_.run(std::string("export TMPDIR=") + place +
                                      "; $PHOENIX compare s.toml --vary balancer=p2c,random");
    EXPECT_EQ(outcome.code, 2) << place;
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr("cannot make a folder in "), HasSubstr(why), HasSubstr("TMPDIR")));
  }
}

TEST_F(CompareToolTest, LeavesNothingBehindWhereNobodyAskedToKeep) {
  EXPECT_EQ(tool_
                .run("mkdir tmp; export TMPDIR=$PWD/tmp; $PHOENIX compare s.toml --set "
                     "\"duration=8 s\" --vary balancer=p2c,random --replications 1")
                .code,
            0);
  EXPECT_TRUE(fs::is_empty(tool_.file("tmp")));
}

}  // namespace
}  // namespace phoenix
