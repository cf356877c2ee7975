// Holm's adjustment of p values (1979): of all comparisons made together, the chance that any of
// them finds a difference where there is none stays below the level. Never less powerful than
// Bonferroni, and right however the comparisons depend on each other.
#pragma once

#include <span>
#include <vector>

namespace phoenix::statistics {

// In the order given: with m known values ascending, the i-th becomes the maximum over j <= i of
// min(1, (m - j + 1) p(j)). Equal values stay equal. NaN is a comparison that could not be made: it
// stays NaN and is no member of the family. REQUIRES: known values are in [0, 1]. O(m log m).
std::vector<double> holm_adjusted(std::span<const double> p);

}  // namespace phoenix::statistics
