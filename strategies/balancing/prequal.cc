#include <array>
#include <cmath>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/hot_cold.h"
#include "strategies/balancing/latency_average.h"
#include "strategies/balancing/sampling.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kPool = 16;
constexpr std::size_t kWindow = 128;  // requests-in-flight samples the threshold is taken from
constexpr std::uint32_t kRenewEvery = 8;
constexpr double kSmallFleetUses = 4;
constexpr double kReuseSlack = 1;
constexpr int kProbesMax = 16;
constexpr double kErrorMemory = 0.05;  // share of the newest attempt
constexpr std::uint32_t kErrorSamples = 10;

struct PrequalOptions {
  double probes = 3;
  double removals = 1;
  double quantile = 0.8409;  // 2^-0.25
  Duration age = seconds(1);
  Duration probe_timeout = milliseconds(3);
  Duration error_penalty = seconds(1);
  bool piggyback = false;

  void visit(SettingVisitor& v) {
    v.number("probes", probes, 0.1, kProbesMax, "nodes asked per request; may be fractional");
    v.number("removals", removals, 0, kProbesMax, "probes dropped per request; may be fractional");
    v.number("quantile", quantile, 0.01, 1,
             "a node with more requests than this quantile of recent probes is hot");
    v.duration("age", age, milliseconds(1), hours(1), "a probe is used no longer than this");
    v.duration("probe_timeout", probe_timeout, milliseconds(1), hours(1),
               "an answer that takes longer is dropped");
    v.duration("error_penalty", error_penalty, Duration{0}, hours(1),
               "the latency of a node that has answered with nothing but failures");
    v.flag("piggyback", piggyback,
           "reports that were not asked for count as well; for gateways that cannot ask");
  }
};

// Source: Prequal. Every pick asks a few random nodes how they are and uses answers to earlier
// questions: of 16 kept ones the least latency among the nodes that are not hot.
//
// Beyond the paper: in a fleet of up to 32 nodes each has at most one probe, used four times, since
// the paper's reuse budget is undefined there; what a node's own latency leaves out (failures) is
// reckoned in here, and one that mostly fails counts as hot, so failing fast draws nothing.
// A node that does not tell its latency is judged by this gateway's own measurements.
class Prequal : public Balancer {
 public:
  explicit Prequal(PrequalOptions options) : options_(options) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time now, Random& random) override {
    picked_since_tick_ = true;
    ask_some(pool, now, random);
    drop_old(now);
    if (count_ < 2) return pool.eligible()[random.below(pool.eligible().size())];
    const std::size_t chosen = hot_cold_choice(entries(), threshold_);
    const NodeId node = entries_[chosen].node;
    use(chosen, random);
    remove_some(pool.eligible().size());
    return node;
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    using Kind = PoolEvent::Kind;
    if (nodes_.size() < pool.capacity()) nodes_.resize(pool.capacity());
    switch (event.kind) {
      case Kind::kEntered:
        nodes_[index(event.node)] = Node{};
        break;
      case Kind::kLeft:
        drop_node(event.node);
        break;
      case Kind::kDone:
        learn(event);
        break;
      case Kind::kReport:
        hear(event, pool);
        break;
      case Kind::kTick:
        ask_when_idle(pool, event.now);
        break;
      default:
        break;
    }
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kDone) |
           mask_of(Kind::kReport) | mask_of(Kind::kTick) | kAsksProbes;
  }

  std::span<const NodeId> probes() const override { return asked_; }
  bool follows_weights() const override { return false; }

 private:
  struct Node {
    Time asked = kNever;  // kNever: no answer is awaited
    double latency = NAN;
    double errors = 0;  // share of recent attempts
    std::uint32_t attempts = 0;
  };

  std::span<const ProbeEntry> entries() const { return {entries_.data(), count_}; }
  static bool is_small(std::size_t nodes) { return nodes <= 2 * kPool; }

  void ask_some(const NodePool& pool, Time now, Random& random) {
    to_ask_ += options_.probes;
    const double whole = std::floor(to_ask_);
    to_ask_ -= whole;
    asked_ = {};
    if (whole < 1) return;
    asked_ = sample_distinct(pool.eligible(), static_cast<int>(whole), room_, random);
    for (const NodeId node : asked_) nodes_[index(node)].asked = now;
  }

  void ask_when_idle(const NodePool& pool, Time now) {
    asked_ = {};
    if (!picked_since_tick_ && !pool.eligible().empty()) {
      room_[0] = pool.eligible()[next_idle_++ % pool.eligible().size()];
      nodes_[index(room_[0])].asked = now;
      asked_ = std::span<const NodeId>(room_).first(1);
    }
    picked_since_tick_ = false;
  }

  void learn(const PoolEvent& event) {
    Node& node = nodes_[index(event.node)];
    ++node.attempts;
    node.errors = averaged(node.errors, event.ok ? 0.0 : 1.0, 1 - kErrorMemory);
    if (!event.ok) return;
    const double sample = to_seconds(event.latency);
    node.latency = std::isnan(node.latency) ? sample : averaged(node.latency, sample, 0.9);
  }

  void hear(const PoolEvent& event, const NodePool& pool) {
    Node& node = nodes_[index(event.node)];
    if (node.asked == kNever && !options_.piggyback) return;
    const bool is_late = !options_.piggyback && event.now - node.asked > options_.probe_timeout;
    node.asked = kNever;
    if (is_late || !pool.is_eligible(event.node)) return;
    const LoadReport& report = *pool.report(event.node);
    const std::uint32_t requests = report.queue_length + report.in_service;
    sample(requests);
    ProbeEntry entry{event.node,
                     static_cast<double>(requests),
                     latency_of(node, report),
                     node.attempts >= kErrorSamples && node.errors > 0.5,
                     event.now,
                     uses(pool.eligible().size())};
    if (is_small(pool.eligible().size())) drop_node(event.node);
    if (count_ == kPool) erase(oldest());
    entries_[count_++] = entry;
  }

  double latency_of(const Node& node, const LoadReport& report) const {
    double latency = static_cast<double>(report.latency);
    if (std::isnan(latency)) latency = node.latency;
    if (std::isnan(latency)) latency = node.attempts > 0 ? to_seconds(options_.error_penalty) : 0;
    return latency / (1 - std::min(node.errors, 0.99));
  }

  double uses(std::size_t nodes) const {
    if (is_small(nodes)) return kSmallFleetUses;
    const double budget = reuse_budget(kPool, static_cast<double>(nodes), options_.probes,
                                       options_.removals, kReuseSlack);
    return std::isnan(budget) ? kSmallFleetUses : budget;
  }

  void sample(std::uint32_t requests) {
    window_[heard_++ % kWindow] = requests;
    if (heard_ % kRenewEvery != 0 && heard_ > kWindow) return;
    std::array<std::uint32_t, kWindow> sorted = window_;
    threshold_ = nearest_rank(std::span(sorted).first(std::min<std::size_t>(heard_, kWindow)),
                              options_.quantile);
  }

  void use(std::size_t place, Random& random) {
    ProbeEntry& entry = entries_[place];
    entry.requests += 1;
    entry.uses -= 1;
    if (entry.uses <= 0 || (entry.uses < 1 && random.uniform() >= entry.uses)) erase(place);
  }

  // Alternately the oldest and the worst, so that neither age nor bad luck piles up.
  void remove_some(std::size_t nodes) {
    to_remove_ += options_.removals;
    for (; to_remove_ >= 1; to_remove_ -= 1) {
      if (count_ == 0 || (is_small(nodes) && 2 * count_ < std::min(nodes, kPool))) continue;
      removes_oldest_ = !removes_oldest_;
      erase(removes_oldest_ ? oldest() : hot_cold_worst(entries(), threshold_));
    }
  }

  void drop_old(Time now) {
    for (std::size_t i = count_; i-- > 0;) {
      if (now - entries_[i].heard > options_.age) erase(i);
    }
  }
  void drop_node(NodeId node) {
    for (std::size_t i = count_; i-- > 0;) {
      if (entries_[i].node == node) erase(i);
    }
  }
  // Keeps the order of hearing.
  void erase(std::size_t place) {
    std::move(entries_.begin() + static_cast<std::ptrdiff_t>(place) + 1,
              entries_.begin() + static_cast<std::ptrdiff_t>(count_),
              entries_.begin() + static_cast<std::ptrdiff_t>(place));
    --count_;
  }
  static std::size_t oldest() { return 0; }

  PrequalOptions options_;
  std::vector<Node> nodes_;
  std::array<ProbeEntry, kPool> entries_;  // oldest first
  std::size_t count_ = 0;
  std::array<std::uint32_t, kWindow> window_{};
  std::size_t heard_ = 0;
  double threshold_ = 0;
  double to_ask_ = 0;  // fractions carried over
  double to_remove_ = 0;
  bool removes_oldest_ = false;
  bool picked_since_tick_ = false;
  std::size_t next_idle_ = 0;
  std::array<NodeId, kProbesMax> room_{};
  std::span<const NodeId> asked_;
};

}  // namespace

BalancerEntry prequal() {
  return strategy_entry<Balancer, Prequal, PrequalOptions>(
      "prequal", "of 16 recently probed nodes the quickest that is not hot");
}

}  // namespace phoenix
