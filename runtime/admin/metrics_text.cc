#include "runtime/admin/metrics_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <prometheus/text_serializer.h>

#include "runtime/admin/status_json.h"
#include "scenarios/version.h"
#include "strategies/control/status.h"

namespace phoenix::admin {
namespace {

using gateway::ClassStatus;
using gateway::GatewayStatus;
using gateway::NodeState;
using gateway::NodeStatus;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Labels = std::vector<ClientMetric::Label>;

constexpr std::array kLatencyBounds_s = {0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                         0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0,  30.0};

// Names of nodes come from the wire; Prometheus takes nothing but UTF-8.
std::string utf8(const std::string& text) {
  return nlohmann::json::parse(json_text(text)).get<std::string>();
}

class Families {
 public:
  explicit Families(std::vector<MetricFamily>& families) : families_(families) {}

  // A new family; what add() is given goes there.
  Families& counter(const std::string& name, const std::string& help) {
    return begin(name + "_total", help, MetricType::Counter);
  }
  Families& gauge(const std::string& name, const std::string& help) {
    return begin(name, help, MetricType::Gauge);
  }
  Families& histogram(const std::string& name, const std::string& help) {
    return begin(name, help, MetricType::Histogram);
  }

  template <class Number>
  Families& add(Labels labels, Number number) {
    const auto value = static_cast<double>(number);
    ClientMetric& metric = next(std::move(labels));
    metric.counter.value = value;
    metric.gauge.value = value;
    return *this;
  }
  template <class Number>
  Families& add(Number number) {
    return add(Labels{}, number);
  }
  Families& add_known(Labels labels, double value) {
    return std::isfinite(value) ? add(std::move(labels), value) : *this;
  }
  ClientMetric& next(Labels labels) {
    ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    return metric;
  }

 private:
  Families& begin(const std::string& name, const std::string& help, MetricType type) {
    families_.push_back({"phoenix_gateway_" + name, help, type, {}});
    return *this;
  }

  std::vector<MetricFamily>& families_;
};

void add_process(Families& f, const GatewayStatus& status) {
  f.gauge("build_info", "What is running; always 1")
      .add({{"version", kVersion}, {"revision", kSourceRevision}}, 1);
  f.gauge("uptime_seconds", "Time since the gateway started")
      .add(to_seconds(status.now - status.started));
  f.gauge("threads", "Threads that serve requests").add(status.threads);
  f.gauge("draining", "1 while it answers what is under way and takes no more")
      .add(status.draining ? 1 : 0);
  f.counter("config_reloads", "Times the configuration was read again")
      .add({{"result", "ok"}}, status.reloads)
      .add({{"result", "failed"}}, status.reloads_failed);
  f.counter("records_written", "Rows of the run record").add(status.records_written);
  f.counter("records_dropped", "Rows the run record had no room for").add(status.records_dropped);
  f.gauge("record_failed", "1 while the run record cannot be written")
      .add(status.record_error.empty() ? 0 : 1);
}

// Cumulative, as the format wants it.
void fill(ClientMetric::Histogram& out, const Histogram& latency) {
  out.sample_count = latency.count();
  out.sample_sum = latency.mean_seconds() * static_cast<double>(latency.count());
  std::uint64_t seen = 0;
  std::size_t next = 0;
  for (const double bound : kLatencyBounds_s) {
    const std::size_t last = Histogram::bucket_of(static_cast<std::uint64_t>(bound * 1e9));
    for (; next <= last; ++next) seen += latency.bucket_count(next);
    out.bucket.push_back({seen, bound});
  }
}

void add_requests(Families& f, const GatewayStatus& status) {
  f.counter("requests_received", "Requests accepted from clients");
  for (const ClassStatus& one : status.classes) {
    f.add({{"service", one.service}, {"class", one.name}}, one.offered);
  }
  f.counter("requests", "Requests answered, by result");
  for (const ClassStatus& one : status.classes) {
    for (std::size_t i = 0; i < one.answers.size(); ++i) {
      const std::string_view result =
          i == 0 ? "ok" : phoenix::to_text(static_cast<FailureReason>(i));
      f.add({{"service", one.service}, {"class", one.name}, {"result", std::string(result)}},
            one.answers[i]);
    }
  }
  f.histogram("request_duration_seconds",
              "From a request's arrival to its answer, of requests answered well");
  for (const ClassStatus& one : status.classes) {
    fill(f.next({{"service", one.service}, {"class", one.name}}).histogram, one.latency);
  }
  f.gauge("requests_in_progress", "Requests accepted and not answered").add(status.open_requests);
  f.gauge("service_panic", "1 while so few nodes are healthy that health is ignored");
  for (const gateway::ServiceStatus& service : status.services) {
    f.add({{"service", service.name}}, service.panic ? 1 : 0);
  }
}

void add_router(Families& f, const GatewayStatus& status) {
  const RouterCounters& router = status.router;
  const auto add = [&f](const char* name, const char* help, std::uint64_t count) {
    f.counter(name, help).add(count);
  };
  add("attempts", "Sent to nodes: first ones, retries and second copies", router.attempts);
  add("retries", "Attempts after a failed one", router.retries);
  add("retries_denied", "Retries wanted, but over the budget", router.retries_denied);
  add("hedges", "Second copies of slow requests", router.hedges);
  add("hedges_won", "Second copies that answered first", router.hedges_won);
  add("hedges_denied", "Second copies wanted, but over budget or utilization, or no other node",
      router.hedges_denied);
  add("late_results", "Results nobody waited for any more", router.late_results);
  add("attempt_timeouts", "Attempts given up before their result", router.timed_out_attempts);
  add("requests_queued", "Requests that waited at the limit of requests under way", router.queued);
  add("panic_picks", "Choices made with health ignored", router.panic_picks);
  add("ejections", "Nodes taken out because they failed", router.ejections);
  add("probes", "Load reports that balancers wished for", router.probes);
  add("probes_unsent", "Of those: could not be asked for", status.probes_unsent);
}

void add_node_state(Families& f, const std::vector<NodeStatus>& nodes) {
  f.gauge("node_state", "1 for the state a node is in, 0 for the others");
  for (const NodeStatus& node : nodes) {
    for (const NodeState state : {NodeState::kUp, NodeState::kDown, NodeState::kDraining}) {
      f.add({{"node", utf8(node.name)}, {"state", std::string(to_text(state))}},
            node.state == state ? 1 : 0);
    }
  }
  f.gauge("node_ejected", "1 while a thread has taken the node out");
  for (const NodeStatus& node : nodes) f.add({{"node", utf8(node.name)}}, node.ejected ? 1 : 0);
}

void add_nodes(Families& f, const GatewayStatus& status) {
  add_node_state(f, status.nodes);
  const auto each = [&](auto value) {
    for (const NodeStatus& node : status.nodes) {
      f.add_known({{"node", utf8(node.name)}}, static_cast<double>(value(node)));
    }
  };
  const auto gauge = [&](const char* name, const char* help, auto value) {
    f.gauge(name, help);
    each(value);
  };
  const auto counter = [&](const char* name, const char* help, auto value) {
    f.counter(name, help);
    each(value);
  };
  counter("node_attempts", "Attempts sent", [](const auto& n) { return n.attempts; });
  counter("node_attempt_failures", "Attempts that did not end well",
          [](const auto& n) { return n.failures; });
  gauge("node_attempts_in_progress", "Attempts under way",
        [](const auto& n) { return n.under_way; });
  gauge("node_connections", "Connections to the node", [](const auto& n) { return n.connections; });
  counter("node_dials_failed",
          "Connections to the node that did not come about, and failed health checks",
          [](const auto& n) { return n.dials_failed; });
  gauge("node_cores", "Cores the node says it has", [](const auto& n) { return n.cores; });
  gauge("node_cpu_ratio", "Share of core time in use", [](const auto& n) { return n.load.cpu; });
  gauge("node_memory_ratio", "Share of memory in use", [](const auto& n) { return n.load.memory; });
  gauge("node_network_ratio", "Share of bandwidth in use, the busier direction",
        [](const auto& n) { return n.load.network; });
  gauge("node_queue_length", "Requests waiting at the node",
        [](const auto& n) { return n.load.queue_length; });
  gauge("node_requests_in_service", "Requests the node is at work on",
        [](const auto& n) { return n.load.in_service; });
  gauge("node_report_age_seconds", "Time since the newest load report",
        [now = status.now](const auto& n) {
          return n.reported_at == kStart ? std::nan("") : to_seconds(now - n.reported_at);
        });
  counter("node_requests_completed", "As the node counts them",
          [](const auto& n) { return n.totals.completed; });
  counter("node_requests_refused", "As the node counts them",
          [](const auto& n) { return n.totals.refused; });
  counter("node_busy_seconds", "Core time spent at work",
          [](const auto& n) { return n.totals.busy_core_ns * 1e-9; });
  counter("node_network_bytes", "Through the node's sockets, the busier direction",
          [](const auto& n) { return n.totals.bytes; });
  gauge("node_memory_bytes", "Memory the node uses",
        [](const auto& n) { return n.totals.memory_bytes; });
}

void add_connections(Families& f, const GatewayStatus& status) {
  const auto all = [&](auto value) {
    f.add({{"listener", "http"}}, value(status.http_listener));
    f.add({{"listener", "frames"}}, value(status.frame_listener));
    f.add({{"listener", "admin"}}, value(status.admin_listener));
  };
  f.gauge("connections", "Open connections of clients, nodes and operators");
  all([](const net::ListenCounters& c) { return c.open; });
  f.counter("connections_accepted", "Connections taken");
  all([](const net::ListenCounters& c) { return c.accepted; });
  f.counter("connections_refused", "Connections over the limit, or without a file descriptor");
  all([](const net::ListenCounters& c) { return c.refused; });
  f.counter("tls_handshake_failures", "Connections whose TLS handshake failed");
  all([](const net::ListenCounters& c) { return c.handshake_failed; });
}

void add_protocols(Families& f, const GatewayStatus& status) {
  f.counter("http_requests", "HTTP requests handed to the router").add(status.http.requests);
  f.counter("http_timeouts", "HTTP clients that were too slow").add(status.http.timeouts);
  f.counter("http_refused", "HTTP requests the gateway answered itself, by reason");
  for (const auto& [reason, count] : status.http.refused) f.add({{"reason", reason}}, count);
  const wire::LinkCounters& links = status.links;
  f.counter("frames_received", "Frames from clients and nodes").add(links.frames_in);
  f.counter("frames_sent", "Frames to clients and nodes").add(links.frames_out);
  f.counter("frame_batches_sent", "Batches of frames to clients and nodes").add(links.batches_out);
  f.counter("frame_compression_saved_bytes", "Bytes not sent thanks to compression")
      .add(links.compressed_saved_bytes);
  f.counter("frame_errors", "Connections ended by a malformed frame, by reason");
  for (std::size_t i = 1; i < links.errors.size(); ++i) {
    const auto error = static_cast<wire::FrameError>(i);
    f.add({{"reason", std::string(wire::to_text(error))}}, links.errors[i]);
  }
  f.counter("frame_peers_refused", "Peers turned away, by reason");
  for (const auto& [reason, count] : status.frames_refused) f.add({{"reason", reason}}, count);
}

void add_pools(Families& f, const std::vector<ScalingStatus>& pools) {
  f.gauge("pool_nodes", "Nodes of a group that scales, by state");
  for (const ScalingStatus& pool : pools) {
    f.add({{"pool", pool.pool}, {"state", "ready"}}, pool.ready);
    f.add({{"pool", pool.pool}, {"state", "provisioning"}}, pool.provisioning);
    f.add({{"pool", pool.pool}, {"state", "draining"}}, pool.draining);
  }
  const auto each = [&](auto value) {
    for (const ScalingStatus& pool : pools) f.add_known({{"pool", pool.pool}}, value(pool));
  };
  f.gauge("pool_nodes_wanted", "How many nodes the group should have");
  each([](const ScalingStatus& pool) { return pool.desired; });
  f.gauge("pool_maximum_reached", "1 while more nodes are wished for than are allowed");
  each([](const ScalingStatus& pool) { return pool.maximum_reached ? 1 : 0; });
  f.gauge("pool_rate_expected", "Requests a second foreseen for when a new node could serve");
  each([](const ScalingStatus& pool) { return pool.forecast_mean; });
  const auto counter = [&](const char* name, const char* help, auto count) {
    f.counter(name, help);
    each([&](const ScalingStatus& pool) { return static_cast<double>(count(pool.counters)); });
  };
  counter("pool_nodes_started", "Nodes that came up", [](const auto& c) { return c.started; });
  counter("pool_nodes_stopped", "Nodes that went", [](const auto& c) { return c.stopped; });
  counter("pool_starts_failed", "Nodes that did not come up",
          [](const auto& c) { return c.failed_starts; });
  counter("pool_evaluations", "Times the policies were asked",
          [](const auto& c) { return c.evaluations; });
  counter("pool_metrics_missing", "Wishes that could not be made for want of a metric",
          [](const auto& c) { return c.missing_metrics; });
}

void add_control(Families& f, const ControllerStatus& control) {
  f.counter("control_decisions", "Decisions of the control plane").add(control.decisions);
  f.gauge("control_metric", "What the control plane goes by, in base units");
  for (const NamedMetric& metric : control.performance.current_metrics) {
    f.add_known({{"metric", metric.name}}, metric.point.value);
  }
  f.gauge("control_target_compliance_ratio", "How well each target is met");
  for (const TargetStatus& target : control.performance.targets) {
    f.add_known({{"target", target.reading.name}}, target.verdict.compliance);
  }
  f.gauge("alerts", "Alerts that ring, by level");
  for (const AlertLevel level : {AlertLevel::kWarning, AlertLevel::kCritical}) {
    f.add({{"level", std::string(phoenix::to_text(level))}},
          std::ranges::count(control.alerts, level, &ActiveAlert::level));
  }
  f.counter("tuning_trials", "Turns of knobs that were tried, by what came of them")
      .add({{"result", "kept"}}, control.tuning.kept)
      .add({{"result", "undone"}}, control.tuning.undone)
      .add({{"result", "void"}}, control.tuning.voided);
  const PlacementStatus& placement = control.placement;
  f.gauge("agents", "Agents that are placed on nodes, by state")
      .add({{"state", "placed"}}, placement.total_agents)
      .add({{"state", "moving"}}, placement.moving_agents)
      .add({{"state", "waiting"}}, placement.waiting_agents);
  f.counter("agent_starts", "Agents started on a node").add(placement.placed);
  f.counter("agents_lost", "Agents that ended with their node").add(placement.lost);
  f.counter("agent_moves", "Moves of agents between nodes that ended, by result")
      .add({{"result", "done"}}, placement.moves)
      .add({{"result", "failed"}}, placement.moves_failed);
  add_pools(f, control.scaling);
}

}  // namespace

std::string metrics_text(const GatewayStatus& status) {
  std::vector<MetricFamily> families;
  Families f(families);
  add_process(f, status);
  add_requests(f, status);
  add_router(f, status);
  add_nodes(f, status);
  add_connections(f, status);
  add_protocols(f, status);
  if (status.control) add_control(f, *status.control);
  std::erase_if(families, [](const MetricFamily& family) { return family.metric.empty(); });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace phoenix::admin
