#include <cmath>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/c3_score.h"
#include "strategies/balancing/latency_average.h"
#include "strategies/balancing/least_index.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct C3Options {
  double alpha = 0.3;
  int clients = 1;
  Duration decay = seconds(10);
  Duration error_penalty = seconds(1);

  void visit(SettingVisitor& v) {
    v.number("alpha", alpha, 0.01, 1, "share of the newest answer in the averages");
    v.integer("clients", clients, 1, 100'000, "gateways that send to the same nodes");
    v.duration("decay", decay, milliseconds(1), hours(1),
               "how fast the score of a node without requests fades");
    v.duration("error_penalty", error_penalty, Duration{0}, hours(1),
               "a failed attempt counts as at least this response time");
  }
};

// The least score / weight over all nodes, ties at random. Queue and service time come with the
// nodes' reports; while a node has told no service time, its response time takes that place. The
// rate control of the paper is left out: limits of requests under way are the Router's. A node that
// gets no requests fades at every tick, which the paper does not need where keys keep all busy.
class C3 : public Balancer {
 public:
  explicit C3(C3Options options) : options_(options) {}

  NodeId pick(const RequestInfo&, const NodePool&, Time, Random& random) override {
    return id_at<NodeId>(index_.pick(random));
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    using Kind = PoolEvent::Kind;
    if (event.kind == Kind::kTick) {
      for (const NodeId node : pool.eligible()) refresh(node, pool, event.now);
      return;
    }
    if (nodes_.size() < pool.capacity()) {
      nodes_.resize(pool.capacity());
      index_.grow(pool.capacity());
    }
    if (event.kind == Kind::kDone) learn(event);
    if (event.kind == Kind::kReport) hear(event.node, *pool.report(event.node));
    refresh(event.node, pool, event.now);
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kSent) |
           mask_of(Kind::kDone) | mask_of(Kind::kReport) | mask_of(Kind::kWeight) |
           mask_of(Kind::kTick);
  }

 private:
  struct Average {
    double value = NAN;
    void add(double sample, double alpha) {
      value = std::isnan(value) ? sample : averaged(value, sample, 1 - alpha);
    }
  };
  struct Node {
    Average response;
    Average service;
    Average queue;
    Time updated = kStart;
  };

  void learn(const PoolEvent& event) {
    Node& node = nodes_[index(event.node)];
    node.response.add(charged_seconds(event.latency, event.ok, options_.error_penalty),
                      options_.alpha);
    node.updated = std::max(node.updated, event.now);
  }

  void hear(NodeId id, const LoadReport& report) {
    Node& node = nodes_[index(id)];
    node.queue.add(report.queue_length, options_.alpha);
    const auto service = static_cast<double>(report.service_time);
    if (service > 0) node.service.add(service, options_.alpha);
  }

  void refresh(NodeId id, const NodePool& pool, Time now) {
    if (!pool.is_eligible(id)) return index_.erase(index(id));
    index_.set(index(id), static_cast<float>(score(nodes_[index(id)], id, pool, now)));
  }

  double score(const Node& node, NodeId id, const NodePool& pool, Time now) const {
    const double outstanding = pool.in_flight(id);
    const double response = node.response.value;
    if (std::isnan(response)) return unknown_node_load(pool.in_flight(id));
    const double service =
        std::isnan(node.service.value) ? response : std::min(node.service.value, response);
    const double queue = std::isnan(node.queue.value) ? 0 : node.queue.value;
    const double fading =
        outstanding > 0 ? 1.0 : remaining_share(now - node.updated, options_.decay);
    return fading * c3_score(response, service, c3_queue(outstanding, options_.clients, queue)) /
           pool.weight(id);
  }

  C3Options options_;
  std::vector<Node> nodes_;
  LeastIndex index_;
};

}  // namespace

BalancerEntry c3() {
  return strategy_entry<Balancer, C3, C3Options>(
      "c3",
      "of all nodes the one with the least response time plus queue cubed times service time");
}

}  // namespace phoenix
