#include "strategies/routing/hedge_delay.h"

#include <algorithm>
#include <cmath>

namespace phoenix {

Duration HedgeDelay::end_of(std::size_t bucket) {
  if (bucket >> kSubBits == 0) return Duration{static_cast<std::int64_t>(bucket) + 1};
  const std::size_t shift = (bucket >> kSubBits) - 1;
  const std::size_t top = bucket - (shift << kSubBits) + 1;
  return Duration{static_cast<std::int64_t>(top << shift)};
}

Duration HedgeDelay::refresh(Time now) {
  constexpr double kRounding = 1e-9;  // 5 % of 100 must be 5
  if (now >= half_ends_) {
    before_ = now - half_ends_ < kHalfWindow ? current_ : Half{};
    current_ = {};
    half_ends_ = now - now.time_since_epoch() % kHalfWindow + kHalfWindow;
  }
  const double total = static_cast<double>(current_.total) + static_cast<double>(before_.total);
  if (total * (1 - quantile_) < kSamplesBeyond - kRounding) return Duration::max();
  double left = std::ceil(total * quantile_ - kRounding);
  std::size_t bucket = 0;
  for (; bucket + 1 < kBuckets; ++bucket) {
    left -=
        static_cast<double>(current_.counts[bucket]) + static_cast<double>(before_.counts[bucket]);
    if (left <= 0) break;
  }
  return end_of(bucket);
}

}  // namespace phoenix
