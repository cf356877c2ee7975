// Weights of experts whose forecasts are averaged: almost as good as the best fixed average of all
// of them, known only afterwards. For mixtures of forecasters.
//
// ML-Poly of Gaillard, Stoltz and van Erven (2014): an expert's regret is what moving the average
// towards it would have gained, weights follow the regrets above zero, and each expert has a rate
// of its own that falls with how far its gains vary. Any convex loss will do, by its slope at the
// average. Nothing is to be set but how long the past counts: without forgetting, the total loss is
// at most that of the best average plus regret_bound(); with it, the same holds of about `memory`
// steps at any time.
//
// One thread at a time. O(experts) a step, no allocation after construction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace phoenix {

class MlPoly {
 public:
  // REQUIRES: experts and memory > 0, in steps; infinity forgets nothing.
  MlPoly(std::size_t experts, double memory);

  // What each expert had forecast, NaN where it was silent; what was forecast as their average with
  // the weights of that moment, and how fast the loss grew there with the forecast.
  void learn(std::span<const double> forecasts, double mixed, double slope);

  // Sum to 1. Equal before anything was learnt.
  std::span<const double> weights() const { return weights_; }

  // Of an expert after `steps`, without forgetting: `largest` is the largest gain or loss of a step
  // and `squares` the sum of the squares of this expert's.
  static double regret_bound(std::size_t experts, double steps, double largest, double squares);

 private:
  double kept_;
  double largest_ = 0;  // the square of the largest gain
  std::vector<double> regrets_;
  std::vector<double> squares_;
  std::vector<double> weights_;
};

}  // namespace phoenix
