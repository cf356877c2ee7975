// A world for scaling tests: metrics, a forecast and nodes that a test sets by hand, and a fleet
// that carries a governor's decisions out.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/registry.h"
#include "strategies/scaling/governor.h"

namespace phoenix::testing {

inline Time at_s(double s) { return kStart + from_seconds(s); }

class FakeMetrics : public MetricView {
 public:
  void set(std::string_view name, double value, Time at = kStart) {
    points_[std::string(name)].push_back({at, value});
  }
  void forget(std::string_view name) { points_.erase(std::string(name)); }

  MetricPoint latest(std::string_view name) const override {
    const auto found = points_.find(std::string(name));
    return found == points_.end() ? MetricPoint{} : found->second.back();
  }
  void series(std::string_view name, Duration window,
              std::vector<MetricPoint>& out) const override {
    out.clear();
    const auto found = points_.find(std::string(name));
    if (found == points_.end()) return;
    for (const MetricPoint& point : found->second) {
      if (point.is_known() && now - point.at <= window) out.push_back(point);
    }
  }

  Time now = kStart;

 private:
  std::map<std::string, std::vector<MetricPoint>> points_;
};

class FakeForecast : public LoadForecast {
 public:
  void observe(double) override {}
  double mean(int steps) const override { return path(steps, 0.5); }
  double quantile(int steps, double q) const override { return path(steps, q); }
  bool is_trusted() const override { return trusted; }
  std::string trust_reason() const override { return "as the test says"; }

  std::function<double(int, double)> path = [](int, double) { return 0.0; };
  bool trusted = true;
};

// A view of `ready` nodes with one metric, in one expression.
struct Scene {
  FakeMetrics metrics;
  ScalingView view;

  explicit Scene(int ready = 4, int provisioning = 0) {
    view.capacity.ready = ready;
    view.capacity.provisioning = provisioning;
    view.maximum = 1000;
  }
  Scene(const Scene&) = delete;

  Scene& with(std::string_view name, double value) {
    metrics.set(name, value, view.now);
    return *this;
  }
  const ScalingView& seen() {
    view.metrics = &metrics;
    metrics.now = view.now;
    return view;
  }
};

inline std::unique_ptr<Scaler> scaler_of(std::string_view text) {
  Result<MadeScaler> made = make_scaler(text);
  EXPECT_TRUE(made.ok()) << (made ? "" : made.error());
  return std::move(made->strategy);
}

inline std::string error_of(std::string_view text) {
  const Result<MadeScaler> made = make_scaler(text);
  return made ? "" : made.error();
}

// What `text` wishes for in `scene`.
inline ScalingWish wish_of(std::string_view text, Scene& scene) {
  return scaler_of(text)->wish(scene.seen());
}

// Nodes that boot and drain as told, under a governor.
class Fleet {
 public:
  Fleet(ScalingPool pool, GovernorOptions options, int ready) : governor(std::move(pool), options) {
    for (int i = 0; i < ready; ++i) add_ready();
    view.boot_time = boot;
  }

  void add_policy(const std::string& name, const std::string& text) {
    const Status added = governor.add_policy({name, text});
    ASSERT_TRUE(added.ok()) << added.error();
  }

  int ready() const {
    return count([](const ScalingNode& n) { return n.is_ready && !n.is_draining; });
  }
  int provisioning() const {
    return count([](const ScalingNode& n) { return !n.is_ready; });
  }
  int draining() const {
    return count([](const ScalingNode& n) { return n.is_draining; });
  }
  int supply() const { return ready() + provisioning(); }

  const ScalingView& look() {
    view.metrics = &metrics;
    metrics.now = view.now;
    view.nodes = nodes;
    view.capacity = {ready(), provisioning(), draining()};
    return view;
  }

  // Lets time pass to `to`, ticking when the governor wants to.
  void run_to(Time to, const std::function<void(Time)>& before_tick = {}) {
    while (true) {
      const Time next = std::max(view.now, std::min(governor.next_tick(), next_done()));
      if (next > to) break;
      view.now = next;
      settle();
      if (governor.next_tick() > view.now) continue;
      if (before_tick) before_tick(view.now);
      tick();
    }
    view.now = to;
  }

  void tick() {
    std::vector<Decision> made;
    governor.tick(look(), ids, made);
    for (const Decision& decision : made) carry_out(decision);
  }

  void carry_out(const Decision& decision) {
    decisions.push_back(decision);
    if (decision.kind == DecisionKind::kScaleOut && decision.node != kNoNode) {
      take_back(decision);
    } else if (decision.kind == DecisionKind::kScaleOut) {
      Work work{decision, view.now + boot, {}};
      for (int i = 0; i < decision.count; ++i) {
        ScalingNode node;
        node.node = id_at<NodeId>(next_id_++);
        node.asked_at = view.now;
        nodes.push_back(node);
        work.nodes.push_back(node.node);
      }
      works_.push_back(work);
    } else if (decision.kind == DecisionKind::kScaleIn) {
      node_of(decision.node)->is_draining = true;
      works_.push_back({decision, view.now + drain, {decision.node}});
    }
  }

  // Reports what is finished by now.
  void settle() {
    for (std::size_t i = 0; i < works_.size();) {
      if (works_[i].done_at > view.now) {
        ++i;
        continue;
      }
      const Work work = works_[i];
      works_.erase(works_.begin() + static_cast<std::ptrdiff_t>(i));
      finish(work);
    }
  }

  ScalingNode* node_of(NodeId id) {
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&](const ScalingNode& node) { return node.node == id; });
    return found == nodes.end() ? nullptr : &*found;
  }
  void add_ready() {
    ScalingNode node;
    node.node = id_at<NodeId>(next_id_++);
    node.is_ready = true;
    node.ready_since = kStart;
    node.in_flight = 0;
    nodes.push_back(node);
  }

  Governor governor;
  FakeMetrics metrics;
  ScalingView view;
  std::vector<ScalingNode> nodes;
  DecisionIds ids;
  std::vector<Decision> decisions;
  Duration boot = std::chrono::seconds(60);
  Duration drain = std::chrono::seconds(20);
  // How many of the nodes of a start come up; all by default.
  std::function<int(int)> survivors = [](int asked) { return asked; };
  bool drains_fail = false;

 private:
  struct Work {
    Decision decision;
    Time done_at;
    std::vector<NodeId> nodes;
  };

  template <class Which>
  int count(Which which) const {
    return static_cast<int>(std::count_if(nodes.begin(), nodes.end(), which));
  }

  Time next_done() const {
    Time next = kNever;
    for (const Work& work : works_) next = std::min(next, work.done_at);
    return next;
  }

  void remove(NodeId id) {
    std::erase_if(nodes, [&](const ScalingNode& node) { return node.node == id; });
  }

  void report(const Decision& decision, OutcomeKind kind, int came) {
    DecisionOutcome outcome;
    outcome.id = decision.id;
    outcome.kind = kind;
    outcome.count = came;
    outcome.took = view.now - decision.at;
    if (kind == OutcomeKind::kFailed) outcome.text = "it did not come up";
    governor.on_outcome(outcome, view.now);
  }

  void take_back(const Decision& decision) {
    for (std::size_t i = 0; i < works_.size(); ++i) {
      if (works_[i].decision.node != decision.node) continue;
      const Decision drained = works_[i].decision;
      works_.erase(works_.begin() + static_cast<std::ptrdiff_t>(i));
      node_of(decision.node)->is_draining = false;
      report(drained, OutcomeKind::kSuperseded, 0);
      report(decision, OutcomeKind::kDone, 1);
      return;
    }
    report(decision, OutcomeKind::kRefused, 0);
  }

  void finish(const Work& work) {
    if (work.decision.kind == DecisionKind::kScaleIn) {
      if (drains_fail) {
        node_of(work.nodes.front())->is_draining = false;
        return report(work.decision, OutcomeKind::kFailed, 0);
      }
      remove(work.nodes.front());
      return report(work.decision, OutcomeKind::kDone, 1);
    }
    const int asked = static_cast<int>(work.nodes.size());
    const int came = survivors(asked);
    for (int i = 0; i < asked; ++i) {
      const NodeId id = work.nodes[static_cast<std::size_t>(i)];
      if (i >= came) {
        remove(id);
        continue;
      }
      ScalingNode* node = node_of(id);
      if (node == nullptr || node->is_ready) continue;
      node->is_ready = true;
      node->ready_since = view.now;
      node->in_flight = 0;
    }
    report(work.decision, came == asked ? OutcomeKind::kDone : OutcomeKind::kFailed, came);
  }

  std::vector<Work> works_;
  std::size_t next_id_ = 0;
};

// Nodes of 100 a second, aimed at 70 %, with a forecast.
struct Forecasted : Scene {
  explicit Forecasted(int ready, double rate) : Scene(ready) {
    with(metric::kArrivalRate, rate);
    view.node_capacity_per_s = 100;
    view.target_utilization = 0.7;
    view.forecast = &forecast;
    view.forecast_step = std::chrono::seconds(15);
    view.boot_time = std::chrono::seconds(90);
    view.decision_delay = std::chrono::seconds(15);
  }
  FakeForecast forecast;
};

}  // namespace phoenix::testing
