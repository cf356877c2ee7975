#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/load/plain_load.h"
#include "runtime/load/url.h"

namespace phoenix::load {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(UrlTest, IsTakenApart) {
  const Result<Url> url = parse_url("http://example.test:7080/a/b?c=d#e");
  ASSERT_TRUE(url.ok()) << url.error();
  EXPECT_EQ(url->server, (net::Address{"example.test", 7080}));
  EXPECT_EQ(url->host, "example.test:7080");
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_FALSE(url->is_tls);
}

TEST(UrlTest, KnowsThePortsOfItsSchemes) {
  EXPECT_EQ(parse_url("http://example.test")->server.port, 80);
  EXPECT_EQ(parse_url("https://example.test")->server.port, 443);
  EXPECT_TRUE(parse_url("https://example.test")->is_tls);
  EXPECT_EQ(parse_url("http://[::1]/")->server, (net::Address{"::1", 80}));
  EXPECT_EQ(parse_url("http://[::1]:99/")->server, (net::Address{"::1", 99}));
}

TEST(UrlTest, AsksForTheRootWhereNoPathIsGiven) {
  EXPECT_EQ(parse_url("http://example.test")->target, "/");
  EXPECT_EQ(parse_url("http://example.test?a=b")->target, "/?a=b");
}

TEST(UrlTest, RefusesWhatIsNone) {
  for (const char* text :
       {"", "example.test", "ftp://example.test", "http://", "http://:80/",
        "http://example.test:x/", "http://example.test/a b", "http://example.test/a\r\nX: y"}) {
    EXPECT_FALSE(parse_url(text).ok()) << text;
  }
}

TEST(HeaderTest, IsOneLineWithAName) {
  EXPECT_EQ(*parse_header("Accept: a, b"), "Accept: a, b");
  for (const char* text : {"", "Accept", ": a", "A b: c", "A: b\r\nC: d"}) {
    EXPECT_FALSE(parse_header(text).ok()) << text;
  }
  EXPECT_FALSE(parse_method("GET /").ok());
  EXPECT_TRUE(parse_method("PATCH").ok());
}

TEST(PlainLoadTest, BecomesAScenario) {
  PlainLoad load;
  load.rate = "2000";
  load.duration = "30s";
  load.warmup = "5s";
  load.keys = "100";
  load.is_poisson = true;
  const Result<Scenario> scenario = plain_scenario(load);
  ASSERT_TRUE(scenario.ok()) << scenario.error();
  EXPECT_EQ(scenario->duration, std::chrono::seconds(30));
  EXPECT_EQ(scenario->warmup, std::chrono::seconds(5));
  EXPECT_EQ(scenario->workload.rate[0].per_second, 2000);
  EXPECT_EQ(scenario->workload.arrivals, ArrivalKind::kPoisson);
  EXPECT_EQ(scenario->workload.keys.count, 100U);
}

TEST(PlainLoadTest, NamesTheOptionThatIsWrong) {
  const auto error = [](void (*change)(PlainLoad&)) {
    PlainLoad load;
    load.rate = "10";
    change(load);
    const Result<Scenario> scenario = plain_scenario(load);
    return scenario.ok() ? std::string() : scenario.error();
  };
  EXPECT_THAT(error([](PlainLoad& l) { l.rate = ""; }), HasSubstr("--rate"));
  EXPECT_THAT(error([](PlainLoad& l) { l.rate = "fast"; }),
              AllOf(StartsWith("--rate"), HasSubstr("fast")));
  EXPECT_THAT(error([](PlainLoad& l) { l.duration = "long"; }), StartsWith("--duration"));
  EXPECT_THAT(error([](PlainLoad& l) { l.warmup = "60 s"; }), HasSubstr("warmup"));
  EXPECT_THAT(error([](PlainLoad& l) { l.deadline = "-1s"; }), StartsWith("--deadline"));
  EXPECT_THAT(error([](PlainLoad& l) { l.size = "big"; }), StartsWith("--size"));
  EXPECT_THAT(error([](PlainLoad& l) { l.work = "hard"; }), StartsWith("--work"));
  EXPECT_THAT(error([](PlainLoad& l) { l.seed = "x"; }), StartsWith("--seed"));
  EXPECT_THAT(error([](PlainLoad& l) { l.keys = "1, evil = 2"; }), StartsWith("--keys"));
}

TEST(PlainLoadTest, TakesTextAsTextWhateverItHolds) {
  PlainLoad load;
  load.rate = "10";
  load.service = "a\"\n[[service]]\nname = \"b";
  const Result<Scenario> scenario = plain_scenario(load);
  EXPECT_TRUE(!scenario.ok() || scenario->services.size() == 1);
  load.service = "shop";
  load.duration = "10s\"\nseed = \"1";
  EXPECT_FALSE(plain_scenario(load).ok());
}

}  // namespace
}  // namespace phoenix::load
