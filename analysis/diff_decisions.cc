#include <algorithm>
#include <tuple>

#include "analysis/diff_rows.h"

namespace phoenix {
namespace {

bool are_alike(const DecisionRow& a, const DecisionRow& b) {
  return a.family.view() == b.family.view() && a.action.view() == b.action.view() &&
         a.subject.view() == b.subject.view();
}

std::optional<DecisionMoment> moment_of(const DecisionRow* row) {
  if (row == nullptr) return std::nullopt;
  return DecisionMoment{static_cast<double>(row->t) * 1e-9, std::string(row->family.view()),
                        std::string(row->action.view()), std::string(row->subject.view())};
}

}  // namespace

void DecisionsDiffer::add(const std::vector<DecisionRow>& a, const std::vector<DecisionRow>& b) {
  diff_.total_a += a.size();
  diff_.total_b += b.size();
  for (const DecisionRow& row : a) count(row, &DecisionCountDiff::a);
  for (const DecisionRow& row : b) count(row, &DecisionCountDiff::b);
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    compare(i < a.size() ? &a[i] : nullptr, i < b.size() ? &b[i] : nullptr);
  }
}

void DecisionsDiffer::count(const DecisionRow& row, std::uint64_t DecisionCountDiff::*side) {
  const auto key = std::tuple(row.family.view(), row.action.view());
  const auto it = std::lower_bound(diff_.counts.begin(), diff_.counts.end(), key,
                                   [](const DecisionCountDiff& known, const auto& wanted) {
                                     return std::tuple<std::string_view, std::string_view>(
                                                known.family, known.action) < wanted;
                                   });
  if (it != diff_.counts.end() && it->family == row.family.view() &&
      it->action == row.action.view()) {
    ++((*it).*side);
    return;
  }
  DecisionCountDiff added{std::string(row.family.view()), std::string(row.action.view())};
  ++(added.*side);
  diff_.counts.insert(it, std::move(added));
}

void DecisionsDiffer::compare(const DecisionRow* a, const DecisionRow* b) {
  const std::uint64_t number = number_++;
  if (a != nullptr && b != nullptr && are_alike(*a, *b)) {
    if (diff_.different.empty()) ++diff_.alike_at_first;
    return;
  }
  if (diff_.different.size() == DecisionsDiff::kShown) return;
  diff_.different.push_back({number, moment_of(a), moment_of(b)});
}

}  // namespace phoenix
