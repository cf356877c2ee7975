#include "strategies/core/nearest_name.h"

#include <vector>

#include <gtest/gtest.h>

namespace phoenix {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsChangesAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("speed", "sped"), 1);
  EXPECT_EQ(edit_distance("queue", "qeueu"), 2);
  EXPECT_EQ(edit_distance("start", "strat"), 1);  // one swap, not two changes
}

TEST(EditDistance, IsTheSameBothWays) {
  const std::vector<std::string> words = {"p2c", "round_robin", "random", "ranodm", "", "least"};
  for (const std::string& a : words) {
    for (const std::string& b : words) EXPECT_EQ(edit_distance(a, b), edit_distance(b, a));
  }
}

TEST(NearestName, FindsTheMistypedWord) {
  const std::vector<std::string> known = {"round_robin", "random", "p2c", "peak_ewma"};
  EXPECT_EQ(nearest_name("ranodm", known), "random");
  EXPECT_EQ(nearest_name("round-robin", known), "round_robin");
  EXPECT_EQ(nearest_name("p3c", known), "p2c");
  EXPECT_EQ(nearest_name("p2c", known), "p2c");
}

TEST(NearestName, SaysNothingWhereNothingIsClose) {
  const std::vector<std::string> known = {"round_robin", "random", "p2c", "peak_ewma"};
  EXPECT_EQ(nearest_name("bogus", known), "");
  EXPECT_EQ(nearest_name("x3d", known), "");  // two edits from p2c, one allowed
  EXPECT_EQ(nearest_name("", {}), "");
}

TEST(NearestName, AnotherLetterIsNoLikeness) {
  EXPECT_EQ(nearest_name("b", std::vector<std::string>{"a", "c"}), "");
  EXPECT_EQ(nearest_name("b", std::vector<std::string>{"a", "ba"}), "ba");
}

TEST(NearestName, AllowsThreeEditsAtMost) {
  const std::vector<std::string> known = {"success_rate_requests"};
  EXPECT_EQ(nearest_name("succes_rate_request", known), "success_rate_requests");
  EXPECT_EQ(nearest_name("sucess_rat_reqests", known), "success_rate_requests");
  EXPECT_EQ(nearest_name("suces_rat_reqests", known), "");
}

TEST(NearestName, TiesGoToTheEarlierName) {
  EXPECT_EQ(nearest_name("cat", std::vector<std::string>{"bat", "cut"}), "bat");
  EXPECT_EQ(nearest_name("cat", std::vector<std::string>{"cut", "bat"}), "cut");
}

TEST(DidYouMean, IsAClauseOrNothing) {
  const std::vector<std::string> known = {"p2c"};
  EXPECT_EQ(did_you_mean("p2", known), "; did you mean \"p2c\"?");
  EXPECT_EQ(did_you_mean("elsewhere", known), "");
}

TEST(JoinNames, PutsCommasBetween) {
  EXPECT_EQ(join_names(std::vector<std::string>{"a", "b", "c"}), "a, b, c");
  EXPECT_EQ(join_names({}), "");
}

}  // namespace
}  // namespace phoenix
