// One scenario that writes every key with something other than its default, and every field it
// sets.
#include <cmath>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "scenarios/parser.h"

namespace phoenix {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kFull = R"toml(
name = "full"
description = "every key there is"
duration = "2 min"
warmup = "5 s"
seed = 77
fidelity = "flow"
final_heal = false

[cluster]
rack_bandwidth = "20 Gbps"
rack_latency = "3 us"
zone_bandwidth = "80 Gbps"
zone_latency = "400 us"
jitter = "exponential(10 us)"
flow_above = "2 MiB"
message_overhead = "66 B"
compress_speed = "4 Gbps"
decompress_speed = "24 Gbps"
connection_memory = "16 KiB"

[[cluster.group]]
name = "new"
count = 8
cores = 16
speed = 1.5
memory = "64 GiB"
network = "25 Gbps"
latency = "20 us"
zone = "b"
nodes_per_rack = 10
boot_time = "lognormal(20 s, 1.3)"
cost = "0.17 /h"
weight = 2.5
services = ["shop", "mail"]

[[cluster.group]]
name = "old"

[gateway]
count = 3
cores = 2
cpu_per_message = "7 us"
cpu_per_frame = "2 us"
backlog = 50
zone = "b"
network = "40 Gbps"
latency = "30 us"

[reports]
interval = "500 ms"
piggyback = false

[[service]]
name = "shop"
discipline = "fifo"
queue = 100
memory = "1 GiB"
protocol = "http"
agent_memory = "2 MiB"
cold_start = "70 ms"
wake_time = "90 ms"

[[service.class]]
name = "checkout"
share = 0.2
work = "gamma(8 ms, 2)"
request = "2 KiB"
response = "uniform(1 KiB, 12 KiB)"
deadline = "1 s"
attempt_timeout = "300 ms"
memory = "1 MB"
repeatable = false
compression = 2.5

[[service.class]]
name = "browse"
share = "80%"

[[service]]
name = "mail"
discipline = "fifo"

[[service.class]]
name = "send"
attempt_timeout = "inf"

[workload]
arrivals = "poisson"
rate = [["0 s", "2000 /s"], ["1 min", "120 /min"]]
keys = "zipf(100000, 0.8)"

[router]
max_in_flight = 11
queue = 12
max_in_flight_per_node = 13
retries = 4
retry_backoff = "14 ms"
retry_backoff_max = "15 ms"
retry_budget = "30%"
retry_reserve_per_s = 16.5
hedge_quantile = "95%"
hedge_min = "3 ms"
hedge_max = "400 ms"
hedge_max_utilization = 0.75
consecutive_errors = 17
success_rate_stdevs = 1.8
success_rate_nodes = 19
success_rate_requests = 20
ejection_interval = "21 s"
ejection_time = "22 s"
ejection_time_max = "23 s"
max_ejected_share = 0.24
panic_threshold = 0.25
panic_leave = 0.26
slow_start = "27 s"
slow_start_min = 0.28
report_timeout = "29 s"

[strategies]
balancer = "p2c[choices=3]"

[knobs]
batch_size = 10
batch_delay = "2 ms"
compress_above = "1 KiB"
pool_size = 20
http_pool_size = 30
socket_buffer = "64 kB"
direct_routing = true
workers = 8
queue_length = 40
max_in_flight = 50
hibernate_idle = "5 min"

[targets]
response_time_p95 = "80 ms"
throughput = "600 /min"
availability = "99.5%"
utilization = "none"
scaling_response_time = "none"

[[alert]]
metric = "response_time_p95"
warning = "80 ms"
critical = "200 ms"
critical_clear = "0.15 s"
for = "10 s"

[[alert]]
metric = "availability"
sense = "below"
critical = "99%"
keep = "0 s"

[[fault]]
id = "dark"
kind = "crash_restart"
target = "random:1"
start = "70 s"
duration = "10 s"
probability = 0.5
every = "20 s"
count = 2
jitter = "1 s"
max_unavailable = 3
stream = "other"
state = "kept"

[[fault]]
kind = "delay"
target = "link:gateway:0->node:1"
duration = "inf"
ramp = "2 s"
delay = "30 ms"
delay_jitter = "2 ms"

[[fault]]
kind = "delay"
target = "node:2"
delay = "1 ms"

[[fault]]
kind = "partition"
allow_unsupported = true
groups = [["zone:a"], ["node:0", "node:1"]]

[[fault]]
kind = "loss"
target = "node:2"
p = 0.25

[[transfer]]
name = "backup"
from = "node:3"
to = "gateway:2"
size = "5 GB"
start = "4 s"
every = "6 s"
count = 7

[record]
requests = "sample(0.05)"
interval = "250 ms"
nodes = false
)toml";

Scenario parse(const std::string& text) {
  const ParsedScenario parsed = parse_scenario_text(text, "folder/file.toml");
  std::ostringstream problems;
  print_problems(problems, parsed.problems);
  EXPECT_TRUE(parsed.scenario.has_value()) << problems.str();
  return parsed.scenario.value_or(Scenario{});
}

TEST(FullScenario, SetsTheRun) {
  const Scenario s = parse(kFull);
  EXPECT_EQ(s.name, "full");
  EXPECT_EQ(s.description, "every key there is");
  EXPECT_EQ(s.duration, minutes(2));
  EXPECT_EQ(s.warmup, seconds(5));
  EXPECT_EQ(s.seed, 77U);
  EXPECT_EQ(s.fidelity, Fidelity::kFlow);
  EXPECT_FALSE(s.final_heal);
  EXPECT_EQ(s.path, "folder/file.toml");
  EXPECT_EQ(s.text, kFull);
  EXPECT_TRUE(s.overrides.empty());
}

TEST(FullScenario, SetsTheCluster) {
  const Cluster c = parse(kFull).cluster;
  EXPECT_EQ(c.rack_bandwidth, 2.5e9);
  EXPECT_EQ(c.rack_latency, microseconds(3));
  EXPECT_EQ(c.zone_bandwidth, 10e9);
  EXPECT_EQ(c.zone_latency, microseconds(400));
  EXPECT_EQ(c.jitter.kind(), Distribution::Kind::kExponential);
  EXPECT_DOUBLE_EQ(c.jitter.mean(), 10e-6);
  EXPECT_EQ(c.flow_above_bytes, 2097152.0);
  EXPECT_EQ(c.message_overhead_bytes, 66.0);
  EXPECT_EQ(c.compress_speed, 500e6);
  EXPECT_EQ(c.decompress_speed, 3e9);
  EXPECT_EQ(c.connection_memory_bytes, 16384.0);
  ASSERT_EQ(c.groups.size(), 2U);
  EXPECT_EQ(c.groups[1].name, "old");
  EXPECT_EQ(c.groups[1].count, NodeGroup{}.count);
}

TEST(FullScenario, SetsTheGroup) {
  const NodeGroup g = parse(kFull).cluster.groups.at(0);
  EXPECT_EQ(g.name, "new");
  EXPECT_EQ(g.count, 8);
  EXPECT_EQ(g.cores, 16);
  EXPECT_EQ(g.speed, 1.5);
  EXPECT_EQ(g.memory_bytes, 68719476736.0);
  EXPECT_EQ(g.bandwidth, 3.125e9);
  EXPECT_EQ(g.latency, microseconds(20));
  EXPECT_EQ(g.zone, "b");
  EXPECT_EQ(g.nodes_per_rack, 10);
  EXPECT_EQ(g.boot_time.print(Distribution::Unit::kSeconds), "lognormal(20 s, 1.3)");
  EXPECT_EQ(g.cost_per_hour, 0.17);
  EXPECT_EQ(g.weight, 2.5);
  EXPECT_EQ(g.services, (std::vector<std::string>{"shop", "mail"}));
}

TEST(FullScenario, SetsGatewayAndReports) {
  const Scenario s = parse(kFull);
  EXPECT_EQ(s.gateway.count, 3);
  EXPECT_EQ(s.gateway.cores, 2);
  EXPECT_EQ(s.gateway.cpu_per_message, microseconds(7));
  EXPECT_EQ(s.gateway.cpu_per_frame, microseconds(2));
  EXPECT_EQ(s.gateway.backlog, 50);
  EXPECT_EQ(s.gateway.zone, "b");
  EXPECT_EQ(s.gateway.bandwidth, 5e9);
  EXPECT_EQ(s.gateway.latency, microseconds(30));
  EXPECT_EQ(s.reports.interval, milliseconds(500));
  EXPECT_FALSE(s.reports.piggyback);
}

TEST(FullScenario, SetsServicesAndClasses) {
  const std::vector<Service> services = parse(kFull).services;
  ASSERT_EQ(services.size(), 2U);
  const Service& shop = services[0];
  EXPECT_EQ(shop.name, "shop");
  EXPECT_EQ(shop.discipline, Discipline::kFifo);
  EXPECT_EQ(shop.queue, 100);
  EXPECT_EQ(shop.memory_bytes, 1073741824.0);
  EXPECT_EQ(shop.protocol, WireProtocol::kHttp);
  EXPECT_EQ(shop.agent_memory_bytes, 2097152.0);
  EXPECT_EQ(shop.cold_start, milliseconds(70));
  EXPECT_EQ(shop.wake_time, milliseconds(90));
  ASSERT_EQ(shop.classes.size(), 2U);
  const RequestClass& checkout = shop.classes[0];
  EXPECT_EQ(checkout.name, "checkout");
  EXPECT_EQ(checkout.share, 0.2);
  EXPECT_EQ(checkout.work.kind(), Distribution::Kind::kGamma);
  EXPECT_DOUBLE_EQ(checkout.work.mean(), 0.008);
  EXPECT_EQ(checkout.request_bytes.mean(), 2048.0);
  EXPECT_EQ(checkout.response_bytes.mean(), 6656.0);  // (1 + 12) / 2 KiB
  EXPECT_EQ(checkout.deadline, seconds(1));
  EXPECT_EQ(checkout.attempt_timeout, milliseconds(300));
  EXPECT_EQ(checkout.memory_bytes, 1e6);
  EXPECT_FALSE(checkout.repeatable);
  EXPECT_EQ(checkout.compression, 2.5);
  EXPECT_EQ(shop.classes[1].share, 0.8);
  EXPECT_EQ(services[1].name, "mail");
  EXPECT_EQ(services[1].classes.at(0).attempt_timeout, Duration::max());
}

TEST(FullScenario, SetsTheKnobs) {
  Knobs knobs;
  knobs.batch_size = 10;
  knobs.batch_delay = milliseconds(2);
  knobs.compress_above = 1024;
  knobs.pool_size = 20;
  knobs.http_pool_size = 30;
  knobs.socket_buffer = 64'000;
  knobs.direct_routing = true;
  knobs.workers = 8;
  knobs.queue_length = 40;
  knobs.max_in_flight = 50;
  knobs.hibernate_idle = minutes(5);
  EXPECT_EQ(parse(kFull).knobs, knobs);
}

TEST(FullScenario, SetsTheWorkload) {
  const Workload w = parse(kFull).workload;
  EXPECT_EQ(w.arrivals, ArrivalKind::kPoisson);
  ASSERT_EQ(w.rate.size(), 2U);
  EXPECT_EQ(w.rate[0].at, Duration{0});
  EXPECT_EQ(w.rate[0].per_second, 2000.0);
  EXPECT_EQ(w.rate[1].at, minutes(1));
  EXPECT_EQ(w.rate[1].per_second, 2.0);
  EXPECT_EQ(w.keys.kind, KeySettings::Kind::kZipf);
  EXPECT_EQ(w.keys.count, 100'000U);
  EXPECT_EQ(w.keys.exponent, 0.8);
}

TEST(FullScenario, SetsTheRouter) {
  const RouterSettings r = parse(kFull).router;
  EXPECT_EQ(r.max_in_flight, 11);
  EXPECT_EQ(r.queue, 12);
  EXPECT_EQ(r.max_in_flight_per_node, 13);
  EXPECT_EQ(r.retries, 4);
  EXPECT_EQ(r.retry_backoff, milliseconds(14));
  EXPECT_EQ(r.retry_backoff_max, milliseconds(15));
  EXPECT_EQ(r.retry_budget, 0.3);
  EXPECT_EQ(r.retry_reserve_per_s, 16.5);
  EXPECT_EQ(r.hedge_quantile, 0.95);
  EXPECT_EQ(r.hedge_min, milliseconds(3));
  EXPECT_EQ(r.hedge_max, milliseconds(400));
  EXPECT_EQ(r.hedge_max_utilization, 0.75);
  EXPECT_EQ(r.consecutive_errors, 17);
  EXPECT_EQ(r.success_rate_stdevs, 1.8);
  EXPECT_EQ(r.success_rate_nodes, 19);
  EXPECT_EQ(r.success_rate_requests, 20);
  EXPECT_EQ(r.ejection_interval, seconds(21));
  EXPECT_EQ(r.ejection_time, seconds(22));
  EXPECT_EQ(r.ejection_time_max, seconds(23));
  EXPECT_EQ(r.max_ejected_share, 0.24);
  EXPECT_EQ(r.panic_threshold, 0.25);
  EXPECT_EQ(r.panic_leave, 0.26);
  EXPECT_EQ(r.slow_start, seconds(27));
  EXPECT_EQ(r.slow_start_min, 0.28);
  EXPECT_EQ(r.report_timeout, seconds(29));
}

TEST(FullScenario, SetsStrategiesTargetsAndRecord) {
  const Scenario s = parse(kFull);
  EXPECT_EQ(s.strategies.balancer, "p2c[choices=3]");
  EXPECT_EQ(s.targets.response_time_p95, milliseconds(80));
  EXPECT_EQ(s.targets.throughput, 10.0);
  EXPECT_EQ(s.targets.availability, 0.995);
  EXPECT_TRUE(std::isnan(s.targets.utilization));
  EXPECT_EQ(s.targets.scaling_response_time, Duration{0});
  EXPECT_EQ(s.record.requests, RecordSettings::Requests::kSample);
  EXPECT_EQ(s.record.sample, 0.05);
  EXPECT_EQ(s.record.interval, milliseconds(250));
  EXPECT_FALSE(s.record.nodes);
}

TEST(FullScenario, SetsTheAlerts) {
  const std::vector<AlertRule> alerts = parse(kFull).alerts;
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(alerts[0].metric, "response_time_p95");
  EXPECT_EQ(alerts[0].sense, AlertSense::kAbove);
  EXPECT_EQ(alerts[0].warning, 0.08);
  EXPECT_TRUE(std::isnan(alerts[0].warning_clear));
  EXPECT_EQ(alerts[0].critical, 0.2);
  EXPECT_EQ(alerts[0].critical_clear, 0.15);
  EXPECT_EQ(alerts[0].hold, seconds(10));
  EXPECT_EQ(alerts[0].keep, seconds(20));
  EXPECT_EQ(alerts[1].sense, AlertSense::kBelow);
  EXPECT_TRUE(std::isnan(alerts[1].warning));
  EXPECT_EQ(alerts[1].critical, 0.99);
  EXPECT_EQ(alerts[1].keep, Duration{0});
}

TEST(FullScenario, SetsTheFaults) {
  const std::vector<FaultSpec> faults = parse(kFull).faults;
  ASSERT_EQ(faults.size(), 5U);
  const FaultSpec& dark = faults[0];
  EXPECT_EQ(dark.id, "dark");
  EXPECT_EQ(dark.kind, "crash_restart");
  EXPECT_EQ(dark.target, "random:1");
  EXPECT_EQ(dark.start, seconds(70));
  EXPECT_EQ(dark.duration, seconds(10));
  EXPECT_TRUE(dark.has_duration);
  EXPECT_EQ(dark.probability, 0.5);
  EXPECT_EQ(dark.every, seconds(20));
  EXPECT_EQ(dark.count, 2);
  EXPECT_EQ(dark.jitter, seconds(1));
  EXPECT_EQ(dark.max_unavailable, 3);
  EXPECT_EQ(dark.stream, "other");
  EXPECT_FALSE(dark.allow_unsupported);
  using Texts = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(dark.texts, (Texts{{"state", "kept"}}));
  const FaultSpec& slow = faults[1];
  EXPECT_EQ(slow.duration, Duration::max());
  EXPECT_EQ(slow.ramp, seconds(2));
  EXPECT_EQ(slow.texts, (Texts{{"delay", "30 ms"}, {"delay_jitter", "2 ms"}}));

  EXPECT_FALSE(faults[2].has_duration);
  EXPECT_TRUE(faults[3].allow_unsupported);
  EXPECT_EQ(faults[3].texts, (Texts{{"groups", "zone:a | node:0, node:1"}}));
  EXPECT_EQ(faults[4].numbers, (std::vector<std::pair<std::string, double>>{{"p", 0.25}}));
}

TEST(FullScenario, NumbersFaultsWithoutAnIdByKind) {
  const std::vector<FaultSpec> faults = parse(kFull).faults;
  EXPECT_EQ(faults[1].id, "delay-1");
  EXPECT_EQ(faults[2].id, "delay-2");
  EXPECT_EQ(faults[3].id, "partition-1");
}

TEST(FullScenario, SetsTheTransfer) {
  const Transfer t = parse(kFull).transfers.at(0);
  EXPECT_EQ(t.name, "backup");
  EXPECT_EQ(t.from, "node:3");
  EXPECT_EQ(t.to, "gateway:2");
  EXPECT_EQ(t.bytes, 5e9);
  EXPECT_EQ(t.start, seconds(4));
  EXPECT_EQ(t.every, seconds(6));
  EXPECT_EQ(t.count, 7);
}

TEST(FullScenario, NumbersNodesGroupByGroup) {
  const Scenario s = parse(kFull);
  EXPECT_EQ(node_count(s), 9);
  EXPECT_EQ(group_of(s, NodeId{0}), 0);
  EXPECT_EQ(group_of(s, NodeId{7}), 0);
  EXPECT_EQ(group_of(s, NodeId{8}), 1);
}

}  // namespace
}  // namespace phoenix
