// Helps people who mistyped a name: the known name closest by edit distance.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace phoenix {

// Levenshtein distance with a transposition counted as one edit.
int edit_distance(std::string_view a, std::string_view b);

// The closest of `known`, or "" where none is within a third of the word's length (at least 1 edit,
// at most 3) or where nothing of it remains. Ties go to the earlier one.
std::string nearest_name(std::string_view word, std::span<const std::string> known);

// `; did you mean "p2c"?` or "".
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

// "a, b, c".
std::string join_names(std::span<const std::string> names);

}  // namespace phoenix
