// phoenix-local: runs a scenario on real processes of this machine; what `phoenix run --on local`
// starts.
#include <csignal>
#include <cstdlib>
#include <iostream>

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "analysis/progress.h"
#include "analysis/result_text.h"
#include "runtime/local/local_world.h"
#include "scenarios/parser.h"
#include "scenarios/version.h"

namespace phoenix {
namespace {

namespace po = boost::program_options;

constexpr int kGood = 0;
constexpr int kFailed = 1;
constexpr int kBadInput = 2;

constexpr const char* kHelp =
    R"(phoenix-local - run a scenario on real processes of this machine

usage: phoenix-local FILE [OPTIONS]        (or: phoenix run FILE --on local [OPTIONS])

Starts gateways, nodes and a load source on loopback, sends the scenario's requests in real time,
injects its faults, and prints the same result and writes the same record as a simulated run. All
processes and ports are gone when it ends, however it ends.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix-local scenarios/library/quickstart.toml
  phoenix-local scenarios/library/quickstart.toml --set duration='15 s' -o local.h5
  phoenix-local my.toml --keep          # the cluster stays up afterwards, until Ctrl-C

exit status: 0 good, 1 the run failed or was cut short, 2 usage or bad input
)";

struct Arguments {
  std::string file;
  std::vector<std::string> overrides;
  std::string output;
  bool json = false;
  bool keep = false;
};

int usage_error(const std::string& message) {
  std::cerr << "phoenix-local: " << message << "\nSee `phoenix-local --help`.\n";
  return kBadInput;
}

// A result of 0 and more: nothing to run.
int parse(int argc, char** argv, Arguments& arguments) {
  po::options_description visible("options");
  auto add = visible.add_options();
  add("set", po::value(&arguments.overrides)->composing()->value_name("KEY=VALUE"),
      "change a key of the scenario; may be repeated");
  add("output,o", po::value(&arguments.output)->value_name("OUT.h5"), "write the run's record");
  add("json", po::bool_switch(&arguments.json), "print the result as JSON");
  add("keep", po::bool_switch(&arguments.keep), "keep everything up afterwards, until Ctrl-C");
  add("version", "version and source revision");
  add("help,h", "this text");
  po::options_description all;
  all.add(visible).add_options()("file", po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add("file", -1);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(),
              values);
    po::notify(values);
  } catch (const po::error& error) {
    return usage_error(error.what());
  }
  if (values.contains("help")) {
    std::cout << kHelp << visible << kExamples;
    return kGood;
  }
  if (values.contains("version")) {
    std::cout << "phoenix-local " << kVersion << " (" << kSourceRevision << ")\n";
    return kGood;
  }
  const auto files = values.contains("file") ? values["file"].as<std::vector<std::string>>()
                                             : std::vector<std::string>{};
  if (files.size() != 1) {
    return usage_error(fmt::format("takes one scenario file, found {}", files.size()));
  }
  arguments.file = files.front();
  return -1;
}

// Serves on until a signal comes.
void keep_up(net::Loop& loop, const std::vector<std::string>& addresses, bool& is_told) {
  std::string list;
  for (const std::string& address : addresses) list += " " + address;
  fmt::print(stderr, "phoenix-local: kept up; gateways take frames at{}; Ctrl-C ends it\n", list);
  while (!is_told) loop.run();
}

int print(const local::LocalResult& result, const Arguments& arguments) {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool colour = ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
  if (arguments.json) {
    std::cout << result_json(result.summary) << "\n";
  } else {
    std::cout << result_text(result.summary, colour);
  }
  if (!result.record) {
    std::cerr << "phoenix-local: the record is not complete: " << result.record.error() << "\n";
    return kFailed;
  }
  if (!result.problem.empty()) {
    std::cerr << "phoenix-local: ended early: " << result.problem
              << (arguments.output.empty() ? ""
                                           : "; the record stays " + arguments.output + ".part")
              << "\n";
    return kFailed;
  }
  if (!arguments.output.empty() && !arguments.json) {
    std::cout << "\nrecord: " << arguments.output << "\n";
  }
  return kGood;
}

int run(const Arguments& arguments) {
  const ParsedScenario parsed = parse_scenario_file(arguments.file, arguments.overrides);
  if (!parsed.scenario) {
    print_problems(std::cerr, parsed.problems);
    return kBadInput;
  }
  const Scenario& scenario = *parsed.scenario;
  net::Loop loop;
  std::optional<Progress> progress(to_seconds(scenario.duration));
  bool is_told = false;
  local::LocalOptions options;
  options.record_path = arguments.output;
  options.on_progress = [&progress](double run_s) { progress->update(run_s); };
  if (arguments.keep) {
    options.on_over = [&](net::Loop& running, const std::vector<std::string>& addresses) {
      progress.reset();
      keep_up(running, addresses, is_told);
    };
  }
  local::LocalWorld world(loop, scenario, options);
  loop.on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int) {
    is_told = true;
    world.interrupt("told to stop");
  });
  const Result<local::LocalResult> result = world.run();
  progress.reset();
  if (!result) {
    std::cerr << "phoenix-local: " << result.error() << "\n";
    return is_told ? kFailed : kBadInput;
  }
  return print(*result, arguments);
}

}  // namespace
}  // namespace phoenix

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  phoenix::Arguments arguments;
  if (const int code = phoenix::parse(argc, argv, arguments); code >= 0) return code;
  try {
    const int code = phoenix::run(arguments);
    std::cout.flush();
    if (std::cout) return code;
    std::cerr << "phoenix-local: cannot write the result to standard output\n";
  } catch (const std::exception& error) {
    std::cerr << "phoenix-local: " << error.what() << "\n";
  }
  return phoenix::kFailed;
}
