// phoenix: which strategy should route the requests of a cluster, and what would happen if it
// changed?
//
//   phoenix run scenarios/library/quickstart.toml
//   phoenix run scenarios/library/flash_crowd.toml --seed 3 --set balancer=p2c -o crowd.h5
//   phoenix show crowd.h5
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "scenarios/version.h"
#include "sim/cli/commands.h"
#include "strategies/core/nearest_name.h"

namespace phoenix::cli {

namespace {

constexpr const char* kHelp = R"(phoenix - simulate a cluster, and see which strategy serves it best

usage: phoenix COMMAND [ARGUMENTS]

  run FILE      run a scenario file, simulated or on this machine, and print what came of it
  check FILE... validate scenario files without running them
  list [WHAT]   what can be named in a scenario: balancers, arrivals, faults, ...
  show OUT.h5   print the result stored in a record
  explain OUT   what was decided in a run, why, and what came of it
  compare FILE  play variations of a scenario, and say which is best and how sure that is
  merge DIR...  join the runs of a comparison that were played in several places
  export FILE   a comparison or a record as CSV files
  report OUT    one page that says what came of a comparison or a run
  diff A B      two records side by side, with their differences
  forecast FILE which forecaster suits a series of loads

  --help        this text; `phoenix COMMAND --help` tells more, with examples
  --version     version and source revision

examples:
  phoenix run scenarios/library/quickstart.toml
  phoenix run scenarios/library/flash_crowd.toml --set balancer=least_connections -o crowd.h5
  phoenix list balancers

exit status: 0 good, 1 the run failed or was cut short, 2 usage or bad input
)";

struct Command {
  const char* name;
  int (*run)(const Arguments&);
};

constexpr Command kCommands[] = {
    {"run", run_command},           {"check", check_command},     {"list", list_command},
    {"show", show_command},         {"explain", explain_command}, {"diff", diff_command},
    {"forecast", forecast_command}, {"compare", compare_command}, {"merge", merge_command},
    {"export", export_command},     {"report", report_command}};

}  // namespace

int usage_error(const std::string& command, const std::string& message) {
  const std::string full = command.empty() ? "phoenix" : "phoenix " + command;
  std::cerr << full << ": " << message << "\nSee `" << full << " --help`.\n";
  return kBadInput;
}

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

bool wants_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  return is_terminal(fd) && (no_colour == nullptr || *no_colour == '\0');
}

int main(const Arguments& arguments) {
  if (arguments.empty()) {
    std::cerr << kHelp;
    return kBadInput;
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    std::cout << kHelp;
    return kGood;
  }
  if (name == "--version") {
    std::cout << "phoenix " << kVersion << " (" << kSourceRevision << ")\n";
    return kGood;
  }
  for (const Command& command : kCommands) {
    if (name == command.name) return command.run({arguments.begin() + 1, arguments.end()});
  }
  std::vector<std::string> known;
  for (const Command& command : kCommands) known.emplace_back(command.name);
  return usage_error(
      "", "no command `" + name + "`; there are " + join_names(known) + did_you_mean(name, known));
}

}  // namespace phoenix::cli

int main(int argc, char** argv) {
  try {
    const int code = phoenix::cli::main({argv + 1, argv + argc});
    std::cout.flush();
    if (std::cout && std::fflush(stdout) == 0) return code;
  } catch (const std::exception& error) {
    std::cerr << "phoenix: " << error.what() << "\n";
    return phoenix::cli::kFailed;
  }
  std::cerr << "phoenix: cannot write the result to standard output\n";
  return phoenix::cli::kFailed;
}
