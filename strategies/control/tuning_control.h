// The tuning side of the Controller: shows a tuner every window, turns its actions on knobs into
// decisions, and hands its other wishes to scaling and rebalancing.
//
// One thread at a time. Owns the tuner.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "strategies/control/cluster_watch.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {

// What a tuner may ask of the Controller's other sides; the error says why not.
struct TuningHelpers {
  std::function<Status(int count, const std::string& reason)> scale_by;
  std::function<Status(const std::string& rebalancer)> rebalance;
};

class TuningControl {
 public:
  // Both outlive it. REQUIRES: the tuner's text is in full.
  TuningControl(const ControlSetup& setup, const ClusterWatch& watch);

  Time next_tick() const { return tuner_ == nullptr ? kNever : next_; }
  void tick(Time now, const TuningHelpers& helpers, DecisionIds& ids, std::vector<Decision>& out);
  // A window that ends now, whenever the next is due.
  void step_now(Time now, const TuningHelpers& helpers, DecisionIds& ids,
                std::vector<Decision>& out);
  void on_outcome(const DecisionOutcome& outcome);
  // By hand; the error says what was found and what is allowed.
  Status set_knob(std::string_view name, double value, Time now, DecisionIds& ids,
                  std::vector<Decision>& out);

  const Knobs& knobs() const { return knobs_; }
  TunerStatus status() const { return tuner_ == nullptr ? TunerStatus{} : tuner_->status(); }

 private:
  struct UnderWay {
    std::uint64_t action = 0;  // 0: set by hand
    KnobId knob = KnobId::kBatchSize;
    double value = 0;
  };

  void act(const TuningAction& action, Time now, const TuningHelpers& helpers, DecisionIds& ids,
           std::vector<Decision>& out);
  static Status hand_on(const TuningAction& action, const TuningHelpers& helpers);
  TuningView view_of(Time now) const;

  const ControlSetup& setup_;
  const ClusterWatch& watch_;
  std::unique_ptr<Tuner> tuner_;  // null: none
  Knobs knobs_;                   // as the world has them
  std::map<DecisionId, UnderWay> open_;
  Time next_;
  Time window_began_ = kStart;
  double offered_before_ = 0;
};

}  // namespace phoenix
