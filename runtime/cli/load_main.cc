// phoenix-load: sends requests when they are due, whether or not earlier ones have been answered,
// and times them from when they were due.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "runtime/load/driver.h"
#include "runtime/load/tally.h"
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
  add("direct", "frames: send keyed requests straight to the node that owns the key");
  add("keys", text("N"), "frames: that many different keys");
  add("token-file", text("FILE"), "frames: the secret the gateway asks for");
  add("ca", text("FILE"), "trust this certificate authority");
  add("certificate", text("FILE"), "show this certificate; with --key");
  add("key", text("FILE"), "its key");
  add("tls", "frames: encrypt");
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

// `http://host:port/path`, taken apart.
struct Url {
  net::Address server;
  std::string host;
  std::string target = "/";
  bool is_tls = false;
};

Result<Url> parse_url(const std::string& text) {
  Url url;
  std::string rest;
  if (text.starts_with("http://")) {
    rest = text.substr(7);
  } else if (text.starts_with("https://")) {
    rest = text.substr(8);
    url.is_tls = true;
  } else {
    return Error{"--url takes http://HOST[:PORT]/PATH or https://..., found `" + text + "`"};
  }
  const std::size_t slash = rest.find('/');
  url.host = rest.substr(0, slash);
  if (slash != std::string::npos) url.target = rest.substr(slash);
  const bool has_port = url.host.rfind(':') != std::string::npos && !url.host.ends_with(']');
  const Result<net::Address> server =
      net::Address::parse(has_port ? url.host : url.host + (url.is_tls ? ":443" : ":80"));
  if (!server) return Error{"--url: " + server.error()};
  url.server = *server;
  return url;
}

// The scenario a command line amounts to.
Result<Scenario> scenario_of(const Options& options) {
  if (options.has("scenario")) {
    ParsedScenario parsed = parse_scenario_file(options.text("scenario"), options.texts("set"));
    if (parsed.scenario) return std::move(*parsed.scenario);
    std::string all;
    for (const Problem& problem : parsed.problems)
      all += (all.empty() ? "" : "\n") + problem.text();
    return Error{all};
  }
  if (!options.has("rate")) return Error{"--rate is required, such as --rate 2000"};
  const std::string rate = options.text("rate");
  const bool is_bare = rate.find('/') == std::string::npos;
  const std::string quoted_rate = is_bare ? rate + " /s" : rate;
  const bool is_http = options.has("url");
  const std::string keys =
      options.has("keys")
          ? fmt::format("keys = {{ kind = \"uniform\", count = {} }}\n", options.text("keys"))
          : "";
  const std::string text =
      fmt::format(R"toml(name = "load"
duration = "{}"
warmup = "{}"
seed = {}
[[cluster.group]]
name = "servers"
[[service]]
name = "{}"
[[service.class]]
name = "request"
work = "constant({})"
request = "{}"
response = "{}"
deadline = "{}"
[workload]
arrivals = "{}"
rate = "{}"
{})toml",
                  options.text("duration"), options.text("warmup"), options.text("seed"),
                  is_http ? "http" : options.text("service"), options.text("work"),
                  options.text("size"), options.text("size"), options.text("deadline"),
                  options.has("poisson") ? "poisson" : "constant", quoted_rate, keys);
  ParsedScenario parsed = parse_scenario_text(text, "command line");
  if (parsed.scenario) return std::move(*parsed.scenario);
  std::string all;
  for (const Problem& problem : parsed.problems) {
    all += (all.empty() ? "" : "\n") + problem.key + ": " + problem.message;
  }
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

Result<int> whole_number(const Options& options, const char* name, int otherwise) {
  if (!options.has(name)) return otherwise;
  const Result<double> number = parse_number(options.text(name));
  if (!number || *number < 1 || *number > 100'000 || *number != static_cast<int>(*number)) {
    return Error{fmt::format("--{} takes a whole number from 1 to 100000, found `{}`", name,
                             options.text(name))};
  }
  return static_cast<int>(*number);
}

Result<load::LoadDriver::MakeSender> sender_of(const Options& options, net::Loop& loop) {
  if (options.has("url")) {
    const Result<Url> url = parse_url(options.text("url"));
    if (!url) return Error{url.error()};
    load::HttpSenderSettings settings;
    settings.server = url->server;
    settings.host = url->host;
    settings.target = url->target;
    settings.method = options.text("method");
    for (const std::string& header : options.texts("header")) settings.headers += header + "\r\n";
    if (options.has("body")) {
      const Result<std::string> body = read_file(options.text("body"));
      if (!body) return Error{body.error()};
      settings.body = *body;
    }
    const Result<int> connections = whole_number(options, "connections", 256);
    if (!connections) return Error{connections.error()};
    settings.connections = *connections;
    const auto tls = tls_of(options, url->is_tls);
    if (!tls) return Error{tls.error()};
    settings.tls = *tls;
    return load::LoadDriver::MakeSender([&loop, settings](load::SenderUser& user) {
      return load::make_http_sender(loop, settings, user);
    });
  }
  load::FrameSenderSettings settings;
  std::string list = options.text("frames") + ",";
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t comma = list.find(',', at);
    const Result<net::Address> address = net::Address::parse(list.substr(at, comma - at));
    if (!address) return Error{"--frames: " + address.error()};
    settings.gateways.push_back(*address);
    at = comma + 1;
  }
  const Result<int> connections = whole_number(options, "connections", 2);
  const Result<int> batch = whole_number(options, "batch", 1);
  if (!connections || !batch) return Error{!connections ? connections.error() : batch.error()};
  settings.connections = *connections;
  settings.link.batch_size = static_cast<std::size_t>(*batch);
  settings.direct = options.has("direct");
  settings.names_classes = options.has("scenario");
  if (options.has("token-file")) {
    const Result<std::string> token = read_file(options.text("token-file"));
    if (!token) return Error{token.error()};
    settings.token = token->substr(0, token->find_last_not_of(" \r\n\t") + 1);
  }
  const auto tls = tls_of(options, options.has("tls") || options.has("ca"));
  if (!tls) return Error{tls.error()};
  settings.tls = *tls;
  return load::LoadDriver::MakeSender([&loop, settings](load::SenderUser& user) {
    return load::make_frame_sender(loop, settings, user);
  });
}

void print_result(const RunSummary& run, const load::Lateness& late, bool as_json) {
  const ClassSummary& total = run.total;
  const LatencySummary& l = total.latency;
  const double late_p99 = to_seconds(late.sent_late.quantile(0.99));
  if (as_json) {
    nlohmann::json failed = nlohmann::json::object();
    for (std::size_t i = 1; i < total.failed.size(); ++i) {
      if (total.failed[i] > 0) failed[to_text(static_cast<FailureReason>(i))] = total.failed[i];
    }
    const nlohmann::json json = {
        {"offered", total.offered},
        {"completed", total.completed},
        {"failed", failed},
        {"in_flight", total.in_flight},
        {"measured_s", run.measured_s},
        {"throughput_per_s", total.throughput_per_s},
        {"latency",
         {{"mean", l.mean},
          {"p50", l.p50},
          {"p90", l.p90},
          {"p95", l.p95},
          {"p99", l.p99},
          {"p999", l.p999},
          {"max", l.max}}},
        {"sent_late_p99_s", late_p99},
        {"not_sent", late.not_sent},
        {"fell_behind", late.fell_behind()},
        {"complete", run.complete},
    };
    std::cout << json.dump(2) << "\n";
    return;
  }
  fmt::print("offered    {:>12}\ncompleted  {:>12}  {:.1f} /s\n", total.offered, total.completed,
             total.throughput_per_s);
  for (std::size_t i = 1; i < total.failed.size(); ++i) {
    if (total.failed[i] == 0) continue;
    fmt::print("failed     {:>12}  {}\n", total.failed[i], to_text(static_cast<FailureReason>(i)));
  }
  if (total.in_flight > 0) fmt::print("unanswered {:>12}\n", total.in_flight);
  fmt::print("response   {:>12}  p50 {}, p95 {}, p99 {}, p99.9 {}, max {}\n",
             "mean " + fmt::format("{:.2f} ms", l.mean * 1e3),
             fmt::format("{:.2f} ms", l.p50 * 1e3), fmt::format("{:.2f} ms", l.p95 * 1e3),
             fmt::format("{:.2f} ms", l.p99 * 1e3), fmt::format("{:.2f} ms", l.p999 * 1e3),
             fmt::format("{:.2f} ms", l.max * 1e3));
}

// Runs the loop until the sender can reach everything.
Status wait_ready(net::Loop& loop, const load::LoadDriver& driver) {
  const Time limit = loop.now() + kReadyWithin;
  while (!driver.sender().is_ready()) {
    if (loop.now() >= limit) return Error{driver.sender().problem()};
    loop.run_until(std::min(limit, loop.now() + std::chrono::milliseconds(5)));
  }
  return success();
}

struct Played {
  bool complete = true;
  Status record = success();
  std::optional<RunSummary> summary;
};

int report(const Played& played, const load::Lateness& late, const Options& options) {
  print_result(*played.summary, late, options.has("json"));
  if (late.fell_behind()) {
    fmt::print(stderr,
               "phoenix-load: the source fell behind: 1 % of the requests left {:.1f} ms late or "
               "more, {} were not sent; response times count from when they were due\n",
               to_seconds(late.sent_late.quantile(0.99)) * 1e3, late.not_sent);
  }
  if (!played.record) {
    std::cerr << "phoenix-load: the record is not complete: " << played.record.error() << "\n";
    return kFailed;
  }
  if (!played.complete) {
    std::cerr << "phoenix-load: ended early; the result covers what was sent\n";
    return kFailed;
  }
  return played.summary->total.completed > 0 ? kGood : kFailed;
}

int play(const Scenario& scenario, const Options& options, net::Loop& loop,
         const load::LoadDriver::MakeSender& make_sender) {
  auto arrivals = make_arrivals(scenario, Streams(scenario.seed, scenario.replication));
  if (!arrivals) return usage_error(arrivals.error());
  std::unique_ptr<load::Tally> tally;
  std::unique_ptr<load::OutcomePipe> pipe;
  if (options.has("outcomes-fd")) {
    pipe = std::make_unique<load::OutcomePipe>(loop, std::stoi(options.text("outcomes-fd")));
  } else {
    auto made = load::Tally::make(loop, scenario, options.text("output"));
    if (!made) return usage_error(made.error());
    tally = std::move(*made);
  }
  load::OutcomeSink& sink = pipe ? static_cast<load::OutcomeSink&>(*pipe) : *tally;
  load::LoadDriver driver(loop, scenario, std::move(*arrivals), make_sender, sink);
  Played played;
  loop.on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int) {
    played.complete = false;
    driver.stop();
    loop.stop();
  });
  if (const Status ready = wait_ready(loop, driver); !ready) {
    std::cerr << "phoenix-load: " << ready.error() << "\n";
    return kFailed;
  }
  driver.run([&loop] { loop.stop(); });
  loop.run();
  if (pipe) return pipe->drain() && played.complete ? kGood : kFailed;
  played.summary = tally->finish(played.complete, played.record);
  return report(played, driver.lateness(), options);
}

int run(int argc, char** argv) {
  const po::options_description visible = option_list();
  Options options;
  try {
    po::store(po::command_line_parser(argc, argv).options(visible).run(), options.values);
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
  if (options.has("url") == options.has("frames")) {
    return usage_error("takes one of --url and --frames");
  }
  if (options.has("frames") && !options.has("scenario") && !options.has("service")) {
    return usage_error("--frames needs --service or --scenario");
  }
  const Result<Scenario> scenario = scenario_of(options);
  if (!scenario) return usage_error(scenario.error());
  net::Epoch epoch = net::Epoch::now();
  if (options.has("epoch")) {
    epoch.monotonic_ns = std::stoll(options.text("epoch"));
  } else {
    // Time zero comes when connections stand.
    epoch.monotonic_ns += std::chrono::nanoseconds(std::chrono::milliseconds(200)).count();
  }
  net::Loop loop(epoch);
  const auto make_sender = sender_of(options, loop);
  if (!make_sender) return usage_error(make_sender.error());
  return play(*scenario, options, loop, *make_sender);
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
