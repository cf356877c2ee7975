// A small cluster that answers to knobs by a formula, for tests of tuners: it obeys actions, tells
// metrics with noise, and remembers every setting there was.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "strategies/metrics/metric_store.h"
#include "strategies/metrics/targets.h"
#include "strategies/registry.h"
#include "strategies/tuning/trials.h"

namespace phoenix {

struct TuningWorld {
  TuningWorld(const std::string& tuner_text, std::uint64_t seed) : random(seed) {
    Result<MadeTuner> made = make_tuner(tuner_text);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error());
    if (made) tuner = std::move(made->strategy);
  }

  // Means of the metrics a window will have; changed by `model` or the test.
  std::map<std::string, double> metrics = {
      {"response_time_p95", 0.04},  {"cluster_throughput_total", 1'000},
      {"arrival_rate", 1'000},      {"cluster_availability", 1},
      {"cluster_cpu_avg", 0.6},     {"cluster_memory_avg", 0.5},
      {"cluster_network_avg", 0.3}, {"active_nodes", 10},
  };
  std::function<void(TuningWorld&)> model = [](TuningWorld&) {};
  double noise = 0.02;  // relative, of response times
  TuningFacts facts;
  Knobs knobs;
  TargetSet targets;
  Random random;
  std::unique_ptr<Tuner> tuner;
  MetricStore store;
  Time now = kStart;
  std::vector<TuningAction> all;   // every action there was
  std::vector<TuningAction> last;  // of the newest window
  bool refuses = false;
  bool is_silent = false;  // reports no outcomes
  bool has_nodes = true;   // scale-outs bring nodes
  // Changes of each knob: the values it had, in order.
  std::map<KnobId, std::vector<double>> settings;

  // Ten seconds, told in seconds, then the tuner's step and its actions carried out.
  void window() {
    model(*this);
    for (int s = 0; s < 10; ++s) {
      for (const auto& [name, value] : metrics) {
        const bool is_noisy = name == "response_time_p95";
        const double factor = is_noisy ? 1 + noise * (random.uniform() - 0.5) : 1;
        EXPECT_TRUE(store.record_metric(name, value * factor, now).ok());
      }
      now += std::chrono::seconds(1);
    }
    store.advance(now);
    TuningView view;
    view.now = now;
    view.metrics = &store;
    if (metrics.contains("active_nodes")) view.nodes = metrics["active_nodes"];
    view.knobs = knobs;
    view.facts = facts;
    const auto readings = targets.read_over(store, view.window);
    view.targets = readings;
    view.load = window_mean(store, metric::kArrivalRate, view.window);
    last.clear();
    tuner->step(view, last);
    for (const TuningAction& action : last) carry_out(action);
  }

  void windows(int n) {
    for (int i = 0; i < n; ++i) window();
  }

  void carry_out(const TuningAction& action) {
    all.push_back(action);
    if (refuses) return tuner->on_outcome({action.id, OutcomeKind::kRefused, "not now"});
    if (sets_knob(action.kind)) {
      EXPECT_EQ(knob_value(knobs, action.knob), action.from) << print_action(action);
      const KnobInfo& info = knob_info(action.knob);
      const bool is_off = action.value == 0 && !info.zero.empty();
      EXPECT_TRUE(is_off || (action.value >= info.safe_low && action.value <= info.safe_high))
          << print_action(action);
      EXPECT_TRUE(set_knob(knobs, action.knob, action.value).ok());
      settings[action.knob].push_back(action.value);
    } else if (action.kind == ActionKind::kHorizontalScaleOut && has_nodes) {
      metrics["active_nodes"] += action.is_undo ? -action.count : action.count;
    }
    if (!is_silent) tuner->on_outcome({action.id, OutcomeKind::kDone, ""});
  }

  // At most one trial at a time, whatever is queued.
  int under_way() const {
    int count = 0;
    for (const ActiveOptimization& entry : tuner->status().active) {
      count += entry.phase == TrialPhase::kTrying || entry.phase == TrialPhase::kConfirming ? 1 : 0;
    }
    return count;
  }
};

}  // namespace phoenix
