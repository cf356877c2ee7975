// The phoenix tool as a user meets it: what it prints, what it exits with, and what it leaves
// behind.
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kRoot = PHOENIX_SOURCE_DIR;
const std::string kLibrary = kRoot + "/scenarios/library/";

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

// A child that runs the tool with both outputs in pipes.
class Tool {
 public:
  explicit Tool(std::vector<std::string> arguments, rlim_t file_bytes_max = RLIM_INFINITY,
                const std::string& binary = PHOENIX_BINARY, const std::string& path = "") {
    int out[2];
    int err[2];
    if (::pipe(out) != 0 || ::pipe(err) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(err[1], STDERR_FILENO);
      for (const int fd : {out[0], out[1], err[0], err[1]}) ::close(fd);
      if (file_bytes_max != RLIM_INFINITY) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{file_bytes_max, file_bytes_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
      }
      std::vector<char*> argv = {const_cast<char*>("phoenix")};
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      if (!path.empty()) ::setenv("PATH", path.c_str(), 1);
      ::execv(binary.c_str(), argv.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }

  void interrupt() const { ::kill(pid_, SIGINT); }

  Outcome wait() {
    Outcome outcome;
    outcome.out = drain(out_);
    outcome.err = drain(err_);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return outcome;
  }

 private:
  static std::string drain(int fd) {
    std::string text;
    char buffer[4096];
    for (;;) {
      const ssize_t n = ::read(fd, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return text;
  }

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
};

Outcome phoenix(std::vector<std::string> arguments) { return Tool(std::move(arguments)).wait(); }

// Waits until a file of this name is made in a folder. Made before what makes the file starts.
class FileWatch {
 public:
  explicit FileWatch(const fs::path& folder) : fd_(::inotify_init1(IN_CLOEXEC)) {
    ::inotify_add_watch(fd_, folder.c_str(), IN_CREATE);
  }
  ~FileWatch() { ::close(fd_); }
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  void await(const std::string& name) const {
    alignas(inotify_event) char buffer[4096];
    for (;;) {
      pollfd readable{fd_, POLLIN, 0};
      ASSERT_EQ(::poll(&readable, 1, kPatienceMs), 1) << "no " << name << " was made";
      const ssize_t n = ::read(fd_, buffer, sizeof buffer);
      ASSERT_GT(n, 0);
      for (const char* at = buffer; at < buffer + n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        if (event->len > 0 && name == event->name) return;
        at += sizeof(inotify_event) + event->len;
      }
    }
  }

 private:
  static constexpr int kPatienceMs = 60'000;
  int fd_;
};

class ToolTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("phoenix-tool-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

// Without the lines that tell how long it took.
std::string without_wall_time(const std::string& text) {
  return text.substr(0, text.find("wall time"));
}

TEST_F(ToolTest, RunPrintsAResultAndExitsWithZero) {
  const Outcome run = phoenix({"run", kLibrary + "quickstart.toml"});
  EXPECT_EQ(run.code, 0) << run.err;
  for (const char* part : {"quickstart", "p99.9", "availability", "node-hours", "response_time_p95",
                           "simulated requests per second"}) {
    EXPECT_THAT(run.out, HasSubstr(part));
  }
  EXPECT_THAT(run.out, Not(HasSubstr("\033["))) << "no colour where nobody looks";
}

TEST_F(ToolTest, ShowPrintsWhatRunPrinted) {
  const Outcome run = phoenix({"run", kLibrary + "quickstart.toml", "-o", file("q.h5")});
  ASSERT_EQ(run.code, 0) << run.err;
  const Outcome show = phoenix({"show", file("q.h5")});
  EXPECT_EQ(show.code, 0) << show.err;
  EXPECT_EQ(without_wall_time(show.out), without_wall_time(run.out));
  EXPECT_FALSE(fs::exists(file("q.h5.part")));
}

TEST_F(ToolTest, JsonHasTheNumbersScriptsAskFor) {
  const Outcome run = phoenix({"run", kLibrary + "quickstart.toml", "--json", "--seed", "9"});
  ASSERT_EQ(run.code, 0) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["seed"], 9);
  EXPECT_EQ(json["complete"], true);
  EXPECT_GT(json["simulated_requests_per_second"].get<double>(), 0);
  const auto& total = json["total"];
  EXPECT_EQ(total["offered"].get<long>(), total["completed"].get<long>() +
                                              total["failed"].get<long>() +
                                              total["in_flight"].get<long>());
}

TEST_F(ToolTest, TheSameSeedGivesTheSameResultAndAnotherSeedAnother) {
  const std::vector<std::string> first = {"run", kLibrary + "quickstart.toml", "--seed", "3"};
  const std::vector<std::string> other = {"run", kLibrary + "quickstart.toml", "--seed", "4"};
  const std::string once = without_wall_time(phoenix(first).out);
  EXPECT_EQ(without_wall_time(phoenix(first).out), once);
  EXPECT_NE(without_wall_time(phoenix(other).out), once);
}

TEST_F(ToolTest, SetChangesTheScenario) {
  const Outcome run = phoenix({"run", kLibrary + "quickstart.toml", "--set",
                               "strategies.balancer=least_connections", "--set", "duration=10 s"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("balancer least_connections"));
}

TEST_F(ToolTest, TwiceSaysThatARunIsReproducible) {
  const Outcome run =
      phoenix({"run", kLibrary + "quickstart.toml", "--twice", "--set", "duration=10 s"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, StartsWith("Reproducible: both runs played the same"));
}

TEST_F(ToolTest, BadInputExitsWithTwoAndSaysWhatIsAllowed) {
  const Outcome unknown = phoenix({"run", kLibrary + "quickstart.toml", "--set", "balancer=p3c"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean \"p2c\"?"));
  EXPECT_EQ(unknown.out, "");

  const Outcome missing = phoenix({"run", file("nothing.toml")});
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("nothing.toml"));
}

TEST_F(ToolTest, WrongUsageExitsWithTwoAndPointsAtHelp) {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"fly"},
                                                       {"run"},
                                                       {"run", "a", "b"},
                                                       {"run", "--bogus"},
                                                       {"check"},
                                                       {"list", "nope"},
                                                       {"show"},
                                                       {"show", "a", "b"},
                                                       {"check", "--bogus"},
                                                       {"list", "a", "b"}};
  for (const auto& arguments : wrong) {
    const Outcome outcome = phoenix(arguments);
    EXPECT_EQ(outcome.code, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(outcome.err, HasSubstr("--help")) << testing::PrintToString(arguments);
  }
}

TEST_F(ToolTest, HelpHasExamples) {
  for (const char* command : {"run", "check", "list", "show"}) {
    const Outcome help = phoenix({command, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.out, HasSubstr("examples:\n  phoenix " + std::string(command)));
  }
}

TEST_F(ToolTest, CheckReportsEveryFileAndFailsIfOneIsWrong) {
  const Outcome good = phoenix({"check", kLibrary + "quickstart.toml", kLibrary + "large.toml"});
  EXPECT_EQ(good.code, 0) << good.err;
  std::ofstream(file("bad.toml")) << "durration = \"1 s\"\n";
  const Outcome mixed = phoenix({"check", file("bad.toml"), kLibrary + "quickstart.toml"});
  EXPECT_EQ(mixed.code, 2);
  EXPECT_THAT(mixed.err, HasSubstr("bad.toml:1:1: durration: found an unknown key"));
  EXPECT_THAT(mixed.out, HasSubstr("quickstart.toml: good"));
}

TEST_F(ToolTest, CheckReadsTracesToTheirEnd) {
  std::ofstream(file("t.csv")) << "t\n1\n2\nthree\n";
  std::ofstream(file("t.toml")) << "duration = \"10 s\"\n[[cluster.group]]\nname = \"g\"\n"
                                   "[[service]]\nname = \"s\"\n[[service.class]]\nname = \"c\"\n"
                                   "[workload]\narrivals = \"trace\"\n[workload.trace]\n"
                                   "file = \"t.csv\"\ntime = \"t\"\n";
  const Outcome outcome = phoenix({"check", file("t.toml")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("t.csv:4"));
}

TEST_F(ToolTest, ListNamesEveryBalancerWithItsSettings) {
  const Outcome list = phoenix({"list", "balancers"});
  EXPECT_EQ(list.code, 0);
  for (const char* name :
       {"round_robin", "weighted_round_robin", "least_connections", "response_time",
        "resource_aware", "predictive", "random", "p2c", "peak_ewma", "decay = 10 s"}) {
    EXPECT_THAT(list.out, HasSubstr(name));
  }
  EXPECT_THAT(list.out, Not(HasSubstr("crash_restart")));
  EXPECT_THAT(phoenix({"list"}).out, HasSubstr("crash_restart"));
}

TEST_F(ToolTest, AnInterruptedRunSaysSoAndItsRecordNeverLooksWhole) {
  // A run of a simulated year cannot end by itself before the signal arrives.
  const FileWatch watch(folder_);
  Tool tool({"run", kLibrary + "diurnal_day.toml", "--set", "duration=365 d", "-o", file("y.h5")});
  watch.await("y.h5.part");
  tool.interrupt();
  const Outcome outcome = tool.wait();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("ended early"));
  EXPECT_FALSE(fs::exists(file("y.h5")));
  const Outcome show = phoenix({"show", file("y.h5.part")});
  EXPECT_EQ(show.code, 1);
  EXPECT_THAT(show.err, HasSubstr("not complete"));
}

TEST_F(ToolTest, ARecordThatDoesNotFitOnTheDiskFailsTheRunClearly) {
  Tool tool(
      {"run", kLibrary + "quickstart.toml", "--set", "record.requests=all", "-o", file("d.h5")},
      1 << 20);
  const Outcome outcome = tool.wait();
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the record is not complete"));
  EXPECT_FALSE(fs::exists(file("d.h5")));
}

TEST_F(ToolTest, ARecordNeverReplacesAFileThatIsNone) {
  std::ofstream(file("notes.txt")) << "precious\n";
  const Outcome outcome = phoenix({"run", kLibrary + "quickstart.toml", "-o", file("notes.txt")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("it exists and is not a record"));
  std::string line;
  std::getline(std::ifstream(file("notes.txt")), line);
  EXPECT_EQ(line, "precious");
}

TEST_F(ToolTest, AResultNobodyCanReadIsAFailure) {
  const std::string command = std::string(PHOENIX_BINARY) + " list > /dev/full 2> /dev/null";
  const int status = std::system(command.c_str());
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST_F(ToolTest, TwiceGoesWithNoRecordAndNoJson) {
  EXPECT_EQ(phoenix({"run", kLibrary + "quickstart.toml", "--twice", "--json"}).code, 2);
  EXPECT_EQ(phoenix({"run", kLibrary + "quickstart.toml", "-o", ""}).code, 2);
}

TEST_F(ToolTest, OnTakesTheTwoWorldsAndOptionsThatFitThem) {
  const std::string scenario = kLibrary + "quickstart.toml";
  const Outcome moon = phoenix({"run", scenario, "--on", "moon"});
  EXPECT_EQ(moon.code, 2);
  EXPECT_THAT(moon.err, HasSubstr("--on takes sim or local, found 'moon'"));
  EXPECT_EQ(phoenix({"run", scenario, "--on", "local", "--twice"}).code, 2);
  EXPECT_EQ(phoenix({"run", scenario, "--keep"}).code, 2);
  const Outcome sim = phoenix({"run", scenario, "--on", "sim", "--set", "duration=10 s"});
  EXPECT_EQ(sim.code, 0) << sim.err;
}

// A copy of the tool in a folder with a phoenix-local that only says how it was called.
class LocalToolTest : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    tool_ = folder_ / "bin" / "phoenix";
    fs::create_directories(tool_.parent_path());
    fs::copy_file(PHOENIX_BINARY, tool_);
  }
  static void write_stand_in(const fs::path& folder) {
    fs::create_directories(folder);
    std::ofstream(folder / "phoenix-local") << "#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n";
    fs::permissions(folder / "phoenix-local", fs::perms::owner_all);
  }
  Outcome run(std::vector<std::string> more, const std::string& path = "/nowhere") const {
    std::vector<std::string> arguments = {"run", kLibrary + "quickstart.toml", "--on", "local"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Tool(arguments, RLIM_INFINITY, tool_, path).wait();
  }

  fs::path tool_;
};

TEST_F(LocalToolTest, OnLocalBecomesTheProgramBesideItWithAllThatWasAsked) {
  write_stand_in(tool_.parent_path());
  const Outcome outcome = run({"--set", "balancer=p2c", "--seed", "9", "-o", "x.h5", "--json",
                               "--keep", "--set", "duration=20 s"});
  EXPECT_EQ(outcome.code, 7) << outcome.err;
  EXPECT_EQ(outcome.out, kLibrary +
                             "quickstart.toml|--set|balancer=p2c|--set|duration=20 s|--set|seed=9|"
                             "--output|x.h5|--json|--keep|");
  EXPECT_EQ(run({}).out, kLibrary + "quickstart.toml|");
}

TEST_F(LocalToolTest, OnLocalLooksInLibexecAndOnPath) {
  EXPECT_EQ(run({}).code, 2);
  write_stand_in(file("elsewhere"));
  EXPECT_EQ(run({}, file("elsewhere")).code, 7);
  write_stand_in(folder_ / "libexec" / "phoenix");
  EXPECT_EQ(run({}).code, 7);
}

TEST_F(LocalToolTest, OnLocalSaysWhatIsMissing) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("phoenix-local"));
  EXPECT_THAT(outcome.err, HasSubstr("-DPHOENIX_RUNTIME=ON"));
}

TEST_F(LocalToolTest, OnLocalChecksTheScenarioFirst) {
  write_stand_in(tool_.parent_path());
  const Outcome outcome = run({"--set", "balancer=p3c"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("did you mean \"p2c\"?"));
  EXPECT_EQ(outcome.out, "");
}

TEST_F(ToolTest, ARecordThatCannotBeCreatedIsBadInput) {
  const Outcome outcome =
      phoenix({"run", kLibrary + "quickstart.toml", "-o", file("no/such/folder/x.h5")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("x.h5"));
}

}  // namespace
