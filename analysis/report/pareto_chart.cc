#include "analysis/report/pareto_chart.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "analysis/report/html.h"
#include "analysis/report/selection.h"
#include "analysis/report/svg_chart.h"

namespace phoenix::report {
namespace {

constexpr int kHeight = 280;
constexpr std::size_t kPointsMax = 300;
constexpr std::size_t kNamesMax = 6;
constexpr std::size_t kFrontSeries = 0;
constexpr std::size_t kOtherSeries = 6;

std::vector<double> means_of(const Study& study, CellMetric metric) {
  std::vector<double> means;
  for (const VariationStudy& one : study.variations) {
    means.push_back(one.estimates[static_cast<std::size_t>(metric)].value);
  }
  return means;
}

bool tells_something(const std::vector<double>& values) {
  return std::ranges::any_of(values, [](double v) { return std::isfinite(v) && v != 0; });
}

ChartAxis axis_of(const std::vector<double>& values, CellMetric metric) {
  double high = 0;
  for (const double value : values) {
    if (std::isfinite(value)) high = std::max(high, value);
  }
  return ChartAxis::linear(0, high, format_of(metric));
}

}  // namespace

std::vector<std::size_t> pareto_front(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isfinite(x[i]) && std::isfinite(y[i])) order.push_back(i);
  }
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple(x[i], y[i], i); });
  std::vector<std::size_t> front;
  for (const std::size_t i : order) {
    const bool is_twin = !front.empty() && x[front.back()] == x[i] && y[front.back()] == y[i];
    if (front.empty() || y[i] < y[front.back()] || is_twin) front.push_back(i);
  }
  return front;
}

std::string pareto_figure(const ComparisonData& data) {
  const Study& study = data.study;
  CellMetric cost = CellMetric::kCost;
  if (!tells_something(means_of(study, cost))) cost = CellMetric::kNodeHours;
  CellMetric pain = CellMetric::kSloViolating;
  const bool has_targets =
      std::ranges::any_of(means_of(study, pain), [](double value) { return std::isfinite(value); });
  if (!has_targets) pain = CellMetric::kP99;
  const std::vector<double> x = means_of(study, cost);
  const std::vector<double> y = means_of(study, pain);
  const std::vector<std::size_t> front = pareto_front(x, y);
  if (front.empty() || !tells_something(x)) return "";

  Plot plot(axis_of(x, cost), axis_of(y, pain), kHeight);
  std::vector<Point> line;
  std::vector<bool> is_front(x.size(), false);
  for (const std::size_t i : front) {
    line.push_back({x[i], y[i]});
    is_front[i] = true;
  }
  if (line.size() > 1) plot.line(line, kFrontSeries);
  const auto tip = [&](std::size_t i) {
    return fmt::format("{}: {}, {}", full_label_of(data, i), value_text(cost, x[i]),
                       value_text(pain, y[i]));
  };
  const std::size_t step = x.size() / kPointsMax + 1;
  for (std::size_t i = 0; i < x.size(); i += step) {
    if (!is_front[i]) plot.mark(x[i], y[i], kOtherSeries, tip(i));
  }
  for (std::size_t k = 0; k < front.size(); k += front.size() / kPointsMax + 1) {
    plot.mark(x[front[k]], y[front[k]], kFrontSeries, tip(front[k]));
    if (k < kNamesMax) plot.text(x[front[k]], y[front[k]], cut(full_label_of(data, front[k]), 28));
  }

  const std::string heading = fmt::format("{} against {}", info(cost).title, info(pain).title);
  DataTable table(heading, "lrrl", {"", info(cost).name, info(pain).name, ""});
  std::vector<std::size_t> order(front);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!is_front[i]) order.push_back(i);
  }
  for (const std::size_t i : order) {
    table.add({full_label_of(data, i), value_text(cost, x[i]), value_text(pain, y[i]),
               is_front[i] ? "nobody is better in both" : ""});
  }
  std::string note = fmt::format(
      "To the right: {}; upwards: {}. Means over runs; round signs, joined by the line, are those "
      "that nobody beats in both.",
      info(cost).title, info(pain).title);
  if (!has_targets) note += " The scenario has no targets, so p99 stands for them.";
  if (step > 1) note += fmt::format(" Of the others each {}th is drawn.", step);
  return figure_html(heading,
                     plot.svg(heading, fmt::format("One sign for each of {} variations; lower left "
                                                   "is better. {} of them are beaten by nobody in "
                                                   "both.",
                                                   x.size(), front.size())),
                     "", note, table);
}

}  // namespace phoenix::report
