// Exponential smoothing with a trend and one or two seasons: the recurrences alone, for the
// forecasters that add start values, gaps and outliers to them. Source: Holt 1957 and Winters 1960;
// two seasons: Taylor 2003. The season learns from the new level; taking the old one differs by a
// rescaled gain. Defaults for 5-minute to 1-minute loads.
#pragma once

#include <algorithm>
#include <cmath>

namespace phoenix {

// Multiplicative levels and seasons stay above these, so that nothing is divided by a load of zero.
inline constexpr double kLevelMin = 1e-9;
inline constexpr double kSeasonFactorMin = 0.01;

// Share of an average's weight that one of `memory` steps takes: 1 - exp(-1 / memory).
inline double smoothing_gain(double memory) { return -std::expm1(-1 / memory); }

struct SmoothingGains {
  double level = 0.2;
  double trend = 0.02;
  double season = 0.1;
  double season2 = 0.1;
};

struct LevelTrend {
  double level = 0;
  double trend = 0;

  // `damping` in (0, 1] flattens the trend; with 1 it is the level plus steps times the trend.
  double ahead(int steps, double damping) const {
    const double sum =
        damping == 1.0 ? steps : damping * (1 - std::pow(damping, steps)) / (1 - damping);
    return level + trend * sum;
  }

  // `sample`: the value without its season.
  void learn(double sample, double damping, const SmoothingGains& gains) {
    const double old = level;
    level = gains.level * sample + (1 - gains.level) * ahead(1, damping);
    trend = gains.trend * (level - old) + (1 - gains.trend) * damping * trend;
  }
};

inline void smooth_additive(LevelTrend& line, double& season, double value, double damping,
                            const SmoothingGains& gains) {
  line.learn(value - season, damping, gains);
  season = gains.season * (value - line.level) + (1 - gains.season) * season;
}

inline void smooth_multiplicative(LevelTrend& line, double& season, double value, double damping,
                                  const SmoothingGains& gains) {
  line.learn(value / std::max(season, kSeasonFactorMin), damping, gains);
  line.level = std::max(line.level, kLevelMin);
  season =
      std::max(gains.season * value / line.level + (1 - gains.season) * season, kSeasonFactorMin);
}

// Both seasons learn beside the other's old value.
inline void smooth_two_seasons(LevelTrend& line, double& season, double& season2, double value,
                               double damping, const SmoothingGains& gains) {
  line.learn(value - season - season2, damping, gains);
  const double rest = value - line.level;
  const double old = season;
  season = gains.season * (rest - season2) + (1 - gains.season) * season;
  season2 = gains.season2 * (rest - old) + (1 - gains.season2) * season2;
}

}  // namespace phoenix
