// phoenix-node: hosts services, and announces itself to gateways that send it requests.
//
//   phoenix-node --gateway 127.0.0.1:7100 --service api=http:127.0.0.1:8080
//   phoenix-node --listen 127.0.0.1:0 --service shop=synthetic --cores 4
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>

#include "runtime/log.h"
#include "runtime/node/handlers.h"
#include "runtime/node/node.h"
#include "scenarios/version.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix::node {
namespace {

namespace po = boost::program_options;

constexpr int kGood = 0, kFailed = 1, kBadInput = 2;

constexpr const char* kHelp = R"(phoenix-node - serve requests that gateways send over frames

usage: phoenix-node --service NAME=HANDLER [--service ...] [--gateway HOST:PORT ...] [OPTIONS]

Prints {"listen":"HOST:PORT", ...} on one line once it listens. SIGTERM drains: the gateways are
told, new requests refused, those under way finished; a second signal ends at once.

)";

constexpr const char* kExamples = R"(
A synthetic node in waiting mode reports the CPU and memory of its modelled cores and jobs; every
other node what the kernel says.

examples:
  phoenix-node --gateway 127.0.0.1:7100 --service api=http:127.0.0.1:8080
  phoenix-node --gateway 127.0.0.1:7100 --service 'cache=kv[memory=1e9, full=evict]'
  phoenix-node --gateway 127.0.0.1:7100 --service words=plugin[file=./libphoenix_wordcount.so]
  phoenix-node --listen 127.0.0.1:0 --service shop=synthetic --cores 4 --discipline fifo
  phoenix-node --listen 10.0.0.7:7001 --gateway 10.0.0.1:7100 --service api=http:127.0.0.1:8080 \
      --token-file token --tls-certificate node.pem --tls-key node.key --tls-ca ca.pem

exit status: 0 drained, 1 it could not start or was ended at once, 2 usage or bad input
)";

using Texts = std::vector<std::string>;

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  add("standby", po::value<Texts>()->composing()->value_name("NAME=HANDLER"),
      "host a service that is not offered until a control plane starts an agent of it here or "
      "moves one here; may be repeated");
  add("service,s", po::value<Texts>()->composing()->value_name("NAME=HANDLER"),
      "host a service; may be repeated");
  add("gateway,g", po::value<Texts>()->composing()->value_name("HOST:PORT"),
      "announce to this gateway's frame port; may be repeated");
  add("listen,l", po::value<std::string>()->default_value("127.0.0.1:7001"),
      "where to take requests; port 0 takes a free one");
  add("advertise", po::value<std::string>()->value_name("HOST:PORT"),
      "how gateways reach this node, where it is not the listening address");
  add("name", po::value<std::string>(), "unique among the nodes; the address by default");
  add("zone", po::value<std::string>(), "what is near, for gateways that keep requests there");
  add("cores", po::value<int>(), "cores to work with; all of the machine by default");
  add("speed", po::value<double>()->default_value(1),
      "work a modelled core does in a second, in s");
  add("discipline", po::value<std::string>()->default_value("ps"),
      "of the modelled cores: ps shares them, fifo serves in order");
  add("queue", po::value<int>()->default_value(512), "requests that may wait, per service");
  add("weight", po::value<double>()->default_value(1), "for weighted strategies");
  add("requests", po::value<int>()->default_value(10'000), "under way at once, at most");
  add("request-memory", po::value<std::string>()->default_value("512MiB"),
      "bytes of requests under way, at most");
  add("connections", po::value<int>()->default_value(1'000), "accepted at once, at most");
  add("memory", po::value<std::string>()->value_name("BYTES"),
      "what the reported share refers to, such as 16GiB; the cgroup's or machine's by default");
  add("network", po::value<std::string>()->value_name("RATE"),
      "the same for the network, such as 10Gbps; unknown by default");
  add("readings", po::value<std::string>()->default_value("process"),
      "report the load of this process, or of the whole machine");
  add("report-interval", po::value<std::string>()->default_value("1s"), "0 is off");
  add("no-piggyback", "no report on responses");
  add("batch-size", po::value<int>()->default_value(1), "responses that may share one frame");
  add("batch-delay", po::value<std::string>()->default_value("0s"),
      "the longest a response waits for others, at most 1s");
  add("compress-above", po::value<std::string>()->value_name("BYTES"),
      "compress longer responses; never by default");
  add("grace", po::value<std::string>()->default_value("30s"),
      "for requests under way when the node drains");
  add("token-file", po::value<std::string>(), "secret shared with gateways and clients");
  add("tls-certificate", po::value<std::string>(), "PEM file, for listening and for dialling");
  add("tls-key", po::value<std::string>(), "PEM file");
  add("tls-ca", po::value<std::string>(), "PEM file; peers must show a certificate of it");
  add("tls-server-name", po::value<std::string>(), "name in the gateway's certificate");
  add("allow-public", "listen beyond loopback without TLS and token");
  add("lab", "take commands of a lab: faults, statistics, moving state");
  add("epoch", po::value<std::int64_t>()->value_name("NS"),
      "time zero, in ns of the machine's monotonic clock");
  add("log-level", po::value<std::string>()->default_value("info"),
      "debug, info, warning, error or off");
  add("log-json", "logs as JSON");
  add("handlers", "list the handlers with their settings");
  add("version", "version and source revision");
  add("help,h", "this text");
  return options;
}

// Reads options into settings; keeps the first complaint.
class OptionReader {
 public:
  explicit OptionReader(const po::variables_map& values) : values_(values) {}

  bool has(const char* key) const { return values_.count(key) > 0; }
  std::string text(const char* key) const {
    return has(key) ? values_[key].as<std::string>() : std::string();
  }
  Texts texts(const char* key) const { return has(key) ? values_[key].as<Texts>() : Texts(); }

  template <class T>
  T in_range(const char* key, T low, T high) {
    const T value = values_[key].as<T>();
    if (!(value >= low && value <= high)) {
      complain(key, print_number(static_cast<double>(value)),
               "must be in [" + print_number(static_cast<double>(low)) + ", " +
                   print_number(static_cast<double>(high)) + "]");
    }
    return value;
  }

  // `least` is what a value other than 0 must reach.
  template <class T>
  T parsed(const char* key, Result<T> (*parse)(std::string_view), T least,
           std::string_view bounds) {
    if (!has(key)) return T{};
    const Result<T> value = parse(text(key));
    if (!value) {
      complain(key, text(key), value.error());
    } else if (*value != T{} && *value < least) {
      complain(key, text(key), "must be " + std::string(bounds));
    } else {
      return *value;
    }
    return T{};
  }

  // Index into `names`.
  std::size_t choice(const char* key, const Texts& names) {
    const auto found = std::find(names.begin(), names.end(), text(key));
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    complain(key, text(key), "allowed are " + join_names(names) + did_you_mean(text(key), names));
    return 0;
  }

  net::Address address(const char* key, const std::string& value) {
    const Result<net::Address> parsed = net::Address::parse(value);
    if (parsed) return *parsed;
    complain(key, value, parsed.error());
    return {};
  }
  // Of somebody to connect to.
  net::Address peer_address(const char* key, const std::string& value) {
    const net::Address found = address(key, value);
    if (found.port == 0) complain(key, value, "the port must not be 0");
    return found;
  }

  void complain(const std::string& key, const std::string& found, const std::string& why) {
    if (complaint_.empty()) complaint_ = "--" + key + " " + found + ": " + why;
  }
  const std::string& complaint() const { return complaint_; }

 private:
  const po::variables_map& values_;
  std::string complaint_;
};

void read_services(OptionReader& reader, NodeSettings& settings) {
  const double weight = reader.in_range<double>("weight", 1e-6, 1e6);
  for (const char* option : {"service", "standby"}) {
    const bool is_standby = option == std::string_view("standby");
    for (const std::string& text : reader.texts(option)) {
      const std::size_t equals = text.find('=');
      if (equals == 0 || equals == std::string::npos || equals > 255) {
        reader.complain(option, text, "is written NAME=HANDLER, such as api=http:127.0.0.1:8080");
        continue;
      }
      settings.services.push_back(
          {text.substr(0, equals), text.substr(equals + 1), weight, is_standby});
    }
  }
  if (settings.services.empty()) reader.complain("service", "NAME=HANDLER", "is missing");
}

std::string read_token(OptionReader& reader) {
  if (!reader.has("token-file")) return {};
  std::string token;
  std::ifstream file(reader.text("token-file"));
  std::getline(file, token);
  token = std::string(trim(token));
  if (token.empty() || token.size() > 255) {
    reader.complain("token-file", reader.text("token-file"),
                    "must be a readable file with a token of 1 to 255 characters");
  }
  return token;
}

void read_network(OptionReader& reader, NodeSettings& settings) {
  settings.listen = reader.address("listen", reader.text("listen"));
  settings.advertise = reader.text("advertise");
  if (!settings.advertise.empty()) reader.peer_address("advertise", settings.advertise);
  for (const std::string& gateway : reader.texts("gateway")) {
    settings.gateways.push_back(reader.peer_address("gateway", gateway));
  }
  settings.token = read_token(reader);
  settings.tls = {reader.text("tls-certificate"), reader.text("tls-key"), reader.text("tls-ca"),
                  reader.text("tls-server-name")};
  const bool is_safe = settings.listen.is_loopback() ||
                       (!settings.tls.certificate.empty() && !settings.token.empty());
  if (!is_safe && !reader.has("allow-public")) {
    reader.complain("listen", settings.listen.text(),
                    "is not loopback: give a certificate and a token, or --allow-public");
  }
  const bool is_any = settings.listen.host == "0.0.0.0" || settings.listen.host == "::";
  if (is_any && settings.advertise.empty() && !settings.gateways.empty()) {
    reader.complain("listen", settings.listen.text(),
                    "does not tell gateways where to find this node: give --advertise as well");
  }
}

NodeSettings read_settings(OptionReader& reader) {
  NodeSettings settings;
  settings.name = reader.text("name");
  if (settings.name.size() > 255) reader.complain("name", settings.name, "is over 255 characters");
  settings.zone = reader.text("zone");
  if (settings.zone.size() > 64) reader.complain("zone", settings.zone, "is over 64 characters");
  read_services(reader, settings);
  read_network(reader, settings);
  const int machine_cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  settings.serving.cores =
      reader.has("cores") ? reader.in_range<int>("cores", 1, 1024) : machine_cores;
  settings.serving.speed = reader.in_range<double>("speed", 1e-6, 1e6);
  settings.serving.discipline = reader.choice("discipline", {"ps", "fifo"}) == 0
                                    ? Discipline::kProcessorSharing
                                    : Discipline::kFifo;
  settings.serving.queue = reader.in_range<int>("queue", 0, 1'000'000);
  settings.serving.requests =
      static_cast<std::size_t>(reader.in_range<int>("requests", 1, 10'000'000));
  const double request_bytes =
      reader.parsed<double>("request-memory", parse_bytes, 1, "0 B or more");
  settings.serving.request_bytes = static_cast<std::size_t>(std::min(request_bytes, 1e15));
  settings.connections =
      static_cast<std::size_t>(reader.in_range<int>("connections", 1, 1'000'000));
  settings.readings.scope = reader.choice("readings", {"process", "machine"}) == 0
                                ? ReadingScope::kProcess
                                : ReadingScope::kMachine;
  settings.readings.cores = settings.serving.cores;
  settings.readings.memory_bytes = reader.parsed<double>("memory", parse_bytes, 1, "0 B or more");
  settings.readings.bandwidth = reader.parsed<double>("network", parse_bandwidth, 1, "0 or more");
  settings.report_interval = reader.parsed<Duration>(
      "report-interval", parse_duration, std::chrono::milliseconds(10), "0 or at least 10 ms");
  settings.piggyback = !reader.has("no-piggyback");
  settings.link.batch_size =
      static_cast<std::size_t>(reader.in_range<int>("batch-size", 1, 10'000));
  settings.link.batch_delay = reader.parsed<Duration>("batch-delay", parse_duration,
                                                      std::chrono::nanoseconds(1), "0 to 1 s");
  if (settings.link.batch_delay > std::chrono::seconds(1)) {
    reader.complain("batch-delay", reader.text("batch-delay"), "allowed is 0 to 1 s");
  }
  const double above = reader.parsed<double>("compress-above", parse_bytes, 1, "0 B or more");
  settings.link.compress_above = static_cast<std::size_t>(std::min(above, 1e15));
  settings.grace =
      reader.parsed<Duration>("grace", parse_duration, std::chrono::nanoseconds(1), "0 or more");
  settings.lab = reader.has("lab");
  return settings;
}

void list_handlers_to(std::ostream& out) {
  for (const HandlerInfo& handler : list_handlers()) {
    out << handler.name << ": " << handler.summary << "\n";
    for (const SettingInfo& setting : handler.settings) {
      out << "  " << setting.key << " = " << setting.default_text << " (" << setting.allowed
          << "): " << setting.help << "\n";
    }
  }
}

int usage_error(const std::string& message) {
  std::cerr << "phoenix-node: " << message << "\nSee `phoenix-node --help`.\n";
  return kBadInput;
}

// Empty with an exit code where there is nothing to run.
std::optional<po::variables_map> parse_arguments(int argc, char** argv, int& code) {
  const po::options_description options = option_list();
  po::variables_map values;
  try {
    const po::positional_options_description none;
    po::store(po::command_line_parser(argc, argv).options(options).positional(none).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    code = usage_error(error.what());
    return std::nullopt;
  }
  code = kGood;
  if (values.count("help") > 0) {
    std::cout << kHelp << options << kExamples;
    return std::nullopt;
  }
  if (values.count("version") > 0) {
    std::cout << "phoenix-node " << kVersion << " (" << kSourceRevision << ")\n";
    return std::nullopt;
  }
  if (values.count("handlers") > 0) {
    list_handlers_to(std::cout);
    return std::nullopt;
  }
  return values;
}

int serve(const NodeSettings& settings, net::Epoch epoch) {
  net::Loop loop(epoch);
  Result<std::unique_ptr<Node>> node = Node::make(loop, settings);
  if (!node) return usage_error(node.error());
  if (const Status started = (*node)->start(); !started) {
    std::cerr << "phoenix-node: " << started.error() << "\n";
    return kFailed;
  }
  bool is_draining = false;
  bool is_cut_off = false;
  loop.on_signals({SIGTERM, SIGINT}, [&](int) {
    if (is_draining) std::_Exit(kFailed);
    is_draining = true;
    log_info("draining", {{"under_way", std::to_string((*node)->status().under_way)}});
    (*node)->drain([&](std::size_t cut_off) {
      log_info("drained", {{"cut_off", std::to_string(cut_off)}});
      is_cut_off = cut_off > 0;
      loop.stop();
    });
  });
  nlohmann::ordered_json ready{{"listen", (*node)->local().text()},
                               {"incarnation", (*node)->status().incarnation}};
  std::cout << ready.dump() << std::endl;
  log_info("listening", {{"address", (*node)->local().text()}});
  loop.run();
  // Closed connections send their last bytes; bounded, for a peer may not read them.
  loop.run_until(loop.now() + std::chrono::milliseconds(100));
  if (is_cut_off) std::_Exit(kGood);  // a handler that still works would hold up the end
  return kGood;
}

int main(int argc, char** argv) {
  int code = kGood;
  const std::optional<po::variables_map> values = parse_arguments(argc, argv, code);
  if (!values) return code;
  OptionReader reader(*values);
  const NodeSettings settings = read_settings(reader);
  if (!reader.complaint().empty()) return usage_error(reader.complaint());
  const Status logging =
      start_logging("phoenix-node", reader.text("log-level"), reader.has("log-json"));
  if (!logging) return usage_error(logging.error());
  ::signal(SIGPIPE, SIG_IGN);
  const net::Epoch epoch =
      reader.has("epoch") ? net::Epoch{(*values)["epoch"].as<std::int64_t>()} : net::Epoch::now();
  return serve(settings, epoch);
}

}  // namespace
}  // namespace phoenix::node

int main(int argc, char** argv) {
  try {
    return phoenix::node::main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "phoenix-node: " << error.what() << "\n";
    return 1;
  }
}
