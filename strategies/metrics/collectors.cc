#include "strategies/metrics/collectors.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace phoenix {
namespace {

// Records what is known; the first refusal is the collector's failure.
class Recorder {
 public:
  Recorder(MetricStore& store, Time now) : store_(store), now_(now) {}

  void record(std::string_view name, double value) {
    if (std::isnan(value)) return;
    if (const Status done = store_.record_metric(name, value, now_); !done) fail(done.error());
  }
  void merge(std::string_view name, const Histogram& values) {
    if (const Status done = store_.merge(name, values, now_); !done) fail(done.error());
  }

  Result<CollectState> verdict() const {
    if (!error_.empty()) return Error{error_};
    return CollectState::kDone;
  }

 private:
  void fail(const std::string& error) {
    if (error_.empty()) error_ = error;
  }

  MetricStore& store_;
  Time now_;
  std::string error_;
};

// Gateways see every request; without them nodes tell what they served.
double seen_first(double by_gateways, double by_nodes) {
  return std::isnan(by_gateways) ? by_nodes : by_gateways;
}

Result<CollectState> collect_agent_performance(const CollectView& view, MetricStore& store) {
  Recorder out(store, view.now);
  if (view.responses != nullptr && view.responses->count() > 0) {
    out.merge(metric::kResponseTime, *view.responses);
    out.record(metric::kResponseP50, to_seconds(view.responses->quantile(0.5)));
    out.record(metric::kResponseP95, to_seconds(view.responses->quantile(0.95)));
    out.record(metric::kResponseP99, to_seconds(view.responses->quantile(0.99)));
  }
  out.record(metric::kThroughput,
             seen_first(view.gateways.throughput, view.nodes.throughput.value));
  out.record(metric::kErrorRate, seen_first(view.gateways.error_rate, view.nodes.error_rate.value));
  return out.verdict();
}

Result<CollectState> collect_system_resources(const CollectView& view, MetricStore& store) {
  Recorder out(store, view.now);
  out.record(metric::kCpu, view.nodes.cpu.value);
  out.record(metric::kMemory, view.nodes.memory.value);
  out.record(metric::kNetwork, view.nodes.network.value);
  out.record(metric::kDisk, view.nodes.disk.value);
  out.record(metric::kMissingReadings, view.nodes.missing());
  return out.verdict();
}

Result<CollectState> collect_cluster_health(const CollectView& view, MetricStore& store) {
  Recorder out(store, view.now);
  out.record(metric::kAvailability,
             seen_first(view.gateways.availability, view.nodes.availability.value));
  out.record(metric::kActiveNodes, view.nodes.active_nodes);
  out.record(metric::kUnhealthyNodes, view.nodes.unhealthy_nodes);
  out.record(metric::kUnreachableNodes, view.nodes.stale_nodes);
  out.record(metric::kMembershipAgreement, view.gateways.agreement);
  return out.verdict();
}

Result<CollectState> collect_application(const CollectView& view, MetricStore& store) {
  Recorder out(store, view.now);
  out.record(metric::kAgents, view.nodes.agents.value);
  out.record(metric::kArrivalRate, view.gateways.arrival_rate);
  out.record(metric::kInFlight, view.gateways.in_flight);
  out.record(metric::kScalingTime, view.scaling_time);
  return out.verdict();
}

Result<CollectState> collect_infrastructure(const CollectView& view, MetricStore& store) {
  Recorder out(store, view.now);
  const double throughput = seen_first(view.gateways.throughput, view.nodes.throughput.value);
  out.record(metric::kQueueLength, view.nodes.queue.value);
  // An idle cluster shows nothing of what it could process.
  if (throughput > 0) out.record(metric::kProcessingRate, throughput);
  out.record(metric::kRejectedRate, view.gateways.rejected_rate);
  out.record(metric::kRetryRate, view.gateways.retry_rate);
  out.record(metric::kEjectedNodes, view.gateways.ejected_nodes);
  return out.verdict();
}

}  // namespace

Collectors::Collectors(Duration timeout) : timeout_(timeout) {
  using enum MetricCategory;
  const std::pair<MetricCategory, CollectFunction> standard[] = {
      {kAgentPerformance, collect_agent_performance},
      {kSystemResources, collect_system_resources},
      {kClusterHealth, collect_cluster_health},
      {kApplication, collect_application},
      {kInfrastructure, collect_infrastructure}};
  for (const auto& [category, collect] : standard) {
    status_.push_back({std::string(to_text(category)), category, 0, 0, 0, 0, ""});
    work_.push_back({collect, kNever});
  }
}

Status Collectors::add(std::string name, MetricCategory category, CollectFunction collect) {
  for (const CollectorStatus& known : status_) {
    if (known.name == name) return Error{"collector \"" + name + "\" is there already"};
  }
  status_.push_back({std::move(name), category, 0, 0, 0, 0, ""});
  work_.push_back({std::move(collect), kNever});
  return success();
}

void Collectors::note(std::size_t i, const std::string& error) {
  ++status_[i].failures;
  status_[i].last_error = error;
}

void Collectors::collect(const CollectView& view, MetricStore& store) {
  for (std::size_t i = 0; i < work_.size(); ++i) {
    Work& work = work_[i];
    if (work.running_since != kNever) {
      if (view.now - work.running_since < timeout_) {
        ++status_[i].skipped;
        continue;
      }
      ++status_[i].timed_out;
      work.running_since = kNever;
    }
    ++status_[i].runs;
    const Result<CollectState> state = work.collect(view, store);
    if (!state) {
      note(i, state.error());
    } else if (*state == CollectState::kRunning) {
      work.running_since = view.now;
    }
  }
}

void Collectors::finished(std::string_view name, const Status& how) {
  for (std::size_t i = 0; i < work_.size(); ++i) {
    if (status_[i].name != name || work_[i].running_since == kNever) continue;
    work_[i].running_since = kNever;
    if (!how) note(i, how.error());
  }
}

void collect_cluster(ClusterReadings& readings, Collectors& collectors, MetricStore& store,
                     Time now, Duration stale_after, double scaling_time) {
  CollectView view;
  view.now = now;
  view.nodes = aggregate(readings.nodes(), now, stale_after);
  view.gateways = readings.take_interval(now, stale_after);
  view.responses = &readings.responses();
  view.scaling_time = scaling_time;
  store.advance(now);
  collectors.collect(view, store);
}

}  // namespace phoenix
