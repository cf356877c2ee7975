#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/compare/study_text.h"
#include "analysis/report/fidelity.h"
#include "analysis/report/html.h"
#include "analysis/report/svg_chart.h"

namespace phoenix::report {
namespace {

using statistics::EquivalenceVerdict;

constexpr int kRowHeight = 42;
constexpr std::size_t kRowsMax = 24;

Tone tone_of(EquivalenceVerdict verdict) {
  return verdict == EquivalenceVerdict::kEquivalent  ? Tone::kGood
         : verdict == EquivalenceVerdict::kDifferent ? Tone::kBad
                                                     : Tone::kPlain;
}

// As shares of the reference.
struct Row {
  std::string name;
  const FidelityMetric* metric = nullptr;
  statistics::Interval interval;
};

std::vector<Row> rows_of(const Fidelity& fidelity) {
  std::vector<Row> rows;
  for (const VariationFidelity& variation : fidelity.variations) {
    for (const FidelityMetric& one : variation.metrics) {
      if (!std::isfinite(one.relative)) continue;
      const double reference = std::abs(fidelity.is_b_reference ? one.mean_b : one.mean_a);
      const statistics::Interval& interval = one.equivalence.interval;
      const std::string prefix = fidelity.variations.size() > 1 ? variation.name + ", " : "";
      rows.push_back({prefix + info(one.metric).name,
                      &one,
                      {interval.low / reference, interval.high / reference}});
    }
  }
  std::ranges::stable_sort(rows, std::greater{},
                           [](const Row& row) { return std::abs(row.metric->relative); });
  return rows;
}

ChartAxis axis_of(const std::vector<Row>& rows, double margin) {
  double reach = margin * 1.2;
  for (std::size_t i = 0; i < std::min(rows.size(), kRowsMax); ++i) {
    for (const double value :
         {rows[i].metric->relative, rows[i].interval.low, rows[i].interval.high}) {
      if (std::isfinite(value)) reach = std::max(reach, std::abs(value));
    }
  }
  return ChartAxis::linear(
      -reach, reach, [](double share) { return fmt::format("{:+.3g} %", share * 100 + 0.0); });
}

std::string row_svg(const ChartAxis& x, const Row& row, int top) {
  const int y = top + 28;
  const EquivalenceVerdict verdict = row.metric->verdict();
  const char* const tone = class_of(tone_of(verdict));
  std::string text = fmt::format(
      "<text class=\"words\" x=\"0\" y=\"{0}\">{1}</text><text class=\"words {2}\" x=\"100%\" "
      "y=\"{0}\" text-anchor=\"end\">{3}, {4}</text>\n",
      top + 14, escape(cut(row.name, 28)), tone, relative_text(row.metric->relative),
      to_text(verdict));
  if (row.interval.is_known()) {
    text +=
        fmt::format("<line class=\"interval {3}\" x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\"/>",
                    percent(x.at(row.interval.low)), percent(x.at(row.interval.high)), y, tone);
  }
  return text + fmt::format(
                    "<svg x=\"{}\" y=\"{}\" class=\"sign estimate {}\"><path d=\"M-5 "
                    "0L0-5L5 0L0 5z\"><title>{}: {}</title></path></svg>\n",
                    percent(x.at(row.metric->relative)), y, tone, escape(row.name),
                    relative_text(row.metric->relative));
}

DataTable metrics_table(const Fidelity& fidelity) {
  DataTable table(
      "agreement of both worlds", "llrrrrrrl",
      {"variation", "metric", "A", "B", "difference", "90 % interval", "pairs", "p", "verdict"});
  for (const VariationFidelity& variation : fidelity.variations) {
    for (const FidelityMetric& one : variation.metrics) {
      const statistics::Equivalence& e = one.equivalence;
      const auto difference = [&](double value) {
        return (value < 0 ? "-" : "+") + value_text(one.metric, std::abs(value));
      };
      table.add({variation.name, info(one.metric).name, value_text(one.metric, one.mean_a),
                 value_text(one.metric, one.mean_b), relative_text(one.relative),
                 e.interval.is_known()
                     ? difference(e.interval.low) + " to " + difference(e.interval.high)
                     : "-",
                 std::to_string(e.n_a), std::isfinite(e.p) ? fmt::format("{:.2g}", e.p) : "-",
                 Cell(std::string(to_text(one.verdict())), tone_of(one.verdict()))});
    }
  }
  return table;
}

std::string ranks_html(const Fidelity& fidelity) {
  if (fidelity.ranks.empty()) return "";
  DataTable table(
      "ranking of the strategies in both worlds", "llrllrr",
      {"group", "metric", "tau", "best in A", "best in B", "same winner", "tau of means"});
  const auto tau = [](double value) {
    return std::isfinite(value) ? fmt::format("{:.2f}", value) : std::string("-");
  };
  for (const RankFidelity& rank : fidelity.ranks) {
    const auto winner = [&](const std::optional<std::size_t>& one) {
      return one ? rank.names[*one] : std::string("-");
    };
    const bool is_same = rank.agreement.has_same_winner();
    table.add(
        {rank.block.empty() ? "all" : rank.block, info(rank.metric).name, tau(rank.agreement.tau),
         winner(rank.agreement.winner_a), winner(rank.agreement.winner_b),
         Cell(is_same ? "yes" : "no", is_same ? Tone::kGood : Tone::kBad), tau(rank.by_means.tau)});
  }
  return "<h3>Ranking</h3>\n" +
         paragraph_html(
             "Kendall's tau-b: 1 where both worlds order all strategies alike, -1 where "
             "they are reversed. Strategies that the runs of a world do not tell apart "
             "count as tied; the last column takes means at their word.",
             "note") +
         table.html();
}

std::string chart_html(const Fidelity& fidelity) {
  const std::vector<Row> rows = rows_of(fidelity);
  if (rows.empty()) return paragraph_html("No number is known on both sides.", "note");
  const std::size_t shown = std::min(rows.size(), kRowsMax);
  const ChartAxis x = axis_of(rows, fidelity.margin_share);
  const int height = static_cast<int>(shown) * kRowHeight + 4;
  const char* const reference = fidelity.is_b_reference ? "B" : "A";
  const std::string heading = fmt::format("B against A, as shares of {}", reference);
  std::string chart = open_svg(
      heading,
      "For each number the relative difference of the worlds with its interval; equivalent "
      "where the whole interval is within the shaded margin.",
      height, "plot rows");
  chart += x_ticks_svg(x, height);
  const double low = x.at(-fidelity.margin_share);
  const double high = x.at(fidelity.margin_share);
  chart += fmt::format("<rect class=\"margin\" x=\"{}\" width=\"{}\" y=\"0\" height=\"{}\"/>\n",
                       percent(low), percent(high - low), height);
  chart += fmt::format("<line class=\"zero\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{1}\"/>\n",
                       percent(x.at(0)), height);
  for (std::size_t i = 0; i < shown; ++i) {
    chart += row_svg(x, rows[i], static_cast<int>(i) * kRowHeight);
  }
  chart += "</svg></div>\n";
  std::string note = fmt::format(
      "Shaded: the margin of {:.4g} % of {}. Equivalent: the 90 % interval (line) is within it, "
      "which is two one-sided tests at 5 %. Different: not equivalent, and the 95 % interval "
      "excludes 0.",
      fidelity.margin_share * 100, reference);
  if (rows.size() > shown) {
    note += fmt::format(" The {} largest differences; {} more are in the table.", shown,
                        rows.size() - shown);
  }
  return figure_html(heading, chart, "", note, metrics_table(fidelity));
}

}  // namespace

std::string fidelity_html(const Fidelity& fidelity) {
  return chart_html(fidelity) + ranks_html(fidelity);
}

}  // namespace phoenix::report
