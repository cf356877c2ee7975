// Strategy texts: what is read, what is refused and with which words, and that printing and reading
// are inverses.
#include "strategies/core/settings.h"

#include <array>
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr std::array<std::string_view, 3> kColours = {"red", "green", "blue"};

struct Sample {
  double share = 0.25;
  int count = 3;
  Duration decay = seconds(10);
  bool eager = false;
  int colour = 1;

  void visit(SettingVisitor& v) {
    v.number("share", share, 0, 1, "a share");
    v.integer("count", count, 1, 16, "a count");
    v.duration("decay", decay, milliseconds(100), hours(1), "a time");
    v.flag("eager", eager, "yes or no");
    v.choice("colour", colour, kColours, "one of three");
  }
};

VisitFunction visit_of(Sample& sample) {
  return [&sample](SettingVisitor& v) { sample.visit(v); };
}

// The error of reading `text` into a Sample, or "".
std::string error_of(std::string_view text) {
  const Result<SettingsText> parsed = parse_settings_text(text);
  if (!parsed) return parsed.error();
  Sample sample;
  const Status applied = apply_settings(*parsed, visit_of(sample));
  return applied ? "" : applied.error();
}

Sample read(std::string_view text) {
  const Result<SettingsText> parsed = parse_settings_text(text);
  EXPECT_TRUE(parsed.ok()) << parsed.error();
  Sample sample;
  const Status applied = apply_settings(*parsed, visit_of(sample));
  EXPECT_TRUE(applied.ok()) << applied.error();
  return sample;
}

TEST(SettingsText, NameAloneKeepsTheDefaults) {
  for (const char* text : {"sample", "  sample ", "sample[]", "sample[ ]"}) {
    const Sample sample = read(text);
    EXPECT_EQ(sample.share, 0.25) << text;
    EXPECT_EQ(sample.count, 3) << text;
  }
}

TEST(SettingsText, EveryKindOfValueIsRead) {
  const Sample sample = read("sample[share=0.5, count = 7 ,decay=250 ms, eager=true, colour=blue]");
  EXPECT_EQ(sample.share, 0.5);
  EXPECT_EQ(sample.count, 7);
  EXPECT_EQ(sample.decay, Duration(milliseconds(250)));
  EXPECT_TRUE(sample.eager);
  EXPECT_EQ(sample.colour, 2);
}

TEST(SettingsText, BoundsAreInclusive) {
  EXPECT_EQ(read("sample[share=0]").share, 0.0);
  EXPECT_EQ(read("sample[share=1]").share, 1.0);
  EXPECT_EQ(read("sample[count=16]").count, 16);
  EXPECT_EQ(read("sample[decay=1 h]").decay, Duration(hours(1)));
}

TEST(SettingsText, ValuesMayHoldNestedTexts) {
  const Result<SettingsText> parsed =
      parse_settings_text("hybrid[inner=p2c[choices=3, x=y], minimum=8]");
  ASSERT_TRUE(parsed.ok()) << parsed.error();
  EXPECT_EQ(parsed->name, "hybrid");
  ASSERT_EQ(parsed->settings.size(), 2U);
  EXPECT_EQ(parsed->settings[0].first, "inner");
  EXPECT_EQ(parsed->settings[0].second, "p2c[choices=3, x=y]");
  EXPECT_EQ(parsed->settings[1].second, "8");
}

TEST(SettingsText, OutOfRangeNamesKeyValueAndBounds) {
  EXPECT_EQ(error_of("sample[share=1.5]"), "sample: share = 1.5: must be in [0, 1]");
  EXPECT_EQ(error_of("sample[share=-0.1]"), "sample: share = -0.1: must be in [0, 1]");
  EXPECT_EQ(error_of("sample[count=17]"), "sample: count = 17: must be in [1, 16]");
  EXPECT_EQ(error_of("sample[count=1e300]"), "sample: count = 1e300: must be in [1, 16]");
  EXPECT_EQ(error_of("sample[decay=50 ms]"), "sample: decay = 50 ms: must be in [100 ms, 1 h]");
}

TEST(SettingsText, WrongKindsOfValueAreRefused) {
  EXPECT_EQ(error_of("sample[count=2.5]"), "sample: count = 2.5: must be a whole number");
  EXPECT_EQ(error_of("sample[eager=yes]"), "sample: eager = yes: must be true or false");
  EXPECT_EQ(error_of("sample[colour=gren]"),
            "sample: colour = gren: must be red, green or blue; did you mean \"green\"?");
  EXPECT_THAT(error_of("sample[share=lots]"), HasSubstr("sample: share = lots: "));
  EXPECT_THAT(error_of("sample[share=nan]"), HasSubstr("sample: share = nan: "));
  EXPECT_THAT(error_of("sample[decay=10]"), HasSubstr("sample: decay = 10: "));
}

TEST(SettingsText, UnknownKeysNameTheKnownOnes) {
  EXPECT_EQ(error_of("sample[decy=1 s]"),
            "sample: unknown setting \"decy\" (known: share, count, decay, eager, colour); did you "
            "mean \"decay\"?");
  const Result<SettingsText> parsed = parse_settings_text("bare[x=1]");
  ASSERT_TRUE(parsed.ok());
  const Status applied = apply_settings(*parsed, [](SettingVisitor&) {});
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error(), "bare: unknown setting \"x\" (it has none)");
}

TEST(SettingsText, RepeatedKeysAreRefused) {
  EXPECT_EQ(error_of("sample[count=1, count=2]"),
            "sample: count is given twice, as \"1\" and \"2\"");
}

TEST(SettingsText, BrokenSyntaxIsRefusedWithWhatWasFound) {
  EXPECT_THAT(error_of(""), HasSubstr("found \"\" where a strategy is expected"));
  EXPECT_THAT(error_of("[a=1]"), HasSubstr("where a strategy is expected"));
  EXPECT_THAT(error_of("Round Robin"), HasSubstr("found \"Round Robin\""));
  EXPECT_THAT(error_of("sample[count=1"), HasSubstr("does not end with ]"));
  EXPECT_THAT(error_of("sample[count=1] x"), HasSubstr("does not end with ]"));
  EXPECT_THAT(error_of("sample[count=[1]"), HasSubstr("brackets do not match"));
  EXPECT_THAT(error_of("sample[count=1]]"), HasSubstr("brackets do not match"));
  EXPECT_THAT(error_of("sample[count]"), HasSubstr("found \"count\" where key=value is expected"));
  EXPECT_THAT(error_of("sample[count=]"), HasSubstr("found \"count=\" where key=value"));
  EXPECT_THAT(error_of("sample[=1]"), HasSubstr("found \"=1\" where key=value"));
  EXPECT_THAT(error_of("sample[count=1,]"), HasSubstr("found \"\" where key=value"));
}

TEST(SettingsText, PrintsInFullAndParsesBack) {
  Sample sample = read("sample[share=0.1, decay=1500 ms, eager=true]");
  const std::string text = print_settings("sample", visit_of(sample));
  EXPECT_EQ(text, "sample[share=0.1, count=3, decay=1.5 s, eager=true, colour=green]");
  Sample again = read(text);
  EXPECT_EQ(print_settings("sample", visit_of(again)), text);
  EXPECT_EQ(again.share, sample.share);
  EXPECT_EQ(again.decay, sample.decay);
}

TEST(SettingsText, WithoutSettingsOnlyTheNameIsPrinted) {
  EXPECT_EQ(print_settings("bare", [](SettingVisitor&) {}), "bare");
}

TEST(SettingsText, ListsDefaultsBoundsAndHelp) {
  Sample sample;
  const std::vector<SettingInfo> settings = list_settings(visit_of(sample));
  ASSERT_EQ(settings.size(), 5U);
  EXPECT_EQ(settings[0].key, "share");
  EXPECT_EQ(settings[0].default_text, "0.25");
  EXPECT_EQ(settings[0].allowed, "0 to 1");
  EXPECT_EQ(settings[1].allowed, "1 to 16");
  EXPECT_EQ(settings[2].allowed, "100 ms to 1 h");
  EXPECT_EQ(settings[2].help, "a time");
  EXPECT_EQ(settings[3].allowed, "true or false");
  EXPECT_EQ(settings[4].default_text, "green");
  EXPECT_EQ(settings[4].allowed, "red, green or blue");
}

// Texts and lists, which hold names and nested texts.
struct Nesting {
  std::string metric = "cpu";
  std::vector<std::string> parts;

  void visit(SettingVisitor& v) {
    v.text("metric", metric, "a metric's name", "what is looked at");
    v.list("parts", parts, "parts", "what it is made of");
  }
};

TEST(SettingsText, TextsAndListsAreReadPrintedAndListed) {
  Nesting nesting;
  const VisitFunction visit = [&](SettingVisitor& v) { nesting.visit(v); };
  EXPECT_EQ(list_settings(visit)[1].default_text, "[]");
  EXPECT_EQ(list_settings(visit)[1].allowed, "a list of parts");
  const char* text = "made[metric=queue_length, parts=[a, b[x=[1, 2], y=3], c]]";
  ASSERT_TRUE(apply_settings(*parse_settings_text(text), visit).ok());
  EXPECT_EQ(nesting.metric, "queue_length");
  EXPECT_EQ(nesting.parts, (std::vector<std::string>{"a", "b[x=[1, 2], y=3]", "c"}));
  EXPECT_EQ(print_settings("made", visit), text);
  ASSERT_TRUE(apply_settings(*parse_settings_text("made[parts=b[x=1]]"), visit).ok());
  EXPECT_EQ(nesting.parts, std::vector<std::string>{"b[x=1]"});  // one alone
  ASSERT_TRUE(apply_settings(*parse_settings_text("made[parts=[]]"), visit).ok());
  EXPECT_TRUE(nesting.parts.empty());
}

TEST(SettingsText, BrokenListsAreRefused) {
  EXPECT_THAT(parse_list_text("[a, , b]").error(), HasSubstr("must not be empty"));
  EXPECT_THAT(parse_list_text("[a] b").error(), HasSubstr("ends with ]"));
  EXPECT_THAT(parse_list_text("[a], [b]").error(), HasSubstr("do not match"));
}

struct Fitting {
  int low = 1;
  void visit(SettingVisitor& v) { v.integer("low", low, 0, 9, "a number"); }
  Status check() const { return low < 5 ? success() : Status{Error{"low must be below 5"}}; }
};
struct Fitted {
  explicit Fitted(Fitting) {}
};

TEST(SettingsText, ValuesThatDoNotFitEachOtherAreRefused) {
  const StrategyEntry<Fitted> entry = strategy_entry<Fitted, Fitted, Fitting>("fitted", "");
  EXPECT_TRUE(entry.make(*parse_settings_text("fitted[low=4]")).ok());
  EXPECT_EQ(entry.make(*parse_settings_text("fitted[low=5]")).error(),
            "fitted: low must be below 5");
}

TEST(SettingsText, UnknownStrategyNamesFamilyAndNearest) {
  const std::vector<std::string> known = {"random", "p2c"};
  EXPECT_EQ(unknown_strategy("balancer", "p3c", known).message,
            "unknown balancer \"p3c\" (known: random, p2c); did you mean \"p2c\"?");
}

}  // namespace
}  // namespace phoenix
