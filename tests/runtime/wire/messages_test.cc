// What is sent arrives: every field of every message, at its bounds and beyond.
#include "runtime/wire/messages.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/runtime/wire/samples.h"

namespace phoenix::wire {
namespace {

using samples::Samples;

constexpr Time kNow{std::chrono::hours(5)};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void expect_same(float a, float b) {
  if (std::isnan(a)) {
    EXPECT_TRUE(std::isnan(b));
  } else {
    EXPECT_EQ(a, b);
  }
}

void expect_same(const LoadReport& a, const LoadReport& b) {
  EXPECT_EQ(a.measured_at, b.measured_at);
  expect_same(a.cpu, b.cpu);
  expect_same(a.memory, b.memory);
  expect_same(a.network, b.network);
  EXPECT_EQ(a.queue_length, b.queue_length);
  EXPECT_EQ(a.in_service, b.in_service);
  expect_same(a.latency, b.latency);
  expect_same(a.service_time, b.service_time);
  expect_same(a.rate, b.rate);
  expect_same(a.error_rate, b.error_rate);
}

TEST(Messages, AHelloArrivesAsItWasSent) {
  Samples random(1);
  for (int i = 0; i < 500; ++i) {
    const Hello sent = random.hello();
    std::string payload;
    encode(sent, payload);
    Hello got;
    ASSERT_TRUE(decode(payload, got));
    EXPECT_EQ(got.role, sent.role);
    EXPECT_EQ(got.name, sent.name);
    EXPECT_EQ(got.token, sent.token);
    EXPECT_EQ(got.address, sent.address);
    EXPECT_EQ(got.incarnation, sent.incarnation);
    EXPECT_EQ(got.cores, sent.cores);
    EXPECT_EQ(got.memory_bytes, sent.memory_bytes);
    EXPECT_EQ(got.standby, sent.standby);
    ASSERT_EQ(got.offers.size(), sent.offers.size());
    for (std::size_t k = 0; k < got.offers.size(); ++k) {
      EXPECT_EQ(got.offers[k].service, sent.offers[k].service);
      EXPECT_EQ(got.offers[k].weight, sent.offers[k].weight);
    }
  }
}

TEST(Messages, ARequestArrivesAsItWasSent) {
  Samples random(2);
  for (int i = 0; i < 500; ++i) {
    const Request sent = random.request();
    std::string payload;
    encode(sent, payload);
    Request got;
    ASSERT_TRUE(decode(payload, got));
    EXPECT_EQ(got.service, sent.service);
    EXPECT_EQ(got.request_class, sent.request_class);
    EXPECT_EQ(got.time_left_us, sent.time_left_us);
    EXPECT_EQ(got.repeatable, sent.repeatable);
    EXPECT_EQ(got.has_key, sent.has_key);
    EXPECT_EQ(got.key, sent.key);
    EXPECT_EQ(got.size, sent.size);
    EXPECT_EQ(got.number, sent.number);
    EXPECT_EQ(got.method, sent.method);
    EXPECT_EQ(got.target, sent.target);
    EXPECT_EQ(got.headers, sent.headers);
    EXPECT_EQ(got.body, sent.body);
  }
}

TEST(Messages, AResponseArrivesAsItWasSent) {
  Samples random(3);
  for (int i = 0; i < 500; ++i) {
    const Response sent = random.response(kNow);
    std::string payload;
    encode(sent, kNow, payload);
    Response got;
    ASSERT_TRUE(decode(payload, kNow, got));
    EXPECT_EQ(got.result, sent.result);
    EXPECT_EQ(got.reason, sent.reason);
    EXPECT_EQ(got.status, sent.status);
    EXPECT_EQ(got.node, sent.node);
    EXPECT_EQ(got.attempts, sent.attempts);
    EXPECT_EQ(got.direct, sent.direct);
    ASSERT_EQ(got.has_report, sent.has_report);
    if (sent.has_report) expect_same(got.report, sent.report);
    EXPECT_EQ(got.headers, sent.headers);
    EXPECT_EQ(got.body, sent.body);
  }
}

TEST(Messages, AReportArrivesAsItWasSent) {
  Samples random(4);
  for (int i = 0; i < 500; ++i) {
    const Report sent = random.report(kNow);
    std::string payload;
    encode(sent, kNow, payload);
    Report got;
    ASSERT_TRUE(decode(payload, kNow, got));
    expect_same(got.load, sent.load);
    EXPECT_EQ(got.totals.completed, sent.totals.completed);
    EXPECT_EQ(got.totals.refused, sent.totals.refused);
    EXPECT_EQ(got.totals.busy_core_ns, sent.totals.busy_core_ns);
    EXPECT_EQ(got.totals.bytes, sent.totals.bytes);
    EXPECT_EQ(got.totals.memory_bytes, sent.totals.memory_bytes);
  }
}

TEST(Messages, WhatANodeCannotMeasureStaysUnknown) {
  std::string payload;
  encode(Report{}, kNow, payload);
  Report got;
  got.load.cpu = got.load.memory = got.load.network = 0;
  ASSERT_TRUE(decode(payload, kNow, got));
  EXPECT_TRUE(std::isnan(got.load.cpu));
  EXPECT_TRUE(std::isnan(got.load.memory));
  EXPECT_TRUE(std::isnan(got.load.network));
}

TEST(Messages, TheAgeOfAReportSurvivesClocksThatDiffer) {
  // The node's clock started three hours before the gateway's: 250 us old there is 250 us old here.
  const Time at_node{std::chrono::hours(3) + std::chrono::seconds(7)};
  const Time at_gateway{std::chrono::seconds(7)};
  Report sent;
  sent.load.measured_at = at_node - std::chrono::microseconds(250);
  std::string payload;
  encode(sent, at_node, payload);
  Report got;
  ASSERT_TRUE(decode(payload, at_gateway, got));
  EXPECT_EQ(at_gateway - got.load.measured_at, std::chrono::microseconds(250));
}

TEST(Messages, AgesAreWithinZeroAndSeventyOneMinutes) {
  const auto age_of = [](Time measured_at) {
    Report sent;
    sent.load.measured_at = measured_at;
    std::string payload;
    encode(sent, kNow, payload);
    Report got;
    EXPECT_TRUE(decode(payload, kNow, got));
    return kNow - got.load.measured_at;
  };
  EXPECT_EQ(age_of(kNow + std::chrono::seconds(1)), Duration{0});
  EXPECT_EQ(age_of(kStart), std::chrono::microseconds(0xffff'ffff));
  EXPECT_EQ(age_of(kNow - Duration{1'999}), std::chrono::microseconds(1));
}

TEST(Messages, NoPrefixAndNoExtensionOfAMessageOfFixedEndDecodes) {
  Samples random(5);
  for (int i = 0; i < 50; ++i) {
    std::string hello, report;
    encode(random.hello(), hello);
    encode(random.report(kNow), kNow, report);
    Hello got_hello;
    Report got_report;
    for (std::size_t n = 0; n < hello.size(); ++n) {
      ASSERT_FALSE(decode(std::string_view(hello).substr(0, n), got_hello)) << n;
    }
    for (std::size_t n = 0; n < report.size(); ++n) {
      ASSERT_FALSE(decode(std::string_view(report).substr(0, n), kNow, got_report)) << n;
    }
    EXPECT_FALSE(decode(hello + '\0', got_hello));
    EXPECT_FALSE(decode(report + '\0', kNow, got_report));
  }
}

TEST(Messages, ATruncatedHeadOfARequestOrResponseDoesNotDecode) {
  // The body is the rest, so only what is cut before it can be noticed here.
  Samples random(6);
  for (int i = 0; i < 50; ++i) {
    Request request = random.request();
    Response response = random.response(kNow);
    request.target = request.headers = response.headers = "Name: value\r\n";
    request.body = response.body = {};
    std::string requested, responded;
    encode(request, requested);
    encode(response, kNow, responded);
    for (std::size_t n = 0; n < requested.size(); ++n) {
      ASSERT_FALSE(decode(std::string_view(requested).substr(0, n), request)) << n;
    }
    for (std::size_t n = 0; n < responded.size(); ++n) {
      ASSERT_FALSE(decode(std::string_view(responded).substr(0, n), kNow, response)) << n;
    }
  }
}

TEST(Messages, OffersCannotClaimMoreMemoryThanTheirBytesStandFor) {
  std::string payload;
  encode(Hello{.role = Role::kNode}, payload);
  payload[payload.size() - 2] = payload[payload.size() - 1] = '\xff';  // 65,535 offers, none there
  Hello got;
  EXPECT_FALSE(decode(payload, got));
  EXPECT_LT(got.offers.capacity(), 16U);
}

TEST(Bounds, NamesAndBlocksHaveALongest) {
  const std::string name(kMaxName, 'n'), block(kMaxBlock, 'b');
  const std::string long_name(kMaxName + 1, 'n'), long_block(kMaxBlock + 1, 'b');
  EXPECT_TRUE(within_bounds(Hello{.role = Role::kNode, .name = name, .token = name}));
  EXPECT_FALSE(within_bounds(Hello{.role = Role::kNode, .name = long_name}));
  EXPECT_FALSE(within_bounds(Hello{.role = Role::kNode, .token = long_name}));
  EXPECT_FALSE(within_bounds(Hello{.role = Role::kNode, .address = long_name}));
  EXPECT_FALSE(within_bounds(Hello{.role = Role::kNode, .zone = long_name}));
  Hello offering{.role = Role::kNode};
  offering.offers = {{long_name, 1}};
  EXPECT_FALSE(within_bounds(offering));
  EXPECT_FALSE(within_bounds(Hello{.role = Role::kNode, .standby = {long_name}}));
  EXPECT_TRUE(within_bounds(Request{.service = name, .target = block, .headers = block}));
  EXPECT_FALSE(within_bounds(Request{.service = long_name}));
  EXPECT_FALSE(within_bounds(Request{.request_class = long_name}));
  EXPECT_FALSE(within_bounds(Request{.method = long_name}));
  EXPECT_FALSE(within_bounds(Request{.target = long_block}));
  EXPECT_FALSE(within_bounds(Request{.headers = long_block}));
  EXPECT_TRUE(within_bounds(Response{.headers = block}));
  EXPECT_FALSE(within_bounds(Response{.headers = long_block}));
  EXPECT_FALSE(within_bounds(Response{.direct = long_name}));
}

TEST(Bounds, NumbersMustMakeSense) {
  for (const double bad : {-1.0, kInfinity, std::nan("")}) {
    EXPECT_FALSE(within_bounds(Request{.size = bad})) << bad;
    EXPECT_FALSE(within_bounds(Report{.totals = {.busy_core_ns = bad}})) << bad;
    EXPECT_FALSE(within_bounds(Report{.totals = {.bytes = bad}})) << bad;
    EXPECT_FALSE(within_bounds(Hello{.role = Role::kNode, .memory_bytes = bad})) << bad;
    EXPECT_FALSE(within_bounds(Report{.totals = {.memory_bytes = bad}})) << bad;
    Hello offering{.role = Role::kNode};
    offering.offers = {{"api", bad}};
    EXPECT_FALSE(within_bounds(offering)) << bad;
  }
  EXPECT_FALSE(within_bounds(Request{.size = 0}));
  EXPECT_FALSE(within_bounds(Hello{}));  // no role
  EXPECT_FALSE(within_bounds(Report{.load = {.cpu = -0.5F}}));
  EXPECT_FALSE(within_bounds(Report{.load = {.memory = static_cast<float>(kInfinity)}}));
  EXPECT_FALSE(within_bounds(Report{.load = {.latency = -1}}));
  EXPECT_FALSE(within_bounds(Report{.load = {.service_time = -1}}));
  EXPECT_FALSE(within_bounds(Report{.load = {.rate = -1}}));
  EXPECT_FALSE(within_bounds(Report{.load = {.error_rate = static_cast<float>(kInfinity)}}));
  EXPECT_FALSE(within_bounds(Response{.result = AttemptResult::kTimeout}));
  for (const int status : {1, 99, 1000, 65535}) {
    EXPECT_FALSE(within_bounds(Response{.status = static_cast<std::uint16_t>(status)})) << status;
  }
}

TEST(Bounds, ReceiversCheckThemToo) {
  // A hostile sender: the same bytes with one number out of bounds. Offsets from messages.cc.
  std::string payload;
  encode(Request{.service = "api"}, payload);
  Request request;
  ASSERT_TRUE(decode(payload, request));
  std::string bad = payload;
  bad[0] = 4;  // a flag nobody knows
  EXPECT_FALSE(decode(bad, request));
  bad = payload;
  bad.replace(13, 8, 8, '\xff');  // size is NaN
  EXPECT_FALSE(decode(bad, request));

  payload.clear();
  encode(Response{}, kNow, payload);
  Response response;
  ASSERT_TRUE(decode(payload, kNow, response));
  for (const std::size_t at : {0, 1, 2, 4}) {  // flags, result, reason, status
    bad = payload;
    bad[at] = '\x7f';
    EXPECT_FALSE(decode(bad, kNow, response)) << at;
  }
}

}  // namespace
}  // namespace phoenix::wire
