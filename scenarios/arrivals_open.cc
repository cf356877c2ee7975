#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "scenarios/arrival_sources.h"
#include "scenarios/rate_curve.h"
#include "scenarios/request_maker.h"
#include "scenarios/variates.h"

namespace phoenix {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Unchanged final : public RateFactor {
 public:
  Step next_step() override { return {}; }
  double at(double) const override { return 1; }
};

class Diurnal final : public RateFactor {
 public:
  explicit Diurnal(const Workload& workload)
      : radians_per_s_(2 * std::numbers::pi / to_seconds(workload.period)),
        peak_s_(to_seconds(workload.peak)),
        amplitude_(workload.amplitude) {}

  Step next_step() override { return {kInfinity, 1 + amplitude_}; }
  double at(double t_s) const override {
    return 1 + amplitude_ * std::cos(radians_per_s_ * (t_s - peak_s_));
  }

 private:
  double radians_per_s_;
  double peak_s_;
  double amplitude_;
};

class FlashCrowd final : public RateFactor {
 public:
  explicit FlashCrowd(const Workload& workload)
      : start_s_(to_seconds(workload.crowd_start)),
        ramp_s_(to_seconds(workload.crowd_ramp)),
        decay_from_s_(start_s_ + ramp_s_ + to_seconds(workload.crowd_hold)),
        half_life_s_(to_seconds(workload.crowd_decay)),
        factor_(workload.crowd_factor) {
    lay_steps();
  }

  Step next_step() override { return steps_[next_++]; }

  double at(double t_s) const override {
    if (t_s < start_s_) return 1;
    if (t_s >= decay_from_s_) return half_life_s_ > 0 ? decayed(t_s) : 1;
    return t_s - start_s_ < ramp_s_ ? level((t_s - start_s_) / ramp_s_) : factor_;
  }

 private:
  // How full the crowd is, from 0 to 1, as a factor.
  double level(double share) const { return 1 + (factor_ - 1) * share; }
  double decayed(double t_s) const {
    return level(std::exp2((decay_from_s_ - t_s) / half_life_s_));
  }

  // Fine enough that most of what is drawn is kept; the last step holds what is left of the crowd.
  void lay_steps() {
    constexpr int kRampSteps = 8;
    constexpr int kHalfLives = 8;
    steps_.push_back({start_s_, 1});
    for (int i = 0; i < kRampSteps; ++i) {
      const double from = static_cast<double>(i) / kRampSteps;
      const double to = static_cast<double>(i + 1) / kRampSteps;
      steps_.push_back({start_s_ + to * ramp_s_, std::max(level(from), level(to))});
    }
    steps_.push_back({decay_from_s_, factor_});
    for (int i = 0; i < 2 * kHalfLives; ++i) {
      const double until = decay_from_s_ + 0.5 * (i + 1) * half_life_s_;
      steps_.push_back(
          {until, std::max(level(std::exp2(-0.5 * i)), level(std::exp2(-0.5 * (i + 1))))});
    }
    steps_.push_back({kInfinity, std::max(1.0, level(std::exp2(-kHalfLives)))});
  }

  double start_s_;
  double ramp_s_;
  double decay_from_s_;
  double half_life_s_;
  double factor_;
  std::vector<Step> steps_;
  std::size_t next_ = 0;
};

// Two states that last exponential times. Starts in either with its long-run chance, so that the
// mean rate is the same at all times.
class Bursts final : public RateFactor {
 public:
  Bursts(const Workload& workload, const Streams& streams)
      : burst_mean_s_(to_seconds(workload.burst_mean)),
        calm_mean_s_(to_seconds(workload.calm_mean)),
        factor_(workload.burst_factor),
        random_(streams.named("mmpp")) {
    const double burst_share = burst_mean_s_ / (burst_mean_s_ + calm_mean_s_);
    in_burst_ = random_.uniform() >= burst_share;  // next_step() changes it
  }

  Step next_step() override {
    in_burst_ = !in_burst_;
    until_s_ += (in_burst_ ? burst_mean_s_ : calm_mean_s_) * unit_exponential(random_);
    return {until_s_, in_burst_ ? factor_ : 1};
  }

  double at(double) const override { return in_burst_ ? factor_ : 1; }

 private:
  double burst_mean_s_;
  double calm_mean_s_;
  double factor_;
  Random random_;
  bool in_burst_ = false;
  double until_s_ = 0;
};

class EvenTimes {
 public:
  EvenTimes(RateWalk walk, Random) : walk_(std::move(walk)) {}
  double next() { return walk_.advance(1); }

 private:
  RateWalk walk_;
};

class PoissonTimes {
 public:
  PoissonTimes(RateWalk walk, Random random) : walk_(std::move(walk)), random_(random) {}
  double next() { return walk_.advance(unit_exponential(random_)); }

 private:
  RateWalk walk_;
  Random random_;
};

// For factors that bend within a step.
class ThinnedPoissonTimes {
 public:
  ThinnedPoissonTimes(RateWalk walk, Random random) : walk_(std::move(walk)), random_(random) {}

  double next() {
    while (true) {
      const double t = walk_.advance(unit_exponential(random_));
      if (t == kInfinity) return t;
      const double share = walk_.kept_share(t);
      if (share >= 1 || random_.uniform() < share) return t;
    }
  }

 private:
  RateWalk walk_;
  Random random_;
};

template <class Times>
class OpenArrivals final : public ArrivalSource {
 public:
  OpenArrivals(const Scenario& scenario, const Streams& streams, std::unique_ptr<RateFactor> factor)
      : requests_(scenario, streams),
        times_(RateWalk(RateCurve(scenario.workload.rate), std::move(factor),
                        to_seconds(scenario.duration)),
               streams.named("arrivals")),
        end_(kStart + scenario.duration) {
    step();
  }

  Time next_at() const override { return next_at_; }

  Arrival next() override {
    assert(next_at_ != kNever);
    Arrival arrival = requests_.make();
    arrival.at = next_at_;
    step();
    return arrival;
  }

 private:
  void step() {
    const Time at{from_seconds(times_.next())};
    next_at_ = at < end_ ? at : kNever;
  }

  RequestMaker requests_;
  Times times_;
  Time end_;
  Time next_at_ = kNever;
};

}  // namespace

std::unique_ptr<ArrivalSource> make_open_arrivals(const Scenario& scenario,
                                                  const Streams& streams) {
  const Workload& workload = scenario.workload;
  switch (workload.arrivals) {
    case ArrivalKind::kConstant:
      return std::make_unique<OpenArrivals<EvenTimes>>(scenario, streams,
                                                       std::make_unique<Unchanged>());
    case ArrivalKind::kDiurnal:
      return std::make_unique<OpenArrivals<ThinnedPoissonTimes>>(
          scenario, streams, std::make_unique<Diurnal>(workload));
    case ArrivalKind::kFlashCrowd:
      return std::make_unique<OpenArrivals<ThinnedPoissonTimes>>(
          scenario, streams, std::make_unique<FlashCrowd>(workload));
    case ArrivalKind::kMmpp:
      return std::make_unique<OpenArrivals<PoissonTimes>>(
          scenario, streams, std::make_unique<Bursts>(workload, streams));
    default:
      return std::make_unique<OpenArrivals<PoissonTimes>>(scenario, streams,
                                                          std::make_unique<Unchanged>());
  }
}

}  // namespace phoenix
