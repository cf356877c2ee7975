#include "strategies/routing/retry_budget.h"

#include <algorithm>
#include <cassert>

namespace phoenix {

RetryBudget::RetryBudget(double share, double reserve_per_s)
    : share_(share), reserve_(reserve_per_s * kWindowSeconds) {
  assert(share >= 0 && reserve_per_s >= 0);
}

void RetryBudget::advance(Time now) {
  constexpr Duration kBucket = std::chrono::seconds(1);
  const auto steps = (now - bucket_end_) / kBucket + 1;
  bucket_end_ += steps * kBucket;
  for (auto step = std::min<std::int64_t>(steps, kWindowSeconds); step > 0; --step) {
    current_ = (current_ + 1) % buckets_.size();
    total_.requests -= buckets_[current_].requests;
    total_.retries -= buckets_[current_].retries;
    buckets_[current_] = {};
  }
}

double RetryBudget::balance(Time now) {
  if (now >= bucket_end_) advance(now);
  return share_ * static_cast<double>(total_.requests) + reserve_ -
         static_cast<double>(total_.retries);
}

bool RetryBudget::has_one(Time now) {
  constexpr double kRounding = 1e-9;  // 0.2 * 5 must be one whole retry
  return balance(now) >= 1.0 - kRounding;
}

bool RetryBudget::try_take(Time now) {
  if (!has_one(now)) return false;
  ++buckets_[current_].retries;
  ++total_.retries;
  return true;
}

}  // namespace phoenix
