#include "analysis/report/decision_timeline.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/human_text.h"
#include "analysis/report/html.h"
#include "analysis/report/svg_chart.h"

namespace phoenix::report {
namespace {

constexpr int kLaneHeight = 40;
constexpr std::size_t kLanesMax = 10;

// A sign and colour for each outcome; what is none of them comes last.
constexpr std::array<const char*, 5> kOutcomes = {"done", "refused", "failed", "superseded",
                                                  "open"};
constexpr std::array<std::size_t, 5> kSeries = {0, 1, 3, 4, 6};
constexpr std::size_t kOther = 7;

std::size_t series_of(const std::string& outcome) {
  const auto at = std::ranges::find(kOutcomes, outcome);
  return at == kOutcomes.end() ? kOther : kSeries[static_cast<std::size_t>(at - kOutcomes.begin())];
}

std::vector<std::string> families_of(const ShownRun& run) {
  std::vector<std::string> families;
  for (const DecisionMark& mark : run.decision_marks) {
    if (std::ranges::find(families, mark.family) == families.end()) families.push_back(mark.family);
  }
  return families;
}

std::string lane_svg(const ShownRun& run, const std::string& family, const ChartAxis& x, int top) {
  const int y = top + 28;
  std::uint64_t count = 0;
  std::string signs;
  for (const DecisionMark& mark : run.decision_marks) {
    if (mark.family != family || !std::isfinite(mark.at_s)) continue;
    count += mark.count;
    signs +=
        sign_svg(x.at(mark.at_s), y, series_of(mark.outcome),
                 fmt::format("{:.1f} s: {}, {}{}", mark.at_s, mark.first, mark.outcome,
                             mark.count > 1 ? fmt::format(" and {} more", mark.count - 1) : ""));
  }
  return fmt::format(
             "<text class=\"words\" x=\"0\" y=\"{0}\">{1}, {2}</text><line class=\"grid\" x1=\"0\" "
             "x2=\"100%\" y1=\"{3}\" y2=\"{3}\"/>\n",
             top + 14, escape(cut(family, 30)), human_count(count), y) +
         signs;
}

std::string change_text(const DecisionRow& row) {
  if (!std::isfinite(row.value)) return "-";
  const std::string to = value_text(CellMetric::kMoves, row.value);
  return std::isfinite(row.from) ? value_text(CellMetric::kMoves, row.from) + " → " + to : to;
}

DataTable table_of(const ShownRun& run, const std::string& caption) {
  DataTable table(
      caption, "rllllrll",
      {"decided at", "family", "action", "subject", "change", "took", "outcome", "why"});
  for (const DecisionRow& row : run.decisions) {
    std::string outcome(row.outcome.view());
    if (!row.note.view().empty()) outcome += fmt::format(": {}", row.note.view());
    table.add({fmt::format("{:.3f} s", static_cast<double>(row.t) * 1e-9),
               std::string(row.family.view()), std::string(row.action.view()),
               std::string(row.subject.view()), change_text(row), human_duration(row.took),
               std::move(outcome), std::string(row.reason.view())});
  }
  table.add_uncounted(run.decisions_total -
                      std::min(run.decisions_total, std::uint64_t{run.decisions.size()}));
  return table;
}

std::string outcomes_legend(const ShownRun& run) {
  std::string text = "<ul class=\"legend\">";
  for (const char* const outcome : kOutcomes) {
    const auto is_it = [&](const DecisionMark& mark) { return mark.outcome == outcome; };
    if (std::ranges::none_of(run.decision_marks, is_it)) continue;
    text += fmt::format("<li><svg width=\"14\" height=\"12\" aria-hidden=\"true\">{}</svg>{}</li>",
                        sign_svg(0.5, 6, series_of(outcome), outcome), outcome);
  }
  return text + "</ul>\n";
}

}  // namespace

std::string decision_figure(const ShownRun& run, const std::string& name) {
  if (run.decision_marks.empty()) {
    return paragraph_html(fmt::format("In the run of {} nothing was decided.", name), "note");
  }
  const std::vector<std::string> families = families_of(run);
  const std::size_t lanes = std::min(families.size(), kLanesMax);
  const int height = static_cast<int>(lanes) * kLaneHeight + 4;
  const ChartAxis x = ChartAxis::time(run.end_s());
  const std::string heading = "Decisions, " + name;
  std::string chart =
      open_svg(heading,
               "A lane for each family of decisions, over time from left to right; signs tell "
               "what came of them.",
               height, "plot rows");
  chart += x_ticks_svg(x, height);
  for (std::size_t i = 0; i < lanes; ++i) {
    chart += lane_svg(run, families[i], x, static_cast<int>(i) * kLaneHeight);
  }
  chart += "</svg></div>\n";
  const std::string note = families.size() > lanes ? fmt::format("{} more families are not drawn. ",
                                                                 families.size() - lanes)
                                                   : "";
  return figure_html(
      heading, chart, outcomes_legend(run),
      note + "`phoenix explain` on the record tells all of them, with what was seen.",
      table_of(run, heading));
}

}  // namespace phoenix::report
