// The scenario: everything one run is made of, as typed data. Parser, generators, simulator,
// runtime and record all read this one structure. Quantities are in base units: Duration, bytes,
// bytes per second, per second, 1.
//
// Defaults here are the defaults of the file format; `schema.cc` binds keys to fields and bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/distribution.h"
#include "strategies/controller.h"
#include "strategies/core/time.h"
#include "strategies/router.h"
#include "strategies/tuning/knobs.h"

namespace phoenix {

enum class Fidelity : std::uint8_t { kRequest, kFlow };
enum class Discipline : std::uint8_t { kProcessorSharing, kFifo };
// How a gateway talks to a service's nodes: frames that share connections, or HTTP/1.1, where a
// request has its connection to itself until it is answered.
enum class WireProtocol : std::uint8_t { kFrames, kHttp };

struct NodeGroup {
  std::string name;
  int count = 1;    // nodes there are from the beginning
  int minimum = 1;  // what a scaler may shrink the group to ...
  int maximum = 0;  // ... and grow it to; 0: it stays as it is
  int cores = 4;
  double speed = 1.0;  // seconds of work a core does in a second
  double memory_bytes = 16.0 * (1ULL << 30);
  double bandwidth = 1.25e9;  // bytes per second, each way ("network" in files)
  Duration latency = std::chrono::microseconds(50);  // one way, node to its rack switch
  std::string zone = "a";
  int nodes_per_rack = 40;
  Distribution boot_time = Distribution::constant(20.0);  // seconds
  double cost_per_hour = 0.0;
  double weight = 1.0;                // what the operator tells weighted strategies
  std::vector<std::string> services;  // empty: all

  int places() const { return maximum > count ? maximum : count; }
  bool is_elastic() const { return maximum > 0; }
};

struct Cluster {
  std::vector<NodeGroup> groups;
  double rack_bandwidth = 5.0e9;  // rack uplink, each way
  Duration rack_latency{0};       // one way, rack switch to zone switch
  double zone_bandwidth = 12.5e9;
  Duration zone_latency = std::chrono::microseconds(250);  // one way, zone switch to core
  Distribution jitter = Distribution::constant(0.0);       // seconds, added to every message
  double flow_above_bytes = 1 << 20;   // messages larger than this are SimGrid flows
  double message_overhead_bytes = 0;   // packet headers; a batch has them once
  double compress_speed = 700e6;       // bytes per second of one core of speed 1: LZ4 ...
  double decompress_speed = 4e9;       // ... and back
  double connection_memory_bytes = 0;  // of each connection on its node, besides socket buffers
  double paging = 0;  // nodes short of memory: times slower per memory size too much; 0 is off
};

struct Gateway {
  int count = 1;
  int cores = 4;
  Duration cpu_per_message =
      std::chrono::microseconds(5);  // each request and each response costs this
  Duration cpu_per_frame =
      std::chrono::microseconds(1);  // ... but further requests of a batch only this
  int backlog = 10'000;              // messages waiting for gateway CPU; more are refused
  std::string zone;                  // empty: the first group's
  std::vector<std::string> zones;    // instead: gateways take turns in these
  double bandwidth = 1.25e9;
  Duration latency = std::chrono::microseconds(50);
};

struct Reports {
  Duration interval = std::chrono::seconds(1);  // periodic report of every node; 0 is off
  bool piggyback = true;                        // also on every response
};

struct RequestClass {
  std::string name;
  double share = 1.0;  // of all arrivals, relative to the other classes
  Distribution work = Distribution::constant(0.005);  // seconds at speed 1
  Distribution request_bytes = Distribution::constant(1024);
  Distribution response_bytes = Distribution::constant(4096);
  Duration deadline = std::chrono::seconds(10);
  Duration attempt_timeout = Duration::max();
  double memory_bytes = 0;  // held on the node while queued or in service
  bool repeatable = true;
  double compression = 2.0;  // bytes to compressed bytes, both ways; up to 1: they stay as they are
};

// Agents of a service that the control plane places, one by one; nodes without one do not serve it.
struct PlacedAgents {
  int count =
      0;  // from the beginning; 0 and no arrivals: every node of the groups runs the service
  double cores = 0;              // reserved on the node
  double memory_bytes = 0;       // reserved and held
  double state_bytes = 0;        // what a move has to carry
  double dirty_bytes_per_s = 0;  // how fast what was copied changes again
  Duration start_time = std::chrono::seconds(1);
  bool one_per_node = false;
  int zone_max_skew = 0;  // agents that a zone may be ahead of the emptiest; 0: any
};

struct Service {
  std::string name;
  Discipline discipline = Discipline::kProcessorSharing;
  int queue = 512;  // fifo: waiting requests per node; ps: requests in service beyond the cores
  double memory_bytes = 0;  // resident, per node
  PlacedAgents placed;
  bool is_placed = false;  // [service.agents] is written
  WireProtocol protocol = WireProtocol::kFrames;
  double agent_memory_bytes =
      0;                   // of the agent each key has on a node that served it; 0: no agents
  Duration cold_start{0};  // more work for the first request to an agent, or, without agents,
                           // to a node that has come up
  Duration wake_time{0};   // what requests to a hibernated agent wait
  // Keys a node remembers, least recently used forgotten first; a keyed request whose key is not
  // among them takes miss_work longer (at speed 1), and then it is. 0: nothing depends on keys.
  int cache_keys = 0;
  Duration miss_work{0};
  std::vector<RequestClass> classes;
};

// Agents that come and go during the run, from a file: one a row.
struct AgentArrival {
  Duration at{0};
  Duration lifetime = Duration::max();
  double cores = 0;
  double memory_bytes = 0;
  std::size_t service = 0;
};

struct AgentArrivalSettings {
  std::string file;                          // CSV or JSON lines, as trace files; empty: none
  std::string service;                       // of all of them; empty: the first that is placed
  std::string time_column = "time";          // seconds since the run began, times time_unit
  std::string lifetime_column = "lifetime";  // same unit; empty cell: to the end of the run
  std::string cores_column = "cores";
  std::string memory_column = "memory";  // times memory_unit
  Duration time_unit = std::chrono::seconds(1);
  double memory_unit = 1 << 30;  // bytes
};

enum class ArrivalKind : std::uint8_t {
  kConstant,
  kPoisson,
  kDiurnal,
  kFlashCrowd,
  kMmpp,
  kClosed,
  kTrace
};

// A rate over time; linear between points, held before the first and after the last.
struct RatePoint {
  Duration at{0};
  double per_second = 0;
};

struct TraceSettings {
  std::string file;         // absolute, or relative to the scenario file (resolved by the parser)
  std::string format;       // "csv" or "jsonl"; empty: by the file's ending
  std::string time_column;  // number in time_unit, or ISO date and time
  Duration time_unit = std::chrono::seconds(1);
  double time_scale = 1.0;   // 2 plays the trace twice as fast
  std::string class_column;  // value is a class name; empty: by share
  std::string key_column;    // any text; empty: workload.keys
  std::string size_column;   // what the gateway sees (RequestInfo::size); empty: request bytes
  // Work in seconds = class work (its `work` distribution) unless columns are named here: base +
  // sum factor * column.
  Duration work_base{0};
  std::vector<std::pair<std::string, Duration>> work_columns;
  std::string
      count_column;      // rows are intervals with this many arrivals, spread as a Poisson process
  Duration interval{0};  // length of an interval row when count_column is used
  bool repeat = false;   // start over at the end
};

struct KeySettings {
  enum class Kind : std::uint8_t { kNone, kUniform, kZipf } kind = Kind::kNone;
  std::uint64_t count = 0;
  double exponent = 0.99;
};

struct Workload {
  ArrivalKind arrivals = ArrivalKind::kPoisson;
  std::vector<RatePoint> rate = {
      {Duration{0}, 1000.0}};  // constant and poisson; base rate of the others
  // diurnal: rate * (1 + amplitude * cos(2 pi (t - peak) / period))
  Duration period = std::chrono::hours(24);
  double amplitude = 0.5;
  Duration peak = std::chrono::hours(14);
  // flash_crowd: rate rises to rate * factor over ramp from start, holds, and falls back over decay
  // (half-life)
  Duration crowd_start{0};
  Duration crowd_ramp = std::chrono::seconds(5);
  Duration crowd_hold = std::chrono::seconds(30);
  Duration crowd_decay = std::chrono::seconds(30);
  double crowd_factor = 5.0;
  // mmpp: two states; bursts have rate * burst_factor
  double burst_factor = 5.0;
  Duration burst_mean = std::chrono::seconds(1);
  Duration calm_mean = std::chrono::seconds(9);
  // closed: users think, send, wait for the answer
  int users = 100;
  Distribution think_time = Distribution::exponential(1.0);  // seconds
  TraceSettings trace;
  KeySettings keys;
};

// As written, with defaults filled in. `fault_plan.h` turns these into dated events.
struct FaultSpec {
  std::string id;
  std::string kind;
  std::string target;
  Duration start{0};
  Duration duration{0};  // Duration::max() to the end of the run
  bool has_duration = false;
  Duration ramp{0};
  double probability = 1.0;
  Duration every{0};
  int count = 0;  // repetitions; 0: once, or with `every` until the end of the run
  Duration jitter{0};
  int max_unavailable =
      -1;              // fewest healthy nodes that must remain is total - this; -1 is no limit
  std::string stream;  // empty: id
  bool allow_unsupported = false;
  // Parameters of the kind, as fault_kinds() lists them ("factor", "p", "delay", "mode"...), as
  // written: bare numbers, and texts, which hold the unit where one is needed.
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::pair<std::string, std::string>> texts;
};

// Bulk data beside the requests (backups, image pulls): SimGrid flows that slow messages on shared
// links.
struct Transfer {
  std::string name;
  std::string from;  // "gateway:0", "node:3", "group:new" (its first node)
  std::string to;
  double bytes = 0;
  Duration start{0};
  Duration every{0};  // 0: once
  int count = 1;
};

// The design document's five, with its defaults.
using Targets = ControlTargets;

struct RecordSettings {
  enum class Requests : std::uint8_t { kNone, kSample, kAll } requests = Requests::kNone;
  double sample = 0.01;
  Duration interval = std::chrono::seconds(1);  // of the node and cluster series
  bool nodes = true;                            // record the node series
};

// Canonical texts after parsing: printed back in full.
struct Strategies {
  std::string balancer = "p2c";
  ControlStrategies control;
};

// What an operator asks of the control plane during the run.
struct TimedCommand {
  Duration at{0};
  Command command;
};

struct Scenario {
  std::string name;
  std::string description;
  Duration duration = std::chrono::seconds(10);
  Duration warmup{0};  // left out of the summary; series keep it
  std::uint64_t seed = 1;
  std::uint32_t replication = 0;
  Fidelity fidelity = Fidelity::kRequest;
  Cluster cluster;
  Gateway gateway;
  Reports reports;
  std::vector<Service> services;
  Workload workload;
  RouterSettings router;
  Strategies strategies;
  ControlSettings control;
  std::vector<AlertRule> alerts;       // beside the default ones, or in the place of one
  std::vector<TimedCommand> commands;  // in the order of the file
  AgentArrivalSettings agent_arrivals;
  std::vector<AgentArrival> agents;  // what its file holds
  Knobs knobs;                       // at the beginning; a tuner may turn them
  Targets targets;
  std::vector<FaultSpec> faults;
  bool final_heal = true;
  std::vector<Transfer> transfers;
  RecordSettings record;

  std::string path;                    // where it was read from; for messages and relative files
  std::string text;                    // the file, whole
  std::vector<std::string> overrides;  // --set KEY=VALUE as given, in order
};

// Whether the group's nodes may run the service; one that is placed runs where its agents are.
bool hosts_service(const NodeGroup& group, const Service& service);

// Nodes in id order: those there from the beginning, groups in file order; then the places that
// scaling may fill, groups in the same order. All of them, or only the former.
int node_count(const Scenario& scenario);
int initial_node_count(const Scenario& scenario);
int group_of(const Scenario& scenario, NodeId node);
// By NodeId: the index of its group.
std::vector<int> node_groups(const Scenario& scenario);
// By NodeId: "<group>-<number in the group>".
std::vector<std::string> node_names(const Scenario& scenario);
// Where a gateway is; empty where neither it nor any group says.
const std::string& gateway_zone(const Scenario& scenario, int gateway);
// By ZoneId: the zones of the gateways, then those of the groups, in order.
std::vector<std::string> zone_names(const Scenario& scenario);
// REQUIRES: `zone` is one of `names`.
ZoneId zone_id(const std::vector<std::string>& names, const std::string& zone);

}  // namespace phoenix
