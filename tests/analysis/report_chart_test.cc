// Axes, tables and fronts: the parts of charts whose numbers can be worked out by hand.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/report/html.h"
#include "analysis/report/pareto_chart.h"
#include "analysis/report/percentile_chart.h"
#include "analysis/report/svg_chart.h"
#include "tests/analysis/report_samples.h"

namespace phoenix::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> labels_of(const ChartAxis& axis) {
  std::vector<std::string> labels;
  for (const Tick& tick : axis.ticks()) labels.push_back(tick.label);
  return labels;
}

TEST(Escape, LeavesNothingThatMarkupCouldTakeForItsOwn) {
  EXPECT_EQ(escape("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
  EXPECT_EQ(escape("ä – 中 😀"), "ä – 中 😀");
  EXPECT_EQ(escape("a\nb\tc"), "a\nb\tc");
}

TEST(Escape, ReplacesWhatIsNotText) {
  const std::string sign = "\xEF\xBF\xBD";
  EXPECT_EQ(escape(std::string("a\0b\x1B", 4)), "a" + sign + "b" + sign);
  EXPECT_EQ(escape("\xFF"), sign);
  EXPECT_EQ(escape("\xC3"), sign) << "cut in the middle";
  EXPECT_EQ(escape("\xC0\xAF"), sign + sign) << "longer than needed";
  EXPECT_EQ(escape("\xED\xA0\x80"), sign + sign + sign) << "half of a pair";
}

TEST(Cut, CountsCharactersAndNotBytes) {
  EXPECT_EQ(cut("äöü", 3), "äöü");
  EXPECT_EQ(cut("äöüß", 3), "äö…");
  EXPECT_EQ(cut("", 3), "");
}

TEST(Table, ShowsTheFirstRowsAndCountsTheOthers) {
  DataTable table("t", "l", {"name"});
  for (std::size_t i = 0; i < DataTable::kRowsMax + 7; ++i) table.add({std::to_string(i)});
  table.add_uncounted(1000);
  EXPECT_EQ(count_of(table.html(), "<th scope=\"row\""), DataTable::kRowsMax);
  EXPECT_THAT(table.html(), HasSubstr("1,007 more are not shown"));
}

TEST(LinearAxis, EndsAtRoundNumbers) {
  const ChartAxis axis = ChartAxis::linear(0, 37, [](double v) { return std::to_string(int(v)); });
  EXPECT_THAT(labels_of(axis), ElementsAre("0", "10", "20", "30", "40"));
  EXPECT_DOUBLE_EQ(axis.at(10), 0.25);
  EXPECT_DOUBLE_EQ(axis.at(99), 1) << "beyond the end is at the end";
  EXPECT_TRUE(std::isnan(axis.at(std::nan(""))));
}

TEST(LogarithmicAxis, HasPowersOfTen) {
  const ChartAxis axis = ChartAxis::logarithmic(0.001, 100, seconds_value);
  EXPECT_THAT(labels_of(axis), ElementsAre("1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"));
  EXPECT_NEAR(axis.at(1), 0.6, 1e-12);
  EXPECT_EQ(axis.at(0), 0) << "0 has no logarithm; it is below all";
}

TEST(NinesAxis, PutsNinesEquallyFarApart) {
  const ChartAxis axis = ChartAxis::nines(0.999);
  EXPECT_NEAR(axis.at(0.9), 1.0 / 3, 1e-12);
  EXPECT_NEAR(axis.at(0.99), 2.0 / 3, 1e-12);
}

TEST(TimeAxis, CountsInSecondsMinutesAndHours) {
  EXPECT_THAT(labels_of(ChartAxis::time(60)), ElementsAre("0 s", "15 s", "30 s", "45 s", "60 s"));
  EXPECT_THAT(labels_of(ChartAxis::time(3600)),
              ElementsAre("0 s", "15 min", "30 min", "45 min", "60 min"));
}

TEST(Axes, StandWhateverTheEndsAre) {
  const double ends[] = {
      0, -1e308, 1e308, 1e-308, std::numeric_limits<double>::infinity(), std::nan("")};
  for (const double low : ends) {
    for (const double high : ends) {
      const ChartAxis axis = ChartAxis::linear(low, high, seconds_value);
      EXPECT_LE(axis.ticks().size(), 12U) << low << " " << high;
      for (const Tick& tick : axis.ticks()) EXPECT_TRUE(tick.at >= 0 && tick.at <= 1);
    }
  }
  EXPECT_LE(ChartAxis::logarithmic(1e-300, 1e300, seconds_value).ticks().size(), 12U);
  EXPECT_LE(ChartAxis::time(1e300).ticks().size(), 12U);
}

TEST(Plot, LeavesGapsWhereNothingIsKnown) {
  Plot plot(ChartAxis::time(4), ChartAxis::linear(0, 1, seconds_value), 100);
  const std::vector<Point> points = {{0, 0}, {1, 1}, {2, std::nan("")}, {3, 1}, {4, 0}};
  plot.line(points, 0);
  const std::string svg = plot.svg("t", "d");
  EXPECT_THAT(svg, HasSubstr("d=\"M0.0 100.0h0.1L250.0 0.0M750.0 0.0h0.1L1000.0 100.0\""));
  EXPECT_THAT(svg, HasSubstr("role=\"img\""));
  EXPECT_THAT(svg, HasSubstr("<title>t</title><desc>d</desc>"));
}

TEST(ParetoFront, HoldsWhomNobodyBeatsInBoth) {
  //                                   0  1  2  3  4 (beaten by 1)  5 not known
  const std::vector<double> cost = {1, 2, 3, 4, 2.5, std::nan("")};
  const std::vector<double> pain = {9, 5, 5, 1, 6, 0};
  EXPECT_THAT(pareto_front(cost, pain), ElementsAre(0, 1, 3));
  EXPECT_THAT(pareto_front({1, 1}, {2, 2}), ElementsAre(0, 1)) << "twins share the place";
  EXPECT_THAT(pareto_front({}, {}), IsEmpty());
}

TEST(PercentileFigure, TellsNothingThatFewerThanTenRequestsSay) {
  // 100 requests: ten are above p90, and nobody knows p95.
  const std::string figure = percentile_figure("x", {{"a", {{1'000'000, 1'000'001, 100}}}});
  EXPECT_THAT(figure, HasSubstr("<th scope=\"row\" class=\"\">a</th><td class=\" r\">100</td>"
                                "<td class=\" r\">1.00 ms</td><td class=\" r\">1.00 ms</td>"
                                "<td class=\" r\">1.00 ms</td><td class=\" r\">-</td>"));
  EXPECT_EQ(percentile_figure("x", {{"a", {}}}), "");
}

}  // namespace
}  // namespace phoenix::report
