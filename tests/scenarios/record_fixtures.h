// What tests of the run record share: a folder of their own, rows with known content, and processes
// that can be killed at a known point.
#pragma once

#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenarios/record_writer.h"
#include "scenarios/scenario.h"

namespace phoenix {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "phoenix-record-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline bool exists(const std::string& path) { return std::filesystem::exists(path); }

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline Scenario small_scenario() {
  Scenario scenario;
  scenario.name = "small";
  scenario.text = "name = \"small\"  # \xC3\xA4\n";
  scenario.overrides = {"seed=9", "strategies.balancer=p2c"};
  scenario.seed = 0xfedcba9876543210;
  scenario.replication = 3;
  scenario.duration = std::chrono::seconds(20);
  scenario.warmup = std::chrono::seconds(5);
  scenario.strategies.balancer = "p2c[choices=2]";
  scenario.cluster.groups.resize(1);
  scenario.cluster.groups[0].name = "new";
  scenario.services.resize(1);
  scenario.services[0].name = "shop";
  scenario.services[0].classes.resize(2);
  scenario.services[0].classes[0].name = "checkout";
  scenario.services[0].classes[1].name = "browse";
  scenario.faults.resize(1);
  scenario.faults[0].id = "crash";
  return scenario;
}

inline RecordOrigin small_origin() {
  return {"sim", "1.2.3", "abcdef123456", "3.32", {"new-0", "new-1"}};
}

// A writer that must come to be; the error otherwise ends the process.
inline std::unique_ptr<RecordWriter> make_writer(const std::string& path) {
  auto writer = RecordWriter::create(path, small_scenario(), small_origin());
  if (!writer) {
    std::fprintf(stderr, "%s\n", writer.error().c_str());
    std::abort();
  }
  return std::move(*writer);
}

// The i-th of a series of rows whose bits look random, so that they hardly compress.
inline RequestRow request_row(std::int64_t i) {
  const std::uint64_t mixed = (static_cast<std::uint64_t>(i) + 1) * 0x9E3779B97F4A7C15ULL;
  RequestRow row;
  row.seq = i;
  row.arrived = static_cast<std::int64_t>(mixed >> 8);
  row.answered = row.arrived + i;
  row.work = std::sqrt(static_cast<double>(mixed));
  row.key = mixed * mixed;
  row.node = static_cast<std::int32_t>(i % 97);
  return row;
}

inline bool operator==(const RequestRow& a, const RequestRow& b) {
  return a.seq == b.seq && a.arrived == b.arrived && a.answered == b.answered && a.work == b.work &&
         a.key == b.key && a.node == b.node;
}

// A child process that runs `work` and can tell numbers; the parent awaits them.
class ChildProcess {
 public:
  using Say = std::function<void(std::int64_t)>;

  // `work` returns the child's exit code.
  explicit ChildProcess(const std::function<int(const Say&)>& work) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    std::fflush(nullptr);  // or the child prints it again
    process_ = fork();
    if (process_ == 0) {
      close(ends[0]);
      const int code = work([&ends](std::int64_t number) {
        if (write(ends[1], &number, sizeof(number)) != sizeof(number)) _exit(99);
      });
      std::exit(code);
    }
    close(ends[1]);
    from_child_ = ends[0];
  }
  ~ChildProcess() {
    if (process_ > 0) end(SIGKILL);
    close(from_child_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next number the child tells; nothing when it ended without another.
  std::optional<std::int64_t> await() {
    std::int64_t number = 0;
    const bool told = read(from_child_, &number, sizeof(number)) == sizeof(number);
    return told ? std::optional(number) : std::nullopt;
  }

  void end(int signal) {
    ::kill(process_, signal);
    exit_code();
  }

  // Waits for the end; negative when a signal ended it.
  int exit_code() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t process_ = -1;
  int from_child_ = -1;
};

}  // namespace phoenix
