#include "analysis/report/svg_chart.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/compare/study_text.h"
#include "analysis/report/html.h"

namespace phoenix::report {
namespace {

constexpr double kHuge = 1e150;  // squares of what is below are finite
constexpr int kPathWidth = 1000;
constexpr double kTinyShare = 1e-9;

double identity(double value) { return value; }
double log_of(double value) { return value > 0 ? std::log10(value) : -HUGE_VAL; }
double nines_of(double share) { return -std::log10(std::max(1 - share, 1e-12)); }

double bounded(double value) { return std::clamp(value, -kHuge, kHuge); }

// 1, 2 or 5 times a power of ten, so that a range has `count` of them or less.
double round_step(double range, int count) {
  const double least = range / count;
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - kTinyShare)) return factor * power;
  }
  return 10 * power;
}

double round_time_step(double range_s, int count) {
  constexpr double kSteps[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                               600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
  const double least = range_s / count;
  if (least > 86400) return 86400 * std::max(1.0, round_step(range_s / 86400, count));
  if (least < 1) return round_step(range_s, count);
  return *std::ranges::lower_bound(kSteps, least);
}

// "10.0 ms" is "10 ms" on an axis.
std::string without_zeros(std::string label) {
  const std::size_t point = label.find('.');
  if (point == std::string::npos || label.find('e') != std::string::npos) return label;
  const std::size_t end = std::min(label.find_first_not_of("0123456789", point + 1), label.size());
  std::size_t keep = end;
  while (keep > point + 1 && label[keep - 1] == '0') --keep;
  if (keep == point + 1) keep = point;
  return label.erase(keep, end - keep);
}

}  // namespace

std::string value_text(CellMetric metric, double value) {
  if (std::isfinite(value) && std::abs(value) >= 1e15) return fmt::format("{:.3g}", value);
  return metric_text(metric, value);
}

Format format_of(CellMetric metric) {
  return [metric](double value) { return value_text(metric, value); };
}

std::string seconds_value(double seconds) { return value_text(CellMetric::kMean, seconds); }

std::string seconds_text(double seconds) {
  const auto whole = [](double value, const char* unit) {
    return fmt::format("{:.6g} {}", value, unit);
  };
  if (seconds < 120) return whole(seconds, "s");
  if (seconds < 7200) return whole(seconds / 60, "min");
  if (seconds < 172800) return whole(seconds / 3600, "h");
  return whole(seconds / 86400, "d");
}

ChartAxis::ChartAxis(double low, double high, Map map)
    : low_(map(low)), high_(map(high)), map_(map) {}

void ChartAxis::add_tick(double value, std::string label) {
  ticks_.push_back({at(value), without_zeros(std::move(label))});
}

double ChartAxis::at(double value) const {
  if (std::isnan(value)) return value;
  return std::clamp((map_(bounded(value)) - low_) / (high_ - low_), 0.0, 1.0);
}

ChartAxis ChartAxis::linear(double low, double high, const Format& format) {
  low = std::isfinite(low) ? bounded(low) : 0;
  high = std::isfinite(high) ? bounded(high) : low;
  if (high - low <= std::abs(low) * kTinyShare) high = low + (low == 0 ? 1 : std::abs(low) * 0.1);
  const double step = round_step(high - low, 5);
  const double begin = std::floor(low / step + kTinyShare);
  const double end = std::ceil(high / step - kTinyShare);
  ChartAxis axis(begin * step, end * step, identity);
  for (double i = begin; i <= end; ++i) axis.add_tick(i * step, format(i * step));
  return axis;
}

ChartAxis ChartAxis::time(double end_s) {
  end_s = std::isfinite(end_s) && end_s > 0 ? bounded(end_s) : 1;
  const double step = round_time_step(end_s, 5);
  ChartAxis axis(0, end_s, identity);
  for (double i = 0; i * step <= end_s * (1 + kTinyShare); ++i) {
    axis.add_tick(i * step, seconds_text(i * step));
  }
  return axis;
}

ChartAxis ChartAxis::logarithmic(double low, double high, const Format& format) {
  low = bounded(low);
  high = std::max(bounded(high), low * 1.01);
  const double first = std::floor(log_of(low) + kTinyShare);
  const double last = std::ceil(log_of(high) - kTinyShare);
  const double decades = std::max(1.0, last - first);
  if (decades <= 2) {
    ChartAxis axis(low, high, log_of);
    for (double power = first; power <= last; ++power) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double value = factor * std::pow(10.0, power);
        if (value >= low * (1 - kTinyShare) && value <= high * (1 + kTinyShare)) {
          axis.add_tick(value, format(value));
        }
      }
    }
    if (axis.ticks_.size() >= 2) return axis;
  }
  ChartAxis axis(std::pow(10.0, first), std::pow(10.0, first + decades), log_of);
  const double step = std::ceil(decades / 6);
  for (double i = 0; i <= decades; i += step) {
    const double value = std::pow(10.0, first + i);
    axis.add_tick(value, format(value));
  }
  return axis;
}

ChartAxis ChartAxis::nines(double highest) {
  ChartAxis axis(0, std::clamp(highest, 0.9, 0.999999), nines_of);
  constexpr std::array<const char*, 7> kLabels = {"0 %",     "90 %",     "99 %",     "99.9 %",
                                                  "99.99 %", "99.999 %", "99.9999 %"};
  axis.add_tick(0.5, "50 %");
  for (std::size_t i = 0; i < kLabels.size(); ++i) {
    const double share = 1 - std::pow(10.0, -static_cast<double>(i));
    if (nines_of(share) <= axis.high_ + kTinyShare) axis.add_tick(share, kLabels[i]);
  }
  return axis;
}

Plot::Plot(ChartAxis x, ChartAxis y, int height_px)
    : x_(std::move(x)), y_(std::move(y)), height_px_(height_px) {}

double Plot::y_px(double y) const { return height_px_ * (1 - y_.at(y)); }

void Plot::line(std::span<const Point> points, std::size_t series) {
  std::string path;
  bool is_open = false;
  for (const Point& point : points) {
    const bool is_known = std::isfinite(point.x) && std::isfinite(point.y);
    if (is_known) {
      path += fmt::format("{}{:.1f} {:.1f}", is_open ? 'L' : 'M', kPathWidth * x_.at(point.x),
                          y_px(point.y));
      if (!is_open) path += "h0.1";  // a point between two gaps is still seen
    }
    is_open = is_known;
  }
  if (!path.empty()) {
    paths_ += fmt::format("<path class=\"line s{}\" d=\"{}\"/>\n", series % kSeriesMax, path);
  }
}

void Plot::band(double x_low, double x_high, const char* css_class, std::string_view tip) {
  const double from = x_.at(x_low);
  const double width = std::max(x_.at(x_high) - from, 0.002);
  below_ += fmt::format(
      "<rect class=\"{}\" x=\"{}\" y=\"0\" width=\"{}\" height=\"{}\"><title>{}</title></rect>\n",
      css_class, percent(from), percent(width), height_px_, escape(tip));
}

void Plot::mark(double x, double y, std::size_t series, std::string_view tip) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  above_ += sign_svg(x_.at(x), y_px(y), series, tip);
}

void Plot::tick_above(double x, std::string_view tip) {
  if (!std::isfinite(x)) return;
  above_ += fmt::format(
      "<line class=\"event\" x1=\"{0}\" x2=\"{0}\" y1=\"-8\" y2=\"2\">"
      "<title>{1}</title></line>\n",
      percent(x_.at(x)), escape(tip));
}

void Plot::text(double x, double y, std::string_view words) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  const double share = x_.at(x);
  above_ += fmt::format(
      "<text class=\"words\" x=\"{}\" y=\"{:.1f}\" dx=\"{}\" dy=\"-7\" "
      "text-anchor=\"{}\">{}</text>\n",
      percent(share), std::max(y_px(y), 16.0), share > 0.6 ? 4 : -4, share > 0.6 ? "end" : "start",
      escape(words));
}

std::string Plot::svg(std::string_view title, std::string_view description) const {
  std::string text = open_svg(title, description, height_px_, "plot");
  for (const Tick& tick : y_.ticks()) {
    const double y = height_px_ * (1 - tick.at);
    text += fmt::format(
        "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0:.1f}\" y2=\"{0:.1f}\"/>"
        "<text class=\"tick\" x=\"-6\" y=\"{1:.1f}\" text-anchor=\"end\">{2}</text>\n",
        y, y + 4, escape(tick.label));
  }
  text += x_ticks_svg(x_, height_px_) + below_;
  if (!paths_.empty()) {
    text += fmt::format(
        "<svg width=\"100%\" height=\"{0}\" viewBox=\"0 0 {1} {0}\" "
        "preserveAspectRatio=\"none\">\n{2}</svg>\n",
        height_px_, kPathWidth, paths_);
  }
  return text + above_ + "</svg></div>\n";
}

std::string percent(double share) { return fmt::format("{:.2f}%", share * 100); }

std::string open_svg(std::string_view title, std::string_view description, int height_px,
                     const char* css_class) {
  return fmt::format(
      "<div class=\"{}\"><svg role=\"img\" height=\"{}\" width=\"100%\"><title>{}</title>"
      "<desc>{}</desc>\n",
      css_class, height_px, escape(title), escape(description));
}

std::string x_ticks_svg(const ChartAxis& x, int height_px) {
  std::string text;
  for (const Tick& tick : x.ticks()) {
    const char* const anchor = tick.at > 0.97 ? "end" : tick.at < 0.03 ? "start" : "middle";
    text += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{1}\"/>"
        "<text class=\"tick\" x=\"{0}\" y=\"{2}\" text-anchor=\"{3}\">{4}</text>\n",
        percent(tick.at), height_px, height_px + 16, anchor, escape(tick.label));
  }
  return text;
}

std::string sign_svg(double x_share, double y_px, std::size_t series, std::string_view tip) {
  constexpr std::array<const char*, 4> kSigns = {
      "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-4-4h8v8h-8z", "M0-5L5 4H-5z", "M0-5L5 0L0 5L-5 0z"};
  return fmt::format(
      "<svg x=\"{}\" y=\"{:.1f}\" class=\"sign s{}\"><path "
      "d=\"{}\"><title>{}</title></path></svg>\n",
      percent(x_share), y_px, series % kSeriesMax, kSigns[series % kSigns.size()], escape(tip));
}

std::string legend_html(const std::vector<LegendEntry>& entries) {
  if (entries.empty()) return "";
  std::string text = "<ul class=\"legend\">";
  for (const LegendEntry& entry : entries) {
    text += fmt::format(
        "<li><svg width=\"30\" height=\"10\" aria-hidden=\"true\"><path class=\"line s{}\" "
        "d=\"M1 5H29\"/></svg>{}</li>",
        entry.series % kSeriesMax, escape(cut(entry.name, 60)));
  }
  return text + "</ul>\n";
}

}  // namespace phoenix::report
