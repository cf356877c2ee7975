#include <algorithm>
#include <cmath>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/edf_schedule.h"
#include "strategies/balancing/utilization_weight.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct UtilizationWeightedOptions {
  double penalty = 1.0;
  Duration blackout = seconds(10);
  Duration expiry = seconds(180);
  Duration update = seconds(1);

  void visit(SettingVisitor& v) {
    v.number("penalty", penalty, 0, 1'000, "what the share of failures counts for, in CPU use");
    v.duration("blackout", blackout, Duration{0}, hours(1),
               "how long a node must have reported before its reports are used");
    v.duration("expiry", expiry, seconds(1), hours(24), "how long a report is used");
    v.duration("update", update, std::chrono::milliseconds(100), hours(1),
               "how often weights change; ticks come about once a second");
  }
};

// Source: gRPC proposal A58, client-side weighted round robin. A node without a usable report has
// the mean weight of the others, and where fewer than two have one, all weights are equal. The
// operator's weight multiplies what is learnt.
class UtilizationWeighted : public Balancer {
 public:
  explicit UtilizationWeighted(UtilizationWeightedOptions options) : options_(options) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time now, Random& random) override {
    if (is_outdated_) rebuild(pool, now, random);
    return schedule_.next();
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    using Kind = PoolEvent::Kind;
    if (nodes_.size() < pool.capacity()) nodes_.resize(pool.capacity());
    switch (event.kind) {
      case Kind::kReport:
        return hear(event.node, *pool.report(event.node), event.now);
      case Kind::kTick:
        if (event.now < next_update_) return;
        next_update_ = event.now + options_.update;
        break;
      case Kind::kEntered:
        nodes_[index(event.node)] = Node{};
        break;
      default:
        break;
    }
    is_outdated_ = true;
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kWeight) |
           mask_of(Kind::kReport) | mask_of(Kind::kTick);
  }

 private:
  struct Node {
    double weight = NAN;
    Time known_since = kNever;  // of the usable reports without a gap
    Time heard = kStart;
  };

  void hear(NodeId id, const LoadReport& report, Time now) {
    Node& node = nodes_[index(id)];
    const double weight =
        utilization_weight(static_cast<double>(report.rate), static_cast<double>(report.cpu),
                           static_cast<double>(report.error_rate), options_.penalty);
    if (std::isnan(weight)) return;
    if (node.known_since == kNever || now - node.heard >= options_.expiry) node.known_since = now;
    node.weight = weight;
    node.heard = now;
  }

  bool is_usable(const Node& node, Time now) const {
    return node.known_since != kNever && now - node.known_since >= options_.blackout &&
           now - node.heard < options_.expiry;
  }

  void rebuild(const NodePool& pool, Time now, Random& random) {
    double sum = 0;
    int usable = 0;
    for (const NodeId id : pool.eligible()) {
      if (!is_usable(nodes_[index(id)], now)) continue;
      sum += nodes_[index(id)].weight;
      ++usable;
    }
    const double mean = usable > 0 ? sum / usable : 1.0;
    schedule_.begin();
    for (const NodeId id : pool.eligible()) {
      const Node& node = nodes_[index(id)];
      const double learnt = usable >= 2 && is_usable(node, now) ? node.weight / mean : 1.0;
      schedule_.add(id, EdfSchedule::stride_of(pool.weight(id) * learnt),
                    random.uniform_positive());
    }
    schedule_.commit();
    is_outdated_ = false;
  }

  UtilizationWeightedOptions options_;
  std::vector<Node> nodes_;
  EdfSchedule schedule_;
  bool is_outdated_ = true;
  Time next_update_ = kStart;
};

}  // namespace

BalancerEntry utilization_weighted() {
  return strategy_entry<Balancer, UtilizationWeighted, UtilizationWeightedOptions>(
      "utilization_weighted", "turns in proportion to answers per CPU in use, as nodes report");
}

}  // namespace phoenix
