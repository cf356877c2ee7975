#include "runtime/gateway/config_schema.h"

#include "runtime/http/render.h"
#include "scenarios/schema_values.h"
#include "strategies/core/units.h"
#include "strategies/registry.h"

// Every line binds a key to a field, a parser and its bounds.

namespace phoenix::gateway {
namespace {

using schema::above;
using schema::at_least;
using schema::between;
using schema::integer;
using schema::kNotNegative;
using schema::kPositive;
using schema::Section;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr int kNodesMax = 100'000;
constexpr double kMiB = 1024.0 * 1024;

constexpr std::string_view kAddressAllowed =
    "host:port, [v6]:port or a port alone (loopback), with a port of 0 to 65535";

schema::Parser<std::size_t> size(double low, double high) {
  return [parse = schema::bytes(between(low, high))](const TomlNode& node) -> Result<std::size_t> {
    const Result<double> parsed = parse(node);
    if (!parsed) return Error{parsed.error()};
    return static_cast<std::size_t>(*parsed);
  };
}

// "" is off where `may_be_off`.
schema::Parser<std::string> address(bool may_be_off) {
  return [may_be_off](const TomlNode& node) -> Result<std::string> {
    const Result<std::string> written = schema::text()(node);
    if (!written || (may_be_off && written->empty())) return written;
    const Result<net::Address> parsed = net::Address::parse(*written);
    if (!parsed) return schema::wrong(node, kAddressAllowed);
    return parsed->text();
  };
}

Result<std::string> balancer_text(const TomlNode& node) {
  const Result<std::string> written = schema::text()(node);
  if (!written) return written;
  const Result<MadeBalancer> made = make_balancer(*written);
  if (!made) return Error{made.error()};
  return made->text;
}

Result<std::string> request_key(const TomlNode& node) {
  const Result<std::string> written = schema::text()(node);
  constexpr std::string_view kHeader = "header:";
  if (written && (written->empty() || *written == "path" || *written == "client" ||
                  (written->starts_with(kHeader) && written->size() > kHeader.size()))) {
    return written;
  }
  return schema::wrong(node, R"("", "path", "client" or "header:NAME")");
}

Result<std::string> absolute_path(const TomlNode& node) {
  const Result<std::string> written = schema::text()(node);
  if (written && written->starts_with('/') && http::is_sendable("GET", *written)) return written;
  return schema::wrong(node, "a path that begins with / and has no space or control character");
}

void read_tls(Section& s, net::TlsSettings& tls) {
  const std::string folder = s.reader().folder();
  s.field("certificate", tls.certificate, schema::readable_file(folder));
  s.field("key", tls.key, schema::readable_file(folder));
  s.field("ca", tls.ca, schema::readable_file(folder));
  s.field("server_name", tls.server_name, schema::text());
}

void read_http_limits(Section& s, HttpLimits& limits) {
  s.field("head", limits.head, size(256, kMiB));
  s.field("body", limits.body, size(0, 1024 * kMiB));
  s.field("pipelined", limits.pipelined, integer(1, 10'000));
  s.field("head_timeout", limits.head_timeout, schema::duration(kPositive));
  s.field("body_timeout", limits.body_timeout, schema::duration(kPositive));
  s.field("write_timeout", limits.write_timeout, schema::duration(kPositive));
  s.field("idle_timeout", limits.idle_timeout, schema::duration(kPositive));
  s.field("connections", limits.connections, integer(1, 10'000'000));
}

// The bounds are the knobs' own.
auto whole_knob(KnobId id) {
  const KnobInfo& info = knob_info(id);
  return integer(static_cast<int>(info.low), static_cast<int>(info.high));
}
auto bytes_knob(KnobId id) { return size(knob_info(id).low, knob_info(id).high); }
auto duration_knob(KnobId id) {
  return schema::duration({from_seconds(knob_info(id).low), from_seconds(knob_info(id).high)});
}

void read_gateway_knobs(Section& s, Knobs& knobs) {
  s.field("batch_size", knobs.batch_size, whole_knob(KnobId::kBatchSize));
  s.field("batch_delay", knobs.batch_delay, duration_knob(KnobId::kBatchDelay));
  s.field("compress_above", knobs.compress_above, bytes_knob(KnobId::kCompressAbove));
  s.field("pool_size", knobs.pool_size, whole_knob(KnobId::kPoolSize));
  s.field("http_pool_size", knobs.http_pool_size, whole_knob(KnobId::kHttpPoolSize));
  s.field("socket_buffer", knobs.socket_buffer, bytes_knob(KnobId::kSocketBuffer));
  s.field("direct_routing", knobs.direct_routing, schema::flag());
  s.field("workers", knobs.workers, whole_knob(KnobId::kWorkers));
  s.field("queue_length", knobs.queue_length, whole_knob(KnobId::kQueueLength));
  s.field("max_in_flight", knobs.max_in_flight, whole_knob(KnobId::kMaxInFlight));
  s.field("hibernate_idle", knobs.hibernate_idle, duration_knob(KnobId::kHibernateIdle));
}

void read_class(Section& s, ClassConfig& one) {
  s.required("name", one.name, schema::name());
  s.field("deadline", one.deadline, schema::duration(kPositive));
  s.field("attempt_timeout", one.attempt_timeout, schema::duration_or_inf(kPositive));
}

void read_server(Section& s, ServerConfig& server) {
  s.required("address", server.address, [](const TomlNode& node) -> Result<net::Address> {
    const Result<std::string> written = schema::text()(node);
    if (!written) return Error{written.error()};
    const Result<net::Address> parsed = net::Address::parse(*written);
    if (!parsed) return schema::wrong(node, kAddressAllowed);
    return parsed;
  });
  s.field("weight", server.weight, schema::number(above(0, 1e6)));
  s.field("zone", server.zone, schema::name());
}

void read_service(Section& s, ServiceConfig& service) {
  s.required("name", service.name, schema::name());
  s.field("protocol", service.protocol,
          schema::choice<Protocol>({{"frames", Protocol::kFrames}, {"http", Protocol::kHttp}}));
  service.balancer = make_balancer(service.balancer)->text;
  s.field("balancer", service.balancer, balancer_text);
  s.field("key", service.key, request_key);
  s.tables("class", service.classes, read_class);
  s.tables("server", service.servers, read_server);
  s.field("health_path", service.health_path, absolute_path);
  s.field("health_interval", service.health_interval,
          schema::duration({milliseconds(100), hours(1)}));
  s.field("upstream_tls", service.upstream_tls, schema::flag());
  service.is_placed =
      s.table("agents", [&](Section& t) { schema::read_agents(t, service.agents); });
  if (service.classes.empty()) service.classes.emplace_back();
}

void read_route(Section& s, RouteConfig& route) {
  s.field("host", route.host, schema::text());
  s.field("path", route.path, absolute_path);
  s.required("service", route.service, schema::text());
  s.field("class", route.request_class, schema::text());
}

void read_record(Section& s, RecordConfig& record) {
  s.field("path", record.path, schema::text());
  s.field("sample", record.sample, schema::number(between(0, 1)));
  s.field("interval", record.interval, schema::duration({milliseconds(10), hours(1)}));
  s.field("rotate_after", record.rotate_after, schema::duration(kPositive));
  s.field("keep", record.keep, integer(1, 100'000));
  s.field("buffer", record.buffer, integer(16, 10'000'000));
}

void read_provision(Section& s, ProvisionConfig& provision) {
  using By = ProvisionConfig::By;
  s.required("by", provision.by,
             schema::choice<By>({{"process", By::kProcess}, {"command", By::kCommand}}));
  s.field("group", provision.group, schema::name());
  s.field("minimum", provision.minimum, integer(0, kNodesMax));
  s.field("maximum", provision.maximum, integer(1, kNodesMax));
  s.field("cores", provision.cores, integer(0, 65'535));
  s.field("memory", provision.memory_bytes, schema::bytes(at_least(0)));
  s.field("cost", provision.cost_per_hour, schema::hourly(at_least(0)));
  s.field("boot_time", provision.boot_time, schema::duration(kNotNegative));
  s.field("ready_within", provision.ready_within, schema::duration(kPositive));
  s.field("arguments", provision.arguments, schema::texts());
  s.field("command", provision.command, schema::texts());
  s.field("command_timeout", provision.command_timeout, schema::duration(kPositive));
}

}  // namespace

void read_gateway_config(Section& s, GatewayConfig& config) {
  s.field("name", config.name, schema::name());
  s.field("threads", config.threads, integer(0, 1024));
  s.field("zone", config.zone, schema::name());
  s.field("gateway_zones", config.gateway_zones, schema::names());
  s.field("http", config.http, address(true));
  s.field("frames", config.frames, address(true));
  s.field("admin", config.admin, address(true));
  s.field("allow_public", config.allow_public, schema::flag());
  s.field("token_file", config.token_file, schema::readable_file(s.reader().folder()));
  s.table("tls", [&](Section& t) { read_tls(t, config.tls); });
  s.table("upstream_tls", [&](Section& t) { read_tls(t, config.upstream_tls); });
  s.field("forwarded_for", config.forwarded_for, schema::flag());
  s.field("trust_forwarded", config.trust_forwarded, schema::flag());
  s.field("drain_grace", config.drain_grace, schema::duration(kNotNegative));
  s.field("forget_node", config.forget_node, schema::duration(kPositive));
  s.field("max_nodes", config.max_nodes, integer(1, 1'000'000));
  s.table("http_limits", [&](Section& t) { read_http_limits(t, config.http_limits); });
  s.table("router", [&](Section& t) { schema::read_router(t, config.router); });
  s.table("knobs", [&](Section& t) { read_gateway_knobs(t, config.knobs); });
  s.tables("service", config.services, read_service);
  s.tables("route", config.routes, read_route);
  s.table("record", [&](Section& t) { read_record(t, config.record); });
  s.table("control", [&](Section& t) { schema::read_control(t, config.control); });
  schema::read_alerts(s, config.alerts);
  s.table("targets", [&](Section& t) { schema::read_targets(t, config.targets); });
  s.table("strategies", [&](Section& t) { schema::read_control_strategies(t, config.strategies); });
  s.table("provision", [&](Section& t) { read_provision(t, config.provision); });
  s.field("settle", config.settle, schema::duration(kNotNegative));
  s.field("lab", config.lab, schema::flag());
}

}  // namespace phoenix::gateway
