#include <limits>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/latency_average.h"
#include "strategies/balancing/least_index.h"
#include "strategies/balancing/resource_score.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct ResourceAwareOptions {
  ResourceWeights weights;
  Duration response_time_limit = seconds(1);
  Duration decay = seconds(10);
  Duration stale = seconds(15);
  Duration error_penalty = seconds(1);

  void visit(SettingVisitor& v) {
    v.number("cpu", weights.cpu, 0, 1, "weight of CPU use in the score");
    v.number("memory", weights.memory, 0, 1, "weight of memory use in the score");
    v.number("network", weights.network, 0, 1, "weight of network use in the score");
    v.number("response_time", weights.response_time, 0, 1, "weight of response time in the score");
    v.duration("response_time_limit", response_time_limit, milliseconds(1), hours(1),
               "the largest acceptable response time; counts as fully used");
    v.duration("decay", decay, milliseconds(1), hours(1),
               "how fast old response times are forgotten");
    v.duration("stale", stale, milliseconds(1), hours(1), "an older report counts as missing");
    v.duration("error_penalty", error_penalty, Duration{0}, hours(1),
               "a failed attempt counts as at least this response time");
  }
};

// The least of (score + kFloor) * (in_flight + 1) / weight over all nodes.
//
// Reports are old the moment they arrive, so the score alone would send everything to one node
// until the next report. The requests under way are this gateway's own and always current: a score
// half as high is worth twice the requests under way, never more. Missing and stale values count as
// the worst known of that kind among the eligible nodes (1 where nobody knows any), so a silent
// node gets work only when the others are full. Worst values and ages are reviewed at every tick.
class ResourceAware : public Balancer {
 public:
  explicit ResourceAware(ResourceAwareOptions options) : options_(options) {}

  NodeId pick(const RequestInfo&, const NodePool&, Time, Random& random) override {
    return id_at<NodeId>(index_.pick(random));
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    using Kind = PoolEvent::Kind;
    if (event.kind == Kind::kTick) return review(event.now, pool);
    if (nodes_.size() < pool.capacity()) {
      nodes_.resize(pool.capacity());
      index_.grow(pool.capacity());
    }
    if (event.kind == Kind::kDone) learn(event);
    if (event.kind != Kind::kSent && event.kind != Kind::kLeft) {
      rescore(event.node, pool, event.now);
    }
    refresh(event.node, pool);
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kSent) |
           mask_of(Kind::kDone) | mask_of(Kind::kReport) | mask_of(Kind::kWeight) |
           mask_of(Kind::kTick);
  }

 private:
  // Keeps the ratio of two nearly idle nodes' scores from meaning much.
  static constexpr double kFloor = 0.05;

  struct Node {
    double response_time = kUnknown;  // average, as a share of the limit
    Time updated = kStart;
    double score = 0;
  };

  void learn(const PoolEvent& event) {
    Node& node = nodes_[index(event.node)];
    const double sample = charged_seconds(event.latency, event.ok, options_.error_penalty) /
                          to_seconds(options_.response_time_limit);
    const double share = remaining_share(event.now - node.updated, options_.decay);
    node.response_time =
        std::isnan(node.response_time) ? sample : averaged(node.response_time, sample, share);
    node.updated = std::max(node.updated, event.now);
  }

  ResourceUse use_of(NodeId id, const NodePool& pool, Time now) const {
    ResourceUse use{kUnknown, kUnknown, kUnknown, nodes_[index(id)].response_time};
    const LoadReport* report = pool.report(id);
    if (report == nullptr || now - report->measured_at > options_.stale) return use;
    use.cpu = static_cast<double>(report->cpu);
    use.memory = static_cast<double>(report->memory);
    use.network = static_cast<double>(report->network);
    return use;
  }

  void review(Time now, const NodePool& pool) {
    ResourceUse worst{kUnknown, kUnknown, kUnknown, kUnknown};
    for (const NodeId id : pool.eligible()) {
      const ResourceUse use = use_of(id, pool, now);
      worst.cpu = std::fmax(worst.cpu, use.cpu);
      worst.memory = std::fmax(worst.memory, use.memory);
      worst.network = std::fmax(worst.network, use.network);
      worst.response_time = std::fmax(worst.response_time, use.response_time);
    }
    worst_ = {known_or(worst.cpu, 1), known_or(worst.memory, 1), known_or(worst.network, 1),
              known_or(worst.response_time, 1)};
    for (const NodeId id : pool.eligible()) {
      rescore(id, pool, now);
      refresh(id, pool);
    }
  }

  void rescore(NodeId id, const NodePool& pool, Time now) {
    nodes_[index(id)].score = resource_score(options_.weights, use_of(id, pool, now), worst_);
  }

  void refresh(NodeId id, const NodePool& pool) {
    if (!pool.is_eligible(id)) return index_.erase(index(id));
    const double load = (nodes_[index(id)].score + kFloor) * static_cast<double>(pool.cost(id));
    index_.set(index(id), static_cast<float>(load));
  }

  ResourceAwareOptions options_;
  ResourceUse worst_{1, 1, 1, 1};
  std::vector<Node> nodes_;
  LeastIndex index_;
};

}  // namespace

BalancerEntry resource_aware() {
  return strategy_entry<Balancer, ResourceAware, ResourceAwareOptions>(
      "resource_aware",
      "of all nodes the one with most CPU, memory, network and time to spare for what it has");
}

}  // namespace phoenix
