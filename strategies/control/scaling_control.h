// The scaling side of the Controller: a governor for every node group that may change its size, and
// the forecast of the load they share.
//
// One thread at a time. Owns everything but what it is shown.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "strategies/control/cluster_watch.h"
#include "strategies/forecasting/scaling_predictor.h"
#include "strategies/forecasting/workload_predictor.h"
#include "strategies/scaling/governor.h"

namespace phoenix {

class ScalingControl {
 public:
  // Both outlive it. REQUIRES: the texts in `setup` are in full.
  ScalingControl(const ControlSetup& setup, const ClusterWatch& watch);

  Time next_tick() const;
  void tick(Time now, DecisionIds& ids, std::vector<Decision>& out);
  void evaluate_now(Time now, DecisionIds& ids, std::vector<Decision>& out);
  // `group` empty: the first that scales.
  Status scale_to(std::string_view group, int nodes, std::string_view reason, Time now,
                  DecisionIds& ids, std::vector<Decision>& out);
  // To what is there plus `count`, within the limits; for tuners.
  Status scale_by(int count, std::string_view reason, Time now, DecisionIds& ids,
                  std::vector<Decision>& out);
  Status add_policy(const ScalingPolicy& policy);
  Status remove_policy(std::string_view name);
  void on_event(const ExternalEvent& event);
  void on_outcome(const DecisionOutcome& outcome, Time now);

  std::vector<ScalingStatus> status(Time now) const;
  std::vector<ScalingPolicy> policies() const;
  // By the forecast and what nodes were measured to do; where it cannot tell, the reason says why.
  Recommendation recommendation() const;

 private:
  struct Pool {
    Pool(int group_index, Governor made) : group(group_index), governor(std::move(made)) {}
    int group;
    Governor governor;
    std::vector<ScalingNode> nodes;  // of the view, kept for its span
  };

  void observe_load(Time now);
  ScalingView view_of(Pool& pool, Time now) const;
  Pool* find(std::string_view group);

  const ControlSetup& setup_;
  const ClusterWatch& watch_;
  mutable WorkloadPredictor load_;  // views hold its forecast
  mutable std::deque<Pool> pools_;  // status() shows the view as it is now
  Time observed_at_ = kStart;
  double offered_before_ = 0;
};

}  // namespace phoenix
