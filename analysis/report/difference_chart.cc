#include "analysis/report/difference_chart.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "analysis/compare/study_text.h"
#include "analysis/report/html.h"
#include "analysis/report/selection.h"
#include "analysis/report/svg_chart.h"

namespace phoenix::report {
namespace {

constexpr int kRowHeight = 46;
constexpr std::size_t kDotsMax = 60;  // pairs of runs drawn in a row
constexpr std::size_t kNameCharacters = 26;

struct Row {
  std::string name;
  const BaselineDifference* difference = nullptr;
  std::vector<double> pairs;
};

Tone tone_of(CellMetric metric, const BaselineDifference& one) {
  if (!one.is_separated) return Tone::kPlain;
  const bool is_less = one.difference.mean < 0;
  return is_less == (info(metric).better == statistics::Better::kLower) ? Tone::kGood : Tone::kBad;
}

const char* words_of(Tone tone) {
  return tone == Tone::kGood ? "better" : tone == Tone::kBad ? "worse" : "not told apart";
}

std::vector<Row> rows_of(const ComparisonData& data, const BlockStudy& block, CellMetric metric) {
  const auto i = static_cast<std::size_t>(metric);
  const auto& base = data.study.variations[block.variations[*block.baseline]].values[i];
  std::vector<Row> rows;
  for (const std::size_t variation : by_rank(data.study, block)) {
    const auto place = static_cast<std::size_t>(std::ranges::find(block.variations, variation) -
                                                block.variations.begin());
    const BaselineDifference* const one = block.against_baseline(metric, place);
    if (one == nullptr || !std::isfinite(one->difference.mean)) continue;
    Row& row = rows.emplace_back(Row{label_of(data, variation), one, {}});
    if (rows.size() > kDifferenceRowsMax) continue;
    const auto& values = data.study.variations[variation].values[i];
    for (std::size_t r = 0; r < values.size() && row.pairs.size() < kDotsMax; ++r) {
      if (std::isfinite(values[r] - base[r])) row.pairs.push_back(values[r] - base[r]);
    }
  }
  return rows;
}

ChartAxis axis_of(const std::vector<Row>& rows, CellMetric metric) {
  double low = 0;
  double high = 0;
  const auto widen = [&](double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (std::size_t i = 0; i < std::min(rows.size(), kDifferenceRowsMax); ++i) {
    const statistics::PairedDifference& one = rows[i].difference->difference;
    for (const double value : {one.mean, one.interval.low, one.interval.high}) widen(value);
    for (const double value : rows[i].pairs) widen(value);
  }
  return ChartAxis::linear(low, high, [metric](double value) {
    return (value > 0 ? "+" : value < 0 ? "-" : "") + value_text(metric, std::abs(value));
  });
}

std::string difference_words(CellMetric metric, double difference) {
  return (difference > 0   ? "+"
          : difference < 0 ? "-"
                           : "") +
         value_text(metric, std::abs(difference));
}

std::string interval_words(CellMetric metric, const statistics::Interval& interval) {
  if (!interval.is_known()) return "not known";
  return difference_words(metric, interval.low) + " to " + difference_words(metric, interval.high);
}

std::string row_svg(const ChartAxis& x, const Row& row, CellMetric metric, int top) {
  const statistics::PairedDifference& one = row.difference->difference;
  const Tone tone = tone_of(metric, *row.difference);
  const int y = top + 30;
  std::string text = fmt::format(
      "<text class=\"words\" x=\"0\" y=\"{0}\">{1}</text>"
      "<text class=\"words {4}\" x=\"100%\" y=\"{0}\" text-anchor=\"end\">{2}, {3}</text>\n",
      top + 15, escape(cut(row.name, kNameCharacters)),
      escape(std::isfinite(one.relative) ? relative_text(one.relative)
                                         : difference_words(metric, one.mean)),
      words_of(tone), class_of(tone));
  for (const double pair : row.pairs) {
    text += fmt::format("<circle class=\"pair\" cx=\"{}\" cy=\"{}\" r=\"2.5\"/>",
                        percent(x.at(pair)), y + 8);
  }
  if (one.interval.is_known()) {
    text += fmt::format(
        "<line class=\"interval {3}\" x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\"/>",
        percent(x.at(one.interval.low)), percent(x.at(one.interval.high)), y, class_of(tone));
  }
  return text + fmt::format(
                    "<svg x=\"{}\" y=\"{}\" class=\"sign estimate {}\"><path d=\"M-5 0L0-5L5 "
                    "0L0 5z\"><title>{}: {}, {}</title></path></svg>\n",
                    percent(x.at(one.mean)), y, class_of(tone), escape(row.name),
                    difference_words(metric, one.mean),
                    escape(interval_words(metric, one.interval)));
}

DataTable table_of(const std::vector<Row>& rows, CellMetric metric, const Study& study) {
  DataTable table(
      fmt::format("differences of {} to the baseline", info(metric).name), "lrrrrrrl",
      {"", "pairs", "difference", fmt::format("{:g} % interval", study.options.confidence * 100),
       "relative", study.is_primary(metric) ? "p, adjusted" : "p, exploratory", "less", "verdict"});
  for (const Row& row : rows) {
    const statistics::PairedDifference& one = row.difference->difference;
    const Tone tone = tone_of(metric, *row.difference);
    table.add({row.name, std::to_string(one.n), difference_words(metric, one.mean),
               interval_words(metric, one.interval), relative_text(one.relative),
               std::isnan(row.difference->adjusted_p)
                   ? "-"
                   : fmt::format("{:.2g}", row.difference->adjusted_p),
               fmt::format("{}/{}", one.wins.below, one.n), Cell(words_of(tone), tone)});
  }
  return table;
}

}  // namespace

std::string difference_figure(const ComparisonData& data, const BlockStudy& block,
                              CellMetric metric) {
  if (!block.baseline || block.metrics.empty()) return "";
  const std::vector<Row> rows = rows_of(data, block, metric);
  if (rows.empty()) return "";
  const std::size_t shown = std::min(rows.size(), kDifferenceRowsMax);
  const ChartAxis x = axis_of(rows, metric);
  const int height = static_cast<int>(shown) * kRowHeight + 4;
  const std::string base = label_of(data, block.variations[*block.baseline]);
  const std::string heading = fmt::format("{}: difference to {}", info(metric).title, base);
  std::string chart = open_svg(
      heading,
      fmt::format("For each of {} variations the mean paired difference with its interval, and the "
                  "single pairs of runs as dots below it. Left of 0 is less than the baseline.",
                  shown),
      height, "plot rows");
  chart += x_ticks_svg(x, height);
  chart += fmt::format("<line class=\"zero\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{1}\"/>\n",
                       percent(x.at(0)), height);
  for (std::size_t i = 0; i < shown; ++i) {
    chart += row_svg(x, rows[i], metric, static_cast<int>(i) * kRowHeight);
  }
  chart += "</svg></div>\n";
  std::string note = fmt::format(
      "Diamond: mean over pairs of runs; line: its {:g} % interval; dots: single pairs. {} is "
      "better.",
      data.study.options.confidence * 100,
      info(metric).better == statistics::Better::kLower ? "Left of 0" : "Right of 0");
  if (!data.study.is_primary(metric)) note += " Exploratory: not adjusted for the number of looks.";
  if (rows.size() > shown) note += fmt::format(" {} more are in the table.", rows.size() - shown);
  return figure_html(heading, chart, "", note, table_of(rows, metric, data.study));
}

}  // namespace phoenix::report
