// Log lines can be cut into fields again whatever a peer has put into them.
#include "runtime/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace phoenix {
namespace {

TEST(LogTest, TextIsTheEventAndItsFields) {
  EXPECT_EQ(format_log("node joined", {{"node", "web-3"}, {"cores", "4"}}, false),
            "node joined node=web-3 cores=4");
}

TEST(LogTest, OddValuesAreQuotedOnOneLine) {
  EXPECT_EQ(format_log("e", {{"a", "two words"}, {"b", ""}, {"c", "x\ny=\"z\""}}, false),
            R"(e a="two words" b="" c="x\ny=\"z\"")");
}

TEST(LogTest, JsonIsTheInsideOfAnObject) {
  const std::string line = format_log("node joined", {{"why", "a \"b\"\n\xff"}}, true);
  const auto parsed = nlohmann::json::parse("{" + line + "}");
  EXPECT_EQ(parsed["event"], "node joined");
  EXPECT_EQ(parsed["why"], "a \"b\"\n\xEF\xBF\xBD");
}

TEST(LogPauseTest, LetsOneLineASecondThroughAndCountsTheRest) {
  LogPause pause;
  const Time begin = kStart + std::chrono::seconds(7);
  EXPECT_EQ(pause.over(begin), 0U);
  EXPECT_EQ(pause.over(begin), std::nullopt);
  EXPECT_EQ(pause.over(begin + std::chrono::milliseconds(999)), std::nullopt);
  EXPECT_EQ(pause.over(begin + std::chrono::seconds(1)), 2U);
  EXPECT_EQ(pause.over(begin + std::chrono::seconds(2)), 0U);
}

TEST(LogTest, UnknownLevelsAreErrorsThatHelp) {
  EXPECT_THAT(start_logging("test", "debgu", false).error(),
              testing::HasSubstr("did you mean \"debug\""));
}

}  // namespace
}  // namespace phoenix
