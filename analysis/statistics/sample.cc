#include "analysis/statistics/sample.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

namespace phoenix::statistics {

std::vector<double> known_sorted(std::span<const double> values) {
  std::vector<double> known;
  known.reserve(values.size());
  for (const double value : values) {
    if (std::isfinite(value)) known.push_back(value);
  }
  std::sort(known.begin(), known.end());
  return known;
}

std::vector<double> Pairs::differences() const {
  std::vector<double> d(size());
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = a[i] - b[i];
  return d;
}

Pairs complete_pairs(std::span<const double> a, std::span<const double> b) {
  using Pair = std::array<double, 3>;  // a - b, a, b: in this order they are sorted
  std::vector<Pair> known;
  const std::size_t both = std::min(a.size(), b.size());
  known.reserve(both);
  for (std::size_t i = 0; i < both; ++i) {
    if (std::isfinite(a[i]) && std::isfinite(b[i])) known.push_back({a[i] - b[i], a[i], b[i]});
  }
  std::sort(known.begin(), known.end());
  Pairs pairs;
  pairs.dropped = std::max(a.size(), b.size()) - known.size();
  pairs.a.reserve(known.size());
  pairs.b.reserve(known.size());
  for (const Pair& pair : known) {
    pairs.a.push_back(pair[1]);
    pairs.b.push_back(pair[2]);
  }
  return pairs;
}

double mean_of(std::span<const double> values) {
  assert(!values.empty());
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  const double rough = sum / n;
  double rest = 0;
  for (const double value : values) rest += value - rough;
  return rough + rest / n;
}

double covariance_of(std::span<const double> a, double mean_a, std::span<const double> b,
                     double mean_b) {
  assert(a.size() == b.size() && a.size() >= 2);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}

double median_of_sorted(std::span<const double> sorted) {
  assert(!sorted.empty());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace phoenix::statistics
