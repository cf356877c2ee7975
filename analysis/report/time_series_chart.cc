#include "analysis/report/time_series_chart.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "analysis/human_text.h"
#include "analysis/report/html.h"
#include "analysis/report/svg_chart.h"

namespace phoenix::report {
namespace {

constexpr int kHeight = 190;
constexpr std::size_t kBandsMax = 60;
constexpr std::size_t kSignsMax = 60;

double seconds_of(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

struct FaultBand {
  std::string words;
  double begin_s = 0, end_s = 0;
};

// From "begin" to the "end" of the same fault and incarnation, or to the end of the run.
std::vector<FaultBand> bands_of(const ShownRun& run) {
  std::vector<FaultBand> bands;
  std::map<std::tuple<std::int32_t, std::int32_t, std::string>, std::size_t> open;
  for (const FaultRow& row : run.faults) {
    const std::tuple key(row.fault, row.incarnation, std::string(row.target.view()));
    if (row.phase.view() == "begin" && bands.size() < kBandsMax) {
      open[key] = bands.size();
      bands.push_back({fmt::format("{} {}", row.kind.view(), row.target.view()),
                       seconds_of(row.t_applied), run.end_s()});
    } else if (row.phase.view() == "end" && open.contains(key)) {
      bands[open[key]].end_s = seconds_of(row.t_applied);
      open.erase(key);
    }
  }
  return bands;
}

// Rates belong to the time since the row before.
struct Series {
  std::vector<double> t_s, length_s;
};

Series times_of(const ShownRun& run) {
  Series series;
  double before = 0;
  for (const WindowRow& row : run.windows) {
    series.t_s.push_back(seconds_of(row.t));
    series.length_s.push_back(std::max(series.t_s.back() - before, 1e-9));
    before = series.t_s.back();
  }
  return series;
}

template <class Value>
std::vector<Point> points_of(const ShownRun& run, const Series& times, const Value& value) {
  std::vector<Point> points;
  for (std::size_t i = 0; i < run.windows.size(); ++i) {
    points.push_back({times.t_s[i], static_cast<double>(value(run.windows[i], times.length_s[i]))});
  }
  return points;
}

struct Line {
  std::string name;
  std::vector<Point> points;
};

double highest_of(const std::vector<Line>& lines) {
  double high = 0;
  for (const Line& line : lines) {
    for (const Point& point : line.points) {
      if (std::isfinite(point.y)) high = std::max(high, point.y);
    }
  }
  return high;
}

double lowest_above_0(const std::vector<Line>& lines) {
  double low = HUGE_VAL;
  for (const Line& line : lines) {
    for (const Point& point : line.points) {
      if (point.y > 0) low = std::min(low, point.y);
    }
  }
  return low;
}

void add_faults(Plot& plot, const ShownRun& run) {
  for (const FaultBand& band : bands_of(run)) {
    plot.band(
        band.begin_s, band.end_s, "fault",
        fmt::format("{}, {} to {}", band.words, seconds_text(std::round(band.begin_s * 10) / 10),
                    seconds_text(std::round(band.end_s * 10) / 10)));
  }
}

void add_decisions(Plot& plot, const ShownRun& run) {
  const std::size_t step = run.decision_marks.size() / kSignsMax + 1;
  for (std::size_t i = 0; i < run.decision_marks.size(); i += step) {
    const DecisionMark& mark = run.decision_marks[i];
    plot.tick_above(mark.at_s,
                    fmt::format("{:.1f} s: {} ({}){}", mark.at_s, mark.first, mark.outcome,
                                mark.count > 1 ? fmt::format(" and {} more", mark.count - 1) : ""));
  }
}

DataTable table_of(const std::string& caption, const std::vector<Line>& lines,
                   const Format& format) {
  std::vector<std::string> headers = {"until"};
  for (const Line& line : lines) headers.push_back(line.name);
  DataTable table(caption, std::string(headers.size(), 'r'), headers);
  std::size_t rows = 0;
  for (const Line& line : lines) rows = std::max(rows, line.points.size());
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<Cell> cells;
    for (const Line& line : lines) {
      if (i < line.points.size() && cells.empty()) {
        cells.emplace_back(fmt::format("{:.6g} s", line.points[i].x));
      }
    }
    for (const Line& line : lines) {
      const bool is_known = i < line.points.size() && std::isfinite(line.points[i].y);
      cells.emplace_back(is_known ? format(line.points[i].y) : "-");
    }
    table.add(std::move(cells));
  }
  return table;
}

std::string figure_of(const ShownRun& run, const std::string& heading, const std::string& shows,
                      const std::vector<Line>& lines, ChartAxis y, const Format& format,
                      const std::string& note) {
  Plot plot(ChartAxis::time(run.end_s()), std::move(y), kHeight);
  add_faults(plot, run);
  std::vector<LegendEntry> legend;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    plot.line(lines[i].points, i);
    legend.push_back({i, lines[i].name});
  }
  add_decisions(plot, run);
  return figure_html(heading, plot.svg(heading, shows), legend_html(legend), note,
                     table_of(heading, lines, format));
}

std::string merged_note(const ShownRun& run) {
  return run.intervals_merged > 1
             ? fmt::format("Each point is the highest of {} intervals. ", run.intervals_merged)
             : "";
}

std::string marks_note(const ShownRun& run) {
  std::string note;
  if (!run.faults.empty()) note += "Shaded: a fault lasts. ";
  if (run.decisions_total > 0) note += "Ticks along the upper edge: decisions. ";
  return note;
}

std::string requests_figure(const ShownRun& run, const Series& times, const std::string& name) {
  const auto rate = [&](std::int64_t WindowRow::*field) {
    return points_of(run, times, [field](const WindowRow& row, double length_s) {
      return static_cast<double>(row.*field) / length_s;
    });
  };
  const std::vector<Line> lines = {{"offered", rate(&WindowRow::offered)},
                                   {"completed", rate(&WindowRow::completed)},
                                   {"failed", rate(&WindowRow::failed)}};
  const Format format = format_of(CellMetric::kThroughput);
  return figure_of(run, "Requests a second, " + name,
                   "Requests offered, completed and failed a second over the time of the run.",
                   lines, ChartAxis::linear(0, highest_of(lines), format), format, marks_note(run));
}

std::string latency_figure(const ShownRun& run, const Series& times, const std::string& name) {
  const auto of = [&](float WindowRow::*field) {
    return points_of(run, times, [field](const WindowRow& row, double) { return row.*field; });
  };
  const std::vector<Line> lines = {
      {"p50", of(&WindowRow::p50)}, {"p95", of(&WindowRow::p95)}, {"p99", of(&WindowRow::p99)}};
  const double low = lowest_above_0(lines);
  if (!std::isfinite(low)) return "";
  return figure_of(run, "Response time, " + name,
                   "Median, 95th and 99th percentile of response times over the time of the run, "
                   "on a logarithmic scale.",
                   lines, ChartAxis::logarithmic(low, highest_of(lines), seconds_value),
                   seconds_value, merged_note(run) + marks_note(run));
}

std::string nodes_figure(const ShownRun& run, const Series& times, const std::string& name) {
  const std::vector<Line> lines = {
      {"nodes up",
       points_of(run, times, [](const WindowRow& row, double) { return row.nodes_up; })},
      {"cores busy, as nodes", points_of(run, times, [](const WindowRow& row, double) {
         return row.cpu * static_cast<float>(row.nodes_up);
       })}};
  const Format format = [](double value) { return human_number(value); };
  return figure_of(run, "Nodes, " + name,
                   "Nodes that are up, and how many of them the work would fill, over time.", lines,
                   ChartAxis::linear(0, highest_of(lines), format), format,
                   "Below the upper line is what is paid for, below the lower line what is used. " +
                       marks_note(run));
}

}  // namespace

std::string time_series_figures(const ShownRun& run, const std::string& name) {
  if (run.windows.empty())
    return paragraph_html("The record of " + name + " has no windows.", "note");
  const Series times = times_of(run);
  return requests_figure(run, times, name) + latency_figure(run, times, name) +
         nodes_figure(run, times, name);
}

std::string overlay_figure(const std::vector<NamedRun>& runs) {
  std::vector<Line> lines;
  double end_s = 0;
  for (const auto& [name, run] : runs) {
    if (lines.size() == kSeriesMax) break;
    lines.push_back({name, points_of(*run, times_of(*run),
                                     [](const WindowRow& row, double) { return row.p95; })});
    end_s = std::max(end_s, run->end_s());
  }
  const double low = lowest_above_0(lines);
  if (lines.size() < 2 || !std::isfinite(low)) return "";
  Plot plot(ChartAxis::time(end_s), ChartAxis::logarithmic(low, highest_of(lines), seconds_value),
            240);
  add_faults(plot, *runs.front().second);
  std::vector<LegendEntry> legend;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    plot.line(lines[i].points, i);
    legend.push_back({i, lines[i].name});
  }
  const std::string heading = "p95 of response times over time";
  return figure_html(heading,
                     plot.svg(heading,
                              "One line for each variation: the 95th percentile of each "
                              "interval of its first run, on a logarithmic scale."),
                     legend_html(legend),
                     "The first run of each. " + merged_note(*runs.front().second) +
                         (runs.front().second->faults.empty() ? "" : "Shaded: a fault lasts."),
                     table_of(heading, lines, seconds_value));
}

}  // namespace phoenix::report
