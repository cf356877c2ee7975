#include <iostream>

#include "scenarios/arrivals.h"
#include "scenarios/parser.h"
#include "sim/cli/commands.h"

namespace phoenix::cli {
namespace {

constexpr const char* kHelp = R"(phoenix check - validate scenario files without running them

usage: phoenix check FILE...

Every problem is told with file, line, column and key. Exit status 2 when there is any.

examples:
  phoenix check scenarios/library/*.toml
)";

bool is_good(const std::string& file) {
  const ParsedScenario parsed = parse_scenario_file(file);
  if (!parsed.scenario) {
    print_problems(std::cerr, parsed.problems);
    return false;
  }
  // Reads a trace to its end.
  const auto arrivals = make_arrivals(*parsed.scenario, Streams(parsed.scenario->seed));
  if (!arrivals) {
    std::cerr << arrivals.error() << "\n";
    return false;
  }
  std::cout << file << ": good\n";
  return true;
}

}  // namespace

int check_command(const Arguments& arguments) {
  if (!arguments.empty() && (arguments.front() == "--help" || arguments.front() == "-h")) {
    std::cout << kHelp;
    return kGood;
  }
  if (arguments.empty()) return usage_error("check", "takes at least one scenario file");
  int code = kGood;
  for (const std::string& file : arguments) {
    if (file.starts_with("-")) return usage_error("check", "unknown option `" + file + "`");
    if (!is_good(file)) code = kBadInput;
  }
  return code;
}

}  // namespace phoenix::cli
