// Weights of experts that compete: who did better lately counts more. For mixtures of forecasters.
//
// Weights are kept as logarithms. Each loss in [0, 1] multiplies an expert's weight by
// exp(-rate * loss); then everyone gets the same small share, so that an expert that was bad for
// long can come back (fixed share: Herbster and Warmuth 1998). Without sharing, the total loss of
// the weighted choice is at most that of the best expert plus sqrt(T ln K / 2), for the rate
// sqrt(8 ln K / T) (Freund and Schapire 1997; Cesa-Bianchi and Lugosi 2006). With it, at most
// 1 / share steps or so are lost to each change of the best one.
//
// One thread at a time. O(experts) per step, no allocation after construction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace phoenix {

// The rate with the bound above, for `steps` steps.
double hedge_rate(std::size_t experts, double steps);
double hedge_regret_bound(std::size_t experts, double steps);

// Of the forecasts that are not NaN; NaN where all are. The median is the lowest forecast that at
// least half of the weight is not above. O(K) and O(K log K), K <= kExpertsMax.
inline constexpr std::size_t kExpertsMax = 16;
double weighted_mean(std::span<const double> forecasts, std::span<const double> weights);
double weighted_median(std::span<const double> forecasts, std::span<const double> weights);

class Hedge {
 public:
  Hedge(std::size_t experts, double rate, double share);

  // One loss for each expert. A NaN loss marks an expert that gave no forecast: it keeps its share.
  // Losses beyond [0, 1] are clipped.
  void learn(std::span<const double> losses);

  // Sum to 1.
  std::span<const double> weights() const { return weights_; }

 private:
  double rate_;
  double share_;
  std::vector<double> logs_;
  std::vector<double> weights_;
};

}  // namespace phoenix
