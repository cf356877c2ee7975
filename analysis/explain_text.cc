#include "analysis/explain_text.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/human_text.h"
#include "analysis/text_table.h"

namespace phoenix {
namespace {

using Json = nlohmann::ordered_json;  // writes NaN as null

double at_s(const DecisionRow& row) { return static_cast<double>(row.t) * 1e-9; }

bool is_open_at(const DecisionRow& row, double at) {
  if (row.outcome.view() == "open") return true;
  return !std::isnan(row.took) && at_s(row) + row.took > at;
}

// Counts, of nodes or bytes, are whole.
std::string amount_text(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value)
                                                              : human_number(value);
}

std::string change_text(const DecisionRow& row) {
  if (std::isnan(row.value)) return "";
  if (std::isnan(row.from)) return "  " + amount_text(row.value);
  return "  " + amount_text(row.from) + " -> " + amount_text(row.value);
}

TextStyle style_of(std::string_view outcome) {
  if (outcome == "done") return TextStyle::kGood;
  if (outcome == "failed" || outcome == "refused") return TextStyle::kBad;
  return TextStyle::kFair;
}

void append_line(std::string& text, const char* label, const std::string& words, bool colour,
                 TextStyle style = TextStyle::kPlain) {
  if (words.empty()) return;
  text += fmt::format("{:>12}  {:<8} {}\n", "", paint(label, TextStyle::kDim, colour),
                      paint(words, style, colour));
}

std::string outcome_text(const DecisionRow& row) {
  std::string words(row.outcome.view());
  if (row.took > 0) words += " after " + human_duration(row.took);
  if (!row.note.view().empty()) words += ": " + std::string(row.note.view());
  return words;
}

}  // namespace

std::vector<DecisionRow> select_decisions(std::vector<DecisionRow> rows,
                                          const ExplainFilter& filter) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const DecisionRow& a, const DecisionRow& b) { return a.t < b.t; });
  std::erase_if(rows, [&](const DecisionRow& row) {
    return !filter.family.empty() && row.family.view() != filter.family;
  });
  if (!filter.at_s) return rows;
  std::erase_if(rows, [&](const DecisionRow& row) { return at_s(row) > *filter.at_s; });
  std::map<std::tuple<std::string, std::string>, std::size_t> newest;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    newest[{std::string(rows[i].family.view()), std::string(rows[i].subject.view())}] = i;
  }
  std::vector<DecisionRow> kept;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_newest =
        newest[{std::string(rows[i].family.view()), std::string(rows[i].subject.view())}] == i;
    if (is_newest || is_open_at(rows[i], *filter.at_s)) kept.push_back(rows[i]);
  }
  return kept;
}

std::string explain_text(const std::vector<DecisionRow>& rows, bool colour) {
  std::string text;
  for (const DecisionRow& row : rows) {
    text +=
        fmt::format("{:>12}  {:<12} {}{}\n", fmt::format("{:.3f} s", at_s(row)), row.family.view(),
                    paint(fmt::format("{} {}", row.action.view(), row.subject.view()),
                          TextStyle::kTitle, colour),
                    change_text(row));
    append_line(text, "seen", std::string(row.seen.view()), colour);
    append_line(text, "why", std::string(row.reason.view()), colour);
    append_line(text, "outcome", outcome_text(row), colour, style_of(row.outcome.view()));
  }
  return text;
}

std::string explain_json(const std::vector<DecisionRow>& rows) {
  Json all = Json::array();
  for (const DecisionRow& row : rows) {
    all.push_back({{"at_s", at_s(row)},
                   {"family", row.family.view()},
                   {"action", row.action.view()},
                   {"subject", row.subject.view()},
                   {"from", row.from},
                   {"value", row.value},
                   {"seen", row.seen.view()},
                   {"reason", row.reason.view()},
                   {"outcome", row.outcome.view()},
                   {"took_s", row.took},
                   {"note", row.note.view()}});
  }
  return all.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> decision_families(const std::vector<DecisionRow>& rows) {
  std::vector<std::string> families;
  for (const DecisionRow& row : rows) families.emplace_back(row.family.view());
  std::sort(families.begin(), families.end());
  families.erase(std::unique(families.begin(), families.end()), families.end());
  return families;
}

}  // namespace phoenix
