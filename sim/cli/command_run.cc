#include <atomic>
#include <csignal>
#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "analysis/progress.h"
#include "analysis/result_text.h"
#include "scenarios/arrivals.h"
#include "scenarios/parser.h"
#include "sim/cli/command_line.h"
#include "sim/cli/local_world.h"
#include "sim/lockstep.h"
#include "sim/simulate.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp =
    R"(phoenix run - run a scenario file on a simulated cluster, or on real processes of this
machine, and print what came of it

usage: phoenix run FILE [OPTIONS]

)";

constexpr const char* kExamples = R"(
examples:
  phoenix run scenarios/library/quickstart.toml
  phoenix run scenarios/library/flash_crowd.toml --seed 3 --set balancer=p2c -o crowd.h5
  phoenix run FILE --set cluster.group.new.count=12 --set workload.rate='3000 /s'
  phoenix run FILE --set 'balancer=peak_ewma[decay=5 s]' --json
  phoenix run scenarios/library/quickstart.toml --on local -o local.h5

Ctrl-C ends a run early with what there is; its record stays a `.part` that says it is not complete.
)";

std::atomic<bool> g_stop{false};

void request_stop(int) { g_stop.store(true); }

struct RunArguments : LocalRun {
  bool on_local = false;
  bool twice = false;
};

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  add("set", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
      "change a key of the scenario; may be repeated");
  add("seed", po::value<std::string>()->value_name("N"), "the same as --set seed=N");
  add("output,o", po::value<std::string>()->value_name("OUT.h5"), "write the run's record");
  add("json", "print the result as JSON");
  add("on", po::value<std::string>()->default_value("sim")->value_name("WORLD"),
      "sim: simulated; local: nodes, gateways and load as processes on this machine");
  add("keep", "with --on local: keep everything up afterwards, until Ctrl-C");
  add("twice", "run twice and compare every event: is the run reproducible?");
  add("help,h", "this text");
  return options;
}

// Empty with an exit code when there is nothing to run.
std::optional<RunArguments> parse_arguments(const Arguments& arguments, int& code) {
  const std::optional<CommandLine> line = read_command_line(
      {"run", kHelp, kExamples}, option_list(), arguments, 1, 1, "one scenario file", code);
  if (!line) return std::nullopt;
  const po::variables_map& values = line->values;
  const std::vector<std::string>& files = line->files;
  RunArguments parsed;
  parsed.file = files.front();
  if (values.count("set") > 0) parsed.overrides = values["set"].as<std::vector<std::string>>();
  if (values.count("seed") > 0) {
    parsed.overrides.push_back("seed=" + values["seed"].as<std::string>());
  }
  if (values.count("output") > 0) parsed.output = values["output"].as<std::string>();
  if (values.count("output") > 0 && parsed.output.empty()) {
    code = usage_error("run", "--output takes the name of a file, found ''");
    return std::nullopt;
  }
  if (values.count("twice") > 0 && values.count("json") + values.count("output") > 0) {
    code = usage_error("run", "--twice only compares; it goes with neither --output nor --json");
    return std::nullopt;
  }
  parsed.json = values.count("json") > 0;
  parsed.keep = values.count("keep") > 0;
  parsed.twice = values.count("twice") > 0;
  const std::string& world = values["on"].as<std::string>();
  parsed.on_local = world == "local";
  std::string problem;
  if (world != "sim" && world != "local") {
    problem = fmt::format("--on takes sim or local, found '{}'", world);
  } else if (parsed.twice && parsed.on_local) {
    problem = "--twice is for simulated runs; no two real ones are alike";
  } else if (parsed.keep && !parsed.on_local) {
    problem = "--keep goes with --on local; a simulated run leaves nothing behind";
  }
  if (!problem.empty()) {
    code = usage_error("run", problem);
    return std::nullopt;
  }
  return parsed;
}

int play_twice(const Scenario& scenario) {
  const sim::EventJob job = [&scenario](const auto& emit) {
    sim::SimulationOptions options;
    options.on_event = emit;
    const Result<sim::SimulationResult> result = sim::simulate(scenario, options);
    if (result) return;
    std::cerr << "phoenix run: " << result.error() << "\n";
    ::_exit(kBadInput);  // seen as a death by whoever compares
  };
  if (const auto arrivals = make_arrivals(scenario, Streams(scenario.seed)); !arrivals) {
    std::cerr << "phoenix run: " << arrivals.error() << "\n";
    return kBadInput;
  }
  const Result<sim::LockstepResult> result = sim::lockstep(job, job);
  if (!result) {
    std::cerr << "phoenix run: " << result.error() << "\n";
    return kFailed;
  }
  if (result->equal) {
    fmt::print("Reproducible: both runs played the same {} events, digest {:016x}.\n",
               result->events, result->digest);
    return kGood;
  }
  const auto text = [](const std::optional<sim::PlayedEvent>& event) {
    return event ? sim::describe(*event) : std::string("the run had ended");
  };
  fmt::print(
      "NOT reproducible: the runs part after {} equal events.\n  first run:  {}\n"
      "  second run: {}\n",
      result->events, text(result->first), text(result->second));
  return kFailed;
}

int play(const Scenario& scenario, const RunArguments& arguments) {
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  std::signal(SIGHUP, request_stop);
  std::optional<Progress> progress(to_seconds(scenario.duration));
  sim::SimulationOptions options;
  options.record_path = arguments.output;
  options.stop = &g_stop;
  options.on_progress = [&progress](double simulated_s) { progress->update(simulated_s); };
  const Result<sim::SimulationResult> result = sim::simulate(scenario, options);
  progress.reset();
  if (!result) {
    std::cerr << "phoenix run: " << result.error() << "\n";
    return kBadInput;
  }
  if (arguments.json) {
    std::cout << result_json(result->summary) << "\n";
  } else {
    std::cout << result_text(result->summary, wants_colour(STDOUT_FILENO));
  }
  if (!arguments.output.empty()) {
    if (!result->record) {
      std::cerr << "phoenix run: the record is not complete: " << result->record.error() << "\n";
      return kFailed;
    }
    if (result->summary.complete && !arguments.json) {
      std::cout << "\nrecord: " << arguments.output << "\n";
    }
  }
  if (!result->summary.complete) {
    std::cerr << "phoenix run: ended early; the result covers what was played"
              << (arguments.output.empty() ? ""
                                           : ", and the record stays " + arguments.output + ".part")
              << "\n";
    return kFailed;
  }
  return kGood;
}

}  // namespace

int run_command(const Arguments& arguments) {
  int code = kGood;
  const std::optional<RunArguments> parsed = parse_arguments(arguments, code);
  if (!parsed) return code;
  const ParsedScenario scenario = parse_scenario_file(parsed->file, parsed->overrides);
  if (!scenario.scenario) {
    print_problems(std::cerr, scenario.problems);
    return kBadInput;
  }
  if (parsed->on_local) return become_local_world(*parsed);
  return parsed->twice ? play_twice(*scenario.scenario) : play(*scenario.scenario, *parsed);
}

}  // namespace phoenix::cli
