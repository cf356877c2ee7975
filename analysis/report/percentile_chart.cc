#include "analysis/report/percentile_chart.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/human_text.h"
#include "analysis/report/html.h"
#include "analysis/report/svg_chart.h"

namespace phoenix::report {
namespace {

constexpr int kHeight = 300;
constexpr std::size_t kPoints = 120;
constexpr double kNinesMax = 5;
constexpr double kAboveMin = 10;  // requests, for a quantile to mean something

std::uint64_t count_of(const std::vector<HistogramBucket>& histogram) {
  std::uint64_t total = 0;
  for (const HistogramBucket& bucket : histogram) total += static_cast<std::uint64_t>(bucket.count);
  return total;
}

double nines_supported(std::uint64_t count) {
  return std::clamp(std::log10(static_cast<double>(count) / kAboveMin), 1.0, kNinesMax);
}

std::vector<Point> points_of(const std::vector<HistogramBucket>& histogram) {
  std::vector<Point> points;
  const double nines = nines_supported(count_of(histogram));
  for (std::size_t i = 0; i <= kPoints; ++i) {
    const double q = 1 - std::pow(10.0, -nines * static_cast<double>(i) / kPoints);
    points.push_back({q, histogram_quantile(histogram, q)});
  }
  return points;
}

DataTable table_of(const std::vector<PercentileCurve>& curves) {
  DataTable table("response times by percentile", "lrrrrrrrr",
                  {"", "requests", "50 %", "75 %", "90 %", "95 %", "99 %", "99.9 %", "99.99 %"});
  for (const PercentileCurve& curve : curves) {
    const std::uint64_t count = count_of(curve.histogram);
    std::vector<Cell> row = {curve.name, human_count(count)};
    for (const double q : {0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999}) {
      const bool is_supported = static_cast<double>(count) * (1 - q) >= kAboveMin - 1e-6;
      row.emplace_back(is_supported ? seconds_value(histogram_quantile(curve.histogram, q)) : "-");
    }
    table.add(std::move(row));
  }
  return table;
}

}  // namespace

std::string percentile_figure(const std::string& heading,
                              const std::vector<PercentileCurve>& curves) {
  std::vector<std::vector<Point>> lines;
  double low = HUGE_VAL;
  double high = 0;
  double nines = 1;
  for (std::size_t i = 0; i < std::min(curves.size(), kSeriesMax); ++i) {
    lines.push_back(points_of(curves[i].histogram));
    nines = std::max(nines, nines_supported(count_of(curves[i].histogram)));
    for (const Point& point : lines.back()) {
      if (!(point.y > 0)) continue;
      low = std::min(low, point.y);
      high = std::max(high, point.y);
    }
  }
  if (high == 0) return "";
  Plot plot(ChartAxis::nines(1 - std::pow(10.0, -nines)),
            ChartAxis::logarithmic(low, high, seconds_value), kHeight);
  std::vector<LegendEntry> legend;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    plot.line(lines[i], i);
    legend.push_back({i, curves[i].name});
  }
  const std::string more = curves.size() > kSeriesMax ? fmt::format(" {} more are in the table.",
                                                                    curves.size() - kSeriesMax)
                                                      : "";
  return figure_html(
      heading,
      plot.svg(heading,
               fmt::format("One line for each of {}: the response time that a share of requests "
                           "stayed within, from the median to {:.{}f} percent.",
                           lines.size(), 100 * (1 - std::pow(10.0, -nines)),
                           std::max(0, static_cast<int>(nines) - 2))),
      legend_html(legend),
      "Time (upwards) that a share of all answered requests (to the right) stayed within; lower is "
      "better. Lines end where fewer than ten requests took longer." +
          more,
      table_of(curves));
}

}  // namespace phoenix::report
