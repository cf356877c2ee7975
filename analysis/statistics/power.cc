#include "analysis/statistics/power.h"

#include <cassert>
#include <cmath>

#include "analysis/statistics/distributions.h"

namespace phoenix::statistics {

double paired_power(std::size_t n, double difference, double sd, double level) {
  assert(sd >= 0 && level > 0 && level < 1 && std::isfinite(difference) && std::isfinite(sd));
  if (n < 2) return 0;
  if (difference == 0) return level;
  if (sd == 0) return 1;
  const auto count = static_cast<double>(n);
  const double shift = std::abs(difference) / sd * std::sqrt(count);
  const double critical = student_critical(1 - level, count - 1);
  return noncentral_student_two_sided(critical, count - 1, shift);
}

std::optional<std::size_t> replications_needed(double difference, double sd, double power,
                                               double level) {
  assert(power > level && power < 1);
  const auto is_enough = [&](std::size_t n) {
    return paired_power(n, difference, sd, level) >= power;
  };
  std::size_t enough = 2;
  while (!is_enough(enough)) {
    if (enough == kReplicationsMax) return std::nullopt;
    enough = enough > kReplicationsMax / 2 ? kReplicationsMax : 2 * enough;
  }
  std::size_t too_few = enough == 2 ? 1 : enough / 2;
  while (enough - too_few > 1) {
    const std::size_t middle = too_few + (enough - too_few) / 2;
    (is_enough(middle) ? enough : too_few) = middle;
  }
  return enough;
}

}  // namespace phoenix::statistics
