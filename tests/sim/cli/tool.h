// The phoenix tool as a user meets it: a command line, its exit code, and what it printed.
#pragma once

#include <cstdlib>
#include <string>

#include <sys/wait.h>

#include "tests/analysis/diff_records.h"

namespace phoenix {

struct Outcome {
  int code = -1;  // -1: killed
  std::string out;
  std::string err;
};

// Runs a line of shell in which $PHOENIX is the tool, in a folder of its own.
class ToolFolder {
 public:
  Outcome run(const std::string& line) const {
    const std::string command = "cd " + folder_.path() +
                                " && { export PHOENIX=" PHOENIX_BINARY
                                "; PATH=$(dirname $PHOENIX):$PATH; " +
                                line + "\n} >out.txt 2>err.txt";
    const int status = std::system(("bash -c '" + escaped(command) + "'").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(file("out.txt")),
            contents(file("err.txt"))};
  }

  std::string file(const std::string& name) const { return folder_.file(name); }

 private:
  static std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
    return result;
  }

  const TempFolder folder_;
};

}  // namespace phoenix
