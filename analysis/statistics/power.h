// How many replications it takes to find a difference that matters: asked before the runs, with a
// spread from a pilot.
//
// The paired t test of two sides finds a true mean difference with probability P(|T| > t(1 - a/2,
// n - 1)), T a non-central Student variable of n - 1 degrees of freedom and shift |difference| / sd
// sqrt(n) (Cohen 1988, chapter 2; the definition in any text book).
#pragma once

#include <cstddef>
#include <optional>

namespace phoenix::statistics {

inline constexpr double kDefaultPower = 0.8;
inline constexpr std::size_t kReplicationsMax = 1'000'000;

// Within [0, 1]: 0 with less than two pairs, `level` where there is no difference, 1 where there is
// one and no spread. REQUIRES: sd >= 0, 0 < level < 1, both numbers finite.
double paired_power(std::size_t n, double difference, double sd, double level = 0.05);

// The least n with at least that power; nothing where kReplicationsMax are too few, as for a
// difference of 0. REQUIRES: as above, level < power < 1.
std::optional<std::size_t> replications_needed(double difference, double sd,
                                               double power = kDefaultPower, double level = 0.05);

}  // namespace phoenix::statistics
