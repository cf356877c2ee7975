#include "strategies/tuning/experiment.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace phoenix {
namespace {

constexpr int kMissingMax = 3;
constexpr int kProlongedMax = 2;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

void ExperimentOptions::visit(SettingVisitor& v) {
  v.integer("windows", windows, 5, 100, "windows measured before and after a change");
  v.integer("settle", settle, 0, 100, "windows passed over after a change");
  v.number("sigmas", sigmas, 2, 10, "standard errors a gain must exceed");
  v.number("least_gain", least_gain, 0, 1, "smallest relative gain worth keeping");
  v.number("harm", harm, 0.01, 10, "a window this much worse takes the change back at once");
  v.number("load_change", load_change, 0.01, 10, "relative change of load that voids a trial");
  v.flag("confirm", confirm, "take a change that looks good back once, to see the gain go");
}

PairedDifference paired_difference(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size() && a.size() >= 2);
  const auto n = static_cast<double>(a.size());
  double mean = 0;
  for (std::size_t i = 0; i < a.size(); ++i) mean += (a[i] - b[i]) / n;
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double off = a[i] - b[i] - mean;
    squares += off * off;
  }
  return {mean, std::sqrt(squares / (n - 1) / n)};
}

Slope slope_of(std::span<const double> values) {
  assert(values.size() >= 3);
  const auto n = static_cast<double>(values.size());
  const double middle = (n - 1) / 2;
  const double mean = mean_of(values);
  const double spread = n * (n * n - 1) / 12;  // squares of the places' distances from the middle
  Slope slope;
  for (std::size_t i = 0; i < values.size(); ++i) {
    slope.value += (static_cast<double>(i) - middle) * (values[i] - mean) / spread;
  }
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double off = values[i] - mean - slope.value * (static_cast<double>(i) - middle);
    squares += off * off;
  }
  slope.error = std::sqrt(squares / (n - 2) / spread);
  return slope;
}

void WindowHistory::observe(double score, double load, double nodes) {
  const bool is_same_cluster = nodes == nodes_ || std::isnan(nodes) || std::isnan(nodes_);
  nodes_ = nodes;
  if (to_settle_ > 0) {
    --to_settle_;
    return;
  }
  if (std::isnan(score) || !is_same_cluster) return clear();
  if (is_full()) {
    scores_.erase(scores_.begin());
    loads_.erase(loads_.begin());
  }
  scores_.push_back(score);
  loads_.push_back(load);
}

void WindowHistory::clear(int settle) {
  scores_.clear();
  loads_.clear();
  to_settle_ = settle;
}

double WindowHistory::mean_load() const { return mean_of(loads_); }

Experiment::Experiment(const ExperimentOptions& options, const WindowHistory& before)
    : options_(options),
      before_(before.scores().begin(), before.scores().end()),
      load_before_(before.mean_load()),
      to_settle_(options.settle) {
  assert(before.is_full() && before_.size() == static_cast<std::size_t>(options.windows));
  const Slope slope = slope_of(before_);
  if (slope.value > options.sigmas * slope.error) drift_ = slope;
}

bool Experiment::load_has_changed(double load) const {
  if (std::isnan(load) || std::isnan(load_before_)) return false;
  return std::abs(load - load_before_) > options_.load_change * load_before_;
}

// What the drift explains counts, but no more than is harm by itself. Where windows were good and
// bad in turn before, one more bad one is no harm.
bool Experiment::is_harm(double score) const {
  const auto explained = drift_.value * static_cast<double>(2 * before_.size());
  return score - mean_of(before_) > options_.harm + std::min(explained, options_.harm) &&
         score > *std::max_element(before_.begin(), before_.end()) + options_.least_gain;
}

// Recovering from a collapse takes time, and makes windows differ.
bool Experiment::is_worth_more_time() const {
  return first_.mean > options_.harm && prolonged_ < kProlongedMax;
}

// Every window is compared with the one a phase and its settling before.
PairedDifference Experiment::gain_against_drift(const PairedDifference& gain) const {
  const auto apart = static_cast<double>(before_.size()) + options_.settle;
  return {gain.mean + drift_.value * apart, std::hypot(gain.error, drift_.error * apart)};
}

Experiment::Step Experiment::observe(double score, double load) {
  assert(!is_over());
  if (load_has_changed(load)) return end(State::kVoid);
  if (std::isnan(score)) return ++missing_ >= kMissingMax ? end(State::kVoid) : Step::kWait;
  missing_ = 0;
  if (to_settle_ > 0) {
    --to_settle_;
    return Step::kWait;
  }
  if (is_new_set_ && is_harm(score)) {
    effect_ = mean_of(before_) - score;
    return end(State::kUndone);
  }
  phase_.push_back(score);
  if (phase_.size() < before_.size()) return Step::kWait;
  return state_ == State::kTrying ? end_trying() : end_confirming();
}

Experiment::Step Experiment::end_trying() {
  first_ = paired_difference(before_, phase_);
  effect_ = first_.mean;
  error_ = first_.error;
  is_by_drift_ = !is_gain(first_) && drift_.value > 0 && is_gain(gain_against_drift(first_));
  if (!is_gain(first_) && !is_by_drift_) {
    if (!is_worth_more_time()) return end(State::kUndone);
    ++prolonged_;
    phase_.clear();
    return Step::kWait;
  }
  if (!options_.confirm) return end(State::kKept);
  during_.swap(phase_);
  phase_.clear();
  state_ = State::kConfirming;
  is_new_set_ = false;
  to_settle_ = options_.settle;
  return Step::kSetOld;
}

Experiment::Step Experiment::end_confirming() {
  const PairedDifference second = paired_difference(phase_, during_);
  const PairedDifference both{(first_.mean + second.mean) / 2,
                              std::hypot(first_.error, second.error) / 2};
  effect_ = both.mean;
  error_ = both.error;
  const bool is_confirmed = is_gain(second) && (!is_by_drift_ || is_gain(both));
  return end(is_confirmed ? State::kKept : State::kUndone);
}

bool Experiment::is_gain(const PairedDifference& difference) const {
  return difference.mean > options_.sigmas * difference.error &&
         difference.mean >= options_.least_gain;
}

Experiment::Step Experiment::end(State state) {
  state_ = state;
  const bool wants_new = state == State::kKept;
  if (wants_new == is_new_set_) return Step::kWait;
  is_new_set_ = wants_new;
  return wants_new ? Step::kSetNew : Step::kSetOld;
}

Experiment::Step Experiment::abandon() { return end(State::kVoid); }

}  // namespace phoenix
