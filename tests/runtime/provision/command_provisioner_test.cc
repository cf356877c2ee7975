// A command as the engine behind scale-out: what it is told, how its answers are read, and what
// happens when it fails, hangs, babbles or is asked for too much at once.
#include "runtime/provision/command_provisioner.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/net/parties.h"
#include "tests/runtime/provision/hooks.h"

namespace phoenix::provision {
namespace {

using net::drive;
using net::settle;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

NodeRequest request(const std::string& name, Time deadline = kNever) {
  NodeRequest made;
  made.name = name;
  made.deadline = deadline;
  return made;
}

class CommandProvisionerTest : public testing::Test {
 protected:
  CommandProvisionerTest() {
    settings.backoff = milliseconds(1);
    settings.backoff_max = milliseconds(4);
    settings.kill_grace = milliseconds(50);
  }

  void create(const std::string& script) {
    settings.command = {folder.script("hook", script)};
    auto created = CommandProvisioner::create(loop, settings, Random(1));
    ASSERT_TRUE(created) << created.error();
    provisioner = std::move(*created);
  }

  void start(const NodeRequest& wanted) {
    const std::string name = wanted.name;
    provisioner->start(wanted, [this, name](const Result<StartedNode>& result) {
      answers.push_back(name + (result ? " at " + result->address : " failed"));
      if (!result) errors.push_back(result.error());
    });
  }
  void start(const std::string& name) { start(request(name)); }
  void stop(const std::string& name, Duration grace = Duration{0}) {
    provisioner->stop(name, grace, [this, name](const Status& status) {
      answers.push_back(name + (status ? " stopped" : " not stopped"));
      if (!status) errors.push_back(status.error());
    });
  }
  void wait_for_answers(std::size_t count) {
    ASSERT_TRUE(drive(loop, [&] { return answers.size() >= count; }));
    settle(loop);
    EXPECT_THAT(answers, SizeIs(count)) << "answered more than once";
  }
  std::vector<std::string> listed() const {
    std::vector<std::string> names;
    for (const ProvisionedNode& node : provisioner->list()) names.push_back(node.name);
    return names;
  }

  net::Loop loop;
  ScriptFolder folder;
  CommandSettings settings;
  std::unique_ptr<CommandProvisioner> provisioner;
  std::vector<std::string> answers, errors;
};

TEST_F(CommandProvisionerTest, TellsTheCommandEverythingByItsEnvironment) {
  settings.token_file = "/etc/phoenix/token";
  settings.timeout = std::chrono::seconds(45);
  create(
      "env | grep ^PHOENIX_ | sort > $HERE/seen-$PHOENIX_ACTION; echo '{\"address\": "
      "\"10.0.0.7:7001\"}'");
  start(NodeRequest{"n1", "big", 8, {{"10.0.0.1", 7100}, {"10.0.0.2", 7100}}, kNever});
  wait_for_answers(1);
  stop("n1", milliseconds(2500));
  wait_for_answers(2);
  EXPECT_THAT(answers, ElementsAre("n1 at 10.0.0.7:7001", "n1 stopped"));
  EXPECT_THAT(folder.lines("seen-start"),
              ElementsAre("PHOENIX_ACTION=start", "PHOENIX_ADDRESS=", "PHOENIX_ATTEMPT=1",
                          "PHOENIX_CORES=8", "PHOENIX_GATEWAYS=10.0.0.1:7100,10.0.0.2:7100",
                          "PHOENIX_GRACE_S=0", "PHOENIX_GROUP=big", "PHOENIX_NODE=n1",
                          "PHOENIX_TIMEOUT_S=45", "PHOENIX_TOKEN_FILE=/etc/phoenix/token"));
  EXPECT_THAT(
      folder.lines("seen-stop"),
      ElementsAre("PHOENIX_ACTION=stop", "PHOENIX_ADDRESS=10.0.0.7:7001", "PHOENIX_ATTEMPT=1",
                  "PHOENIX_CORES=8", "PHOENIX_GATEWAYS=10.0.0.1:7100,10.0.0.2:7100",
                  "PHOENIX_GRACE_S=2.5", "PHOENIX_GROUP=big", "PHOENIX_NODE=n1",
                  "PHOENIX_TIMEOUT_S=45", "PHOENIX_TOKEN_FILE=/etc/phoenix/token"));
}

TEST_F(CommandProvisionerTest, ListsWhatIsUpAndForgetsWhatIsStopped) {
  create("exit 0");
  NodeRequest grouped = request("b");
  grouped.group = "web";
  start(grouped);
  start("a");
  wait_for_answers(2);
  const std::vector<ProvisionedNode> all = provisioner->list();
  ASSERT_THAT(listed(), ElementsAre("a", "b"));
  EXPECT_EQ(all[1].state, NodeState::kUp);
  EXPECT_EQ(all[1].group, "web");
  stop("a");
  wait_for_answers(3);
  EXPECT_THAT(listed(), ElementsAre("b"));
}

TEST_F(CommandProvisionerTest, RunsWithoutAShellUnlessAsked) {
  settings.command = {"/bin/echo", "$(touch " + folder.file("touched") + ")"};
  auto plain = CommandProvisioner::create(loop, settings, Random(1));
  ASSERT_TRUE(plain);
  provisioner = std::move(*plain);
  start("a");
  wait_for_answers(1);
  EXPECT_FALSE(std::filesystem::exists(folder.file("touched")));

  settings.shell = true;
  settings.command = {"touch \"$1\"", folder.file("touched")};
  auto shell = CommandProvisioner::create(loop, settings, Random(1));
  ASSERT_TRUE(shell);
  provisioner = std::move(*shell);
  start("b");
  wait_for_answers(2);
  EXPECT_TRUE(std::filesystem::exists(folder.file("touched")));
}

TEST_F(CommandProvisionerTest, TriesAgainAfterAFailureAndCountsTheAttempts) {
  create("echo $PHOENIX_ATTEMPT >> $HERE/attempts; [ $PHOENIX_ATTEMPT -ge 3 ]");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre("a at "));
  EXPECT_THAT(folder.lines("attempts"), ElementsAre("1", "2", "3"));
}

TEST_F(CommandProvisionerTest, GivesUpAfterTheLastAttemptWithTheLastLineOfStandardError) {
  settings.attempts = 2;
  create("echo + >> $HERE/runs; echo first >&2; printf 'quota\\tused up\\n\\n' >&2; exit 7");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(errors, ElementsAre("start of a (attempt 2): ended with exit code 7: quota used up"));
  EXPECT_THAT(folder.lines("runs"), SizeIs(2));
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(CommandProvisionerTest, DoesNotTryAgainWhatIsPermanent) {
  create("echo + >> $HERE/runs; echo no such group >&2; exit 3");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(errors, ElementsAre(AllOf(HasSubstr("for good"), HasSubstr("no such group"))));
  EXPECT_THAT(folder.lines("runs"), SizeIs(1));
}

TEST_F(CommandProvisionerTest, EndsACommandAndItsChildrenThatIgnoreTheTimeout) {
  settings.timeout = milliseconds(300);
  settings.attempts = 1;
  create(
      "trap '' TERM; sleep 600 & echo $! > $HERE/pids; echo $$ >> $HERE/pids; "
      "echo waiting for quota >&2; wait; sleep 600");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(errors, ElementsAre("start of a (attempt 1): did not end within 300 ms: waiting for "
                                  "quota"));
  const std::vector<std::string> pids = folder.lines("pids");
  ASSERT_THAT(pids, SizeIs(2));
  for (const std::string& pid : pids) {
    EXPECT_TRUE(drive(loop, [&] { return is_gone(pid); })) << pid;
  }
}

// A child that outlives the SIGTERM on which its parent leaves must not outlive the command.
TEST_F(CommandProvisionerTest, EndsChildrenWhoseParentHasLeftAtTheTimeout) {
  settings.timeout = milliseconds(300);
  settings.kill_grace = std::chrono::seconds(60);
  settings.attempts = 1;
  create("(trap '' TERM; exec sleep 600) & echo $! > $HERE/pid; wait");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(errors, ElementsAre(HasSubstr("did not end within")));
  ASSERT_THAT(folder.lines("pid"), SizeIs(1));
  EXPECT_TRUE(drive(loop, [&] { return is_gone(folder.lines("pid")[0]); }));
}

TEST_F(CommandProvisionerTest, LeavesAloneWhatASuccessfulCommandLeavesBehind) {
  create("sleep 600 & echo $! > $HERE/pid");  // holds the pipes open, too
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre("a at "));
  ASSERT_THAT(folder.lines("pid"), SizeIs(1));
  const std::string pid = folder.lines("pid")[0];
  EXPECT_FALSE(is_gone(pid));
  ::kill(std::stoi(pid), SIGKILL);
}

TEST_F(CommandProvisionerTest, FindsTheAddressAmongGarbage) {
  create(
      "head -c 200000 /dev/urandom; echo; echo '{\"address\": 5}'; echo '{\"address\": '; "
      "echo '{\"address\": \"nowhere\"}'; printf '{\"address\": \"h:1\"}'");
  start("a");
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre("a at h:1"));
}

TEST_F(CommandProvisionerTest, EndsACommandThatNeverStopsTalking) {
  settings.attempts = 1;
  for (const char* script : {"cat /dev/zero", "yes", "yes >&2"}) {
    create(script);
    answers.clear(), errors.clear();
    start("a");
    wait_for_answers(1);
    EXPECT_THAT(errors, ElementsAre(HasSubstr("wrote more than 1"))) << script;
  }
}

TEST_F(CommandProvisionerTest, RunsNoMoreAtOnceThanAllowedAndAnswersAll) {
  settings.limits.concurrent = 3;
  create("echo + >> $HERE/begun; until [ -e $HERE/go ]; do sleep 0.01; done");
  for (int i = 0; i < 20; ++i) start("n" + std::to_string(i));
  ASSERT_TRUE(drive(loop, [&] { return folder.lines("begun").size() >= 3; }));
  settle(loop);
  EXPECT_THAT(folder.lines("begun"), SizeIs(3));
  EXPECT_THAT(children(), SizeIs(3));
  EXPECT_THAT(answers, IsEmpty());
  folder.touch("go");
  wait_for_answers(20);
  EXPECT_THAT(folder.lines("begun"), SizeIs(20));
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(CommandProvisionerTest, RefusesWhatIsBeyondTheWaitingOnes) {
  settings.limits = {.concurrent = 1, .waiting = 2};
  create("until [ -e $HERE/go ]; do sleep 0.01; done");
  for (const char* name : {"a", "b", "c", "d"}) start(name);
  wait_for_answers(1);
  EXPECT_THAT(errors, ElementsAre("d: 2 orders are waiting already, which is the limit"));
  folder.touch("go");
  wait_for_answers(4);
}

TEST_F(CommandProvisionerTest, FailsAtTheDeadlineWaitingOrRunning) {
  settings.limits.concurrent = 1;
  create("exec sleep 600");
  start(request("running", loop.now() + milliseconds(300)));
  start(request("waiting", loop.now() + milliseconds(100)));
  wait_for_answers(2);
  EXPECT_THAT(answers, ElementsAre("waiting failed", "running failed"));
  EXPECT_THAT(errors, ElementsAre(HasSubstr("deadline passed before its turn"),
                                  HasSubstr("did not end within")));
  EXPECT_THAT(children(), IsEmpty());
}

TEST_F(CommandProvisionerTest, DoesNotPauseBeyondTheDeadline) {
  settings.backoff = settings.backoff_max = std::chrono::hours(1);
  create("exit 1");
  start(request("a", loop.now() + std::chrono::minutes(10)));
  wait_for_answers(1);
  EXPECT_THAT(errors, ElementsAre(HasSubstr("attempt 1")));
}

TEST_F(CommandProvisionerTest, AStopFollowsTheStartUnderWayAndEndsItsRetries) {
  settings.attempts = 1'000'000;
  create(
      "echo $PHOENIX_ACTION >> $HERE/log; [ $PHOENIX_ACTION = stop ] && exit 0; "
      "until [ -e $HERE/go ]; do sleep 0.01; done; exit 1");
  start("a");
  ASSERT_TRUE(drive(loop, [&] { return !folder.lines("log").empty(); }));
  stop("a");
  stop("a");
  folder.touch("go");
  wait_for_answers(3);
  EXPECT_THAT(answers, ElementsAre("a failed", "a stopped", "a stopped"));
  EXPECT_THAT(folder.lines("log"), ElementsAre("start", "stop"));
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(CommandProvisionerTest, AStopInThePauseBetweenAttemptsEndsTheStart) {
  settings.backoff = settings.backoff_max = std::chrono::hours(1);
  create("echo $PHOENIX_ACTION >> $HERE/log; [ $PHOENIX_ACTION = stop ]");
  start("a");
  ASSERT_TRUE(drive(loop, [&] { return !folder.lines("log").empty() && children().empty(); }));
  stop("a");
  wait_for_answers(2);
  EXPECT_THAT(answers, ElementsAre("a failed", "a stopped"));
  EXPECT_THAT(folder.lines("log"), ElementsAre("start", "stop"));
}

TEST_F(CommandProvisionerTest, StopsNodesItHasNotStarted) {
  create("echo $PHOENIX_ACTION $PHOENIX_NODE >> $HERE/log");
  stop("of-another-life");
  wait_for_answers(1);
  EXPECT_THAT(answers, ElementsAre("of-another-life stopped"));
  EXPECT_THAT(folder.lines("log"), ElementsAre("stop of-another-life"));
}

TEST_F(CommandProvisionerTest, KeepsANodeWhoseStopFailed) {
  settings.attempts = 1;
  create("[ $PHOENIX_ACTION = start ] || [ -e $HERE/go ]");
  start("a");
  wait_for_answers(1);
  stop("a");
  wait_for_answers(2);
  EXPECT_THAT(answers, ElementsAre("a at ", "a not stopped"));
  EXPECT_THAT(listed(), ElementsAre("a"));
  folder.touch("go");
  stop("a");
  wait_for_answers(3);
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(CommandProvisionerTest, RefusesNamesThatAreTakenOrCannotBeUsed) {
  create("exit 0");
  start("a");
  start("a");
  for (const char* name : {"", "--version", "a b", "../a", "a\n"}) start(name);
  stop("a;b");
  NodeRequest impossible = request("b");
  impossible.cores = -1;
  start(impossible);
  wait_for_answers(9);
  EXPECT_EQ(std::count(answers.begin(), answers.end(), "a at "), 1);
  EXPECT_THAT(errors, SizeIs(8));
  EXPECT_THAT(errors, testing::Contains("a node called a is there already"));
  EXPECT_THAT(listed(), ElementsAre("a"));
}

TEST_F(CommandProvisionerTest, AnswersMayOrderMore) {
  create("exit 0");
  bool is_stopped = false;
  provisioner->start(request("a"), [&](const Result<StartedNode>&) {
    provisioner->stop("a", Duration{0}, [&](const Status&) {
      provisioner.reset();
      is_stopped = true;
    });
  });
  EXPECT_TRUE(drive(loop, [&] { return is_stopped; }));
}

TEST_F(CommandProvisionerTest, LeavesNothingBehind) {
  create("exit 0");
  start("warm-up");
  wait_for_answers(1);
  provisioner.reset();
  const std::size_t before = open_descriptors();
  answers.clear();

  settings.timeout = milliseconds(200);
  settings.attempts = 2;
  create("case $PHOENIX_NODE in good*) exit 0;; bad*) exit 1;; *) trap '' TERM; sleep 600;; esac");
  for (int i = 0; i < 5; ++i) {
    for (const char* kind : {"good", "bad", "hung"}) start(kind + std::to_string(i));
  }
  wait_for_answers(15);
  EXPECT_THAT(children(), IsEmpty());
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(CommandProvisionerTest, EndsWhatIsUnderWayWithItself) {
  create("echo $$ >> $HERE/pids; sleep 600");
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 8; ++i) start("n" + std::to_string(i));  // four of them wait
  ASSERT_TRUE(drive(loop, [&] { return folder.lines("pids").size() == 4; }));
  provisioner.reset();
  settle(loop);
  EXPECT_THAT(answers, IsEmpty());
  EXPECT_THAT(children(), IsEmpty());
  EXPECT_EQ(open_descriptors(), before);
}

TEST(CommandSettings, ThatCannotWorkAreRefused) {
  net::Loop loop;
  const auto problem = [&](std::vector<std::string> command, int attempts, Duration timeout) {
    CommandSettings settings;
    settings.command = std::move(command);
    settings.attempts = attempts;
    settings.timeout = timeout;
    const auto created = CommandProvisioner::create(loop, settings, Random(1));
    return created ? "" : created.error();
  };
  EXPECT_EQ(problem({"true"}, 1, milliseconds(1)), "");
  EXPECT_THAT(problem({}, 1, milliseconds(1)), HasSubstr("must name a program"));
  EXPECT_THAT(problem({"/no/such/hook"}, 1, milliseconds(1)), HasSubstr("/no/such/hook"));
  EXPECT_THAT(problem({"true"}, 0, milliseconds(1)), HasSubstr("found 0"));
  EXPECT_THAT(problem({"true"}, 1, Duration{0}), HasSubstr("above 0"));
}

// 1 s, 2 s, 4 s, then the cap, each times [0.5, 1).
TEST(Backoff, DoublesUpToTheCapAndIsSpread) {
  CommandSettings settings;
  settings.backoff = std::chrono::seconds(1);
  settings.backoff_max = std::chrono::seconds(5);
  Random random(7);
  const std::vector<double> bounds = {1, 2, 4, 5, 5, 5};
  for (int attempt = 1; attempt <= 6; ++attempt) {
    const double bound = bounds[static_cast<std::size_t>(attempt - 1)];
    double low = 1e9, high = 0;
    for (int i = 0; i < 1000; ++i) {
      const double pause = to_seconds(backoff_after(attempt, settings, random));
      low = std::min(low, pause);
      high = std::max(high, pause);
    }
    EXPECT_GE(low, bound / 2);
    EXPECT_LE(high, bound);
    EXPECT_GT(high - low, 0.45 * bound);
  }
  EXPECT_LE(backoff_after(1'000'000, settings, random), std::chrono::seconds(5));
}

}  // namespace
}  // namespace phoenix::provision
