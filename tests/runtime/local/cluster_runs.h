// Runs of the programs for tests of the local world: in a folder of their own, ended with the test,
// and a look at what they leave behind.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "analysis/record_reader.h"
#include "runtime/process/child.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::local {

inline std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();  // a process may end while its files are read: what was read until then
  return text.str();
}

// Processes whose parent is `parent`.
inline std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = text_of(entry.path() / "stat");
    const std::size_t bracket = stat.rfind(") ");
    if (bracket == std::string::npos) continue;
    // After the name: state, then the parent.
    if (std::atoi(stat.c_str() + bracket + 4) == parent) found.push_back(std::stoi(name));
  }
  return found;
}

inline std::string command_line(pid_t pid) {
  std::string line = text_of("/proc/" + std::to_string(pid) + "/cmdline");
  for (char& c : line) c = c == '\0' ? ' ' : c;
  return line;
}

// What follows `option` on the process's command line; empty where it has none.
inline std::string option_of(pid_t pid, const std::string& option) {
  const std::string line = command_line(pid);
  const std::size_t at = line.find(" " + option + " ");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + option.size() + 2;
  return line.substr(begin, line.find(' ', begin) - begin);
}

inline bool is_gone(pid_t pid) {
  const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  return stat.empty() || stat.find(") Z") != std::string::npos;
}

class LocalRuns : public testing::Test {
 protected:
  LocalRuns() {
    std::string pattern = std::filesystem::temp_directory_path() / "phoenix-runs-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~LocalRuns() override {
    child_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
    return file(name);
  }

  // A few small nodes under a light load, for a while; `more` comes last.
  std::string small(const std::string& duration, const std::string& more = "",
                    const std::string& nodes = "count = 2") const {
    return write("small.toml", R"toml(
name = "small"
duration = ")toml" + duration + R"toml("
seed = 3
[[cluster.group]]
name = "web"
)toml" + nodes + R"toml(
[[service]]
name = "shop"
[[service.class]]
name = "page"
work = "constant(2 ms)"
deadline = "1 s"
[workload]
rate = "200 /s"
)toml" + more);
  }

  void start(std::vector<std::string> arguments) {
    output_.clear();
    errors_.clear();
    end_.reset();
    ChildSpec spec;
    spec.arguments = std::move(arguments);
    spec.environment = {{"TMPDIR", folder_}};
    if (!path_.empty()) spec.environment.emplace_back("PATH", path_);
    spec.on_error_line = [this](std::string_view line) { errors_ += std::string(line) + "\n"; };
    auto started = Child::start(
        loop_, spec, [this](std::string_view line) { output_ += std::string(line) + "\n"; },
        [this](const ChildEnd& end) { end_ = end; });
    ASSERT_TRUE(started.ok()) << started.error();
    child_ = std::move(*started);
  }
  // The exit code; minus the signal that ended it; -1000 where it did not end.
  int end() {
    const Duration limit = std::chrono::seconds(60);
    if (!net::drive(
            loop_, [this] { return end_.has_value(); }, limit))
      return -1000;
    return end_->signal != 0 ? -end_->signal : end_->exit_code;
  }
  int run(std::vector<std::string> arguments) {
    start(std::move(arguments));
    return end();
  }

  // The processes of the run, once all of them are there and run their programs.
  std::vector<pid_t> await_processes(std::size_t count) {
    std::vector<pid_t> found;
    net::drive(loop_, [&] {
      found = children_of(child_->pid());
      std::erase_if(found, [](pid_t pid) {
        const std::string program = command_line(pid);
        const auto is = [&](const char* name) { return program.find(name) != std::string::npos; };
        return !is("/phoenix-gateway ") && !is("/phoenix-node ") && !is("/phoenix-load ");
      });
      return found.size() >= count || end_.has_value();
    });
    return found;
  }
  static void send(pid_t pid, int signal) {
    ASSERT_GT(pid, 0) << "there is no such process";  // -1 would be everybody
    ::kill(pid, signal);
  }
  void expect_all_gone(const std::vector<pid_t>& processes) {
    for (const pid_t pid : processes) {
      EXPECT_TRUE(net::drive(loop_, [pid] { return is_gone(pid); })) << command_line(pid);
    }
  }
  // Folders of logs and token, in what the run takes for the place of temporary files.
  std::size_t folders_left() const {
    std::size_t left = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      left += entry.path().filename().string().starts_with("phoenix-local-") ? 1 : 0;
    }
    return left;
  }

  net::Loop loop_;
  std::string folder_;
  std::string path_;  // of programs; empty: as it is
  std::unique_ptr<Child> child_;
  std::string output_, errors_;
  std::optional<ChildEnd> end_;
};

}  // namespace phoenix::local
