// Scripts that play hooks and nodes, in a folder of their own, and what they leave behind.
#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace phoenix {

class ScriptFolder {
 public:
  ScriptFolder() {
    std::string pattern = testing::TempDir() + "phoenix-scripts-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~ScriptFolder() { std::filesystem::remove_all(path_); }
  ScriptFolder(const ScriptFolder&) = delete;
  ScriptFolder& operator=(const ScriptFolder&) = delete;

  // The script finds the folder in $HERE.
  std::string script(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << "#!/bin/sh\nHERE='" << path_ << "'\n" << text << "\n";
    std::filesystem::permissions(file(name), std::filesystem::perms::owner_all);
    return file(name);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  void touch(const std::string& name) const { std::ofstream(file(name)) << "\n"; }
  std::vector<std::string> lines(const std::string& name) const {
    std::ifstream in(file(name));
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }

 private:
  std::string path_;
};

// Not running: no such process, or one that only waits to be counted as dead.
inline bool is_gone(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t name_end = text.rfind(") ");
  return name_end == std::string::npos || text[name_end + 2] == 'Z';
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Processes that this one has started and not yet seen end.
inline std::vector<std::string> children() {
  std::ifstream in("/proc/thread-self/children");
  return {std::istream_iterator<std::string>(in), {}};
}

}  // namespace phoenix
