// What holds for every process the runtime starts: its lines and its end arrive, and it never
// outlives whoever stands for it.
#include "runtime/process/child.h"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/runtime/net/parties.h"
#include "tests/runtime/provision/hooks.h"

namespace phoenix {
namespace {

using net::drive;
using net::settle;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ChildTest : public testing::Test {
 protected:
  std::unique_ptr<Child> start(const std::string& script, bool reads_errors = true) {
    ChildSpec spec;
    spec.arguments = {"/bin/sh", "-c", script};
    spec.environment = {{"HERE", folder.file("")}};
    spec.log_path = folder.file("log");
    if (reads_errors) {
      spec.on_error_line = [this](std::string_view line) { errors.emplace_back(line); };
    }
    auto child = Child::start(
        loop, spec, [this](std::string_view line) { lines.emplace_back(line); },
        [this](const ChildEnd& end) { ends.push_back(end); });
    EXPECT_TRUE(child) << child.error();
    return std::move(*child);
  }
  void wait_for_end() {
    ASSERT_TRUE(drive(loop, [&] { return !ends.empty(); }));
  }

  net::Loop loop;
  ScriptFolder folder;
  std::vector<std::string> lines, errors;
  std::vector<ChildEnd> ends;
};

TEST_F(ChildTest, ItsLinesComeBeforeItsEndAlsoTheUnfinishedOne) {
  const auto child = start("echo one; echo two >&2; printf three; exit 5");
  wait_for_end();
  EXPECT_THAT(lines, ElementsAre("one", "three"));
  EXPECT_THAT(errors, ElementsAre("two"));
  EXPECT_EQ(ends[0].exit_code, 5);
  EXPECT_EQ(ends[0].text(), "ended with exit code 5");
  EXPECT_FALSE(child->is_running());
}

TEST_F(ChildTest, ItsErrorsGoToALogWhereNobodyReadsThem) {
  const auto child = start("echo for the log >&2", false);
  wait_for_end();
  EXPECT_THAT(folder.lines("log"), ElementsAre("for the log"));
}

TEST_F(ChildTest, ALineWithoutEndComesInPieces) {
  const auto child = start("head -c 300000 /dev/zero | tr '\\0' x");
  wait_for_end();
  std::size_t sum = 0;
  for (const std::string& line : lines) {
    sum += line.size();
    EXPECT_LE(line.size(), 128U * 1024);
  }
  EXPECT_EQ(sum, 300'000U);
  EXPECT_GT(lines.size(), 1U);
}

TEST_F(ChildTest, GoesOnAfterClosingItsOutput) {
  const auto child = start("exec >&- 2>&-; until [ -e $HERE/go ]; do sleep 0.01; done; exit 4");
  settle(loop);
  EXPECT_THAT(ends, IsEmpty());
  EXPECT_TRUE(child->is_running());
  folder.touch("go");
  wait_for_end();
  EXPECT_EQ(ends[0].exit_code, 4);
}

TEST_F(ChildTest, HasEndedAlsoWhereAnotherHoldsItsOutput) {
  const auto child = start("sleep 600 & echo $!");
  wait_for_end();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_FALSE(is_gone(lines[0]));
  ::kill(std::stoi(lines[0]), SIGKILL);
}

TEST_F(ChildTest, ASignalReachesItsWholeGroup) {
  const auto child = start("sleep 600 & echo $!; wait");
  ASSERT_TRUE(drive(loop, [&] { return !lines.empty(); }));
  child->signal(SIGKILL);
  wait_for_end();
  EXPECT_EQ(ends[0].text(), "ended by signal 9");
  EXPECT_TRUE(drive(loop, [&] { return is_gone(lines[0]); }));
}

TEST_F(ChildTest, TerminateEndsAStoppedProcess) {
  const auto child = start("trap 'exit 6' TERM; echo up; while :; do sleep 0.01; done");
  ASSERT_TRUE(drive(loop, [&] { return !lines.empty(); }));
  child->signal(SIGSTOP);
  child->terminate(std::chrono::hours(1));
  wait_for_end();
  EXPECT_EQ(ends[0].exit_code, 6);
}

TEST_F(ChildTest, ItsGroupEndsWithItsOwnerSilently) {
  const std::size_t before = open_descriptors();
  auto child = start("trap '' TERM; sleep 600 & echo $!; wait");
  ASSERT_TRUE(drive(loop, [&] { return !lines.empty(); }));
  child.reset();
  EXPECT_THAT(children(), IsEmpty());
  EXPECT_TRUE(drive(loop, [&] { return is_gone(lines[0]); }));
  EXPECT_THAT(ends, IsEmpty());
  settle(loop);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChildTest, DiesWithThisProcessHoweverThatEnds) {
  int ends_of_pipe[2];
  ASSERT_EQ(::pipe(ends_of_pipe), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    net::Loop own;
    ChildSpec spec;
    spec.arguments = {"/bin/sleep", "600"};
    const auto child = Child::start(own, spec, nullptr, nullptr);
    const pid_t pid = (*child)->pid();
    static_cast<void>(!::write(ends_of_pipe[1], &pid, sizeof pid));
    ::pause();
  }
  pid_t child = 0;
  ASSERT_EQ(::read(ends_of_pipe[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  EXPECT_FALSE(is_gone(std::to_string(child)));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(drive(loop, [&] { return is_gone(std::to_string(child)); }));
  ::close(ends_of_pipe[0]);
  ::close(ends_of_pipe[1]);
}

TEST_F(ChildTest, AProgramThatIsNotThereIsAnEndWithItsReason) {
  ChildSpec spec;
  spec.arguments = {"/no/such/program"};
  spec.on_error_line = [this](std::string_view line) { errors.emplace_back(line); };
  const auto child =
      Child::start(loop, spec, nullptr, [this](const ChildEnd& end) { ends.push_back(end); });
  ASSERT_TRUE(child);
  wait_for_end();
  EXPECT_EQ(ends[0].exit_code, 127);
  EXPECT_THAT(errors, ElementsAre("No such file or directory"));
}

TEST(FindProgram, KnowsThePathAndWhatMayBeRun) {
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_THAT(find_program("sh"), testing::EndsWith("/sh"));
  EXPECT_EQ(find_program("/etc/passwd"), "");
  EXPECT_EQ(find_program("/bin"), "");
  EXPECT_EQ(find_program("no-such-program-here"), "");
}

}  // namespace
}  // namespace phoenix
