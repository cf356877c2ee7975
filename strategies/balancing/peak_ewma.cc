#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/latency_average.h"
#include "strategies/balancing/sampling.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct PeakEwmaOptions {
  Duration decay = seconds(10);
  Duration error_penalty = seconds(1);

  void visit(SettingVisitor& v) {
    v.duration("decay", decay, milliseconds(1), hours(1), "how fast an old peak is forgotten");
    v.duration("error_penalty", error_penalty, Duration{0}, hours(1),
               "a failed attempt counts as at least this response time");
  }
};

// Source: Finagle's peak EWMA. An idle node's cost decays as if it answered in no time, so a node
// that was slow once is tried again.
class PeakEwma : public Balancer {
 public:
  explicit PeakEwma(PeakEwmaOptions options) : options_(options) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time now, Random& random) override {
    const auto [first, second] = sample_two(pool.eligible(), random);
    return load(second, pool, now) < load(first, pool, now) ? second : first;
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    if (nodes_.size() < pool.capacity()) nodes_.resize(pool.capacity());
    if (event.kind != PoolEvent::Kind::kDone) return;
    Node& node = nodes_[index(event.node)];
    const double sample = charged_seconds(event.latency, event.ok, options_.error_penalty);
    const double share = remaining_share(event.now - node.updated, options_.decay);
    node.cost = peak_averaged(node.cost, sample, share);
    node.updated = std::max(node.updated, event.now);
    node.known = true;
  }

  PoolEventMask interests() const override {
    return mask_of(PoolEvent::Kind::kEntered) | mask_of(PoolEvent::Kind::kDone);
  }

 private:
  struct Node {
    double cost = 0;
    Time updated = kStart;
    bool known = false;
  };

  double load(NodeId id, const NodePool& pool, Time now) const {
    const Node& node = nodes_[index(id)];
    if (!node.known) return unknown_node_load(pool.in_flight(id));
    return node.cost * remaining_share(now - node.updated, options_.decay) *
           static_cast<double>(pool.cost(id));
  }

  PeakEwmaOptions options_;
  std::vector<Node> nodes_;
};

}  // namespace

BalancerEntry peak_ewma() {
  return strategy_entry<Balancer, PeakEwma, PeakEwmaOptions>(
      "peak_ewma",
      "of two random nodes the one with less latency times requests under way; peaks count at "
      "once");
}

}  // namespace phoenix
