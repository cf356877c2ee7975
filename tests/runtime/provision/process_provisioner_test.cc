// Nodes as processes: scripts that play nodes which start, do not, drain, cling to life or fall
// over; and the real one.
#include "runtime/provision/process_provisioner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/net/parties.h"
#include "tests/runtime/provision/hooks.h"

namespace phoenix::provision {
namespace {

using net::drive;
using net::settle;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr Duration kLong = std::chrono::hours(1);

// Runs until SIGTERM, which it takes with exit code 0.
constexpr const char* kGoodNode =
    "trap 'echo drained >> $HERE/log; exit 0' TERM; echo '{\"listen\": \"127.0.0.1:7001\"}'\n"
    "while :; do sleep 0.01; done";

NodeRequest request(const std::string& name) {
  NodeRequest made;
  made.name = name;
  return made;
}

class ProcessProvisionerTest : public testing::Test {
 protected:
  void create(const std::string& script) {
    settings.program = folder.script("node", script);
    create();
  }
  void create() {
    auto created = ProcessProvisioner::create(
        loop, settings, [this](const std::string& name, const std::string& why) {
          lost.push_back(name + " " + why);
        });
    ASSERT_TRUE(created) << created.error();
    provisioner = std::move(*created);
  }
  void start(const NodeRequest& wanted) {
    provisioner->start(wanted, [this, name = wanted.name](const Result<StartedNode>& result) {
      answers.push_back(result ? name + " at " + result->address : result.error());
    });
  }
  void start(const std::string& name) { start(request(name)); }
  void stop(const std::string& name, Duration grace) {
    provisioner->stop(name, grace, [this, name](const Status& status) {
      answers.push_back(status ? name + " stopped" : status.error());
    });
  }
  void wait_for_answers(std::size_t count) {
    ASSERT_TRUE(drive(loop, [&] { return answers.size() >= count; }));
    settle(loop);
    EXPECT_THAT(answers, SizeIs(count)) << "answered more than once";
  }

  net::Loop loop;
  ScriptFolder folder;
  ProcessSettings settings;
  std::unique_ptr<ProcessProvisioner> provisioner;
  std::vector<std::string> answers, lost;
};

TEST_F(ProcessProvisionerTest, PassesOnTheRequestAsOptions) {
  settings.arguments = {"--service", "api=echo"};
  settings.token_file = "/etc/phoenix/token";
  create("echo \"$*\" > $HERE/seen; echo '{\"listen\": \"127.0.0.1:7001\"}'; exec sleep 600");
  NodeRequest wanted = request("n1");
  wanted.cores = 4;
  wanted.gateways = {{"127.0.0.1", 7100}, {"127.0.0.1", 7101}};
  start(wanted);
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre("n1 at 127.0.0.1:7001"));
  EXPECT_THAT(folder.lines("seen"),
              ElementsAre("--name n1 --listen 127.0.0.1:0 --cores 4 --gateway 127.0.0.1:7100 "
                          "--gateway 127.0.0.1:7101 --token-file /etc/phoenix/token "
                          "--service api=echo"));
}

TEST_F(ProcessProvisionerTest, StopsByLettingTheNodeDrain) {
  create(kGoodNode);
  start("a");
  wait_for_answers(1);
  ASSERT_THAT(provisioner->list(), SizeIs(1));
  EXPECT_EQ(provisioner->list()[0].state, NodeState::kUp);
  EXPECT_EQ(provisioner->list()[0].address, "127.0.0.1:7001");
  stop("a", kLong);
  EXPECT_EQ(provisioner->list()[0].state, NodeState::kStopping);
  wait_for_answers(2);
  EXPECT_THAT(answers, ElementsAre("a at 127.0.0.1:7001", "a stopped"));
  EXPECT_THAT(folder.lines("log"), ElementsAre("drained"));
  EXPECT_THAT(provisioner->list(), IsEmpty());
  EXPECT_THAT(lost, IsEmpty());
}

TEST_F(ProcessProvisionerTest, KillsANodeThatOutstaysTheGrace) {
  create("trap '' TERM; echo '{\"listen\": \"127.0.0.1:7001\"}'; while :; do sleep 0.01; done");
  start("a");
  wait_for_answers(1);
  stop("a", milliseconds(50));
  stop("a", kLong);
  wait_for_answers(3);
  EXPECT_THAT(answers, ElementsAre(StartsWith("a at"), "a stopped", "a stopped"));
  EXPECT_THAT(children(), IsEmpty());
}

TEST_F(ProcessProvisionerTest, TellsOfANodeThatEndsByItself) {
  create(
      "echo '{\"listen\": \"127.0.0.1:7001\"}'; until [ -e $HERE/go ]; do sleep 0.01; done; "
      "echo disk is full >&2; exit 1");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(lost, IsEmpty());
  folder.touch("go");
  ASSERT_TRUE(drive(loop, [&] { return !lost.empty(); }));
  settle(loop);
  EXPECT_THAT(lost, ElementsAre("a ended with exit code 1: disk is full"));
  EXPECT_THAT(provisioner->list(), IsEmpty());
  start("a");  // the name is free again
  wait_for_answers(2);
}

TEST_F(ProcessProvisionerTest, SaysWhyANodeDidNotStart) {
  create("echo 'phoenix-node: address in use' >&2; exit 1");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre("a: ended with exit code 1: phoenix-node: address in use"));
  EXPECT_THAT(provisioner->list(), IsEmpty());
  EXPECT_THAT(lost, IsEmpty());
}

TEST_F(ProcessProvisionerTest, GivesUpOnANodeThatIsNeverReady) {
  settings.ready_within = milliseconds(200);
  create("echo not json; echo '{\"listen\": 5}'; echo '[1]'; trap '' TERM; sleep 600");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre("a: not ready in time"));
  EXPECT_THAT(children(), IsEmpty());
}

TEST_F(ProcessProvisionerTest, StartsNoMoreAtOnceThanAllowedAndRefusesBeyondTheWaiting) {
  settings.limits = {.concurrent = 2, .waiting = 3};
  create("echo + >> $HERE/begun; until [ -e $HERE/go ]; do sleep 0.01; done\n" +
         std::string(kGoodNode));
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) start(name);
  ASSERT_TRUE(drive(loop, [&] { return folder.lines("begun").size() >= 2; }));
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre(HasSubstr("f: 3 starts are waiting")));
  EXPECT_THAT(children(), SizeIs(2));
  EXPECT_EQ(provisioner->list()[4].state, NodeState::kWaiting);
  folder.touch("go");
  wait_for_answers(6);
  EXPECT_THAT(provisioner->list(), SizeIs(5));
}

TEST_F(ProcessProvisionerTest, FailsAtTheDeadlineBeforeItsTurn) {
  settings.limits.concurrent = 1;
  create("sleep 600");
  start("a");
  NodeRequest wanted = request("b");
  wanted.deadline = loop.now() + milliseconds(50);
  start(wanted);
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre("b: the deadline passed before its turn"));
}

TEST_F(ProcessProvisionerTest, AStopEndsAStartThatWaitsOrIsUnderWay) {
  settings.limits.concurrent = 1;
  create("sleep 600");
  start("a");
  start("b");
  stop("b", kLong);
  stop("a", kLong);
  wait_for_answers(4);
  EXPECT_THAT(answers,
              testing::UnorderedElementsAre("b: stopped before it was started", "b stopped",
                                            "a: stopped while it started", "a stopped"));
  EXPECT_THAT(children(), IsEmpty());
}

TEST_F(ProcessProvisionerTest, RefusesWhatItDoesNotKnow) {
  create(kGoodNode);
  start("a");
  start("a");
  start("--help");
  stop("nobody", kLong);
  wait_for_answers(4);
  EXPECT_THAT(answers, testing::IsSupersetOf({testing::Eq("a node called a is there already"),
                                              testing::Eq("no node is called nobody")}));
  EXPECT_THAT(provisioner->list(), SizeIs(1));
  settings.program = "/no/such/node";
  EXPECT_THAT(ProcessProvisioner::create(loop, settings, nullptr).error(),
              HasSubstr("/no/such/node"));
}

TEST_F(ProcessProvisionerTest, LeavesNothingBehindWhenItGoes) {
  create("case $2 in up*) ;; *) exec sleep 600;; esac\n" + std::string(kGoodNode));
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 3; ++i) start("up" + std::to_string(i));
  wait_for_answers(3);
  for (int i = 0; i < 6; ++i) start("hung" + std::to_string(i));
  settle(loop);
  stop("up0", kLong);
  provisioner.reset();
  settle(loop);
  EXPECT_THAT(answers, SizeIs(3));
  EXPECT_THAT(lost, IsEmpty());
  EXPECT_THAT(children(), IsEmpty());
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ProcessProvisionerTest, RunsRealNodes) {
  settings.program = PHOENIX_NODE;
  settings.arguments = {"--service", "api=echo", "--log-level", "error"};
  create();
  NodeRequest wanted = request("real");
  wanted.cores = 1;
  start(wanted);
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre(testing::MatchesRegex("real at 127.0.0.1:[0-9]+")));
  stop("real", kLong);
  wait_for_answers(2);
  EXPECT_EQ(answers[1], "real stopped");
  EXPECT_THAT(children(), IsEmpty());
}

}  // namespace
}  // namespace phoenix::provision
