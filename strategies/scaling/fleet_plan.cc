#include "strategies/scaling/fleet_plan.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace phoenix {
namespace {

constexpr std::int64_t kMostSlots = 64;
constexpr int kMostLevels = 128;

// The load of one step, as the forecast's quantiles tell it. Beyond the 99 % quantile, where a few
// hundred errors say little, the chance to be above falls as it does between 95 and 99 %,
// exponentially.
class LoadAhead {
 public:
  LoadAhead(const LoadForecast& forecast, int step, double most) : most_(most) {
    for (std::size_t i = 0; i < kChances.size(); ++i) {
      const double load = forecast.quantile(step, 1 - kChances[i]);
      loads_[i] = std::max(i > 0 ? loads_[i - 1] : 0.0, std::isfinite(load) ? load : 0.0);
    }
    fold_ = (loads_.back() - loads_[kNearlyRare]) / std::log(kChances[kNearlyRare] / kRare);
  }

  double chance_above(double load) const {
    if (load >= most_ || load < loads_.front()) return load >= most_ ? 0 : 1;
    const std::size_t i = place_of(load);
    if (i == loads_.size()) return beyond(load);
    return kChances[i] + (kChances[i - 1] - kChances[i]) * (loads_[i] - load) / width(i);
  }

  // Passed with this chance or, where that is above the rarest, with less.
  double load_at(double chance) const {
    return std::min(loads_.back() + fold_ * std::log(std::max(1.0, kRare / chance)), most_);
  }

 private:
  static constexpr double kRare = 0.01;
  static constexpr std::size_t kNearlyRare = 14;  // place of 0.05
  static constexpr std::array<double, 19> kChances = {1,    0.95, 0.9,  0.8,   0.7,  0.6, 0.5,
                                                      0.4,  0.3,  0.25, 0.2,   0.15, 0.1, 0.07,
                                                      0.05, 0.03, 0.02, 0.015, kRare};

  // Index of the first of the loads that is above.
  std::size_t place_of(double load) const {
    return static_cast<std::size_t>(std::upper_bound(loads_.begin(), loads_.end(), load) -
                                    loads_.begin());
  }
  double width(std::size_t i) const { return loads_[i] - loads_[i - 1]; }
  double beyond(double load) const {
    return fold_ > 0 ? kRare * std::exp((loads_.back() - load) / fold_) : 0;
  }

  double most_;
  std::array<double, kChances.size()> loads_{};
  double fold_ = 0;
};

// What a node more is worth at each level, made convex: the lower hull of the chances to be short.
class HullOfChances {
 public:
  void add(int nodes, double chance) {
    const Corner next{nodes, chance};
    while (corners_.size() >= 2 &&
           slope(corners_[corners_.size() - 2], corners_.back()) >= slope(corners_.back(), next)) {
      corners_.pop_back();
    }
    corners_.push_back(next);
  }

  // By how much each node that leads up to so many lowers the chance. REQUIRES: more than the first
  // that was added, at most the last, and calls go up.
  double gain(int nodes) {
    while (at_ + 1 < corners_.size() && corners_[at_ + 1].nodes < nodes) ++at_;
    return at_ + 1 < corners_.size() ? -slope(corners_[at_], corners_[at_ + 1]) : 0;
  }

 private:
  struct Corner {
    int nodes = 0;
    double chance = 0;
  };
  static double slope(const Corner& a, const Corner& b) {
    return (b.chance - a.chance) / (b.nodes - a.nodes);
  }

  std::vector<Corner> corners_;
  std::size_t at_ = 0;
};

// Share of each slot in which a node serves that is started `past` the beginning of the first: how
// long it boots is taken as evenly spread around its median.
class Arrival {
 public:
  Arrival(const PlanCosts& costs, Duration past, Duration slot) : past_s_(to_seconds(past)) {
    constexpr double kP95 = 0.9;  // lies at this much of the half-width above the median
    const double boot = to_seconds(costs.boot);
    const double late = std::max(boot, to_seconds(costs.boot_late));
    const double half = std::min(std::max((late - boot) / kP95, 1e-3), boot + 1e-3);
    begin_ = past_s_ + boot - half;
    end_ = past_s_ + boot + half;
    const double length = to_seconds(slot);
    for (double at = 0; shares_.empty() || shares_.back() < 1; at += length) {
      shares_.push_back(std::min(1.0, (served_by(at + length) - served_by(at)) / length));
      if (at >= end_) shares_.back() = 1;
    }
  }
  std::span<const double> shares() const { return shares_; }  // the last is 1
  double past_s() const { return past_s_; }

 private:
  // Seconds served until then, on average.
  double served_by(double at) const {
    if (at <= begin_) return 0;
    if (at >= end_) return at - (begin_ + end_) / 2;
    return (at - begin_) * (at - begin_) / (2 * (end_ - begin_));
  }

  double past_s_;
  double begin_ = 0;
  double end_ = 0;
  std::vector<double> shares_;
};

class Planner {
 public:
  Planner(const LoadForecast& forecast, const ForecastSpan& span, const PlannedPool& pool,
          const PlanCosts& costs)
      : forecast_(forecast),
        span_(span),
        pool_(pool),
        costs_(costs),
        stride_(stride_for(span, costs)),
        slot_s_(to_seconds(stride_ * span.step)),
        at_once_(costs, span.age, stride_ * span.step),
        later_(costs, Duration{0}, stride_ * span.step),
        slots_(count_slots()) {
    look_at_loads();
    set_levels();
    for (std::size_t k = 1; k <= slots_; ++k) weigh_slot(k);
  }

  int nodes() {
    const int supply = pool_.ready + pool_.starting;
    int wanted = levels_.front();
    for (std::size_t level = 1; level < levels_.size(); ++level) {
      const int top = levels_[level];
      if (top > std::max(pool_.least, pool_.most)) break;
      if (top > pool_.ready && top <= supply) continue;
      look_ahead(level);
      // One that drains is paid for anyway, and can be stopped again as well as one that serves.
      const bool is_there = top <= supply + pool_.draining;
      if (!(is_there ? is_worth_having() : is_worth_starting())) break;
      wanted = top;
    }
    if (wanted < pool_.ready) return wanted + pool_.starting;
    return std::max(wanted, supply);
  }

 private:
  static Duration horizon(const ForecastSpan& span, const PlanCosts& costs) {
    return span.age + 2 * costs.boot + costs.drain;
  }
  // Steps that are planned as one.
  static std::int64_t stride_for(const ForecastSpan& span, const PlanCosts& costs) {
    const std::int64_t steps = horizon(span, costs) / span.step + 1;
    return (steps + kMostSlots - 1) / kMostSlots;
  }
  std::size_t count_slots() const {
    const Duration slot = stride_ * span_.step;
    const Duration far = horizon(span_, costs_) + slot - Duration{1};
    const auto whole = static_cast<std::size_t>(far / slot);
    return std::max(whole, at_once_.shares().size() + 1);
  }

  // Each by the step in its middle. What all nodes there may be cannot carry counts as what they
  // can: it makes none of them worthless.
  void look_at_loads() {
    const double most_load = std::min(span_.most_load, pool_.most * pool_.each);
    for (std::size_t k = 0; k < slots_; ++k) {
      const auto step = static_cast<std::int64_t>(k) * stride_ + (stride_ + 1) / 2;
      ahead_.emplace_back(forecast_, static_cast<int>(step), most_load);
    }
  }

  // Numbers of nodes, rising, from the least; the present one is among them.
  void set_levels() {
    double highest = 0;
    for (const LoadAhead& load : ahead_) {
      highest = std::max(highest, load.load_at(1 / costs_.miss_cost));
    }
    const double needed = std::min(std::ceil(highest / pool_.each), 1.0 * pool_.most);
    const int top = std::max({pool_.least, static_cast<int>(needed), pool_.ready});
    const int size = std::max(1, (top - pool_.least + kMostLevels - 1) / kMostLevels);
    levels_.push_back(pool_.least);
    if (pool_.ready > pool_.least) {
      int next = pool_.least + (pool_.ready - pool_.least) % size;
      if (next == pool_.least) next += size;
      for (; next <= pool_.ready; next += size) levels_.push_back(next);
    }
    while (levels_.back() < top) levels_.push_back(std::min(levels_.back() + size, top));
    worth_.assign(levels_.size(), std::vector<double>(slots_ + 1));
  }

  void weigh_slot(std::size_t k) {
    HullOfChances hull;
    for (const int nodes : levels_) hull.add(nodes, ahead_[k - 1].chance_above(nodes * pool_.each));
    for (std::size_t level = 1; level < levels_.size(); ++level) {
      worth_[level][k] = slot_s_ * costs_.miss_cost * hull.gain(levels_[level]);
    }
  }

  // Of a node that is begun in a slot: minus infinity where it may serve beyond the horizon only.
  double started(std::size_t slot, const Arrival& arrival) const {
    const std::span<const double> shares = arrival.shares();
    const std::size_t end = slot + shares.size();
    if (end > slots_ + 1) return -std::numeric_limits<double>::infinity();
    double gain = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) gain += shares[i] * (*now_)[slot + i];
    return gain - static_cast<double>(shares.size()) * slot_s_ + arrival.past_s() + on_[end];
  }

  // Best that can be had of a node that is on, or off, at the beginning of each slot.
  void look_ahead(std::size_t level) {
    now_ = &worth_[level];
    on_.assign(slots_ + 2, 0);
    off_.assign(slots_ + 2, 0);
    for (std::size_t k = slots_; k >= 2; --k) {
      off_[k] = std::max(off_[k + 1], started(k, later_));
      on_[k] = std::max((*now_)[k] - slot_s_ + on_[k + 1], off_[k] - to_seconds(costs_.drain));
    }
  }

  double stays() const {
    const double left = 1 - to_seconds(span_.age) / slot_s_;
    return left * ((*now_)[1] - slot_s_) + on_[2];
  }
  double starts() const { return started(1, at_once_); }
  bool is_worth_having() const {
    return stays() >= std::max(starts(), off_[2]) - to_seconds(costs_.drain);
  }
  bool is_worth_starting() const { return starts() > off_[2]; }

  const LoadForecast& forecast_;
  const ForecastSpan& span_;
  const PlannedPool& pool_;
  const PlanCosts& costs_;
  std::int64_t stride_;  // forecast steps to a slot
  double slot_s_;
  Arrival at_once_;  // of a node started now
  Arrival later_;    // of one started at the beginning of a slot
  std::size_t slots_;
  std::vector<LoadAhead> ahead_;  // by slot
  std::vector<int> levels_;
  std::vector<std::vector<double>> worth_;  // of serving, [level][slot from 1], in node-seconds
  const std::vector<double>* now_ = nullptr;
  std::vector<double> on_;
  std::vector<double> off_;
};

}  // namespace

int planned_nodes(const LoadForecast& forecast, const ForecastSpan& span, const PlannedPool& pool,
                  const PlanCosts& costs) {
  assert(pool.each > 0 && costs.miss_cost > 0);
  assert(span.step > Duration{0} && span.age >= Duration{0} && span.age < span.step);
  return Planner(forecast, span, pool, costs).nodes();
}

}  // namespace phoenix
