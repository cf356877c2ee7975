// A fleet of nodes under a request rate, in steps of a second: every node is an M/M/4 queue that
// gets an equal share, and what exceeds the capacity waits. A second is missed when the 95th
// percentile of the response time, with the wait for the backlog, is above the target. Nodes that
// boot or drain are paid for. For the scaling table.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <boost/random/lognormal_distribution.hpp>

#include "strategies/core/random.h"
#include "strategies/forecasting/erlang.h"
#include "strategies/forecasting/load_forecast.h"
#include "strategies/scaling/governor.h"

namespace phoenix {

constexpr int kCores = 4;
constexpr double kNodeRate = 100;  // a second, fully busy
constexpr double kTargetP95 = 0.25;
constexpr int kMostNodesOfPool = 60;
constexpr Duration kBootMedian = std::chrono::seconds(90);
constexpr double kBootSpread = 0.2;                        // of the logarithm
constexpr Duration kBootTold = std::chrono::seconds(120);  // until enough have booted
constexpr Duration kDrain = std::chrono::seconds(30);
constexpr Duration kReading = std::chrono::seconds(15);  // a metric is the mean of so much

// p95 of M/M/kCores at a share of capacity, tabulated.
class ResponseTable {
 public:
  ResponseTable() {
    for (int i = 0; i < kSteps; ++i) {
      const double rate = kNodeRate * i / kSteps;
      double low = 0;
      double high = 1e3;
      while (high - low > 1e-6 * high) {
        const double middle = (low + high) / 2;
        const bool is_above = response_tail(kCores, {rate, kNodeRate / kCores}, middle) > 0.05;
        (is_above ? low : high) = middle;
      }
      p95_[static_cast<std::size_t>(i)] = high;
    }
  }
  double p95(double busy) const {
    const int i = static_cast<int>(std::ceil(busy * kSteps));
    return i >= kSteps ? 1e9 : p95_[static_cast<std::size_t>(std::max(i, 0))];
  }
  // The busiest that meets the target.
  double busiest() const {
    const auto above =
        std::find_if(p95_.begin(), p95_.end(), [](double t) { return t > kTargetP95; });
    return static_cast<double>(above - p95_.begin() - 1) / kSteps;
  }

 private:
  static constexpr int kSteps = 2000;
  std::array<double, kSteps> p95_{};
};

// The last ten minutes of everything, a value a second.
class Readings : public MetricView {
 public:
  void see(Time at, double rate, double cpu, double waiting, double in_flight, double done) {
    now_ = at;
    const double values[] = {rate, cpu, waiting, in_flight, done};
    for (std::size_t i = 0; i < kMetrics; ++i) rings_[i][count_ % kKept] = values[i];
    ++count_;
  }

  MetricPoint latest(std::string_view name) const override {
    const int which = index_of(name);
    if (which < 0 || count_ == 0) return {};
    const std::size_t n =
        std::min<std::size_t>(count_, static_cast<std::size_t>(kReading / std::chrono::seconds(1)));
    double sum = 0;
    for (std::size_t i = 1; i <= n; ++i) sum += value(which, i);
    return {now_, sum / static_cast<double>(n)};
  }

  void series(std::string_view name, Duration window,
              std::vector<MetricPoint>& out) const override {
    out.clear();
    const int which = index_of(name);
    if (which < 0) return;
    const auto wanted = static_cast<std::size_t>(window / std::chrono::seconds(1));
    for (std::size_t i = std::min({wanted, count_, kKept}); i >= 1; --i) {
      out.push_back(
          {now_ - static_cast<std::int64_t>(i - 1) * std::chrono::seconds(1), value(which, i)});
    }
  }

 private:
  static constexpr std::size_t kMetrics = 5;
  static constexpr std::size_t kKept = 600;

  static int index_of(std::string_view name) {
    constexpr std::string_view kNames[] = {metric::kArrivalRate, metric::kCpu, metric::kQueueLength,
                                           metric::kInFlight, metric::kThroughput};
    for (std::size_t i = 0; i < kMetrics; ++i) {
      if (name == kNames[i]) return static_cast<int>(i);
    }
    return name == metric::kProcessingRate ? 4 : -1;
  }
  double value(int which, std::size_t ago) const {
    return rings_[static_cast<std::size_t>(which)][(count_ - ago) % kKept];
  }

  Time now_ = kStart;
  std::size_t count_ = 0;
  std::array<std::array<double, kKept>, kMetrics> rings_{};
};

struct Contestant {
  std::string name;
  std::string policy;
  std::string governor;
  bool forecasts = false;
  int fixed = 0;  // so many nodes from the beginning; 0: what the first load needs
};

struct Score {
  std::int64_t missed_s = 0;
  double node_hours = 0;
  std::int64_t changes = 0;  // starts and stops
};

class Fleet {
 public:
  // All three outlive it.
  Fleet(const Contestant& contestant, double first_rate, const ResponseTable& table,
        LoadForecast& forecast)
      : table_(table),
        governor_({"nodes", 1, kMostNodesOfPool, 0}, *parse_governor(contestant.governor)),
        boots_(Streams(1).named("boots")) {
    const Status added = governor_.add_policy({contestant.name, contestant.policy});
    if (!added) {
      std::fprintf(stderr, "%s\n", added.error().c_str());
      std::exit(1);
    }
    if (contestant.forecasts) forecast_ = &forecast;
    const int nodes =
        contestant.fixed > 0
            ? contestant.fixed
            : std::max(1, static_cast<int>(std::ceil(first_rate / (kNodeRate * 0.6))));
    for (int i = 0; i < nodes; ++i) add_node(kStart);
  }

  // A second at this rate. REQUIRES: seconds come one after the other, and the forecast has seen
  // all readings before.
  void play(Time now, double rate) {
    now_ = now;
    settle();
    serve(rate);
    if (governor_.next_tick() <= now_) decide();
  }

  const Score& score() const { return score_; }

 private:
  struct Change {
    Decision decision;
    Time at;
    std::vector<NodeId> nodes;
  };

  void add_node(Time ready_at) {
    ScalingNode node;
    node.node = id_at<NodeId>(next_id_++);
    if (ready_at > now_) node.asked_at = now_;
    node.ready_since = ready_at;
    node.is_ready = ready_at <= now_;
    nodes_.push_back(node);
    count();
  }

  void count() {
    capacity_ = {};
    for (const ScalingNode& node : nodes_) {
      ++(node.is_draining ? capacity_.draining
         : node.is_ready  ? capacity_.ready
                          : capacity_.provisioning);
    }
  }

  void serve(double offered) {
    const double most = std::max(capacity_.ready * kNodeRate, 1e-9);
    const double done = std::min(backlog_ + offered, most);
    backlog_ = backlog_ + offered - done;
    const double busy = std::min(1.0, done / most);
    const double response = backlog_ / most + table_.p95(backlog_ > 0 ? 1 : busy);
    if (response > kTargetP95) ++score_.missed_s;
    score_.node_hours += static_cast<double>(nodes_.size()) / 3600;
    // Open requests by Little's law; those that wait within a node are few beside the backlog.
    readings_.see(now_, offered, busy, backlog_, backlog_ + busy * kCores * capacity_.ready, done);
  }

  void decide() {
    const double cpu = readings_.latest(metric::kCpu).value;
    for (ScalingNode& node : nodes_) {
      node.cpu = node.is_ready ? cpu : std::nan("");
      node.in_flight = cpu * kCores;
    }
    ScalingView view;
    view.now = now_;
    view.metrics = &readings_;
    view.capacity = capacity_;
    view.nodes = nodes_;
    view.forecast = forecast_;
    view.forecast_step = kReading;
    view.forecast_age = now_.time_since_epoch() % kReading;
    view.boot_time = kBootTold;
    view.node_capacity_per_s = kNodeRate;
    view.cores_per_node = kCores;
    view.target_response_p95 = from_seconds(kTargetP95);
    decisions_.clear();
    governor_.tick(view, ids_, decisions_);
    for (const Decision& decision : decisions_) carry_out(decision);
  }

  void carry_out(const Decision& decision) {
    Change change{decision, now_, {}};
    if (decision.kind == DecisionKind::kScaleOut && decision.node != kNoNode) {
      return take_back(decision);
    }
    if (decision.kind == DecisionKind::kScaleOut) {
      boost::random::lognormal_distribution<double> boot(std::log(to_seconds(kBootMedian)),
                                                         kBootSpread);
      for (int i = 0; i < decision.count; ++i) {
        const Time ready_at = now_ + from_seconds(std::round(boot(boots_)));
        add_node(ready_at);
        change.nodes.push_back(nodes_.back().node);
        change.at = std::max(change.at, ready_at);
      }
      score_.changes += decision.count;
    } else if (decision.kind == DecisionKind::kScaleIn) {
      find(decision.node).is_draining = true;
      change.at = now_ + kDrain;
      ++score_.changes;
      count();
    } else {
      return;
    }
    changes_.push_back(std::move(change));
  }

  void take_back(const Decision& decision) {
    const auto drain = std::find_if(changes_.begin(), changes_.end(), [&](const Change& change) {
      return change.decision.node == decision.node;
    });
    const bool is_there = drain != changes_.end();
    if (is_there) {
      const DecisionId id = drain->decision.id;
      changes_.erase(drain);
      find(decision.node).is_draining = false;
      ++score_.changes;
      count();
      report(id, OutcomeKind::kSuperseded, 0, now_);
    }
    report(decision.id, is_there ? OutcomeKind::kDone : OutcomeKind::kRefused, is_there ? 1 : 0,
           now_);
  }

  void report(DecisionId id, OutcomeKind kind, int came, Time since) {
    governor_.on_outcome({id, kind, came, now_ - since, Duration{0}, ""}, now_);
  }

  ScalingNode& find(NodeId id) {
    return *std::find_if(nodes_.begin(), nodes_.end(),
                         [&](const ScalingNode& node) { return node.node == id; });
  }

  void settle() {
    if (changes_.empty()) return;
    for (ScalingNode& node : nodes_) {
      node.is_ready = node.ready_since <= now_;
    }
    for (std::size_t i = 0; i < changes_.size();) {
      const Change change = changes_[i];
      if (change.at > now_) {
        ++i;
        continue;
      }
      changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
      const bool leaves = change.decision.kind == DecisionKind::kScaleIn;
      if (leaves) {
        std::erase_if(nodes_,
                      [&](const ScalingNode& node) { return node.node == change.decision.node; });
      }
      report(change.decision.id, OutcomeKind::kDone,
             leaves ? 1 : static_cast<int>(change.nodes.size()), change.decision.at);
    }
    count();
  }

  const ResponseTable& table_;
  Governor governor_;
  Random boots_;
  LoadForecast* forecast_ = nullptr;  // null: it does without
  Readings readings_;
  DecisionIds ids_;
  std::vector<Decision> decisions_;
  std::vector<ScalingNode> nodes_;
  std::vector<Change> changes_;
  Capacity capacity_;
  Time now_ = kStart;
  std::size_t next_id_ = 0;
  double backlog_ = 0;
  Score score_;
};

}  // namespace phoenix
