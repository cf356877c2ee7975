#include "strategies/metrics/cluster_metrics.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace phoenix {
namespace {

class WeightedMean {
 public:
  void add(double value, double weight) {
    if (std::isnan(value) || !(weight > 0)) {
      ++result_.missing;
      return;
    }
    ++result_.nodes;
    sum_ += value * weight;
    weights_ += weight;
  }
  Aggregate result() const {
    Aggregate result = result_;
    if (result.nodes > 0) result.value = sum_ / weights_;
    return result;
  }

 private:
  Aggregate result_;
  double sum_ = 0;
  double weights_ = 0;
};

void add_to_sum(Aggregate& sum, double value) {
  if (std::isnan(value)) {
    ++sum.missing;
    return;
  }
  sum.value = sum.nodes == 0 ? value : sum.value + value;
  ++sum.nodes;
}

// A share of all requests of the cluster; unknown where there were none.
Aggregate share(double part, double requests, const Aggregate& counted) {
  Aggregate result = counted;
  result.value = requests > 0 ? part / requests : std::numeric_limits<double>::quiet_NaN();
  return result;
}

}  // namespace

int ClusterMetrics::missing() const {
  return cpu.missing + memory.missing + network.missing + disk.missing + throughput.missing +
         queue.missing + error_rate.missing + agents.missing;
}

ClusterMetrics aggregate(std::span<const NodeReading> nodes, Time now, Duration stale_after) {
  ClusterMetrics cluster;
  WeightedMean cpu, memory, network, disk;
  Aggregate counted;
  double requests = 0;
  double failures = 0;
  for (const NodeReading& node : nodes) {
    if (node.measured_at == kNever || now - node.measured_at > stale_after) {
      ++cluster.stale_nodes;
      continue;
    }
    cluster.oldest = std::max(cluster.oldest, now - node.measured_at);
    const NodeMetrics& m = node.metrics;
    if (node.is_healthy) {
      ++cluster.active_nodes;
      cpu.add(m.cpu_utilization, node.cores);
      memory.add(m.memory_utilization, node.memory_bytes);
      network.add(m.network_utilization, node.bandwidth);
      disk.add(m.disk_utilization, 1);
    } else {
      ++cluster.unhealthy_nodes;
    }
    add_to_sum(cluster.throughput, m.throughput);
    add_to_sum(cluster.queue, m.message_queue_length);
    add_to_sum(cluster.agents, m.agent_count);
    if (std::isnan(node.requests) || std::isnan(node.failures)) {
      ++counted.missing;
      continue;
    }
    ++counted.nodes;
    requests += node.requests;
    failures += node.failures;
  }
  cluster.cpu = cpu.result();
  cluster.memory = memory.result();
  cluster.network = network.result();
  cluster.disk = disk.result();
  cluster.error_rate = share(failures, requests, counted);
  cluster.availability = share(requests - failures, requests, counted);
  return cluster;
}

double availability_of(int k, std::span<const double> node_availability) {
  // up[j]: the chance that exactly j of the nodes seen so far are up.
  std::vector<double> up(node_availability.size() + 1, 0.0);
  up[0] = 1;
  std::size_t seen = 0;
  for (const double p : node_availability) {
    if (!(p >= 0 && p <= 1)) return std::numeric_limits<double>::quiet_NaN();
    ++seen;
    for (std::size_t j = seen; j > 0; --j) up[j] = up[j] * (1 - p) + up[j - 1] * p;
    up[0] *= 1 - p;
  }
  double sum = 0;
  for (auto j = static_cast<std::size_t>(std::max(k, 0)); j < up.size(); ++j) sum += up[j];
  return std::min(sum, 1.0);
}

double availability_of(int k, int n, double node_availability) {
  const std::vector<double> alike(static_cast<std::size_t>(std::max(n, 0)), node_availability);
  return availability_of(k, alike);
}

}  // namespace phoenix
