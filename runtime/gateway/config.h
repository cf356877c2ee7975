// The gateway's configuration, from a TOML file; every error names file, line, key, found and
// allowed, all at once. The same keys as a scenario where the meaning is the same ([router],
// service.class). docs: runtime/deploy/gateway.toml has every key with its meaning.
//
// Plain data; compared on reload to see what changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/net/address.h"
#include "runtime/net/tls.h"
#include "scenarios/parser.h"
#include "scenarios/scenario.h"
#include "strategies/controller.h"
#include "strategies/router.h"
#include "strategies/tuning/knobs.h"

namespace phoenix::gateway {

using phoenix::check_knobs;
using phoenix::Knobs;

struct ClassConfig {
  std::string name = "default";
  Duration deadline = std::chrono::seconds(30);
  Duration attempt_timeout = Duration::max();
};

struct ServerConfig {
  net::Address address;
  double weight = 1;
  std::string zone = {};
};

enum class Protocol : std::uint8_t { kFrames, kHttp };

struct ServiceConfig {
  std::string name;
  Protocol protocol = Protocol::kFrames;  // kHttp: plain HTTP/1.1 servers, listed below
  std::string balancer = "p2c";
  std::string key;  // what requests are keyed by: "", "path", "client", "header:<name>"
  std::vector<ClassConfig> classes;   // at least one
  std::vector<ServerConfig> servers;  // kHttp; nodes that speak frames announce themselves
  std::string health_path;            // kHttp: GET this; empty: connecting is enough
  Duration health_interval = std::chrono::seconds(2);
  bool upstream_tls = false;
  bool is_placed = false;  // [service.agents] is written: kFrames, by nodes that have it on standby
  PlacedAgents agents;
};

struct RouteConfig {       // the most specific host, then the longest path prefix wins
  std::string host;        // "" is any; "*.example.org"
  std::string path = "/";  // matches whole segments
  std::string service;
  std::string request_class;  // empty: the service's first
};

struct HttpLimits {
  std::size_t head = 16 * 1024;
  std::size_t body = 8 * 1024 * 1024;
  int pipelined = 64;  // requests of one connection under way; more are not read yet
  Duration head_timeout = std::chrono::seconds(10);   // from its first byte to the whole head
  Duration body_timeout = std::chrono::seconds(30);   // without progress
  Duration write_timeout = std::chrono::seconds(30);  // without progress
  Duration idle_timeout = std::chrono::seconds(75);
  std::size_t connections = 20'000;  // per thread
};

struct RecordConfig {
  std::string path;  // empty is off; "/var/lib/phoenix/gateway.h5"
  double sample = 0.01;
  Duration interval = std::chrono::seconds(1);
  Duration rotate_after = std::chrono::hours(1);
  int keep = 24;                // finished files; older ones are removed
  std::size_t buffer = 65'536;  // rows that may wait for the disk, per thread; more are counted
};

// How the control plane gets nodes and gives them back; see runtime/provision/.
struct ProvisionConfig {
  enum class By : std::uint8_t { kNone, kProcess, kCommand } by = By::kNone;
  std::string group = "node";  // nodes are called "<group>-<number>"
  int minimum = 1;
  int maximum = 10;
  int cores = 0;  // of each; 0: as node or engine see fit
  double memory_bytes = 0;
  double cost_per_hour = 0;
  Duration boot_time = std::chrono::seconds(2);      // as expected, p95
  Duration ready_within = std::chrono::seconds(60);  // then the start has failed
  std::vector<std::string> arguments;  // kProcess: of phoenix-node, beside name and gateway
  std::vector<std::string> command;    // kCommand: program and arguments
  Duration command_timeout = std::chrono::seconds(60);
};

struct GatewayConfig {
  std::string name = "gateway";
  int threads = 0;                        // 0: one per core
  std::string http = "127.0.0.1:7080";    // listeners; "" is off
  std::string frames = "127.0.0.1:7100";  // native clients and nodes
  std::string admin = "127.0.0.1:7090";
  bool allow_public = false;      // listeners beyond loopback without TLS and token
  std::string token_file;         // secret that nodes, native clients and admin changes must show
  net::TlsSettings tls;           // all listeners; certificate empty is off
  net::TlsSettings upstream_tls;  // towards nodes and HTTP servers
  // Where this gateway is, and where all gateways are, this one too, one entry each; for
  // zone_aware.
  std::string zone;
  std::vector<std::string> gateway_zones;
  bool forwarded_for = true;     // add X-Forwarded-For, -Proto and -Host
  bool trust_forwarded = false;  // keep those the client sent
  Duration drain_grace = std::chrono::seconds(30);
  Duration forget_node = std::chrono::seconds(60);  // a node unheard of for this long leaves
  int max_nodes = 10'000;
  HttpLimits http_limits;
  RouterSettings router;
  Knobs knobs;
  std::vector<ServiceConfig> services;
  std::vector<RouteConfig> routes;
  RecordConfig record;
  // The control plane: off unless a strategy or provisioning is configured.
  ControlSettings control;
  std::vector<AlertRule> alerts;
  ControlTargets targets;
  ControlStrategies strategies;
  ProvisionConfig provision;
  // After its start the control plane waits so long for nodes that are there already, where it
  // would start or place again what they are.
  Duration settle = std::chrono::seconds(10);
  bool lab = false;                         // takes faults from the local world
  std::vector<std::string> expected_nodes;  // names whose numbers are theirs, 0 first

  std::string token;  // read from token_file
  std::string path;   // of the file
};

struct ParsedConfig {
  std::optional<GatewayConfig> config;
  std::vector<Problem> problems;
};
ParsedConfig parse_gateway_config(const std::string& path);

}  // namespace phoenix::gateway
