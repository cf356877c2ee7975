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

#include "runtime/admin/admin_server.h"
#include "runtime/gateway/control_plane.h"
#include "runtime/gateway/gateway.h"
#include "runtime/gateway/lab_config.h"
#include "runtime/gateway/recorder.h"
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

// The gateway, and what its operators have beside it: their server and the record.
class Service {
 public:
  explicit Service(const Options& o)
      : options_(o), loop_(o.epoch_ns >= 0 ? net::Epoch{o.epoch_ns} : net::Epoch::now()) {}

  Status start(gateway::GatewayConfig config);
  int run();

 private:
  Status say_ready() const;
  Status arrange_admin();
  void on_reloaded();
  void leave();

  const Options& options_;
  net::Loop loop_;
  std::unique_ptr<gateway::Recorder> recorder_;  // null: nothing is recorded
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<gateway::ControlPlane> control_;  // null: nothing is controlled
  std::unique_ptr<admin::AdminServer> admin_;
  int result_ = kFine;
};

Status Service::start(gateway::GatewayConfig config) {
  gateway::GatewayOptions options;
  options.seed = options_.seed;
  if (!config.record.path.empty()) {
    recorder_ = std::make_unique<gateway::Recorder>(loop_, config, gateway::thread_count(config),
                                                    options_.seed);
    options.tap = recorder_.get();
  }
  // Later, since a request to the very server that may go now can be what asked for it.
  options.on_reloaded = [this] { loop_.post([this] { on_reloaded(); }); };
  options.admin_listener = [this] { return admin_ ? admin_->counters() : net::ListenCounters{}; };
  auto started = gateway::Gateway::start(loop_, std::move(config), options);
  if (!started) return Error{started.error()};
  gateway_ = std::move(*started);
  if (recorder_) recorder_->watch(*gateway_);
  auto control = gateway::ControlPlane::start(loop_, *gateway_, options_.seed);
  if (!control) return Error{control.error()};
  control_ = std::move(*control);
  return arrange_admin();
}

// Opens the operators' server, moves it, or closes it, as the gateway is configured now.
Status Service::arrange_admin() {
  const std::string& wanted = gateway_->config().admin;
  if (wanted.empty()) {
    admin_.reset();
    return success();
  }
  const Result<net::Address> address = net::Address::parse(wanted);
  if (!address) return Error{address.error()};
  if (admin_) return admin_->move_to(*address, gateway_->server_tls());
  auto opened = admin::AdminServer::open(loop_, *address, gateway_->server_tls(), {}, *gateway_);
  if (!opened) return Error{opened.error()};
  admin_ = std::move(*opened);
  return success();
}

void Service::on_reloaded() {
  if (recorder_) recorder_->apply(gateway_->config());
  if (Status arranged = arrange_admin(); !arranged) {
    log_error("admin stays where it was", {{"why", arranged.error()}});
  }
}

Status Service::say_ready() const {
  nlohmann::json ready = nlohmann::json::object();
  if (gateway_->http()) ready["http"] = gateway_->http()->text();
  if (gateway_->frames()) ready["frames"] = gateway_->frames()->text();
  if (admin_) ready["admin"] = admin_->local().text();
  const std::string line = ready.dump() + "\n";
  const int out = options_.ready_fd >= 0 ? options_.ready_fd : STDOUT_FILENO;
  if (::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return Error{"cannot write to file descriptor " + std::to_string(out)};
  }
  return success();
}

int Service::run() {
  loop_.on_signals({SIGTERM, SIGINT}, [this](int) { leave(); });
  loop_.on_signals({SIGHUP}, [this](int) { static_cast<void>(gateway_->reload()); });
  if (Status said = say_ready(); !said) {
    std::cerr << "phoenix-gateway: " << said.error() << "\n";
    return kFailed;
  }
  loop_.run();
  return result_;
}

void Service::leave() {
  gateway_->drain([this](std::size_t left) {
    if (left > 0) result_ = kFailed;
    if (control_) control_->finish();
    if (!recorder_) return loop_.stop();
    recorder_->finish([this] { loop_.stop(); });
  });
}

int serve(const Options& o, gateway::GatewayConfig config) {
  Service service(o);
  if (Status started = service.start(std::move(config)); !started) {
    std::cerr << "phoenix-gateway: " << started.error() << "\n";
    return kFailed;
  }
  return service.run();
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
