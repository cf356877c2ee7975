// How many requests may be under way, learnt from how response times change: Netflix's Gradient2.
// As long as the newest times are what they were on average, the limit grows; where they rise, work
// is queueing somewhere, and it shrinks. One thread. O(1), no allocation.
#pragma once

#include <algorithm>

namespace phoenix {

struct GradientSettings {
  double min = 20;
  double max = 200;
  double start = 20;
};

// The limit after a sample: unchanged while not even half of it is in use, since then nothing shows
// whether it is too high. REQUIRES: recent > 0, average > 0.
inline double gradient2_limit(double limit, double in_flight, double recent, double average,
                              const GradientSettings& settings) {
  constexpr double kRoom = 4;  // queue that is allowed for
  constexpr double kShare = 0.2;
  if (in_flight < limit / 2) return limit;
  const double gradient = std::clamp(average / recent, 0.5, 1.0);
  const double wanted = limit * gradient + kRoom;
  return std::clamp((1 - kShare) * limit + kShare * wanted, settings.min, settings.max);
}

class GradientLimit {
 public:
  explicit GradientLimit(const GradientSettings& settings)
      : settings_(settings), limit_(std::clamp(settings.start, settings.min, settings.max)) {}

  // A good answer took `seconds`, with `in_flight` under way. Times that are not positive say
  // nothing.
  void record(double seconds, double in_flight) {
    if (!(seconds > 0)) return;
    constexpr double kWindow = 600;  // samples the average goes back
    samples_ = std::min(samples_ + 1, kWindow);
    average_ += (seconds - average_) / samples_;
    recent_ = recent_ > 0 ? recent_ + (seconds - recent_) / kRecent : seconds;
    if (average_ > 2 * recent_) average_ *= 0.9;  // an old overload is over: forget it sooner
    limit_ = gradient2_limit(limit_, in_flight, recent_, average_, settings_);
  }

  double limit() const { return limit_; }

 private:
  static constexpr double kRecent = 20;  // one request's time alone is mostly its own size

  GradientSettings settings_;
  double limit_;
  double average_ = 0;
  double recent_ = 0;
  double samples_ = 0;
};

}  // namespace phoenix
