#include "scenarios/rate_curve.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "strategies/core/time.h"

namespace phoenix {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double area_of(const RateCurve::Segment& piece) {
  if (piece.until_s == kInfinity) return piece.rate > 0 ? kInfinity : 0;
  const double length = piece.until_s - piece.from_s;
  return length * (piece.rate + 0.5 * piece.slope * length);
}

}  // namespace

RateCurve::RateCurve(const std::vector<RatePoint>& points) {
  assert(!points.empty());
  double from = 0;
  double rate = points.front().per_second;
  for (const RatePoint& point : points) {
    const double until = to_seconds(point.at);
    assert(until >= from && point.per_second >= 0 && std::isfinite(point.per_second));
    if (until > from) {
      segments_.push_back({from, until, rate, (point.per_second - rate) / (until - from)});
      from = until;
    }
    rate = point.per_second;
  }
  segments_.push_back({from, kInfinity, rate, 0});
}

RateWalk::RateWalk(RateCurve curve, std::unique_ptr<RateFactor> factor, double end_s)
    : curve_(std::move(curve)), factor_(std::move(factor)), end_s_(end_s), step_{0, 1} {
  next_piece();
}

void RateWalk::next_piece() {
  const double from = piece_.until_s;
  while (step_.until_s <= from) step_ = factor_->next_step();
  while (curve_.segments()[segment_].until_s <= from) ++segment_;
  const RateCurve::Segment& segment = curve_.segments()[segment_];
  const double rate = segment.rate + segment.slope * (from - segment.from_s);
  piece_ = {from, std::min(segment.until_s, step_.until_s), std::max(0.0, rate) * step_.factor,
            segment.slope * step_.factor};
  piece_area_ = area_of(piece_);
}

double RateWalk::time_in_piece() const {
  const double rate = piece_.rate;
  if (area_ == 0) return piece_.from_s;
  if (piece_.slope == 0) return piece_.from_s + area_ / rate;
  // The root of slope / 2 t^2 + rate t = area, in the form that stays exact for small slopes.
  const double root = std::sqrt(std::max(0.0, rate * rate + 2 * piece_.slope * area_));
  return std::min(piece_.until_s, piece_.from_s + 2 * area_ / (rate + root));
}

}  // namespace phoenix
