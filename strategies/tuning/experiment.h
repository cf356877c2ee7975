// One change, tried and judged: the windows before it against the windows after it, and where it
// looks good taken back once to see that the gain goes with it. That second look is what a slow
// drift of the load or a lucky row of windows does not survive.
//
//   before: the newest `windows` windows with a known score
//   trying: set; `settle` windows pass; `windows` more are measured
//   confirming: taken back; again `settle` and `windows`; only then set for good
//
// Scores are logarithms of cost, less is better, so that differences are relative: 0.1 is 10 %. Two
// phases differ when the mean of their paired differences is more than `sigmas` standard errors and
// `least_gain` from 0. A change that costs more than `harm` in a window, and more than any window
// before, is taken back at once. One that seems to gain more than `harm`, but not for sure, is
// measured anew, twice at most: what recovers from a collapse is bad first and good then. An
// offered load that leaves the band of `load_change` around its mean before voids the trial, as do
// 3 windows in a row without a score.
//
// Where things were getting worse before the change (a straight line through those windows rises by
// more than `sigmas` errors of its slope), a change may help and still end worse than it began:
// what it is held against then is the line continued. Such a gain needs the second look, and is
// kept only where the mean of the two phases without it is worse too: a drift cancels out of that
// mean where it is even, and makes it better where it is slowing down; one that gathers speed
// leaves the line for the worse and gets no second look.
//
// Knows nothing of what is changed. One thread at a time. Source of the rule: design document, one
// change at a time, measured before and after, kept only beyond 2 standard errors; confirming,
// drifts and the defaults are ours.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "strategies/core/settings.h"

namespace phoenix {

struct ExperimentOptions {
  int windows = 8;
  int settle = 2;
  double sigmas = 2.5;
  double least_gain = 0.01;
  double harm = 0.5;
  double load_change = 0.2;
  bool confirm = true;

  void visit(SettingVisitor& v);
};

// Mean of a[i] - b[i] and its standard error. REQUIRES: equal sizes, at least 2.
struct PairedDifference {
  double mean = 0;
  double error = 0;
};
PairedDifference paired_difference(std::span<const double> a, std::span<const double> b);

// Slope of the least-squares line through values one apart, and its standard error.
// REQUIRES: at least 3 values.
struct Slope {
  double value = 0;
  double error = 0;
};
Slope slope_of(std::span<const double> values);

// The windows gone by, for what came before a change. A window without a score, or with another
// number of nodes than the one before, begins a new row.
class WindowHistory {
 public:
  explicit WindowHistory(int kept) : kept_(static_cast<std::size_t>(kept)) {}
  void observe(double score, double load, double nodes);
  // Forgets, and passes over the next `settle` windows too.
  void clear(int settle = 0);
  bool is_full() const { return scores_.size() == kept_; }
  std::span<const double> scores() const { return scores_; }
  double mean_load() const;  // NaN: unknown

 private:
  std::size_t kept_;
  std::vector<double> scores_;
  std::vector<double> loads_;
  double nodes_ = std::numeric_limits<double>::quiet_NaN();
  int to_settle_ = 0;
};

class Experiment {
 public:
  enum class Step : std::uint8_t { kWait, kSetNew, kSetOld };  // what is to be done now
  enum class State : std::uint8_t { kTrying, kConfirming, kKept, kUndone, kVoid };

  // Begins with the new value being set. REQUIRES: before.is_full().
  Experiment(const ExperimentOptions& options, const WindowHistory& before);

  // One window has passed; NaN is an unknown score or load. REQUIRES: !is_over().
  Step observe(double score, double load);
  // Taken back, whatever was measured; kWait where the old value is set already.
  Step abandon();

  State state() const { return state_; }
  bool is_over() const { return state_ >= State::kKept; }
  // Relative improvement as measured, positive is better; NaN until it is known.
  double effect() const { return effect_; }
  double error() const { return error_; }

 private:
  bool load_has_changed(double load) const;
  bool is_harm(double score) const;
  bool is_worth_more_time() const;
  PairedDifference gain_against_drift(const PairedDifference& gain) const;
  Step end_trying();
  Step end_confirming();
  Step end(State state);
  bool is_gain(const PairedDifference& difference) const;

  ExperimentOptions options_;
  std::vector<double> before_;
  std::vector<double> during_;  // with the new value
  std::vector<double> phase_;   // of the present phase
  double load_before_;
  Slope drift_;               // for the worse, per window; 0: none to speak of
  bool is_by_drift_ = false;  // only the line continued makes the first look a gain
  PairedDifference first_;    // look, as measured
  State state_ = State::kTrying;
  bool is_new_set_ = true;
  int to_settle_;
  int missing_ = 0;
  int prolonged_ = 0;  // times the first look was measured anew
  double effect_ = std::numeric_limits<double>::quiet_NaN();
  double error_ = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace phoenix
