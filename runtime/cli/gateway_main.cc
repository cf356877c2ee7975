// phoenix-gateway: routes requests to nodes that speak frames and to HTTP servers.
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <random>

#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "runtime/gateway/gateway.h"
#include "runtime/gateway/lab_config.h"
#include "runtime/log.h"

namespace {

using namespace phoenix;
namespace po = boost::program_options;

constexpr int kFine = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

constexpr const char* kExamples = R"(
Signals: SIGHUP reads the configuration again, without losing a request; SIGTERM and SIGINT answer
what is under way (up to drain_grace), then leave.
Exit status: 0 drained or --check found nothing, 1 cannot serve or requests were cut off, 2 bad
options or configuration.

Examples:
  phoenix-gateway --config /etc/phoenix/gateway.toml --check
  phoenix-gateway --config gateway.toml --log-level debug
  kill -HUP $(pidof phoenix-gateway)
)";

struct Options {
  std::string config;
  bool check = false;
  std::string log_level;
  bool log_json = false;
  int ready_fd = -1;
  std::int64_t epoch_ns = -1;
  std::uint64_t seed = 0;
  std::string scenario;  // instead of a configuration
  std::vector<std::string> overrides;
  int number = 0;
  std::string token_file;
};

po::options_description describe(Options& o) {
  po::options_description options("Usage: phoenix-gateway --config FILE [options]\n\nOptions");
  auto add = options.add_options();
  add("help,h", "show this help");
  add("config", po::value(&o.config)->value_name("FILE"), "the configuration to serve");
  add("check", po::bool_switch(&o.check), "only check the configuration");
  add("log-level", po::value(&o.log_level)->value_name("LEVEL")->default_value("info"),
      "debug, info, warning, error or off");
  add("log-json", po::bool_switch(&o.log_json), "one JSON object a line");
  add("ready-fd", po::value(&o.ready_fd)->value_name("N"),
      "write the line that says where it listens to this file descriptor instead of standard "
      "output");
  add("epoch", po::value(&o.epoch_ns)->value_name("NS"),
      "CLOCK_MONOTONIC date of time zero, to share a time line with other processes");
  add("scenario", po::value(&o.scenario)->value_name("FILE"),
      "serve as a gateway of this scenario, on free ports, taking orders of a lab");
  add("set", po::value(&o.overrides)->composing()->value_name("KEY=VALUE"),
      "with --scenario: change a key of it");
  add("number", po::value(&o.number)->value_name("N"), "with --scenario: which of its gateways");
  add("token-file", po::value(&o.token_file)->value_name("FILE"),
      "with --scenario: the secret that others must show");
  add("seed", po::value(&o.seed)->value_name("N"), "of balancers' choices; default: random");
  return options;
}

// A negative result: go on.
int parse(int argc, char** argv, Options& o) {
  const po::options_description options = describe(o);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv).options(options).positional({}).run(), values);
    if (values.contains("help")) {
      std::cout << options << kExamples;
      return kFine;
    }
    po::notify(values);
    if (values.contains("config") == values.contains("scenario")) {
      throw po::error("takes one of --config and --scenario");
    }
    if (!values.contains("seed")) o.seed = std::random_device{}() * 0x9e3779b97f4a7c15ULL;
  } catch (const std::exception& problem) {
    std::cerr << "phoenix-gateway: " << problem.what() << "; see phoenix-gateway --help\n";
    return kUsage;
  }
  return -1;
}

Status say_ready(const gateway::Gateway& gateway, int fd) {
  nlohmann::json ready = nlohmann::json::object();
  if (gateway.http()) ready["http"] = gateway.http()->text();
  if (gateway.frames()) ready["frames"] = gateway.frames()->text();
  const std::string line = ready.dump() + "\n";
  const int out = fd >= 0 ? fd : STDOUT_FILENO;
  if (::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return Error{"cannot write to file descriptor " + std::to_string(out)};
  }
  return success();
}

gateway::ParsedConfig config_of_scenario(const Options& o) {
  ParsedScenario parsed = parse_scenario_file(o.scenario, o.overrides);
  if (!parsed.scenario) return {std::nullopt, std::move(parsed.problems)};
  std::ifstream file(o.token_file);
  std::string token;
  if (!(file >> token)) {
    return {std::nullopt, {{o.token_file, 0, 0, "", "found no token; allowed one word"}}};
  }
  return {gateway::lab_config(*parsed.scenario, o.number, token), {}};
}

int serve(const Options& o, gateway::GatewayConfig config) {
  const net::Epoch epoch = o.epoch_ns >= 0 ? net::Epoch{o.epoch_ns} : net::Epoch::now();
  net::Loop loop(epoch);
  gateway::GatewayOptions options;
  options.seed = o.seed;
  auto started = gateway::Gateway::start(loop, std::move(config), options);
  if (!started) {
    std::cerr << "phoenix-gateway: " << started.error() << "\n";
    return kFailed;
  }
  gateway::Gateway& gateway = **started;
  int result = kFine;
  loop.on_signals({SIGTERM, SIGINT}, [&](int) {
    gateway.drain([&](std::size_t left) {
      if (left > 0) result = kFailed;
      loop.stop();
    });
  });
  loop.on_signals({SIGHUP}, [&](int) { static_cast<void>(gateway.reload()); });
  if (Status said = say_ready(gateway, o.ready_fd); !said) {
    std::cerr << "phoenix-gateway: " << said.error() << "\n";
    return kFailed;
  }
  loop.run();
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  if (const int done = parse(argc, argv, o); done >= 0) return done;
  std::signal(SIGPIPE, SIG_IGN);
  gateway::ParsedConfig parsed =
      o.scenario.empty() ? gateway::parse_gateway_config(o.config) : config_of_scenario(o);
  if (!parsed.config) {
    print_problems(std::cerr, parsed.problems);
    return kUsage;
  }
  if (Status logging = start_logging("phoenix-gateway", o.log_level, o.log_json); !logging) {
    std::cerr << "phoenix-gateway: " << logging.error() << "\n";
    return kUsage;
  }
  if (o.check) {
    std::cout << o.config << ": fine\n";
    return kFine;
  }
  return serve(o, std::move(*parsed.config));
}
