#include "scenarios/schema.h"

#include "scenarios/schema_values.h"
#include "strategies/core/units.h"
#include "strategies/registry.h"

// Every line binds a key to a field, a parser and its bounds.

namespace phoenix::schema {
namespace {

constexpr std::int64_t kMany = 1'000'000;  // nodes, users, queue places: more is a slip of the pen
constexpr double kBytesMax = 1e15;
constexpr double kBandwidthMax = 1e15;
constexpr auto kSeconds = Distribution::Unit::kSeconds;
constexpr auto kBytes = Distribution::Unit::kBytes;

void read_group(Section& s, NodeGroup& group) {
  s.required("name", group.name, name());
  s.field("count", group.count, integer(1, kMany));
  s.field("minimum", group.minimum, integer(1, kMany));
  s.field("maximum", group.maximum, integer(1, kMany));
  s.field("cores", group.cores, integer(1, 4096));
  s.field("speed", group.speed, number(above(0, 1e6)));
  s.field("memory", group.memory_bytes, bytes(above(0, kBytesMax)));
  s.field("network", group.bandwidth, bandwidth(above(0, kBandwidthMax)));
  s.field("latency", group.latency, duration(kNotNegative));
  s.field("zone", group.zone, name());
  s.field("nodes_per_rack", group.nodes_per_rack, integer(1, kMany));
  s.field("boot_time", group.boot_time, distribution(kSeconds, s.reader().folder()));
  s.field("cost", group.cost_per_hour, hourly(at_least(0)));
  s.field("weight", group.weight, number(above(0, 1e6)));
  s.field("services", group.services, names());
}

void read_cluster(Section& s, Cluster& cluster) {
  s.tables("group", cluster.groups, read_group);
  s.field("rack_bandwidth", cluster.rack_bandwidth, bandwidth(above(0, kBandwidthMax)));
  s.field("rack_latency", cluster.rack_latency, duration(kNotNegative));
  s.field("zone_bandwidth", cluster.zone_bandwidth, bandwidth(above(0, kBandwidthMax)));
  s.field("zone_latency", cluster.zone_latency, duration(kNotNegative));
  s.field("jitter", cluster.jitter, distribution(kSeconds, s.reader().folder()));
  s.field("flow_above", cluster.flow_above_bytes, bytes(at_least(0, kBytesMax)));
  s.field("message_overhead", cluster.message_overhead_bytes, bytes(at_least(0, kBytesMax)));
  s.field("compress_speed", cluster.compress_speed, bandwidth(above(0, kBandwidthMax)));
  s.field("decompress_speed", cluster.decompress_speed, bandwidth(above(0, kBandwidthMax)));
  s.field("connection_memory", cluster.connection_memory_bytes, bytes(at_least(0, kBytesMax)));
  s.field("paging", cluster.paging, number(at_least(0, 1e6)));
}

void read_gateway(Section& s, Gateway& gateway) {
  s.field("count", gateway.count, integer(1, 10'000));
  s.field("cores", gateway.cores, integer(1, 4096));
  s.field("cpu_per_message", gateway.cpu_per_message, duration(kNotNegative));
  s.field("cpu_per_frame", gateway.cpu_per_frame, duration(kNotNegative));
  s.field("backlog", gateway.backlog, integer(0, 1'000'000'000));
  s.field("zone", gateway.zone, name());
  s.field("zones", gateway.zones, names());
  s.field("network", gateway.bandwidth, bandwidth(above(0, kBandwidthMax)));
  s.field("latency", gateway.latency, duration(kNotNegative));
}

void read_reports(Section& s, Reports& reports) {
  s.field("interval", reports.interval, duration(kNotNegative));
  s.field("piggyback", reports.piggyback, flag());
}

void read_class(Section& s, RequestClass& one) {
  s.required("name", one.name, name());
  s.field("share", one.share, number(at_least(0, 1e9)));
  s.field("work", one.work, distribution(kSeconds, s.reader().folder()));
  s.field("request", one.request_bytes, distribution(kBytes, s.reader().folder()));
  s.field("response", one.response_bytes, distribution(kBytes, s.reader().folder()));
  s.field("deadline", one.deadline, duration(kPositive));
  s.field("attempt_timeout", one.attempt_timeout, duration_or_inf(kPositive));
  s.field("memory", one.memory_bytes, bytes(at_least(0, kBytesMax)));
  s.field("repeatable", one.repeatable, flag());
  s.field("compression", one.compression, number(above(0, 1e6)));
}

void read_service(Section& s, Service& service) {
  s.required("name", service.name, name());
  s.field("discipline", service.discipline,
          choice<Discipline>({{"ps", Discipline::kProcessorSharing}, {"fifo", Discipline::kFifo}}));
  s.field("queue", service.queue, integer(0, 1'000'000'000));
  s.field("memory", service.memory_bytes, bytes(at_least(0, kBytesMax)));
  service.is_placed = s.table("agents", [&](Section& t) {
    read_agents(t, service.placed);
    t.field("start_time", service.placed.start_time, duration(kNotNegative));
  });
  s.field("protocol", service.protocol,
          choice<WireProtocol>({{"frames", WireProtocol::kFrames}, {"http", WireProtocol::kHttp}}));
  s.field("agent_memory", service.agent_memory_bytes, bytes(at_least(0, kBytesMax)));
  s.field("cold_start", service.cold_start, duration(kNotNegative));
  s.field("wake_time", service.wake_time, duration(kNotNegative));
  s.field("cache_keys", service.cache_keys, integer(0, 10'000'000));
  s.field("miss_work", service.miss_work, duration(kNotNegative));
  s.tables("class", service.classes, read_class);
}

Result<std::string> balancer_in_full(std::string_view written) {
  const Result<MadeBalancer> made = make_balancer(written);
  if (!made) return Error{made.error()};
  return made->text;
}

void read_strategies(Section& s, Strategies& strategies) {
  s.field("balancer", strategies.balancer, [](const TomlNode& node) -> Result<std::string> {
    const Result<std::string> written = text()(node);
    return written ? balancer_in_full(*written) : written;
  });
  read_control_strategies(s, strategies.control);
}

void read_transfer(Section& s, Transfer& transfer) {
  s.required("name", transfer.name, name());
  s.required("from", transfer.from, text());
  s.required("to", transfer.to, text());
  s.required("size", transfer.bytes, bytes(above(0, kBytesMax)));
  s.field("start", transfer.start, duration(kNotNegative));
  s.field("every", transfer.every, duration(kNotNegative));
  s.field("count", transfer.count, integer(1, kMany));
}

using Requests = RecordSettings::Requests;

Result<std::pair<Requests, double>> requests_and_share(const TomlNode& node) {
  const Call call = split_call(node.text);
  const double unused = RecordSettings{}.sample;
  if (call.name == "none" && call.arguments.empty()) return std::pair{Requests::kNone, unused};
  if (call.name == "all" && call.arguments.empty()) return std::pair{Requests::kAll, unused};
  if (call.name == "sample" && call.arguments.size() == 1) {
    const Result<double> share = parse_number(call.arguments[0]);
    if (share && *share > 0 && *share <= 1) return std::pair{Requests::kSample, *share};
  }
  return wrong(node, "\"none\", \"all\" or \"sample(SHARE)\" with a share above 0, up to 1");
}

void read_record(Section& s, RecordSettings& record) {
  std::pair<Requests, double> requests{record.requests, record.sample};
  s.field("requests", requests, requests_and_share);
  record.requests = requests.first;
  record.sample = requests.second;
  s.field("interval", record.interval, duration({std::chrono::milliseconds(1), kLongest}));
  s.field("nodes", record.nodes, flag());
}

}  // namespace

void read_router(Section& s, RouterSettings& router) {
  s.field("max_in_flight", router.max_in_flight, integer(1, 100'000'000));
  s.field("queue", router.queue, integer(0, 100'000'000));
  s.field("max_in_flight_per_node", router.max_in_flight_per_node, integer(0, 100'000'000));
  s.field("concurrency_limit_max", router.concurrency_limit_max, number(at_least(0, 1e8)));
  s.field("concurrency_limit_min", router.concurrency_limit_min, number(at_least(1, 1e8)));
  s.field("breaker_failures", router.breaker_failures, number(between(0, 1)));
  s.field("breaker_window", router.breaker_window, integer(1, 1'000'000));
  s.field("breaker_rest", router.breaker_rest, duration(kPositive));
  s.field("breaker_trials", router.breaker_trials, integer(1, 1'000'000));
  s.field("throttle_factor", router.throttle_factor, number(at_least(0, 1'000)));
  s.field("retries", router.retries, integer(0, 100));
  s.field("retry_backoff", router.retry_backoff, duration(kNotNegative));
  s.field("retry_backoff_max", router.retry_backoff_max, duration(kNotNegative));
  s.field("retry_budget", router.retry_budget, number(at_least(0, 100)));
  s.field("retry_reserve_per_s", router.retry_reserve_per_s, number(at_least(0, 1e9)));
  s.field("hedge_quantile", router.hedge_quantile, number(between(0, 0.9999)));
  s.field("hedge_min", router.hedge_min, duration(kNotNegative));
  s.field("hedge_max", router.hedge_max, duration_or_inf(kPositive));
  s.field("hedge_max_utilization", router.hedge_max_utilization, number(between(0, 1)));
  s.field("consecutive_errors", router.consecutive_errors, integer(0, 1'000'000));
  s.field("success_rate_stdevs", router.success_rate_stdevs, number(at_least(0, 100)));
  s.field("success_rate_nodes", router.success_rate_nodes, integer(1, kMany));
  s.field("success_rate_requests", router.success_rate_requests, integer(1, 1'000'000'000));
  s.field("ejection_interval", router.ejection_interval, duration(kPositive));
  s.field("ejection_time", router.ejection_time, duration(kPositive));
  s.field("ejection_time_max", router.ejection_time_max, duration(kPositive));
  s.field("max_ejected_share", router.max_ejected_share, number(between(0, 1)));
  s.field("panic_threshold", router.panic_threshold, number(between(0, 1)));
  s.field("panic_leave", router.panic_leave, number(between(0, 1)));
  s.field("slow_start", router.slow_start, duration(kNotNegative));
  s.field("slow_start_min", router.slow_start_min, number(above(0, 1)));
  s.field("report_timeout", router.report_timeout, duration(kNotNegative));
}

void read_scenario(Section& s, Scenario& scenario) {
  s.field("name", scenario.name, name());
  s.field("description", scenario.description, text());
  s.field("duration", scenario.duration, duration(kPositive));
  s.field("warmup", scenario.warmup, duration(kNotNegative));
  s.field("seed", scenario.seed, integer(0, std::numeric_limits<std::int64_t>::max()));
  s.field("replication", scenario.replication,
          integer(0, std::numeric_limits<std::uint32_t>::max()));
  s.field("fidelity", scenario.fidelity,
          choice<Fidelity>({{"request", Fidelity::kRequest}, {"flow", Fidelity::kFlow}}));
  s.field("final_heal", scenario.final_heal, flag());
  s.table("cluster", [&](Section& t) { read_cluster(t, scenario.cluster); });
  s.table("gateway", [&](Section& t) { read_gateway(t, scenario.gateway); });
  s.table("reports", [&](Section& t) { read_reports(t, scenario.reports); });
  s.tables("service", scenario.services, read_service);
  s.table("workload", [&](Section& t) { read_workload(t, scenario.workload); });
  s.table("router", [&](Section& t) { read_router(t, scenario.router); });
  scenario.strategies.balancer = *balancer_in_full(scenario.strategies.balancer);
  s.table("strategies", [&](Section& t) { read_strategies(t, scenario.strategies); });
  s.table("control", [&](Section& t) { read_control(t, scenario.control); });
  read_alerts(s, scenario.alerts);
  s.tables("command", scenario.commands, read_command);
  s.table("agent_arrivals", [&](Section& t) { read_agent_arrivals(t, scenario.agent_arrivals); });
  load_agents(s, scenario);
  s.table("knobs", [&](Section& t) { read_knobs(t, scenario.knobs); });
  s.table("targets", [&](Section& t) { read_targets(t, scenario.targets); });
  s.tables("fault", scenario.faults, read_fault);
  name_faults(scenario.faults);
  s.tables("transfer", scenario.transfers, read_transfer);
  s.table("record", [&](Section& t) { read_record(t, scenario.record); });
}

}  // namespace phoenix::schema
