// Starting the processes of the local world and noticing how they end.
#include <algorithm>
#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/agents/json_fields.h"
#include "runtime/gateway/lab_command.h"
#include "runtime/local/local_world.h"
#include "scenarios/router_setup.h"
#include "strategies/core/units.h"

namespace phoenix::local {
namespace {

using Json = nlohmann::json;

constexpr Duration kReadyWithin = std::chrono::seconds(20);  // and a second for every kPerSecond
constexpr std::int64_t kPerSecond = 10;                      // processes
constexpr Duration kFoundWithin = std::chrono::milliseconds(500);  // a node, by the gateways
constexpr Duration kLoadStartsIn = std::chrono::milliseconds(500);
constexpr int kOutcomeBuffer = 4 << 20;

std::string ns_text(Duration d) { return std::to_string(d.count()) + "ns"; }

}  // namespace

Status LocalWorld::wait_until(const std::function<bool()>& condition, const std::string& what) {
  const auto processes = static_cast<std::int64_t>(gateways_.size() + nodes_.size());
  const Duration within = kReadyWithin + std::chrono::seconds(processes / kPerSecond);
  const Time limit = loop_.now() + within;
  for (;;) {
    if (!problem_.empty()) return Error{problem_};
    if (condition()) return success();
    if (loop_.now() >= limit) return Error{what + " within " + print_duration(within)};
    loop_.run_until(std::min(limit, loop_.now() + std::chrono::milliseconds(2)));
  }
}

std::string LocalWorld::last_words(const std::string& name) const {
  std::ifstream log(log_path(name));
  std::string last;
  for (std::string line; std::getline(log, line);) {
    if (!line.empty()) last = line;
  }
  return last.empty() ? "" : ": " + last;
}

std::vector<std::string> LocalWorld::scenario_arguments() const {
  std::vector<std::string> arguments = {"--scenario=" + scenario_.path};
  for (const std::string& change : scenario_.overrides) arguments.push_back("--set=" + change);
  return arguments;
}

Status LocalWorld::start_gateways() {
  const auto count = static_cast<std::size_t>(scenario_.gateway.count);
  gateways_.resize(count);
  for (std::size_t g = 0; g < count; ++g) {
    LocalGateway& gateway = gateways_[g];
    const std::string name = "gateway-" + std::to_string(g);
    ChildSpec spec;
    spec.arguments = {sibling_program("phoenix-gateway"),
                      "--number",
                      std::to_string(g),
                      "--seed",
                      std::to_string(scenario_.seed),
                      "--token-file",
                      token_path_,
                      "--epoch",
                      std::to_string(loop_.epoch().monotonic_ns),
                      "--log-level",
                      "warning"};
    const std::vector<std::string> scenario = scenario_arguments();
    spec.arguments.insert(spec.arguments.end(), scenario.begin(), scenario.end());
    spec.log_path = log_path(name);
    auto started = Child::start(
        loop_, spec,
        [&gateway](std::string_view line) {
          const Json ready = Json::parse(line, nullptr, false);
          const std::string frames = text_in(ready, "frames");
          if (net::Address::parse(frames)) gateway.frames = frames;
        },
        [this, name](const ChildEnd& end) { fail(name + " " + end.text() + last_words(name)); });
    if (!started) return Error{started.error()};
    gateway.process = std::move(*started);
  }
  Status ready = wait_until(
      [this] {
        for (const LocalGateway& gateway : gateways_) {
          if (gateway.frames.empty()) return false;
        }
        return true;
      },
      "the gateways were not ready");
  if (!ready) return ready;
  for (LocalGateway& gateway : gateways_) {
    gateway.link =
        std::make_unique<OrderLink>(loop_, lab_link(net::Address::parse(gateway.frames).value()));
  }
  introduce_world();
  return success();
}

// Who is who, as faults name them.
void LocalWorld::introduce_world() {
  gateway::LabWorld world;
  world.seed = scenario_.seed;
  world.replication = scenario_.replication;
  world.gateways = static_cast<std::uint32_t>(gateways_.size());
  world.nodes = node_names(scenario_);
  world.bandwidth.assign(gateways_.size(), scenario_.gateway.bandwidth);
  for (std::size_t i = 0; i < world.nodes.size(); ++i) {
    const auto group = static_cast<std::size_t>(group_of(scenario_, id_at<NodeId>(i)));
    world.bandwidth.push_back(scenario_.cluster.groups[group].bandwidth);
  }
  for (LocalGateway& gateway : gateways_) {
    gateway.link->send_text(gateway::print_lab_world(world));
    ++world.gateway;
  }
}

Status LocalWorld::start_nodes() {
  const std::vector<std::string> names = node_names(scenario_);
  const auto initial = static_cast<std::size_t>(initial_node_count(scenario_));
  nodes_.resize(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    nodes_[i].name = names[i];
    nodes_[i].group = static_cast<std::uint32_t>(group_of(scenario_, id_at<NodeId>(i)));
    auto port = reserve_port();
    if (!port) return Error{port.error()};
    nodes_[i].port = std::move(*port);
    if (i >= initial) continue;
    nodes_[i].fill(kStart);
    if (Status started = launch_node(i); !started) return started;
  }
  return wait_until(
      [this] {
        for (const LocalNode& node : nodes_) {
          if (node.is_present && (!node.up || !node.link->is_up())) return false;
        }
        for (const LocalGateway& gateway : gateways_) {
          if (!gateway.link->is_up()) return false;
        }
        return true;
      },
      "the nodes were not ready");
}

Status LocalWorld::launch_node(std::size_t place) {
  LocalNode& node = nodes_[place];
  const NodeGroup& group = scenario_.cluster.groups[node.group];
  ChildSpec spec;
  spec.arguments = {sibling_program("phoenix-node"),
                    "--name",
                    node.name,
                    "--listen",
                    node.port.address,
                    "--cores",
                    std::to_string(group.cores),
                    "--speed",
                    print_number(group.speed),
                    "--zone",
                    group.zone,
                    "--weight",
                    print_number(group.weight),
                    "--memory",
                    print_bytes(group.memory_bytes),
                    "--network",
                    print_number(group.bandwidth) + "B/s",
                    "--report-interval",
                    ns_text(scenario_.reports.interval),
                    "--requests",
                    "100000",
                    "--grace",
                    "24h",
                    "--token-file",
                    token_path_,
                    "--lab",
                    "--log-level",
                    "warning"};
  const bool piggyback =
      scenario_.reports.piggyback && make_router(scenario_, streams_, 0).uses_reports();
  if (!piggyback) spec.arguments.push_back("--no-piggyback");
  for (const LocalGateway& gateway : gateways_) {
    spec.arguments.insert(spec.arguments.end(), {"--gateway", gateway.frames});
  }
  for (const Service& service : scenario_.services) {
    if (!hosts_service(group, service)) continue;
    spec.arguments.insert(
        spec.arguments.end(),
        {service.is_placed ? "--standby" : "--service",
         fmt::format("{}=synthetic[queue={}, memory={}, cache_keys={}, miss_work={}]", service.name,
                     service.queue, print_number(service.memory_bytes), service.cache_keys,
                     print_duration(service.miss_work)),
         "--discipline", service.discipline == Discipline::kFifo ? "fifo" : "ps"});
  }
  spec.log_path = log_path(node.name);
  node.launched = loop_.now();
  auto started = Child::start(
      loop_, spec, [this, place](std::string_view line) { on_node_ready(place, line); },
      [this, place](const ChildEnd& end) { on_node_end(place, end); });
  if (!started) return Error{started.error()};
  node.process = std::move(*started);
  return success();
}

void LocalWorld::on_node_ready(std::size_t place, std::string_view line) {
  LocalNode& node = nodes_[place];
  if (node.up || text_in(Json::parse(line, nullptr, false), "listen").empty()) return;
  node.up = true;
  if (is_playing_) {
    log_start(place, to_seconds(loop_.now() - node.launched),
              node.is_provisioned ? "provision" : "restart", "done");
  }
  if (node.link == nullptr) {
    const net::Address address = net::Address::parse(node.port.address).value();
    node.link = std::make_unique<OrderLink>(loop_, lab_link(address));
  }
  for (const auto& [effect, factor] : node.slowdowns) {
    node.link->command({{"slow", effect}, {"factor", factor}});
  }
  end_silence(place, loop_.now() + kFoundWithin);
  if (node.pauses > 0) node.process->signal(SIGSTOP);
  on_came(place);
}

void LocalWorld::on_node_end(std::size_t place, const ChildEnd& end) {
  LocalNode& node = nodes_[place];
  const bool has_left = (node.is_leaving || node.is_removed) && end.exit_code == 0;
  node.process.reset();
  node.end_life();
  if (!has_left) return fail(node.name + " " + end.text() + last_words(node.name));
  on_went(place);
}

// It may end before all that it said has been read.
void LocalWorld::on_load_end(const ChildEnd& end) {
  load_end_ = end.text();
  const bool is_good = end.exit_code == 0 && (is_over_ || !has_outcomes_ended_);
  if (!is_good) fail("the load source " + load_end_ + last_words("load"));
}

OrderLink::Settings LocalWorld::lab_link(const net::Address& address) const {
  OrderLink::Settings settings;
  settings.address = address;
  settings.role = wire::Role::kLab;
  settings.name = "local";
  settings.token = token_;
  return settings;
}

bool LocalWorld::is_to_serve(std::size_t place) const {
  const LocalNode& node = nodes_[place];
  if (!node.up) return false;
  for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
    const Service& service = scenario_.services[s];
    if (!hosts_service(scenario_.cluster.groups[node.group], service)) continue;
    if (!service.is_placed || agents_->count(id_at<NodeId>(place), id_at<ServiceId>(s)) > 0)
      return true;
  }
  return false;
}

// A load that began earlier would fall on the few nodes that are reached first.
Status LocalWorld::await_connections() {
  std::ptrdiff_t wanted = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) wanted += is_to_serve(i) ? 1 : 0;
  struct Gateways {
    std::vector<bool> asked, complete;
  };
  const auto known = std::make_shared<Gateways>();
  known->asked.resize(gateways_.size());
  known->complete.resize(gateways_.size());
  const auto ask = [this, known, wanted](std::size_t g) {
    if (known->complete[g] || known->asked[g]) return;
    known->asked[g] = true;
    gateways_[g].link->command({{"status", 0}}, [known, wanted, g](const Json& answer) {
      known->asked[g] = false;
      const Json& nodes = part_of(answer, "nodes");
      known->complete[g] =
          wanted == std::ranges::count_if(nodes, [](const Json& node) {
            return count_in(node, "connections") > 0 && count_in(node, "services") > 0;
          });
    });
  };
  return wait_until(
      [this, known, ask] {
        for (std::size_t g = 0; g < gateways_.size(); ++g) ask(g);
        return std::ranges::find(known->complete, false) == known->complete.end();
      },
      "the gateways did not reach the nodes");
}

Status LocalWorld::start_load() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{"cannot make a socket pair"};
  }
  for (const int end : ends) {
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kOutcomeBuffer, sizeof kOutcomeBuffer);
    ::setsockopt(end, SOL_SOCKET, SO_RCVBUF, &kOutcomeBuffer, sizeof kOutcomeBuffer);
  }
  outcomes_ = std::make_unique<net::DescriptorReader>(
      loop_, ends[0], [this](std::string_view bytes) { on_outcome_bytes(bytes); },
      [this] {
        has_outcomes_ended_ = true;
        if (!is_over_ && !load_end_.empty()) fail("the load source " + load_end_ + " too early");
      });
  offset_ = (loop_.now() + kLoadStartsIn) - kStart;
  std::string frames;
  for (const LocalGateway& gateway : gateways_) {
    frames += (frames.empty() ? "" : ",") + gateway.frames;
  }
  ChildSpec spec;
  spec.arguments = {sibling_program("phoenix-load"),
                    "--frames",
                    frames,
                    "--token-file",
                    token_path_,
                    "--outcomes-fd",
                    "3",
                    "--epoch",
                    std::to_string(loop_.epoch().monotonic_ns + offset_.count())};
  const std::vector<std::string> scenario = scenario_arguments();
  spec.arguments.insert(spec.arguments.end(), scenario.begin(), scenario.end());
  spec.log_path = log_path("load");
  spec.passed = ends[1];
  auto started =
      Child::start(loop_, spec, nullptr, [this](const ChildEnd& end) { on_load_end(end); });
  ::close(ends[1]);
  if (!started) return Error{started.error()};
  load_ = std::move(*started);
  return success();
}

}  // namespace phoenix::local
