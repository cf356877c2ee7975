// A comparison on many machines, by the files that are there for it: what Slurm and GNU parallel
// play is what `phoenix compare` plays itself.
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/sim/cli/tool.h"

namespace phoenix {
namespace {

using testing::HasSubstr;

class BatchTest : public testing::Test {
 protected:
  BatchTest() {
    const Outcome planned = tool_.run(
        "ln -s " PHOENIX_SOURCE_DIR "/analysis/compare/batch; ln -s " PHOENIX_SOURCE_DIR
        "/tests/sim/cli/one_machine_slurm.sh\n"
        "PLAN='compare " PHOENIX_SOURCE_DIR
        "/scenarios/library/quickstart.toml --vary balancer=p2c,random --replications 2'\n"
        "$PHOENIX $PLAN --set 'duration=8 s' -o r --plan | wc -l && "
        "$PHOENIX $PLAN --set 'duration=8 s' -o alone");
    EXPECT_EQ(planned.code, 0) << planned.err;
  }

  bool plays_the_same() const { return tool_.run("diff -r alone/cells r/cells").code == 0; }

  const ToolFolder tool_;
};

TEST_F(BatchTest, GnuParallelPlaysWhatIsMissing) {
  const Outcome first = tool_.run("batch/parallel.sh r --jobs 2");
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_TRUE(plays_the_same());
  const Outcome again = tool_.run("rm r/cells/0000002.json; batch/parallel.sh r -v");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("--cell 2"));
  EXPECT_THAT(again.out, testing::Not(HasSubstr("--cell 1"))) << "it has a result";
  EXPECT_TRUE(plays_the_same());
}

TEST_F(BatchTest, ASlurmArrayPlaysOneRunATask) {
  const Outcome outcome = tool_.run(
      "timeout 120 ./one_machine_slurm.sh $PWD/slurm --array=0-3 "
      "--output=$PWD/task-%a.log batch/slurm.sh $PWD/r || "
      "{ cat slurm/*.log task-*.log; exit 1; }");
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_TRUE(plays_the_same());
}

TEST_F(BatchTest, TheKubernetesJobIsOneThatKubernetesTakes) {
  const Outcome outcome = tool_.run("/usr/bin/python3 " PHOENIX_SOURCE_DIR
                                    "/tests/sim/cli/check_indexed_job.py batch/kubernetes.yaml");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

}  // namespace
}  // namespace phoenix
