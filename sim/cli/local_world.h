// The other world of `phoenix run`: the same scenario on real processes of this machine. Lives in a
// program of its own, phoenix-local, because this tool links the simulator and no sockets.
#pragma once

#include <string>
#include <vector>

namespace phoenix::cli {

struct LocalRun {
  std::string file;
  std::vector<std::string> overrides;  // KEY=VALUE, in order
  std::string output;                  // empty: no record
  bool json = false;
  bool keep = false;  // leave the processes' logs and configurations where they are
};

// Becomes phoenix-local: the one beside this program, else in ../libexec/phoenix, else on PATH.
// Returns, with an exit code, only where there is none or it cannot be started; then it has said
// so.
int become_local_world(const LocalRun& run);

}  // namespace phoenix::cli
