#include "analysis/report/heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "analysis/human_text.h"
#include "analysis/report/html.h"
#include "analysis/report/svg_chart.h"

namespace phoenix::report {
namespace {

constexpr std::size_t kLevels = 8;
constexpr std::size_t kOff = kLevels;       // class h8: down or not there
constexpr std::size_t kNothing = kOff + 1;  // not known: not drawn
constexpr std::size_t kTableSpans = 6;

std::size_t level_of(const NodeGrid& grid, std::size_t i) {
  if (grid.off_share[i] > 0.5F) return kOff;
  if (!std::isfinite(grid.cpu[i])) return kNothing;
  const float share = std::clamp(grid.cpu[i], 0.0F, 1.0F);
  return std::min(kLevels - 1, static_cast<std::size_t>(share * kLevels));
}

// One path a colour; neighbours in time of one colour are one box.
std::array<std::string, kLevels + 1> paths_of(const NodeGrid& grid, int row_height) {
  std::array<std::string, kLevels + 1> paths;
  const double width = 1000.0 / static_cast<double>(grid.columns);
  for (std::size_t row = 0; row < grid.rows.size(); ++row) {
    for (std::size_t first = 0, end = 0; first < grid.columns; first = end) {
      const std::size_t level = level_of(grid, grid.index(row, first));
      while (end < grid.columns && level_of(grid, grid.index(row, end)) == level) ++end;
      if (level == kNothing) continue;
      paths[level] +=
          fmt::format("M{:.1f} {}h{:.1f}v{}h-{:.1f}z", width * static_cast<double>(first),
                      static_cast<int>(row) * row_height, width * static_cast<double>(end - first),
                      row_height - 1, width * static_cast<double>(end - first));
    }
  }
  return paths;
}

double mean_of_span(const NodeGrid& grid, std::size_t row, std::size_t first, std::size_t end) {
  double sum = 0;
  double known = 0;
  for (std::size_t column = first; column < end; ++column) {
    const float value = grid.cpu[grid.index(row, column)];
    if (!std::isfinite(value)) continue;
    sum += static_cast<double>(value);
    ++known;
  }
  return known > 0 ? sum / known : std::nan("");
}

DataTable table_of(const NodeGrid& grid, const std::string& caption) {
  const std::size_t spans = std::min(kTableSpans, grid.columns);
  const auto begin_of = [&](std::size_t span) { return span * grid.columns / spans; };
  std::vector<std::string> headers = {"node", "whole run"};
  for (std::size_t span = 0; span < spans; ++span) {
    headers.push_back(fmt::format(
        "until {}",
        seconds_text(std::round(static_cast<double>(begin_of(span + 1)) * grid.column_s))));
  }
  DataTable table(caption, "l" + std::string(spans + 1, 'r'), headers);
  for (std::size_t row = 0; row < grid.rows.size(); ++row) {
    std::vector<Cell> cells = {grid.rows[row],
                               human_share(mean_of_span(grid, row, 0, grid.columns), 1)};
    for (std::size_t span = 0; span < spans; ++span) {
      cells.emplace_back(
          human_share(mean_of_span(grid, row, begin_of(span), begin_of(span + 1)), 1));
    }
    table.add(std::move(cells));
  }
  return table;
}

std::string scale_html() {
  std::string text = "<ul class=\"legend\">";
  for (const std::size_t level :
       {std::size_t{0}, kLevels / 4, kLevels / 2, 3 * kLevels / 4, kLevels - 1}) {
    text += fmt::format(
        "<li><svg width=\"16\" height=\"12\" aria-hidden=\"true\"><path class=\"h{}\" "
        "d=\"M0 0h16v12H0z\"/></svg>{} to {} %</li>",
        level, level * 100 / kLevels, (level + 1) * 100 / kLevels);
  }
  return text +
         "<li><svg width=\"16\" height=\"12\" aria-hidden=\"true\"><path class=\"h8\" d=\"M0 "
         "0h16v12H0z\"/></svg>not up</li></ul>\n";
}

}  // namespace

std::string heat_map_figure(const ShownRun& run, const std::string& name) {
  const NodeGrid& grid = run.nodes;
  if (grid.rows.empty()) {
    return paragraph_html("The record of " + name + " says nothing of its nodes.", "note");
  }
  const int row_height = grid.rows.size() <= 12 ? 20 : 14;
  const int height = static_cast<int>(grid.rows.size()) * row_height;
  const std::string heading = "CPU of the nodes, " + name;
  std::string chart =
      open_svg(heading,
               fmt::format("{} rows, one for each node or group of neighbours, over time from left "
                           "to right; the colour tells the share of core time in use.",
                           grid.rows.size()),
               height, "plot names");
  for (std::size_t row = 0; row < grid.rows.size(); ++row) {
    chart += fmt::format("<text class=\"tick\" x=\"-6\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
                         static_cast<int>(row) * row_height + row_height / 2 + 4,
                         escape(cut(grid.rows[row], 14)));
  }
  chart += x_ticks_svg(ChartAxis::time(run.end_s()), height);
  chart += fmt::format(
      "<svg width=\"100%\" height=\"{0}\" viewBox=\"0 0 1000 {0}\" "
      "preserveAspectRatio=\"none\">\n",
      height);
  const auto paths = paths_of(grid, row_height);
  for (std::size_t level = 0; level < paths.size(); ++level) {
    if (!paths[level].empty()) {
      chart += fmt::format("<path class=\"h{}\" d=\"{}\"/>\n", level, paths[level]);
    }
  }
  chart += "</svg></svg></div>\n";
  const std::string note = grid.nodes > grid.rows.size()
                               ? fmt::format("{} nodes in {} rows: each is the mean of neighbours.",
                                             grid.nodes, grid.rows.size())
                               : "";
  return figure_html(heading, chart, scale_html(), note, table_of(grid, heading));
}

}  // namespace phoenix::report
