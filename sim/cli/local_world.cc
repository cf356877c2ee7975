#include "sim/cli/local_world.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <system_error>

#include <unistd.h>

#include "sim/cli/commands.h"

namespace phoenix::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "phoenix-local";

// A path, or the bare name for PATH to find.
std::string program_path() {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& candidate :
       {folder / kProgram, folder.parent_path() / "libexec" / "phoenix" / kProgram}) {
    if (!error && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return kProgram;
}

}  // namespace

int become_local_world(const LocalRun& run) {
  std::vector<std::string> arguments = {kProgram, run.file};
  for (const std::string& override_text : run.overrides) {
    arguments.insert(arguments.end(), {"--set", override_text});
  }
  if (!run.output.empty()) arguments.insert(arguments.end(), {"--output", run.output});
  if (run.json) arguments.emplace_back("--json");
  if (run.keep) arguments.emplace_back("--keep");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  const std::string program = program_path();
  ::execvp(program.c_str(), argv.data());
  const int why = errno;
  if (why == ENOENT && program == kProgram) {
    std::cerr << "phoenix run: --on local needs the program phoenix-local, found neither beside "
                 "phoenix, nor in ../libexec/phoenix, nor on PATH; build it with "
                 "-DPHOENIX_RUNTIME=ON\n";
  } else {
    std::cerr << "phoenix run: cannot start " << program << ": " << std::strerror(why) << "\n";
  }
  return kBadInput;
}

}  // namespace phoenix::cli
