#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/latency_average.h"
#include "strategies/balancing/least_index.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct ResponseTimeOptions {
  Duration decay = seconds(10);
  Duration error_penalty = seconds(1);

  void visit(SettingVisitor& v) {
    v.duration("decay", decay, milliseconds(1), hours(1),
               "how fast old response times are forgotten");
    v.duration("error_penalty", error_penalty, Duration{0}, hours(1),
               "a failed attempt counts as at least this response time");
  }
};

// The least of average response time * (in_flight + 1) / weight over all nodes. The requests under
// way are this gateway's own and always current, so a good average cannot draw a herd; a node
// without answers gets one request and no more until it answers; the average of a node without
// requests fades at every tick, so it is tried again however slow it once was.
class ResponseTime : public Balancer {
 public:
  explicit ResponseTime(ResponseTimeOptions options) : options_(options) {}

  NodeId pick(const RequestInfo&, const NodePool&, Time, Random& random) override {
    return id_at<NodeId>(index_.pick(random));
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    if (event.kind == PoolEvent::Kind::kTick) {
      for (const NodeId node : pool.eligible()) refresh(node, pool, event.now);
      return;
    }
    if (nodes_.size() < pool.capacity()) {
      nodes_.resize(pool.capacity());
      index_.grow(pool.capacity());
    }
    if (event.kind == PoolEvent::Kind::kDone) learn(event);
    refresh(event.node, pool, event.now);
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kSent) |
           mask_of(Kind::kDone) | mask_of(Kind::kWeight) | mask_of(Kind::kTick);
  }

 private:
  struct Node {
    double average = 0;
    Time updated = kStart;
    bool known = false;
  };

  void learn(const PoolEvent& event) {
    Node& node = nodes_[index(event.node)];
    const double sample = charged_seconds(event.latency, event.ok, options_.error_penalty);
    const double share = remaining_share(event.now - node.updated, options_.decay);
    node.average = node.known ? averaged(node.average, sample, share) : sample;
    node.updated = std::max(node.updated, event.now);
    node.known = true;
  }

  // The average itself stays: only how it compares fades, or the next answer would count for less.
  void refresh(NodeId id, const NodePool& pool, Time now) {
    if (!pool.is_eligible(id)) return index_.erase(index(id));
    const Node& node = nodes_[index(id)];
    if (!node.known) {
      return index_.set(index(id), static_cast<float>(unknown_node_load(pool.in_flight(id))));
    }
    const bool is_idle = pool.in_flight(id) == 0;
    const double fading = is_idle ? remaining_share(now - node.updated, options_.decay) : 1.0;
    index_.set(index(id),
               static_cast<float>(node.average * fading * static_cast<double>(pool.cost(id))));
  }

  ResponseTimeOptions options_;
  std::vector<Node> nodes_;
  LeastIndex index_;
};

}  // namespace

BalancerEntry response_time() {
  return strategy_entry<Balancer, ResponseTime, ResponseTimeOptions>(
      "response_time",
      "of all nodes the one with the least response time times requests under way");
}

}  // namespace phoenix
