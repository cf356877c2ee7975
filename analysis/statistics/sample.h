// What every estimate begins with: the values that are known, in an order of their own, so that
// sums do not depend on which run came first; and their moments.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace phoenix::statistics {

// Finite values, ascending. O(n log n).
std::vector<double> known_sorted(std::span<const double> values);

// Runs that both sides know, by replication index; ordered by difference, then by a.
struct Pairs {
  std::vector<double> a, b;
  std::size_t dropped = 0;  // at least one side is missing; the longer sample's surplus too

  std::size_t size() const { return a.size(); }
  std::vector<double> differences() const;  // a - b, ascending
};
Pairs complete_pairs(std::span<const double> a, std::span<const double> b);

// In two passes, the second of which takes away the rounding of the first: the mean of equal
// values is that value. REQUIRES: !values.empty().
double mean_of(std::span<const double> values);

// sum (a - mean_a)(b - mean_b) / (n - 1). REQUIRES: as many a as b, two or more.
double covariance_of(std::span<const double> a, double mean_a, std::span<const double> b,
                     double mean_b);

// The middle, or the mean of both middles. REQUIRES: !sorted.empty().
double median_of_sorted(std::span<const double> sorted);

// Runs of equal values in a sorted sample: f(begin, end) for each, in order.
template <class F>
void for_each_tie(std::span<const double> sorted, F f) {
  for (std::size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    f(begin, end);
  }
}

}  // namespace phoenix::statistics
