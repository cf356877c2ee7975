#include "strategies/core/nearest_name.h"

#include <algorithm>
#include <vector>

namespace phoenix {

int edit_distance(std::string_view a, std::string_view b) {
  // Rows of the optimal string alignment table: two back, one back and the current one.
  std::vector<int> older(b.size() + 1), old(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(older, old);
    std::swap(old, row);
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({old[j] + 1, row[j - 1] + 1, old[j - 1] + change});
      const bool is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swapped) row[j] = std::min(row[j], older[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest_name(std::string_view word, std::span<const std::string> known) {
  const int limit = std::clamp(static_cast<int>(word.size()) / 3, 1, 3);
  int nearest = limit + 1;
  std::string name;
  for (const std::string& candidate : known) {
    const int distance = edit_distance(word, candidate);
    const bool shares_nothing =
        distance >= static_cast<int>(std::max(word.size(), candidate.size()));
    if (distance >= nearest || shares_nothing) continue;
    nearest = distance;
    name = candidate;
  }
  return name;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  const std::string name = nearest_name(word, known);
  return name.empty() ? "" : "; did you mean \"" + name + "\"?";
}

std::string join_names(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

}  // namespace phoenix
