// Whatever happens to a local run, it leaves no process behind, and says what happened.
#include "tests/runtime/local/cluster_runs.h"

namespace phoenix::local {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A gateway, two nodes and the load source.
constexpr std::size_t kProcesses = 4;

std::vector<std::string> nodes_of(const std::vector<pid_t>& processes) {
  std::vector<std::string> addresses;
  for (const pid_t pid : processes) {
    if (command_line(pid).find("phoenix-node") == std::string::npos) continue;
    addresses.push_back(option_of(pid, "--listen"));
  }
  return addresses;
}

pid_t node_named(const std::vector<pid_t>& processes, const std::string& name) {
  for (const pid_t pid : processes) {
    if (option_of(pid, "--name") == name) return pid;
  }
  return -1;
}

class LocalSafety : public LocalRuns {
 protected:
  void expect_free(const std::vector<std::string>& addresses) {
    for (const std::string& text : addresses) {
      const auto listener =
          net::Listener::open(loop_, net::Address::parse(text).value(), {}, [](auto) {});
      EXPECT_TRUE(listener.ok()) << text << ": " << listener.error();
    }
  }
};

TEST_F(LocalSafety, AnInterruptLeavesAReadableRecordAndNoProcess) {
  start({PHOENIX_LOCAL, small("60 s"), "-o", file("out.h5")});
  const std::vector<pid_t> processes = await_processes(kProcesses);
  ASSERT_EQ(processes.size(), kProcesses) << errors_;
  loop_.run_until(loop_.now() + std::chrono::milliseconds(1500));
  child_->signal(SIGINT);
  EXPECT_EQ(end(), 1);
  EXPECT_THAT(errors_, AllOf(HasSubstr("told to stop"), HasSubstr("out.h5.part")));
  expect_all_gone(processes);
  expect_free(nodes_of(processes));
  EXPECT_EQ(folders_left(), 0U);
  const auto record = RecordReader::open(file("out.h5.part"));
  ASSERT_TRUE(record.ok()) << record.error();
  EXPECT_FALSE(record->attributes().complete);
  const auto summary = record->summary();
  ASSERT_TRUE(summary.ok()) << summary.error();
  EXPECT_GT(summary->total.completed, 0U);
  EXPECT_LT(summary->duration_s, 60);
}

TEST_F(LocalSafety, ItsSuddenDeathEndsEveryProcessAndFreesThePorts) {
  start({PHOENIX_LOCAL, small("60 s")});
  const std::vector<pid_t> processes = await_processes(kProcesses);
  ASSERT_EQ(processes.size(), kProcesses) << errors_;
  const std::vector<std::string> addresses = nodes_of(processes);
  ASSERT_EQ(addresses.size(), 2U);
  send(child_->pid(), SIGKILL);
  EXPECT_EQ(end(), -SIGKILL);
  expect_all_gone(processes);
  expect_free(addresses);
}

// A stopped process gets the kernel's SIGKILL all the same.
TEST_F(LocalSafety, ItsSuddenDeathEndsPausedProcessesToo) {
  start({PHOENIX_LOCAL, small("60 s", R"toml(
[[fault]]
kind = "pause"
target = "node:0"
start = "100 ms"
duration = "50 s"
)toml")});
  const std::vector<pid_t> processes = await_processes(kProcesses);
  ASSERT_EQ(processes.size(), kProcesses) << errors_;
  const std::string stat = "/proc/" + std::to_string(node_named(processes, "web-0")) + "/stat";
  ASSERT_TRUE(net::drive(loop_, [&] { return text_of(stat).find(") T") != std::string::npos; }));
  send(child_->pid(), SIGKILL);
  EXPECT_EQ(end(), -SIGKILL);
  expect_all_gone(processes);
}

TEST_F(LocalSafety, TheDeathOfANodeThatNobodyPlannedEndsTheRunWithItsName) {
  start({PHOENIX_LOCAL, small("60 s")});
  const std::vector<pid_t> processes = await_processes(kProcesses);
  ASSERT_EQ(processes.size(), kProcesses) << errors_;
  send(node_named(processes, "web-1"), SIGKILL);
  EXPECT_EQ(end(), 1);
  EXPECT_THAT(errors_, HasSubstr("web-1 ended by signal 9"));
  expect_all_gone(processes);
}

TEST_F(LocalSafety, TheDeathOfTheLoadSourceEndsTheRun) {
  start({PHOENIX_LOCAL, small("60 s")});
  const std::vector<pid_t> processes = await_processes(kProcesses);
  ASSERT_EQ(processes.size(), kProcesses) << errors_;
  for (const pid_t pid : processes) {
    if (command_line(pid).find("phoenix-load") != std::string::npos) send(pid, SIGKILL);
  }
  EXPECT_EQ(end(), 1);
  EXPECT_THAT(errors_, HasSubstr("the load source ended by signal 9"));
  expect_all_gone(processes);
}

TEST_F(LocalSafety, ANodeThatDoesNotStartIsOneClearError) {
  const std::string programs = file("bin");
  std::filesystem::create_directory(programs);
  for (const std::string program : {PHOENIX_LOCAL, PHOENIX_GATEWAY, PHOENIX_LOAD}) {
    std::filesystem::copy(program, programs);
  }
  const std::string node =
      write("bin/phoenix-node", "#!/bin/sh\necho 'no luck today' >&2\nexit 3\n");
  std::filesystem::permissions(node, std::filesystem::perms::owner_all);
  const std::string local = std::filesystem::path(PHOENIX_LOCAL).filename();
  EXPECT_EQ(run({programs + "/" + local, small("5 s"), "-o", file("out.h5")}), 1);
  EXPECT_THAT(errors_,
              AllOf(HasSubstr("web-"), HasSubstr("exit code 3"), HasSubstr("no luck today")));
  EXPECT_FALSE(std::filesystem::exists(file("out.h5")));
  EXPECT_EQ(folders_left(), 0U);
}

TEST_F(LocalSafety, ProgramsThatAreMissingAreNamed) {
  const std::string alone = file("phoenix-local");
  std::filesystem::copy(PHOENIX_LOCAL, alone);
  path_ = "/nowhere";
  EXPECT_EQ(run({alone, small("5 s")}), 1);
  EXPECT_THAT(errors_, HasSubstr("phoenix-gateway"));
}

TEST_F(LocalSafety, BadInputIsToldBeforeAnythingStarts) {
  EXPECT_EQ(run({PHOENIX_LOCAL}), 2);
  EXPECT_THAT(errors_, HasSubstr("one scenario file"));
  EXPECT_EQ(run({PHOENIX_LOCAL, file("nowhere.toml")}), 2);
  EXPECT_THAT(errors_, HasSubstr("nowhere.toml"));
  EXPECT_EQ(run({PHOENIX_LOCAL, small("5 s", "[gateway]\ncount = \"many\"\n")}), 2);
  EXPECT_THAT(errors_, HasSubstr("gateway.count"));
  EXPECT_EQ(run({PHOENIX_LOCAL, small("5 s"), "-o", "/nowhere/out.h5"}), 2);
  EXPECT_THAT(errors_, HasSubstr("/nowhere/out.h5"));
  EXPECT_EQ(run({PHOENIX_LOCAL, small("5 s"), "--set", "fidelity=\"flow\""}), 2);
  EXPECT_THAT(errors_, HasSubstr("flow"));
  EXPECT_EQ(folders_left(), 0U);
}

TEST_F(LocalSafety, AFaultThatProcessesCannotHaveIsRefusedOrSkippedAsAsked) {
  const std::string kept = R"toml(
[[fault]]
kind = "crash_restart"
target = "node:0"
start = "200 ms"
duration = "200 ms"
state = "kept"
)toml";
  EXPECT_EQ(run({PHOENIX_LOCAL, small("1 s", kept)}), 2);
  EXPECT_THAT(errors_, AllOf(HasSubstr("kept"), HasSubstr("allow_unsupported")));
  EXPECT_EQ(run({PHOENIX_LOCAL, small("1 s", kept + "allow_unsupported = true\n"), "--json"}), 0)
      << errors_;
  EXPECT_THAT(output_, HasSubstr("skipped: state"));
}

TEST_F(LocalSafety, KeepsServingWhenAskedUntilItIsTold) {
  start({PHOENIX_LOCAL, small("500 ms"), "--keep", "-o", file("out.h5")});
  ASSERT_TRUE(net::drive(loop_, [&] {
    return end_.has_value() || errors_.find("kept up") != std::string::npos;
  })) << errors_;
  EXPECT_TRUE(std::filesystem::exists(file("out.h5"))) << "the run itself is over";
  const std::vector<pid_t> processes = children_of(child_->pid());
  const std::size_t at = errors_.find("frames at ");
  ASSERT_NE(at, std::string::npos);
  const std::string address = errors_.substr(at + 10, errors_.find(';', at) - at - 10);
  const auto parsed = net::Address::parse(address);
  ASSERT_TRUE(parsed.ok()) << address;
  EXPECT_TRUE(net::dial(loop_, *parsed).ok());
  child_->signal(SIGINT);
  EXPECT_EQ(end(), 0) << errors_;
  expect_all_gone(processes);
}

// The test lets a paused node go on behind the world's back.
TEST_F(LocalSafety, APauseThatSomebodyEndsMakesTheRunInvalid) {
  start({PHOENIX_LOCAL, small("2 s", R"toml(
[[fault]]
id = "freeze"
kind = "pause"
target = "node:0"
start = "300 ms"
duration = "1 s"
)toml"),
         "-o", file("out.h5")});
  const std::vector<pid_t> processes = await_processes(kProcesses);
  ASSERT_EQ(processes.size(), kProcesses) << errors_;
  const pid_t node = node_named(processes, "web-0");
  const std::string stat = "/proc/" + std::to_string(node) + "/stat";
  ASSERT_TRUE(net::drive(loop_, [&] { return text_of(stat).find(") T") != std::string::npos; }));
  net::settle(loop_);
  net::settle(loop_);
  send(node, SIGCONT);
  EXPECT_EQ(end(), 1);
  EXPECT_THAT(errors_, AllOf(HasSubstr("invalid fault: freeze"), HasSubstr("while paused")));
  const auto record = RecordReader::open(file("out.h5"));
  ASSERT_TRUE(record.ok()) << "the run itself is whole: " << record.error();
  const auto rows = record->rows<FaultRow>();
  ASSERT_TRUE(rows.ok());
  bool is_marked = false;
  for (const FaultRow& row : *rows) {
    is_marked = is_marked ||
                (row.phase.view() == "failed" && row.cause.view().starts_with("invalid_fault"));
  }
  EXPECT_TRUE(is_marked);
  const auto summary = record->summary();
  ASSERT_TRUE(summary.ok());
  ASSERT_EQ(summary->faults.size(), 1U);
  EXPECT_THAT(summary->faults[0].outcome, HasSubstr("invalid_fault"));
}

}  // namespace
}  // namespace phoenix::local
