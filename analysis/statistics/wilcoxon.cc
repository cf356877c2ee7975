#include "analysis/statistics/wilcoxon.h"

#include <algorithm>
#include <vector>

#include "analysis/statistics/distributions.h"
#include "analysis/statistics/sample.h"

namespace phoenix::statistics {
namespace {

// The share of the 2^n sign patterns whose positive ranks, of 1 to n, sum to at most `sum`.
double share_of_patterns(std::size_t n, std::size_t sum) {
  std::vector<double> patterns(sum + 1, 0.0);  // by their sum; whole numbers up to 2^25
  patterns[0] = 1;
  for (std::size_t rank = 1; rank <= n; ++rank) {
    for (std::size_t s = sum; s >= rank; --s) patterns[s] += patterns[s - rank];
  }
  double count = 0;
  for (const double of_sum : patterns) count += of_sum;
  return std::ldexp(count, -static_cast<int>(n));
}

double normal_p(std::size_t count, double w_minimum, double tie_sum) {
  const auto n = static_cast<double>(count);
  const double mean = n * (n + 1) / 4;
  const double variance = n * (n + 1) * (2 * n + 1) / 24 - tie_sum / 48;
  const double distance = std::max(0.0, mean - w_minimum - 0.5);
  return normal_two_sided(distance / std::sqrt(variance));
}

}  // namespace

SignedRanks signed_ranks(std::span<const double> differences) {
  std::vector<double> by_size = known_sorted(differences);
  SignedRanks result;
  result.zeros = std::erase(by_size, 0.0);
  result.n = by_size.size();
  if (result.n == 0) {
    if (result.zeros > 0) result.p = 1;
    return result;
  }
  std::sort(by_size.begin(), by_size.end(),
            [](double left, double right) { return std::abs(left) < std::abs(right); });
  std::vector<double> sizes;
  for (const double d : by_size) sizes.push_back(std::abs(d));

  double tie_sum = 0;
  for_each_tie(sizes, [&](std::size_t begin, std::size_t end) {
    const double middle = static_cast<double>(begin + end + 1) / 2;
    for (std::size_t i = begin; i < end; ++i) {
      (by_size[i] > 0 ? result.w_plus : result.w_minus) += middle;
    }
    const auto tied = static_cast<double>(end - begin);
    tie_sum += tied * tied * tied - tied;
  });
  result.rank_biserial = (result.w_plus - result.w_minus) / (result.w_plus + result.w_minus);
  result.is_exact = tie_sum == 0 && result.n <= kExactSignedRanks;
  const double least = std::min(result.w_plus, result.w_minus);
  result.p = result.is_exact
                 ? std::min(1.0, 2 * share_of_patterns(result.n, static_cast<std::size_t>(least)))
                 : normal_p(result.n, least, tie_sum);
  return result;
}

}  // namespace phoenix::statistics
