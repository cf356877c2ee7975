// The nearest rank of a quantile, in integer arithmetic: in floating point ceil(0.07 * 100) is 8.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>

namespace phoenix {

// ceil(n * q), at least 1 and at most n; 0 where n is 0. `q` counts to a billionth: 0.07 is exactly
// 70,000,000 of them. REQUIRES: 0 <= q <= 1.
inline std::uint64_t nearest_rank(std::uint64_t n, double q) {
  assert(q >= 0 && q <= 1);
  if (n == 0) return 0;
  constexpr std::uint64_t kParts = 1'000'000'000;
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{n} * static_cast<std::uint64_t>(std::llround(q * 1e9));
  const auto rank = static_cast<std::uint64_t>((product + kParts - 1) / kParts);
  return std::clamp(rank, std::uint64_t{1}, n);
}

}  // namespace phoenix
