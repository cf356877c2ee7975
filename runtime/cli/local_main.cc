// phoenix-local: runs a scenario on real processes of this machine; what `phoenix run --on local`
// starts.
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "analysis/progress.h"
#include "analysis/result_text.h"
#include "runtime/load/load_text.h"
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

A fault that is applied over 50 ms late, or does not do what it should, makes the run invalid: it is
told, marked `invalid_fault` in the record, and not to be averaged with other runs.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix-local scenarios/library/quickstart.toml
  phoenix-local scenarios/library/quickstart.toml --set duration='15 s' -o local.h5
  phoenix-local my.toml --keep          # the cluster stays up afterwards, until Ctrl-C

exit status: 0 good, 1 the run failed, was cut short or is invalid, 2 usage or bad input
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
  if (values.contains("output") && arguments.output.empty()) {
    return usage_error("--output takes the name of a file, found ``");
  }
  if (files.size() != 1) {
    return usage_error(fmt::format("takes one scenario file, found {}", files.size()));
  }
  arguments.file = files.front();
  return -1;
}

int failure(const std::string& message) {
  std::cerr << "phoenix-local: " << message << "\n";
  return kFailed;
}

int print(const local::LocalResult& result, const Arguments& arguments) {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool colour = ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
  if (arguments.json) {
    std::cout << result_json(result.summary) << "\n";
  } else {
    std::cout << result_text(result.summary, colour);
  }
  const std::string behind = load::lateness_text(result.lateness);
  if (!behind.empty()) std::cerr << "phoenix-local: " << behind << "\n";
  for (const std::string& fault : result.invalid) {
    std::cerr << "phoenix-local: invalid fault: " << fault << "\n";
  }
  if (!result.record) return failure("the record is not complete: " + result.record.error());
  if (!result.problem.empty()) {
    return failure(
        "ended early: " + result.problem +
        (arguments.output.empty() ? "" : "; the record stays " + arguments.output + ".part"));
  }
  if (!arguments.output.empty() && !arguments.json) {
    std::cout << "\nrecord: " << arguments.output << "\n";
  }
  return result.invalid.empty() ? kGood : kFailed;
}

// Serves on until a signal comes.
int keep_up(net::Loop& loop, const local::LocalWorld& world, const bool& is_told) {
  std::cout.flush();
  fmt::print(stderr, "phoenix-local: kept up; gateways take frames at {}; Ctrl-C ends it\n",
             fmt::join(world.gateway_addresses(), " "));
  while (!is_told && world.problem().empty()) loop.run();
  return is_told ? kGood : failure(world.problem());
}

// Nodes are many: each takes a pipe, a socket or two and a line to it.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Arguments& arguments) {
  const ParsedScenario parsed = parse_scenario_file(arguments.file, arguments.overrides);
  if (!parsed.scenario) {
    print_problems(std::cerr, parsed.problems);
    return kBadInput;
  }
  const Scenario& scenario = *parsed.scenario;
  raise_descriptor_limit();
  net::Loop loop;
  std::optional<Progress> progress(to_seconds(scenario.duration));
  local::LocalOptions options;
  options.record_path = arguments.output;
  options.on_progress = [&progress](double run_s) {
    if (progress) progress->update(run_s);
  };
  local::LocalWorld world(loop, scenario, options);
  if (const Status opened = world.open(); !opened) {
    progress.reset();
    failure(opened.error());
    return kBadInput;
  }
  bool is_told = false;
  loop.on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int) {
    is_told = true;
    world.interrupt("told to stop");
  });
  const Result<local::LocalResult> result = world.run();
  progress.reset();
  if (!result) return failure(result.error());
  const int code = print(*result, arguments);
  if (!arguments.keep || is_told || !world.problem().empty()) return code;
  const int kept = keep_up(loop, world, is_told);
  return code == kGood ? kept : code;
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
