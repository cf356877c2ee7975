#include <array>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/latency_average.h"
#include "strategies/balancing/latency_model.h"
#include "strategies/balancing/sampling.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr int kMaxChoices = 16;
constexpr Duration kOutOfTouch = seconds(1);

struct PredictiveOptions {
  int choices = 4;
  double forgetting = 0.995;
  int samples = 30;
  double exploration = 0.02;
  Duration error_penalty = seconds(1);

  void visit(SettingVisitor& v) {
    v.integer("choices", choices, 2, kMaxChoices, "how many different nodes are compared");
    v.number("forgetting", forgetting, 0.9, 1, "what an answer's say shrinks to with the next one");
    v.integer("samples", samples, 1, 10'000, "answers a node gives before its model is trusted");
    v.number("exploration", exploration, 0, 0.5,
             "share of picks spent on a sampled node without answers for a second");
    v.duration("error_penalty", error_penalty, Duration{0}, hours(1),
               "a failed attempt counts as at least this response time");
  }
};

// Of a few sampled nodes the one with the least predicted response time / weight. While one of them
// has too few answers to predict from, the least (in_flight + 1) / weight, as p2c.
//
// Why a few and not two: on unequal nodes two samples too often leave only slow ones. Why not all:
// the least of many noisy predictions is mostly the one that errs most.
class Predictive : public Balancer {
 public:
  explicit Predictive(PredictiveOptions options) : options_(options), model_(options.forgetting) {}

  NodeId pick(const RequestInfo& request, const NodePool& pool, Time now, Random& random) override {
    std::array<NodeId, kMaxChoices> room;
    const auto sampled = sample_distinct(pool.eligible(), options_.choices, room, random);
    if (now - model_.updated(sampled[0]) > kOutOfTouch && random.uniform() < options_.exploration) {
      return sampled[0];
    }
    const bool all_known = std::all_of(sampled.begin(), sampled.end(), [&](NodeId node) {
      return model_.samples(node) >= options_.samples;
    });
    if (!all_known) {
      return least_of(sampled, [&](NodeId node) { return pool.cost(node); });
    }
    const RequestTraits traits = model_.traits(request.request_class, request.size);
    return least_of(sampled, [&](NodeId node) {
      return model_.predict(node, traits, pool.in_flight(node)) / pool.weight(node);
    });
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    model_.grow(pool.capacity());
    if (event.kind == PoolEvent::Kind::kReport) {
      model_.hear(event.node, *pool.report(event.node), pool.in_flight(event.node));
    } else if (event.kind == PoolEvent::Kind::kDone) {
      const double charged = charged_seconds(event.latency, event.ok, options_.error_penalty);
      model_.learn(event.node,
                   {event.request_class, static_cast<double>(event.size), event.in_flight_when_sent,
                    charged, event.ok},
                   event.now);
    }
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kDone) | mask_of(Kind::kReport);
  }

 private:
  PredictiveOptions options_;
  LatencyModel model_;
};

}  // namespace

BalancerEntry predictive() {
  return strategy_entry<Balancer, Predictive, PredictiveOptions>(
      "predictive", "of a few random nodes the one whose learnt model promises the fastest answer");
}

}  // namespace phoenix
