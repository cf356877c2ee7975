#include <algorithm>
#include <cmath>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/hash_ring.h"
#include "strategies/balancing/latency_average.h"
#include "strategies/balancing/least_index.h"
#include "strategies/balancing/node_costs.h"
#include "strategies/balancing/request_hash.h"
#include "strategies/balancing/request_work.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kRingPoints = 100;
constexpr double kMemoryInUse = 0.2;
constexpr double kMemoryShare = 0.65;

struct PredictiveOptions {
  NodeCostSettings costs;
  Duration error_penalty = seconds(1);

  void visit(SettingVisitor& v) {
    v.duration("memory", costs.memory, milliseconds(100), hours(1),
               "how fast what nodes cost is forgotten");
    v.duration("late_memory", costs.late_memory, milliseconds(100), hours(1),
               "how fast late answers and failures are forgotten");
    v.number("prior", costs.prior, 1, 1'000'000,
             "answers of its own after which a node counts as much as the fleet's mean");
    v.number("doubt", costs.doubt, 0, 10,
             "standard errors by which a node may look late by chance");
    v.duration("error_penalty", error_penalty, Duration{0}, hours(1),
               "a failed attempt counts as at least this response time");
  }
};

// Of all nodes the one with the least predicted price for one more request; see node_costs.h. The
// index makes that O(log n); a price is looked at again when something happens at the node, when
// its last report has become old, and once a second.
//
// A request with a key has a home on a hash ring, which gets it as long as it would answer sooner
// than the cheapest node: what home saves (it has what belongs to the key at hand) is learnt from
// two samples of keys, and taken for half before. Keeping what belongs to a key on every node takes
// memory everywhere, which no answer shows until it runs out: where nodes report memory in use,
// home counts for something even where it saves no time.
class Predictive : public Balancer {
 public:
  explicit Predictive(PredictiveOptions options)
      : options_(options), costs_(options.costs), ring_(kRingPoints) {}

  NodeId pick(const RequestInfo& request, const NodePool& pool, Time now, Random& random) override {
    drop_old_reports(pool, now);
    const auto cheapest = id_at<NodeId>(index_.pick(random));
    return request.has_key ? home_or(cheapest, request.key, pool, now) : cheapest;
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    using Kind = PoolEvent::Kind;
    if (event.kind == Kind::kTick) {
      for (const NodeId node : pool.eligible()) refresh(node, pool, event.now);
      return;
    }
    if (is_queued_.size() < pool.capacity()) grow(pool.capacity());
    const NodeId node = event.node;
    switch (event.kind) {
      case Kind::kEntered:
      case Kind::kLeft:
      case Kind::kWeight:
        costs_.set_weight(node, pool.weight(node));
        ring_.set(node, pool.identity(node), pool.is_eligible(node) ? 1.0 : 0.0);
        break;
      case Kind::kReport:
        costs_.hear(node, *pool.report(node), pool.in_flight(node), event.now);
        hear_memory(pool.report(node)->memory);
        remember_report(node, event.now);
        break;
      case Kind::kDone:
        learn(event, pool);
        break;
      default:
        break;
    }
    refresh(node, pool, event.now);
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kSent) |
           mask_of(Kind::kDone) | mask_of(Kind::kReport) | mask_of(Kind::kWeight) |
           mask_of(Kind::kTick);
  }

 private:
  struct Heard {
    NodeId node;
    Time at;
  };

  double price(NodeId node, const NodePool& pool, Time now) const {
    return costs_.price(node, pool.in_flight(node), now);
  }

  void refresh(NodeId node, const NodePool& pool, Time now) {
    if (!pool.is_eligible(node)) return index_.erase(index(node));
    index_.set(index(node), static_cast<float>(price(node, pool, now)));
  }

  void learn(const PoolEvent& event, const NodePool& pool) {
    if (event.refused && costs_.is_known_busy(event.node, pool.in_flight(event.node))) return;
    const double charged = charged_seconds(event.latency, event.ok, options_.error_penalty);
    const auto size = static_cast<double>(event.size);
    const double work = work_.relative(event.request_class, size);
    if (event.ok) {
      const double times = charged / costs_.expected(event.node, 1.0, event.in_flight_when_sent);
      work_.learn(event.request_class, size, times);
      if (event.has_key) learn_home(event, times / work);
    }
    costs_.learn(event.node, charged, work, event.in_flight_when_sent, event.ok, event.now);
  }

  // Keys of the two samples show what a home is worth: those of the first go there as far as it
  // costs little, whatever is known; those of the second never do.
  enum class Sample { kHome, kAway, kNone };
  static Sample sample_of(std::uint64_t key) {
    constexpr std::uint64_t kOneIn = 256;
    const std::uint64_t group = mix64(~key) % kOneIn;
    return group == 0 ? Sample::kHome : group == 1 ? Sample::kAway : Sample::kNone;
  }

  NodeId home_or(NodeId cheapest, std::uint64_t key, const NodePool& pool, Time now) {
    constexpr double kTrial = 0.8;
    const Sample sample = sample_of(key);
    double share = work_.home_share();
    if (memory_ > kMemoryInUse) share = std::min(share, kMemoryShare);
    if (sample == Sample::kHome) share = std::min(share, kTrial);
    if (sample == Sample::kAway || share >= 1) return cheapest;
    ring_.refresh();
    const NodeId home = ring_.owner(mix64(key));
    const double at_home = costs_.answer_time(home, pool.in_flight(home), now);
    const double elsewhere = costs_.answer_time(cheapest, pool.in_flight(cheapest), now);
    return share * at_home < elsewhere ? home : cheapest;
  }

  void hear_memory(float share) {
    constexpr double kReports = 32;
    if (std::isnan(share)) return;
    memory_reports_ = std::min(memory_reports_ + 1, kReports);
    memory_ += (static_cast<double>(share) - memory_) / memory_reports_;
  }

  void learn_home(const PoolEvent& event, double times) {
    const Sample sample = sample_of(event.key);
    if (sample == Sample::kAway) return work_.learn_home(false, times);
    if (sample == Sample::kNone || ring_.empty()) return;
    if (ring_.owner(mix64(event.key)) == event.node) work_.learn_home(true, times);
  }

  // A queue of the nodes with a fresh report, each once, in the order they were heard.
  void remember_report(NodeId node, Time now) {
    if (is_queued_[index(node)]) return;
    is_queued_[index(node)] = true;
    std::size_t place = first_ + count_++;
    if (place >= queue_.size()) place -= queue_.size();
    queue_[place] = {node, now};
  }

  void drop_old_reports(const NodePool& pool, Time now) {
    while (count_ > 0 && now - queue_[first_].at > costs_.report_life()) {
      const NodeId node = queue_[first_].node;
      first_ = first_ + 1 == queue_.size() ? 0 : first_ + 1;
      --count_;
      is_queued_[index(node)] = false;
      refresh(node, pool, now);
    }
  }

  void grow(std::size_t n) {
    costs_.grow(n);
    index_.grow(n);
    is_queued_.resize(n);
    std::vector<Heard> longer(n);
    for (std::size_t i = 0; i < count_; ++i) longer[i] = queue_[(first_ + i) % queue_.size()];
    queue_.swap(longer);
    first_ = 0;
  }

  PredictiveOptions options_;
  NodeCosts costs_;
  RequestWork work_;
  LeastIndex index_;
  HashRing ring_;
  std::vector<Heard> queue_;  // a ring with a place for every node
  std::vector<bool> is_queued_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  double memory_ = 0;  // in use, mean of the newest reports
  double memory_reports_ = 0;
};

}  // namespace

BalancerEntry predictive() {
  return strategy_entry<Balancer, Predictive, PredictiveOptions>(
      "predictive", "of all nodes the one with the least learnt price for one more request");
}

}  // namespace phoenix
