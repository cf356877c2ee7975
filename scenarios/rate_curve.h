// A rate over time that is linear between points, and the walk along it that turns amounts of
// integrated rate into times. With unit steps this makes evenly spaced arrivals, with exponential
// steps a Poisson process of exactly that rate: no thinning, no discretisation.
//
// Times are seconds, doubles: an arrival is rounded to the nanosecond only when it is handed out.
// Plain values; one thread at a time.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "scenarios/scenario.h"

namespace phoenix {

class RateCurve {
 public:
  // Linear from `from_s` on; the last one lasts for ever and is level.
  struct Segment {
    double from_s = 0;
    double until_s = 0;
    double rate = 0;   // per second, at from_s
    double slope = 0;  // per second squared
  };

  // REQUIRES: at least one point, in time order from 0 (two at one time are a jump), rates finite
  // and not negative.
  explicit RateCurve(const std::vector<RatePoint>& points);

  const std::vector<Segment>& segments() const { return segments_; }

 private:
  std::vector<Segment> segments_;
};

// What the curve is multiplied by, as steps: the factor itself, or a bound on it where it bends and
// arrivals are thinned to it.
class RateFactor {
 public:
  struct Step {
    double until_s = std::numeric_limits<double>::infinity();
    double factor = 1;
  };

  virtual ~RateFactor() = default;

  // Steps follow each other from 0; the last one's end is infinity.
  virtual Step next_step() = 0;

  // The factor itself, at most that of the step `t_s` lies in.
  virtual double at(double t_s) const = 0;
};

class RateWalk {
 public:
  // Nobody asks for times past `end_s`.
  RateWalk(RateCurve curve, std::unique_ptr<RateFactor> factor, double end_s);

  // Where the integral of curve times steps, from the last place, reaches `area`, in seconds;
  // infinity (and the walk is over) if it does not by the end. Amortised O(1).
  // REQUIRES: area >= 0.
  double advance(double area) {
    area_ += area;
    while (area_ > piece_area_) {
      if (piece_.until_s >= end_s_) return std::numeric_limits<double>::infinity();
      area_ -= piece_area_;
      next_piece();
    }
    return time_in_piece();
  }

  // The share of a step's arrivals that belongs to the factor. REQUIRES: `t_s` is the last place.
  double kept_share(double t_s) const { return factor_->at(t_s) / step_.factor; }

 private:
  void next_piece();
  double time_in_piece() const;

  RateCurve curve_;
  std::unique_ptr<RateFactor> factor_;
  double end_s_;
  std::size_t segment_ = 0;
  RateFactor::Step step_;
  RateCurve::Segment piece_;  // part of a segment within one step, times the step's factor
  double piece_area_ = 0;
  double area_ = 0;  // walked in this piece
};

}  // namespace phoenix
