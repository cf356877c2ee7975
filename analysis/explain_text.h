// `phoenix explain`: the decisions of a run as people read them: what was seen, what was decided,
// why, and what came of it. Reads the record's decisions only. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/record_rows.h"

namespace phoenix {

struct ExplainFilter {
  std::string family;          // empty: all
  std::optional<double> at_s;  // those under way then, and the newest before of each subject
};

// In order of deciding.
std::vector<DecisionRow> select_decisions(std::vector<DecisionRow> rows,
                                          const ExplainFilter& filter);

std::string explain_text(const std::vector<DecisionRow>& rows, bool colour);
// An array of objects, one a decision.
std::string explain_json(const std::vector<DecisionRow>& rows);

// The families that occur, each once, in order of the alphabet.
std::vector<std::string> decision_families(const std::vector<DecisionRow>& rows);

}  // namespace phoenix
