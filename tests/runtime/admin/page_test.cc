// The live page in headless Chromium: offline but for the gateway, it shows the gateway's numbers
// and draws its charts. Skipped where there is no Chromium.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "strategies/control/status.h"
#include "tests/browser.h"
#include "tests/runtime/admin/operator.h"

namespace phoenix::admin {
namespace {

using phoenix::testing::Browser;
using phoenix::testing::has_chromium;
using testing::FakeGateway;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Duration kPatience = std::chrono::seconds(90);

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class LivePage : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_chromium()) GTEST_SKIP() << "chromium is not installed";
  }

  // The document after a few seconds of the page's own time.
  std::string document() {
    const std::string output = std::filesystem::temp_directory_path() /
                               ("phoenix-page-" + std::to_string(getpid()) + ".html");
    {
      Browser browser("http://" + server_->local().text() + "/", output,
                      {"--virtual-time-budget=6000", "--dump-dom"});
      EXPECT_TRUE(net::drive(
          loop_, [&] { return browser.has_ended(); }, kPatience));
    }
    std::string text = contents(output);
    std::filesystem::remove(output);
    std::filesystem::remove(output + ".err");
    return text;
  }

  static std::string text_of(const std::string& document, const std::string& id) {
    std::smatch match;
    const std::regex element("id=\"" + id + "\"[^>]*>([^<]*)<");
    return std::regex_search(document, match, element) ? match.str(1) : "no element " + id;
  }
  static int number_in(const std::string& document, const std::string& pattern) {
    std::smatch match;
    return std::regex_search(document, match, std::regex(pattern)) ? std::stoi(match.str(1)) : -1;
  }

  net::Loop loop_;
  FakeGateway gateway_;
  std::unique_ptr<AdminServer> server_ = testing::open_server(loop_, gateway_);
};

TEST_F(LivePage, ShowsTheGatewaysNumbersAndDrawsThem) {
  gateway_.before_status = [this] { testing::live_on(gateway_.now); };
  const std::string page = document();
  EXPECT_EQ(text_of(page, "name"), "edge");
  EXPECT_EQ(text_of(page, "state"), "serving");
  // Two classes of 140 to 260 requests a second each, one in a hundred or so fails.
  const double rate = std::atof(text_of(page, "rate").c_str());
  EXPECT_GT(rate, 270);
  EXPECT_LT(rate, 545);
  EXPECT_THAT(text_of(page, "good"), ::testing::MatchesRegex("9[0-9](\\.[0-9]+)? %"));
  // Exponential with a mean of 4 to 6.4 ms, so its median is 2.8 to 4.4 ms.
  const std::string median = text_of(page, "p50");
  EXPECT_THAT(median, HasSubstr(" ms"));
  EXPECT_GT(std::atof(median.c_str()), 2.5);
  EXPECT_LT(std::atof(median.c_str()), 4.8);
  EXPECT_EQ(text_of(page, "retries"), "2");
  EXPECT_EQ(text_of(page, "connections"), "8");
  EXPECT_EQ(text_of(page, "nodes-note"), "1 of 3 up");
  EXPECT_GE(number_in(page, "data-updates=\"(\\d+)\""), 3);
  for (const char* chart : {"throughput", "latency", "cpu", "load"}) {
    const std::string canvas =
        "<canvas id=\"" + std::string(chart) + "\"[^>]*data-draws=\"(\\d+)\"";
    EXPECT_GE(number_in(page, canvas), 3) << chart;
  }
  for (const char* node : {"web-1", "web-2", "web-3"}) {
    EXPECT_THAT(page, HasSubstr("data-node=\"" + std::string(node) + "\""));
  }
  EXPECT_THAT(page, HasSubstr("state ejected"));
  EXPECT_THAT(page, HasSubstr("state down"));
  EXPECT_THAT(page, HasSubstr("readmit"));
  EXPECT_THAT(page, HasSubstr("p2c[choices=2]"));
}

TEST_F(LivePage, ShowsPoolsTargetsAndAlertsAsPeopleWriteThem) {
  auto control = std::make_shared<ControllerStatus>();
  ScalingStatus pool;
  pool.pool = "web";
  pool.ready = 3;
  pool.desired = 4;
  pool.minimum = 2;
  pool.maximum = 9;
  control->scaling = {pool};
  for (const auto& [name, wanted, now] : {std::tuple{"agent_response_time_p95", 0.05, 0.0321},
                                          std::tuple{"message_throughput", 10'000.0, 151.0},
                                          std::tuple{"cluster_availability", 0.999, 0.9876}}) {
    TargetStatus target;
    target.reading.name = name;
    target.reading.target = wanted;
    target.reading.current = now;
    control->performance.targets.push_back(target);
  }
  control->alerts = {{"memory_utilization", NodeId{7}, AlertLevel::kCritical, kStart}};
  control->tuning.tried = 3;
  control->tuning.kept = 2;
  control->tuning.undone = 1;
  gateway_.now.control = control;
  gateway_.now.control_nodes = {{NodeId{7}, "web-3"}};
  gateway_.now.nodes[0].zone = "east";
  gateway_.before_status = [this] { testing::live_on(gateway_.now); };
  const std::string page = document();
  EXPECT_THAT(page, HasSubstr("<td class=\"number\">2 to 9</td><td class=\"number\">–</td>"));
  EXPECT_THAT(page, HasSubstr("50 ms</td><td class=\"number\">32.1 ms</td>"));
  EXPECT_THAT(page, HasSubstr("10,000 /s</td><td class=\"number\">151 /s</td>"));
  EXPECT_THAT(page, HasSubstr("99.9 %</td><td class=\"number\">98.8 %</td>"));
  EXPECT_THAT(page, HasSubstr("memory utilization of web-3"));
  EXPECT_THAT(page, HasSubstr("zone east"));
  EXPECT_EQ(text_of(page, "tuning-note"), "knobs: 3 turned, 2 kept, 1 turned back");
}

TEST_F(LivePage, TakesNamesForTextAndNothingElse) {
  gateway_.before_status = [this] { testing::live_on(gateway_.now); };
  gateway_.now.name = "<img src=x onerror=document.title='broken'>";
  gateway_.now.nodes[0].name = "<script>document.title='broken'</script>";
  const std::string page = document();
  EXPECT_THAT(page, HasSubstr("&lt;img src=x"));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<title>broken")));
  EXPECT_GE(number_in(page, "data-updates=\"(\\d+)\""), 3);
}

TEST_F(LivePage, SaysWhenTheGatewayDoesNotAnswer) {
  gateway_.before_status = [this] {
    testing::live_on(gateway_.now);
    if (gateway_.asked == 3) loop_.post([this] { server_.reset(); });
  };
  const std::string page = document();
  EXPECT_EQ(text_of(page, "state"), "not reached");
  EXPECT_THAT(text_of(page, "trouble"), HasSubstr("What is below is old"));
  EXPECT_EQ(text_of(page, "name"), "edge") << "what was known stays";
}

TEST_F(LivePage, IsFineWithAGatewayThatHasSeenNothing) {
  gateway_.now = gateway::GatewayStatus{};
  gateway_.now.name = "new";
  gateway_.before_status = [this] { gateway_.now.now += std::chrono::seconds(1); };
  const std::string page = document();
  EXPECT_EQ(text_of(page, "rate"), "0");
  EXPECT_EQ(text_of(page, "good"), "–");
  EXPECT_EQ(text_of(page, "p99"), "–");
  EXPECT_THAT(page, HasSubstr("none yet"));
  EXPECT_GE(number_in(page, "data-updates=\"(\\d+)\""), 3);
}

}  // namespace
}  // namespace phoenix::admin
