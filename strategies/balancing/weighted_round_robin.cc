#include "strategies/balancing/adaptive_weights.h"
#include "strategies/balancing/balancer.h"
#include "strategies/balancing/edf_schedule.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct WeightedRoundRobinOptions {
  bool adaptive = false;
  Duration interval = seconds(30);
  double step = 0.25;
  double dead_band = 0.05;

  void visit(SettingVisitor& v) {
    v.flag("adaptive", adaptive,
           "multiply weights by 0.1 to 2.0 from availability and response time");
    v.duration("interval", interval, seconds(1), hours(24), "how often adaptive weights change");
    v.number("step", step, 0.01, 2, "the most an adaptive weight changes at a time");
    v.number("dead_band", dead_band, 0, 1, "smaller changes of an adaptive weight are left out");
  }
};

// Takes turns by an interleaved schedule, not by chance. Changed weights and members are merged
// into a new schedule before the next pick, once however many there were. First turns are drawn, so
// that several gateways do not march in step.
class WeightedRoundRobin : public Balancer {
 public:
  explicit WeightedRoundRobin(WeightedRoundRobinOptions options)
      : options_(options), learnt_(options.step, options.dead_band) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random& random) override {
    if (is_outdated_) rebuild(pool, random);
    return schedule_.next();
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    switch (event.kind) {
      case PoolEvent::Kind::kDone:
        learnt_.record(event.node, event.latency, event.ok);
        break;
      case PoolEvent::Kind::kTick:
        adapt(event.now, pool);
        break;
      default:
        is_outdated_ = true;
    }
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    const PoolEventMask always =
        mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kWeight);
    return options_.adaptive ? always | mask_of(Kind::kDone) | mask_of(Kind::kTick) : always;
  }

 private:
  void adapt(Time now, const NodePool& pool) {
    if (next_change_ == kNever) next_change_ = now + options_.interval;
    if (now < next_change_) return;
    next_change_ = now + options_.interval;
    learnt_.recompute(pool.eligible());
    is_outdated_ = true;
  }

  void rebuild(const NodePool& pool, Random& random) {
    schedule_.begin();
    for (const NodeId node : pool.eligible()) {
      const double factor = options_.adaptive ? learnt_.factor(node) : 1.0;
      schedule_.add(node, EdfSchedule::stride_of(pool.weight(node) * factor),
                    random.uniform_positive());
    }
    schedule_.commit();
    is_outdated_ = false;
  }

  WeightedRoundRobinOptions options_;
  AdaptiveWeights learnt_;
  EdfSchedule schedule_;
  bool is_outdated_ = true;
  Time next_change_ = kNever;
};

}  // namespace

BalancerEntry weighted_round_robin() {
  return strategy_entry<Balancer, WeightedRoundRobin, WeightedRoundRobinOptions>(
      "weighted_round_robin", "turns in proportion to weights, evenly interleaved");
}

}  // namespace phoenix
