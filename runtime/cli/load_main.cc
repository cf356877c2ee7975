// phoenix-load: sends requests when they are due, whether or not earlier ones have been answered,
// and times them from when they were due.
#include <charconv>
#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "runtime/load/driver.h"
#include "runtime/load/load_text.h"
#include "runtime/load/plain_load.h"
#include "runtime/load/tally.h"
#include "runtime/load/url.h"
#include "runtime/net/connect.h"
#include "scenarios/parser.h"
#include "scenarios/version.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

namespace po = boost::program_options;

constexpr int kGood = 0;
constexpr int kFailed = 1;
constexpr int kBadInput = 2;
constexpr Duration kReadyWithin = std::chrono::seconds(10);
constexpr Duration kBatchDelayMax = std::chrono::seconds(1);
constexpr Duration kRedial = std::chrono::milliseconds(100);
constexpr Duration kConnectWithin = std::chrono::milliseconds(200);  // then comes time zero

constexpr const char* kHelp =
    R"(phoenix-load - an open-loop load source that does not hide a slow server

usage: phoenix-load --url URL --rate N [--duration T] [OPTIONS]         HTTP/1.1
       phoenix-load --frames HOST:PORT --service NAME --rate N [...]    frames, to a Phoenix gateway
       phoenix-load --scenario FILE --frames HOST:PORT[,...] [...]      a scenario's own requests

Every request is sent when it is due, and its response time counts from then: a server that stalls
is charged for everything that came meanwhile. Says so when the source itself could not keep up.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix-load --url http://127.0.0.1:7080/ --rate 2000 --duration 30s
  phoenix-load --url https://localhost:7443/cart --ca ca.pem --rate 500 --poisson -o load.h5
  phoenix-load --frames 127.0.0.1:7100 --service api --rate 20000 --batch 32

exit status: 0 good, 1 nothing was answered or the run was cut short, 2 usage or bad input
)";

struct Options {
  po::variables_map values;
  bool has(const char* name) const { return values.count(name) > 0; }
  std::string text(const char* name) const {
    return has(name) ? values[name].as<std::string>() : std::string();
  }
  std::vector<std::string> texts(const char* name) const {
    return has(name) ? values[name].as<std::vector<std::string>>() : std::vector<std::string>();
  }
};

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  const auto texts = [](const char* name) {
    return po::value<std::vector<std::string>>()->composing()->value_name(name);
  };
  add("url", text("URL"), "where to send HTTP requests");
  add("frames", text("HOST:PORT[,...]"), "gateways to send framed requests to");
  add("service", text("NAME"), "with --frames: the service to ask");
  add("rate", text("N"), "requests a second");
  add("duration", text("T")->default_value("10s"), "how long, such as 30s or 5min");
  add("warmup", text("T")->default_value("0s"), "left out of the result");
  add("poisson", "random gaps instead of even ones");
  add("connections", text("N"), "at most, over HTTP (256); to each gateway, over frames (2)");
  add("method", text("NAME")->default_value("GET"), "HTTP method");
  add("header", texts("'NAME: VALUE'"), "HTTP header; may be repeated");
  add("body", text("FILE"), "HTTP body");
  add("deadline", text("T")->default_value("10s"), "an answer after this is a failure");
  add("work", text("T")->default_value("0s"), "frames: work to ask synthetic services for");
  add("size", text("BYTES")->default_value("64B"), "frames: size of requests and responses");
  add("batch", text("N")->default_value("1"), "frames: how many may share a batch");
  add("batch-delay", text("T")->default_value("0s"),
      "frames: the longest a request waits for others of its batch, at most 1s");
  add("direct", "frames: send keyed requests straight to the node that owns the key");
  add("keys", text("N"), "frames: that many different keys");
  add("token-file", text("FILE"), "frames: the secret the gateway asks for");
  add("ca", text("FILE"), "trust this certificate authority");
  add("certificate", text("FILE"), "show this certificate; with --key");
  add("key", text("FILE"), "its key");
  add("tls", "frames: encrypt; --ca and --certificate do, too");
  add("scenario", text("FILE"), "send this scenario's requests");
  add("set", texts("KEY=VALUE"), "with --scenario: change a key of it");
  add("seed", text("N")->default_value("1"), "of the random gaps");
  add("output,o", text("OUT.h5"), "write a record");
  add("json", "print the result as JSON");
  add("epoch", text("NS"), "date of time zero, in ns of the monotonic clock");
  add("outcomes-fd", text("N"), "write every outcome there, as the local world reads them");
  add("help,h", "this text");
  add("version", "version and source revision");
  return options;
}

int usage_error(const std::string& message) {
  std::cerr << "phoenix-load: " << message << "\nSee `phoenix-load --help`.\n";
  return kBadInput;
}

// The scenario a command line amounts to.
Result<Scenario> scenario_of(const Options& options) {
  if (!options.has("scenario")) {
    load::PlainLoad plain;
    if (options.has("service")) plain.service = options.text("service");
    plain.rate = options.text("rate");
    plain.duration = options.text("duration");
    plain.warmup = options.text("warmup");
    plain.deadline = options.text("deadline");
    plain.work = options.text("work");
    plain.size = options.text("size");
    plain.seed = options.text("seed");
    plain.keys = options.text("keys");
    plain.is_poisson = options.has("poisson");
    return load::plain_scenario(plain);
  }
  ParsedScenario parsed = parse_scenario_file(options.text("scenario"), options.texts("set"));
  if (parsed.scenario) {
    parsed.scenario->record.nodes = false;  // what serves does not tell of itself
    return std::move(*parsed.scenario);
  }
  std::string all;
  for (const Problem& problem : parsed.problems) all += (all.empty() ? "" : "\n") + problem.text();
  return Error{all};
}

Result<std::shared_ptr<net::TlsContext>> tls_of(const Options& options, bool wanted) {
  if (!wanted) return std::shared_ptr<net::TlsContext>();
  net::TlsSettings settings;
  settings.ca = options.text("ca");
  settings.certificate = options.text("certificate");
  settings.key = options.text("key");
  return net::make_client_tls(settings);
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{"cannot read `" + path + "`"};
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<std::int64_t> whole_number(const Options& options, const char* name, std::int64_t otherwise,
                                  std::int64_t low = 1, std::int64_t high = 100'000) {
  if (!options.has(name)) return otherwise;
  const std::string text = options.text(name);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < low || number > high) {
    return Error{
        fmt::format("--{} takes a whole number from {} to {}, found `{}`", name, low, high, text)};
  }
  return number;
}

// What carries the requests, and to where.
struct Route {
  std::vector<net::Address> servers;
  std::shared_ptr<net::TlsContext> tls;
  std::function<std::unique_ptr<load::Sender>(net::Loop&, load::SenderUser&)> make_sender;
};

Result<Route> http_route(const Options& options) {
  const Result<load::Url> url = load::parse_url(options.text("url"));
  if (!url) return Error{"--url " + url.error()};
  const Result<std::string> method = load::parse_method(options.text("method"));
  if (!method) return Error{"--method " + method.error()};
  load::HttpSenderSettings settings;
  settings.server = url->server;
  settings.host = url->host;
  settings.target = url->target;
  settings.method = *method;
  for (const std::string& text : options.texts("header")) {
    const Result<std::string> header = load::parse_header(text);
    if (!header) return Error{"--header " + header.error()};
    settings.headers += *header + "\r\n";
  }
  if (options.has("body")) {
    const Result<std::string> body = read_file(options.text("body"));
    if (!body) return Error{"--body: " + body.error()};
    settings.body = *body;
  }
  const Result<std::int64_t> connections = whole_number(options, "connections", 256);
  if (!connections) return Error{connections.error()};
  settings.connections = static_cast<int>(*connections);
  const auto tls = tls_of(options, url->is_tls);
  if (!tls) return Error{tls.error()};
  settings.tls = *tls;
  return Route{{url->server}, *tls, [settings](net::Loop& loop, load::SenderUser& user) {
                 return load::make_http_sender(loop, settings, user);
               }};
}

Result<Route> frame_route(const Options& options) {
  load::FrameSenderSettings settings;
  const std::string list = options.text("frames") + ",";
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t comma = list.find(',', at);
    const Result<net::Address> address = net::Address::parse(list.substr(at, comma - at));
    if (!address) return Error{"--frames: " + address.error()};
    settings.gateways.push_back(*address);
    at = comma + 1;
  }
  const Result<std::int64_t> connections = whole_number(options, "connections", 2);
  const Result<std::int64_t> batch = whole_number(options, "batch", 1);
  if (!connections || !batch) return Error{!connections ? connections.error() : batch.error()};
  settings.connections = static_cast<int>(*connections);
  settings.link.batch_size = static_cast<std::size_t>(*batch);
  const Result<Duration> delay = parse_duration(options.text("batch-delay"));
  if (!delay) return Error{"--batch-delay: " + delay.error()};
  if (*delay < Duration{0} || *delay > kBatchDelayMax) {
    return Error{"--batch-delay takes 0 to 1 s, found `" + options.text("batch-delay") + "`"};
  }
  settings.link.batch_delay = *delay;
  settings.names_classes = options.has("scenario");
  settings.direct = options.has("direct");
  if (options.has("token-file")) {
    const Result<std::string> token = read_file(options.text("token-file"));
    if (!token) return Error{"--token-file: " + token.error()};
    settings.token = token->substr(0, token->find_last_not_of(" \r\n\t") + 1);
  }
  const auto tls =
      tls_of(options, options.has("tls") || options.has("ca") || options.has("certificate"));
  if (!tls) return Error{tls.error()};
  settings.tls = *tls;
  return Route{settings.gateways, *tls, [settings](net::Loop& loop, load::SenderUser& user) {
                 return load::make_frame_sender(loop, settings, user);
               }};
}

Error told_to_stop(const std::string& waited_for) {
  return Error{"told to stop while waiting; " + waited_for};
}

// Waits until every server takes connections, so that time zero can follow at once.
Status reach(const Route& route) {
  net::Loop loop;
  bool is_told = false;
  loop.on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int) {
    is_told = true;
    loop.stop();
  });
  const Time limit = loop.now() + kReadyWithin;
  net::DialSettings settings;
  settings.tls = route.tls;
  for (const net::Address& server : route.servers) {
    std::string why = "not connected yet";
    for (;;) {
      std::string problem;
      settings.timeout = limit - loop.now();
      const auto dial = net::Dial::start(loop, server, settings, [&](auto channel) {
        if (!channel) problem = channel.error();
        loop.stop();
      });
      loop.run();
      if (!problem.empty()) why = server.text() + ": " + problem;
      if (is_told) return told_to_stop(why);
      if (problem.empty()) break;
      if (loop.now() + kRedial >= limit) return Error{why};
      loop.run_until(loop.now() + kRedial);
    }
  }
  return success();
}

// Runs the loop until the sender can reach everything.
Status wait_ready(net::Loop& loop, const load::LoadDriver& driver, const bool& is_told) {
  const Time limit = loop.now() + kReadyWithin;
  while (!driver.sender().is_ready()) {
    if (is_told) return told_to_stop(driver.sender().problem());
    if (loop.now() >= limit) return Error{driver.sender().problem()};
    loop.run_until(std::min(limit, loop.now() + std::chrono::milliseconds(5)));
  }
  return success();
}

int report(const RunSummary& run, const load::Lateness& late, const Status& record,
           const Options& options) {
  std::cout << (options.has("json") ? load::load_json(run, late) : load::load_text(run));
  const std::string behind = load::lateness_text(late);
  if (!behind.empty()) std::cerr << "phoenix-load: " << behind << "\n";
  if (!record) {
    std::cerr << "phoenix-load: the record is not complete: " << record.error() << "\n";
    return kFailed;
  }
  if (!run.complete) {
    std::cerr << "phoenix-load: ended early; the result covers what was sent\n";
    return kFailed;
  }
  if (run.total.completed > 0) return kGood;
  std::cerr << "phoenix-load: nothing was answered well\n";
  return kFailed;
}

int play(const Scenario& scenario, const Options& options, net::Loop& loop, const Route& route,
         int outcomes_fd) {
  auto arrivals = make_arrivals(scenario, Streams(scenario.seed, scenario.replication));
  if (!arrivals) return usage_error(arrivals.error());
  std::unique_ptr<load::Tally> tally;
  std::unique_ptr<load::OutcomePipe> pipe;
  if (outcomes_fd >= 0) {
    pipe = std::make_unique<load::OutcomePipe>(loop, outcomes_fd);
  } else {
    auto made = load::Tally::make(loop, scenario, options.text("output"));
    if (!made) return usage_error(made.error());
    tally = std::move(*made);
  }
  load::OutcomeSink& sink = pipe ? static_cast<load::OutcomeSink&>(*pipe) : *tally;
  load::LoadDriver driver(
      loop, scenario, std::move(*arrivals),
      [&](load::SenderUser& user) { return route.make_sender(loop, user); }, sink);
  bool is_told = false;
  loop.on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int) {
    is_told = true;
    driver.stop();
    loop.stop();
  });
  if (const Status ready = wait_ready(loop, driver, is_told); !ready) {
    std::cerr << "phoenix-load: " << ready.error() << "\n";
    return kFailed;
  }
  driver.run([&loop] { loop.stop(); });
  loop.run();
  if (pipe) return pipe->drain() && !is_told ? kGood : kFailed;
  Status record = success();
  const RunSummary run = tally->finish(!is_told, record);
  return report(run, driver.lateness(), record, options);
}

// Bad combinations, told before anything is read; empty where there is nothing to say.
std::string objection(const Options& options) {
  if (options.has("url") == options.has("frames")) return "takes one of --url and --frames";
  if (options.has("frames") && !options.has("scenario") && !options.has("service")) {
    return "--frames needs --service or --scenario";
  }
  if (options.has("url") && options.has("service")) return "--service goes with --frames";
  if (options.has("scenario") && options.has("rate")) {
    return "--rate is the scenario's here; --set 'workload.rate=N /s' changes it";
  }
  if (options.has("certificate") != options.has("key")) return "--certificate goes with --key";
  if (options.has("output") && options.text("output").empty()) {
    return "--output takes the name of a file, found ``";
  }
  return {};
}

int run(int argc, char** argv) {
  const po::options_description visible = option_list();
  Options options;
  try {
    po::store(po::command_line_parser(argc, argv).options(visible).positional({}).run(),
              options.values);
  } catch (const po::error& error) {
    return usage_error(error.what());
  }
  if (options.has("help")) {
    std::cout << kHelp << visible << kExamples;
    return kGood;
  }
  if (options.has("version")) {
    std::cout << "phoenix-load " << kVersion << " (" << kSourceRevision << ")\n";
    return kGood;
  }
  if (const std::string why = objection(options); !why.empty()) return usage_error(why);
  const Result<Scenario> scenario = scenario_of(options);
  if (!scenario) return usage_error(scenario.error());
  const Result<Route> route = options.has("url") ? http_route(options) : frame_route(options);
  if (!route) return usage_error(route.error());
  const Result<std::int64_t> outcomes = whole_number(options, "outcomes-fd", -1, 3, 1'000);
  const Result<std::int64_t> date =
      whole_number(options, "epoch", 0, 1, kNever.time_since_epoch().count());
  if (!outcomes || !date) return usage_error(!outcomes ? outcomes.error() : date.error());
  net::Epoch epoch{*date};
  if (!options.has("epoch")) {
    if (const Status reached = reach(*route); !reached) {
      std::cerr << "phoenix-load: " << reached.error() << "\n";
      return kFailed;
    }
    epoch = net::Epoch::now();
    epoch.monotonic_ns += kConnectWithin.count();
  }
  net::Loop loop(epoch);
  return play(*scenario, options, loop, *route, static_cast<int>(*outcomes));
}

}  // namespace
}  // namespace phoenix

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return phoenix::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "phoenix-load: " << error.what() << "\n";
    return phoenix::kBadInput;
  }
}
