#include "strategies/forecasting/residual_guard.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdlib>

namespace phoenix {
namespace {

constexpr std::size_t kWindow = 60;
constexpr std::size_t kResidualsMin = 20;
constexpr double kSpikeSigmas = 3;
constexpr double kMadToSigma = 1.4826;
constexpr double kSigmaFloor = 0.01;

}  // namespace

double sorted_median(std::span<const double> sorted) {
  assert(!sorted.empty());
  const std::size_t n = sorted.size();
  return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

// The distances grow on both sides of the median; the two sides are merged up to the middle.
double sorted_mad(std::span<const double> sorted) {
  const double median = sorted_median(sorted);
  const std::size_t n = sorted.size();
  std::size_t right = n / 2;
  std::size_t left = right;  // one past the next on the left
  double before = 0;
  double present = 0;
  for (std::size_t taken = 0; taken <= n / 2; ++taken) {
    before = present;
    const bool from_right =
        left == 0 || (right < n && sorted[right] - median <= median - sorted[left - 1]);
    present = from_right ? sorted[right++] - median : median - sorted[--left];
  }
  return n % 2 == 1 ? present : (before + present) / 2;
}

bool Cusum::add(double z) {
  up = std::max(0.0, up + z - slack);
  down = std::max(0.0, down - z - slack);
  if (up <= limit && down <= limit) return false;
  up = 0;
  down = 0;
  return true;
}

ResidualGuard::ResidualGuard() : window_(kWindow) {}

bool ResidualGuard::is_lasting(double z) {
  if (std::abs(z) <= kSpikeSigmas) {
    spikes_in_row_ = 0;
  } else if (z > 0) {
    spikes_in_row_ = std::max(spikes_in_row_, 0) + 1;
  } else {
    spikes_in_row_ = std::min(spikes_in_row_, 0) - 1;
  }
  return std::abs(spikes_in_row_) >= kSpikesInRow;
}

ResidualGuard::Verdict ResidualGuard::judge(double residual, double level) {
  assert(std::isfinite(residual) && std::isfinite(level));
  Verdict verdict = Verdict::kOrdinary;
  if (window_.size() >= kResidualsMin) {
    const double mad = sorted_mad(window_.sorted());
    const double sigma =
        std::max(mad > 0 ? kMadToSigma * mad : kSigmaFloor * std::abs(level), 1e-12);
    const double z = (residual - sorted_median(window_.sorted())) / sigma;
    const bool is_shift = cusum_.add(std::clamp(z, -kSpikeSigmas, kSpikeSigmas));
    if (is_lasting(z) || is_shift) {
      verdict = Verdict::kShift;
      spikes_in_row_ = 0;
    } else if (std::abs(z) > kSpikeSigmas) {
      verdict = Verdict::kSpike;
    }
  }
  window_.push(residual);
  return verdict;
}

double GuardedSamples::recent_median() const {
  std::array<double, kRecent> sorted = recent_;
  std::sort(sorted.begin(), sorted.end());
  return sorted[kRecent / 2];
}

std::optional<double> GuardedSamples::admit(double value, double expected, double level) {
  if (!is_enabled_) return value;
  if (is_first_) recent_.fill(level);
  is_first_ = false;
  recent_[next_] = level;
  next_ = (next_ + 1) % kRecent;
  const double residual = value - expected;
  switch (guard_.judge(residual, value)) {
    case ResidualGuard::Verdict::kSpike:
      return std::max(0.0, expected + ResidualGuard::kSpikeWeight * residual);
    case ResidualGuard::Verdict::kShift:
      return std::nullopt;
    case ResidualGuard::Verdict::kOrdinary:
      break;
  }
  return value;
}

}  // namespace phoenix
