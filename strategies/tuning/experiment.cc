#include "strategies/tuning/experiment.h"

#include <cassert>
#include <cmath>
#include <numeric>

namespace phoenix {
namespace {

constexpr int kMissingMax = 3;

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
}

bool Experiment::load_has_changed(double load) const {
  if (std::isnan(load) || std::isnan(load_before_)) return false;
  return std::abs(load - load_before_) > options_.load_change * load_before_;
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
  if (is_new_set_ && score - mean_of(before_) > options_.harm) {
    effect_ = mean_of(before_) - score;
    return end(State::kUndone);
  }
  phase_.push_back(score);
  if (phase_.size() < before_.size()) return Step::kWait;
  return state_ == State::kTrying ? end_trying() : end_confirming();
}

Experiment::Step Experiment::end_trying() {
  const PairedDifference gain = paired_difference(before_, phase_);
  effect_ = gain.mean;
  error_ = gain.error;
  if (!is_gain(gain)) return end(State::kUndone);
  if (!options_.confirm) return end(State::kKept);
  during_.swap(phase_);
  phase_.clear();
  state_ = State::kConfirming;
  is_new_set_ = false;
  to_settle_ = options_.settle;
  return Step::kSetOld;
}

Experiment::Step Experiment::end_confirming() {
  const PairedDifference gain = paired_difference(phase_, during_);
  const bool is_confirmed = is_gain(gain);
  effect_ = (effect_ + gain.mean) / 2;
  error_ = std::sqrt(error_ * error_ + gain.error * gain.error) / 2;
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
