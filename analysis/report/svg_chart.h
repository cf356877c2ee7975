// Static charts as inline SVG: nothing to load, nothing to run, prints as it looks. A chart is as
// wide as its place and keeps its height and the size of its letters: x is in per cent, y in
// pixels. Colours are classes of page.css, which has them for light, dark and paper.
//
// Values that are not finite are left out; those beyond an axis are drawn at its end.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/compare/cell_result.h"

namespace phoenix::report {

using Format = std::function<std::string(double)>;

// As metric_text(), but "1.23e+45" where the number would be a line of digits.
std::string value_text(CellMetric metric, double value);
Format format_of(CellMetric metric);
// As human_duration(), with the same escape from long digits.
std::string seconds_value(double seconds);
std::string seconds_text(double seconds);  // "90 s", "3 min" of axes

struct Tick {
  double at = 0;  // share of the axis
  std::string label;
};

class ChartAxis {
 public:
  // Ends are moved to round numbers; an axis of no length gets some.
  static ChartAxis linear(double low, double high, const Format& format);
  // Seconds since the run began; ends stay where they are.
  static ChartAxis time(double end_s);
  // REQUIRES: 0 < low <= high.
  static ChartAxis logarithmic(double low, double high, const Format& format);
  // Shares of requests by their number of nines: 0, 90, 99, 99.9 % are equally far apart.
  static ChartAxis nines(double highest);

  double at(double value) const;  // 0 to 1; NaN where the value is
  const std::vector<Tick>& ticks() const { return ticks_; }

 private:
  using Map = double (*)(double);
  ChartAxis(double low, double high, Map map);
  void add_tick(double value, std::string label);

  double low_, high_;  // mapped
  Map map_;
  std::vector<Tick> ticks_;
};

struct Point {
  double x = 0, y = 0;
};

inline constexpr std::size_t kSeriesMax = 8;  // told apart by colour and dashes

class Plot {
 public:
  Plot(ChartAxis x, ChartAxis y, int height_px);

  // Lines have gaps where a point is not known.
  void line(std::span<const Point> points, std::size_t series);
  void band(double x_low, double x_high, const char* css_class, std::string_view tip);
  // A sign of its own for each series; `tip` shows where a pointer rests.
  void mark(double x, double y, std::size_t series, std::string_view tip);
  // A short line at the upper edge: something happened then.
  void tick_above(double x, std::string_view tip);
  void text(double x, double y, std::string_view words);

  // `title` is the chart's name and `description` what it shows, for those who do not see it.
  std::string svg(std::string_view title, std::string_view description) const;

 private:
  double y_px(double y) const;

  ChartAxis x_, y_;
  int height_px_;
  std::string below_, paths_, above_;
};

// The frame of charts that draw their own rows: x in shares of the width, y in pixels.
std::string open_svg(std::string_view title, std::string_view description, int height_px,
                     const char* css_class);
std::string x_ticks_svg(const ChartAxis& x, int height_px);
std::string percent(double share);  // "12.34%"
std::string sign_svg(double x_share, double y_px, std::size_t series, std::string_view tip);

struct LegendEntry {
  std::size_t series = 0;
  std::string name;
};
std::string legend_html(const std::vector<LegendEntry>& entries);

}  // namespace phoenix::report
