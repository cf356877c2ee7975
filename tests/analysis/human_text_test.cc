#include "analysis/human_text.h"

#include <limits>

#include <gtest/gtest.h>

#include "analysis/text_table.h"

namespace phoenix {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(HumanText, DurationsHaveThreeDigitsAndAFittingUnit) {
  EXPECT_EQ(human_duration(0), "0 s");
  EXPECT_EQ(human_duration(1.5e-8), "15.0 ns");
  EXPECT_EQ(human_duration(0.00004567), "45.7 us");
  EXPECT_EQ(human_duration(0.01243), "12.4 ms");
  EXPECT_EQ(human_duration(1.0), "1.00 s");
  EXPECT_EQ(human_duration(599), "599 s");
  EXPECT_EQ(human_duration(600), "10.0 min");
  EXPECT_EQ(human_duration(86'400), "24.0 h");
  EXPECT_EQ(human_duration(30 * 86'400.0), "30.0 d");
  EXPECT_EQ(human_duration(kNan), "-");
}

TEST(HumanText, RoundingUpChangesTheUnit) {
  EXPECT_EQ(human_duration(0.0009994), "999 us");
  EXPECT_EQ(human_duration(0.0009996), "1.00 ms");
  EXPECT_EQ(human_duration(0.9996), "1.00 s");
  EXPECT_EQ(human_duration(0.09996), "100 ms");
}

TEST(HumanText, CountsAreGroupedByThousands) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1'000), "1,000");
  EXPECT_EQ(human_count(1'234'567), "1,234,567");
}

TEST(HumanText, NumbersKeepThreeDigits) {
  EXPECT_EQ(human_number(0), "0");
  EXPECT_EQ(human_number(0.04533), "0.0453");
  EXPECT_EQ(human_number(0.9996), "1.00");
  EXPECT_EQ(human_number(99.96), "100");
  EXPECT_EQ(human_number(999.4), "999");
  EXPECT_EQ(human_number(999.6), "1,000");
  EXPECT_EQ(human_number(-12'345.6), "-12,346");
  EXPECT_EQ(human_number(0.0000123), "1.23e-05");
  EXPECT_EQ(human_rate(10'300), "10,300 /s");
}

TEST(HumanText, OnlyAWholeOneIsAHundredPercent) {
  EXPECT_EQ(human_share(1, 3), "100.000 %");
  EXPECT_EQ(human_share(0.9999999, 3), "99.999 %");
  EXPECT_EQ(human_share(0.99963, 3), "99.963 %");
  EXPECT_EQ(human_share(0, 1), "0.0 %");
  EXPECT_EQ(human_share(1.5, 1), "150.0 %");
  EXPECT_EQ(human_share(kNan, 1), "-");
}

TEST(TextTable, ColumnsAlignByCharactersNotBytes) {
  TextTable table("lrl", {"t", "n", "text"});
  table.add({"\xC3\xA4\xC3\xB6", "1", "x"});
  table.add({"abc", "22"});
  EXPECT_EQ(table.print(false),
            "t     n  text\n"
            "\xC3\xA4\xC3\xB6    1  x\n"
            "abc  22\n");
}

TEST(TextTable, TheLastColumnGivesWay) {
  TextTable table("ll", {"a", "b"});
  table.add({"x", std::string(200, 'y')});
  EXPECT_EQ(table.print(false), "a  b\nx  " + std::string(95, 'y') + "..\n");
}

TEST(Shortened, SaysWhereSomethingIsMissing) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefg", 6), "abcd..");
  EXPECT_EQ(shortened("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4", 3), "\xC3\xA4..");
}

}  // namespace
}  // namespace phoenix
