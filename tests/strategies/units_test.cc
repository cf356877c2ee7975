#include "strategies/core/units.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

Duration duration_of(const std::string& text) {
  const Result<Duration> parsed = parse_duration(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed ? *parsed : Duration{-1};
}

TEST(Durations, EveryUnitIsKnown) {
  EXPECT_EQ(duration_of("7 ns"), nanoseconds(7));
  EXPECT_EQ(duration_of("7 us"), microseconds(7));
  EXPECT_EQ(duration_of("50 ms"), milliseconds(50));
  EXPECT_EQ(duration_of("1.5 s"), milliseconds(1500));
  EXPECT_EQ(duration_of("2 min"), minutes(2));
  EXPECT_EQ(duration_of("0.5 h"), minutes(30));
  EXPECT_EQ(duration_of("1 d"), hours(24));
}

TEST(Durations, BlanksAndSignsAreFree) {
  EXPECT_EQ(duration_of("50ms"), milliseconds(50));
  EXPECT_EQ(duration_of("  50   ms "), milliseconds(50));
  EXPECT_EQ(duration_of("-3 s"), seconds(-3));
  EXPECT_EQ(duration_of("+3 s"), seconds(3));
  EXPECT_EQ(duration_of("1e3 ms"), seconds(1));
}

TEST(Durations, OnlyZeroNeedsNoUnit) {
  EXPECT_EQ(duration_of("0"), Duration{0});
  EXPECT_EQ(duration_of("inf"), Duration::max());
  EXPECT_FALSE(parse_duration("5"));
}

TEST(Durations, ErrorsSayWhatWasFoundAndWhichUnitsExist) {
  const std::string allowed = R"(; allowed a duration such as "50 ms" (ns, us, ms, s, min, h, d))";
  for (const std::string text :
       {"", "ms", "5 m", "5 S", "5 ms ms", "nan s", "0x10 s", "- 5 s", "5,0 s", "inf s"}) {
    const Result<Duration> parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), "found \"" + text + "\"" + allowed);
  }
}

TEST(Durations, MoreThanTheClockHoldsIsRefused) {
  EXPECT_EQ(parse_duration("106752 d").error(),
            "found \"106752 d\"; allowed at most 106751 d (292 years)");
  EXPECT_FALSE(parse_duration("1e999 s"));
  EXPECT_FALSE(parse_duration("-106752 d"));
  EXPECT_TRUE(parse_duration("106751 d"));
}

TEST(Durations, PrintInTheUnitPeopleWouldUse) {
  EXPECT_EQ(print_duration(Duration{0}), "0 s");
  EXPECT_EQ(print_duration(nanoseconds(1)), "1 ns");
  EXPECT_EQ(print_duration(microseconds(250)), "250 us");
  EXPECT_EQ(print_duration(milliseconds(50)), "50 ms");
  EXPECT_EQ(print_duration(milliseconds(1500)), "1.5 s");
  EXPECT_EQ(print_duration(seconds(90)), "90 s");
  EXPECT_EQ(print_duration(seconds(60)), "1 min");
  EXPECT_EQ(print_duration(hours(14)), "14 h");
  EXPECT_EQ(print_duration(hours(48)), "2 d");
  EXPECT_EQ(print_duration(milliseconds(-50)), "-50 ms");
  EXPECT_EQ(print_duration(nanoseconds(1'000'000'001)), "1.000000001 s");
  EXPECT_EQ(print_duration(Duration::max()), "inf");
}

TEST(Durations, PrintedTextReadsBackExactly) {
  std::vector<std::int64_t> counts = {0, 1, 999, 1000, 123'456'789, 3'600'000'000'000};
  std::uint64_t noise = 88172645463325252ULL;  // xorshift64
  for (int i = 0; i < 2000; ++i) {
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    counts.push_back(static_cast<std::int64_t>(noise >> (2 + i % 60)));
  }
  for (const std::int64_t count : counts) {
    EXPECT_EQ(duration_of(print_duration(Duration{count})).count(), count);
    EXPECT_EQ(duration_of(print_duration(Duration{-count})).count(), -count);
  }
}

TEST(Bytes, PowersOf1000And1024AreToldApart) {
  EXPECT_EQ(*parse_bytes("1 kB"), 1000.0);
  EXPECT_EQ(*parse_bytes("1 KiB"), 1024.0);
  EXPECT_EQ(*parse_bytes("16 GiB"), 17179869184.0);
  EXPECT_EQ(*parse_bytes("16 GB"), 16e9);
  EXPECT_EQ(*parse_bytes("0.5 MiB"), 524288.0);
  EXPECT_EQ(*parse_bytes("3 TB"), 3e12);
  EXPECT_EQ(*parse_bytes("1 TiB"), 1099511627776.0);
  EXPECT_EQ(*parse_bytes("512 B"), 512.0);
  EXPECT_EQ(*parse_bytes("2 MB"), 2e6);
}

TEST(Bytes, ErrorsListTheUnits) {
  EXPECT_EQ(parse_bytes("16 Gb").error(),
            "found \"16 Gb\"; allowed a size such as \"16 GiB\" (B, kB, MB, GB, TB, KiB, MiB, GiB, "
            "TiB)");
  EXPECT_FALSE(parse_bytes("16"));
  EXPECT_FALSE(parse_bytes("1e308 TiB"));
}

TEST(Bytes, PrintTheShortestText) {
  EXPECT_EQ(print_bytes(0), "0 B");
  EXPECT_EQ(print_bytes(1000), "1 kB");
  EXPECT_EQ(print_bytes(4096), "4 KiB");
  EXPECT_EQ(print_bytes(17179869184.0), "16 GiB");
  EXPECT_EQ(print_bytes(2.5e6), "2.5 MB");
  for (double bytes = 0.1; bytes < 1e16; bytes *= 1.37) {
    EXPECT_EQ(*parse_bytes(print_bytes(bytes)), bytes) << print_bytes(bytes);
  }
}

TEST(Bandwidths, BitsAndBytesAreToldApart) {
  EXPECT_EQ(*parse_bandwidth("10 Gbps"), 1.25e9);
  EXPECT_EQ(*parse_bandwidth("1 Mbps"), 125e3);
  EXPECT_EQ(*parse_bandwidth("8 kbps"), 1000.0);
  EXPECT_EQ(*parse_bandwidth("8 bps"), 1.0);
  EXPECT_EQ(*parse_bandwidth("1 Tbps"), 125e9);
  EXPECT_EQ(*parse_bandwidth("1 GB/s"), 1e9);
  EXPECT_EQ(*parse_bandwidth("3 MB/s"), 3e6);
  EXPECT_EQ(*parse_bandwidth("3 kB/s"), 3e3);
  EXPECT_EQ(*parse_bandwidth("3 B/s"), 3.0);
  EXPECT_EQ(*parse_bandwidth("1 KiB/s"), 1024.0);
  EXPECT_EQ(*parse_bandwidth("1 MiB/s"), 1048576.0);
  EXPECT_EQ(*parse_bandwidth("1 GiB/s"), 1073741824.0);
  EXPECT_FALSE(parse_bandwidth("10 Gb"));
}

TEST(Rates, AreStoredPerSecond) {
  EXPECT_EQ(*parse_rate("2000 /s"), 2000.0);
  EXPECT_EQ(*parse_rate("120/min"), 2.0);
  EXPECT_EQ(*parse_rate("36 /h"), 0.01);
  EXPECT_EQ(*parse_rate("86400 /d"), 1.0);
  EXPECT_EQ(parse_rate("2000").error(),
            "found \"2000\"; allowed a rate such as \"2000 /s\" (/s, /min, /h, /d)");
}

TEST(Rates, PrintTheShortestText) {
  EXPECT_EQ(print_rate(2000), "2000 /s");
  EXPECT_EQ(print_rate(0), "0 /s");
  EXPECT_EQ(print_rate(1.0 / 3600), "1 /h");
  for (double rate = 1e-6; rate < 1e9; rate *= 1.7) EXPECT_EQ(*parse_rate(print_rate(rate)), rate);
}

TEST(Numbers, MayBePercentages) {
  EXPECT_EQ(*parse_number("0.25"), 0.25);
  EXPECT_EQ(*parse_number("12%"), 0.12);
  EXPECT_EQ(*parse_number("-2e3"), -2000.0);
  EXPECT_EQ(parse_number("12 s").error(),
            "found \"12 s\"; allowed a number such as 0.5 or \"12%\"");
  for (const char* text : {"", "inf", "nan", "x", "1 2", "--1"}) EXPECT_FALSE(parse_number(text));
}

TEST(Numbers, PrintPlainlyAndReadBackExactly) {
  EXPECT_EQ(print_number(100000), "100000");
  EXPECT_EQ(print_number(0.1), "0.1");
  EXPECT_EQ(print_number(-2.5), "-2.5");
  EXPECT_EQ(print_number(0), "0");
  EXPECT_EQ(print_number(1e300), "1e+300");
  for (double value = 1e-300; value < 1e300; value *= 7.77) {
    EXPECT_EQ(*parse_number(print_number(value)), value);
  }
  const double largest = std::numeric_limits<double>::max();
  EXPECT_EQ(*parse_number(print_number(largest)), largest);
}

TEST(Quantities, SplitIntoNumberAndUnit) {
  const Result<Quantity> quantity = split_quantity(" 12.5 parsecs ");
  ASSERT_TRUE(quantity);
  EXPECT_EQ(quantity->number, 12.5);
  EXPECT_EQ(quantity->unit, "parsecs");
  EXPECT_EQ(split_quantity("far").error(), "found \"far\"; allowed a number and a unit");
}

}  // namespace
}  // namespace phoenix
