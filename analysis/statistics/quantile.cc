#include "analysis/statistics/quantile.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "analysis/statistics/distributions.h"
#include "strategies/metrics/rank.h"

namespace phoenix::statistics {

double nearest_rank_quantile(std::span<const double> sorted, double q) {
  assert(std::is_sorted(sorted.begin(), sorted.end()));
  return sorted.empty() ? kUnknown : sorted[nearest_rank(sorted.size(), q) - 1];
}

double interpolated_quantile(std::span<const double> sorted, double q) {
  assert(std::is_sorted(sorted.begin(), sorted.end()) && q >= 0 && q <= 1);
  if (sorted.empty()) return kUnknown;
  const double position = static_cast<double>(sorted.size() - 1) * q;
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

std::uint64_t samples_needed(double q) {
  assert(q >= 0 && q <= 1);
  constexpr std::uint64_t kParts = 1'000'000'000;
  const auto below = static_cast<std::uint64_t>(std::llround(q * 1e9));
  const std::uint64_t thin = std::min(below, kParts - below);
  return thin == 0 ? 0 : (kTailSamplesMin * kParts + thin - 1) / thin;
}

std::optional<std::string> tail_warning(std::uint64_t n, double q) {
  const std::uint64_t needed = samples_needed(q);
  if (n >= needed) return std::nullopt;
  return fmt::format("p{:.9g} rests on {} samples and takes {}", q * 100, n, needed);
}

RankInterval quantile_ranks(std::uint64_t n, double q, double confidence) {
  assert(q > 0 && q < 1 && confidence > 0 && confidence < 1);
  if (n == 0) return {0, 1};
  const double outside = (1 - confidence) / 2;
  return {binomial_quantile(n, q, outside), binomial_quantile(n, q, 1 - outside) + 1};
}

Interval quantile_interval(std::span<const double> sorted, double q, double confidence) {
  assert(std::is_sorted(sorted.begin(), sorted.end()));
  if (sorted.empty()) return {};
  const RankInterval ranks = quantile_ranks(sorted.size(), q, confidence);
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  return {ranks.low == 0 ? -kInfinite : sorted[ranks.low - 1],
          ranks.high > sorted.size() ? kInfinite : sorted[ranks.high - 1]};
}

}  // namespace phoenix::statistics
