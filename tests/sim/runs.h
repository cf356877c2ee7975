// Simulated runs for tests. SimGrid allows one engine a process, so every run is a forked child;
// what it came to travels back through a pipe as the record's summary rows.
//
// A child that dies, and a scenario that does not parse, fail the calling test and say why.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/record_reader.h"
#include "scenarios/parser.h"
#include "sim/simulate.h"

namespace phoenix::sim {

using Overrides = std::vector<std::string>;

// A simulation under way in a child process.
class ChildRun {
 public:
  ChildRun(const std::string& text, const Overrides& overrides, const std::string& record_path,
           const std::string& scenario_path = "test.toml") {
    int ends[2];
    if (::pipe(ends) != 0) {
      ADD_FAILURE() << "no pipe: " << std::strerror(errno);
      return;
    }
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      play(ends[1], text, overrides, record_path, scenario_path);
    }
    ::close(ends[1]);
    fd_ = ends[0];
    if (pid_ < 0) ADD_FAILURE() << "no process: " << std::strerror(errno);
  }
  ChildRun(ChildRun&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), fd_(std::exchange(other.fd_, -1)) {}
  ChildRun(const ChildRun&) = delete;
  ChildRun& operator=(const ChildRun&) = delete;
  ChildRun& operator=(ChildRun&&) = delete;
  ~ChildRun() {
    if (pid_ >= 0) wait();
  }

  RunSummary wait() {
    std::string received;
    char block[1 << 14];
    for (;;) {
      const ssize_t n = ::read(fd_, block, sizeof block);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      received.append(block, static_cast<std::size_t>(n));
    }
    ::close(std::exchange(fd_, -1));
    int status = 0;
    const pid_t pid = std::exchange(pid_, -1);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!received.empty() && received.front() == 'E') {
      ADD_FAILURE() << "the run was refused: " << received.substr(1);
      return {};
    }
    const bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!ended_well || received.size() < 2 || (received.size() - 1) % sizeof(SummaryRow) != 0) {
      ADD_FAILURE() << "the run died: "
                    << (WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : "no summary");
      return {};
    }
    std::vector<SummaryRow> rows((received.size() - 1) / sizeof(SummaryRow));
    std::memcpy(static_cast<void*>(rows.data()), received.data() + 1, received.size() - 1);
    return RunSummary::from_rows(rows);
  }

 private:
  static void write_all(int fd, const void* data, std::size_t bytes) {
    const auto* at = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t n = ::write(fd, at, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) ::_exit(1);
      at += n;
      bytes -= static_cast<std::size_t>(n);
    }
  }

  [[noreturn]] static void refuse(int fd, const std::string& why) {
    write_all(fd, ("E" + why).data(), why.size() + 1);
    ::_exit(1);
  }

  [[noreturn]] static void play(int fd, const std::string& text, const Overrides& overrides,
                                const std::string& record_path,
                                const std::string& scenario_path) noexcept {
    const ParsedScenario parsed = parse_scenario_text(text, scenario_path, overrides);
    std::string problems;
    for (const Problem& problem : parsed.problems) problems += problem.text() + "\n";
    if (!parsed.scenario) refuse(fd, problems);
    SimulationOptions options;
    options.record_path = record_path;
    const Result<SimulationResult> result = simulate(*parsed.scenario, options);
    if (!result) refuse(fd, result.error());
    if (!result->record) refuse(fd, result->record.error());
    const std::vector<SummaryRow> rows = result->summary.to_rows();
    write_all(fd, "S", 1);
    write_all(fd, rows.data(), rows.size() * sizeof(SummaryRow));
    ::_exit(0);
  }

  pid_t pid_ = -1;
  int fd_ = -1;
};

inline RunSummary run_in_child(const std::string& text, const Overrides& overrides = {},
                               const std::string& record_path = "") {
  return ChildRun(text, overrides, record_path).wait();
}

// Runs of seeds 1 to n, in that order, `jobs` at a time.
inline std::vector<RunSummary> run_replications(const std::string& text, const Overrides& overrides,
                                                int n, int jobs = 2) {
  std::vector<RunSummary> summaries;
  std::deque<ChildRun> under_way;
  for (int seed = 1; seed <= n || !under_way.empty(); ++seed) {
    if (seed <= n) {
      Overrides all = overrides;
      all.push_back(fmt::format("seed={}", seed));
      under_way.emplace_back(text, all, "");
      if (under_way.size() < static_cast<std::size_t>(jobs)) continue;
    }
    summaries.push_back(under_way.front().wait());
    under_way.pop_front();
  }
  return summaries;
}

// A run with everything its record says.
struct RecordedRun {
  RunSummary summary;
  std::vector<RequestRow> requests;  // by seq
  std::vector<NodeRow> nodes;
  std::vector<WindowRow> windows;
  std::vector<DecisionRow> decisions;
  std::vector<FaultRow> faults;
};

// A path for a record, its own in every test and process.
inline std::string record_path(const std::string& name) {
  return fmt::format("{}phoenix-{}-{}.h5", ::testing::TempDir(), ::getpid(), name);
}

inline void remove_record(const std::string& path) {
  std::error_code ignored;
  for (const char* ending : {"", ".part", ".lock"}) std::filesystem::remove(path + ending, ignored);
}

template <class Row>
void read_table(const RecordReader& reader, std::vector<Row>& rows) {
  Result<std::vector<Row>> read = reader.rows<Row>();
  ASSERT_TRUE(read) << read.error();
  rows = std::move(*read);
}

// The scenario should record what the test wants to see: `record.requests=all`.
inline RecordedRun run_recorded(const std::string& text, const Overrides& overrides = {}) {
  const std::string path = record_path("run");
  RecordedRun run;
  run.summary = run_in_child(text, overrides, path);
  const Result<RecordReader> reader = RecordReader::open(path);
  if (reader) {
    read_table(*reader, run.requests);
    read_table(*reader, run.nodes);
    read_table(*reader, run.windows);
    read_table(*reader, run.decisions);
    read_table(*reader, run.faults);
  } else {
    ADD_FAILURE() << reader.error();
  }
  remove_record(path);
  std::ranges::sort(run.requests, {}, &RequestRow::seq);
  return run;
}

template <class Read>
std::vector<double> collect(const std::vector<RunSummary>& runs, Read read) {
  std::vector<double> values;
  for (const RunSummary& run : runs) values.push_back(read(run));
  return values;
}

// Every request offered is completed, failed or under way, class by class and in total.
inline void expect_conserved(const RunSummary& run) {
  EXPECT_EQ(run.total.offered,
            run.total.completed + run.total.failed_total() + run.total.in_flight);
  std::uint64_t offered = 0;
  for (const ClassSummary& c : run.classes) {
    EXPECT_EQ(c.offered, c.completed + c.failed_total() + c.in_flight) << "class " << c.name;
    offered += c.offered;
  }
  EXPECT_EQ(run.total.offered, offered);
}

inline std::uint64_t failed(const RunSummary& run, FailureReason reason) {
  return run.total.failed[static_cast<std::size_t>(reason)];
}

}  // namespace phoenix::sim
