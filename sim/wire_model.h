// What the knobs of the data path cost and save in the simulated world, message by message. Who
// needs this: the simulated wire (wire.h). What to expect of a knob in the mean is
// strategies/tuning/formulas.h. Pure functions; any thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "strategies/core/time.h"

namespace phoenix::sim {

// A gateway's CPU for a batch: one message, and less for each further frame in it.
constexpr Duration batch_cpu(int frames, Duration per_message, Duration per_frame) {
  return per_message + (frames - 1) * std::min(per_frame, per_message);
}

// Core time of a codec of `speed` bytes per second, in ns.
constexpr double codec_ns(double bytes, double speed) { return bytes / speed * 1e9; }

// Bytes on the wire; nothing is sent that the codec made no smaller.
constexpr double compressed_bytes(double bytes, double ratio) {
  return ratio > 1 ? bytes / ratio : bytes;
}

// One direction of a connection whose socket buffer holds what is not acknowledged yet: a buffer's
// worth goes at once, the rest a buffer per round trip. O(1).
class Window {
 public:
  // When the last of `bytes` handed over now would be acknowledged, in ns. Dates do not fall.
  double acknowledged_at(double bytes, double buffer, Duration round_trip, Time now) const {
    const auto date = static_cast<double>(now.time_since_epoch().count());
    return std::max(empty_at_, date) + bytes / buffer * static_cast<double>(round_trip.count());
  }
  // Hands them over: how long the last of them waits for room.
  Duration pass(double bytes, double buffer, Duration round_trip, Time now) {
    empty_at_ = acknowledged_at(bytes, buffer, round_trip, now);
    const double leaves_at = empty_at_ - static_cast<double>(round_trip.count());
    const auto date = static_cast<double>(now.time_since_epoch().count());
    return Duration{static_cast<std::int64_t>(std::max(0.0, leaves_at - date))};
  }
  // When all that was handed over is acknowledged, in ns.
  double empty_at() const { return empty_at_; }

 private:
  double empty_at_ = 0;
};

// Factor on the speed of a node that holds `used` bytes in `capacity`: 1 while they fit; beyond,
// work takes 1 + paging * (used / capacity - 1) times as long.
constexpr double paging_factor(double used, double capacity, double paging) {
  return 1 / (1 + paging * std::max(0.0, used / capacity - 1));
}

}  // namespace phoenix::sim
