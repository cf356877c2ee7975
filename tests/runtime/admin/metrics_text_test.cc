// /metrics as Prometheus would read it: the grammar and the rules of the text format, and numbers.
#include "runtime/admin/metrics_text.h"

#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/admin/fake_gateway.h"

namespace phoenix::admin {
namespace {

using ::testing::IsEmpty;

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// What a scrape holds; whatever breaks a rule of the format is a failure.
struct Scrape {
  std::map<std::string, std::string> types;  // by family
  std::vector<Sample> samples;

  double at(const std::string& name, const std::map<std::string, std::string>& labels = {}) const {
    for (const Sample& sample : samples) {
      if (sample.name == name && sample.labels == labels) return sample.value;
    }
    return std::nan("");
  }
  std::vector<Sample> all(const std::string& name) const {
    std::vector<Sample> found;
    for (const Sample& sample : samples) {
      if (sample.name == name) found.push_back(sample);
    }
    return found;
  }
};

std::map<std::string, std::string> labels_of(const std::string& text) {
  static const std::regex kLabel(R"re(([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)")re");
  std::map<std::string, std::string> labels;
  for (std::sregex_iterator it(text.begin(), text.end(), kLabel), end; it != end; ++it) {
    EXPECT_TRUE(labels.emplace((*it)[1], (*it)[2]).second) << "twice in " << text;
  }
  return labels;
}

double value_of(const std::string& text) {
  if (text == "+Inf") return INFINITY;
  if (text == "NaN") return std::nan("");
  return std::stod(text);
}

std::string family_of(const Scrape& scrape, const std::string& name) {
  for (const char* ending : {"_bucket", "_sum", "_count"}) {
    const std::string end = ending;
    if (!name.ends_with(end)) continue;
    const std::string family = name.substr(0, name.size() - end.size());
    const auto type = scrape.types.find(family);
    if (type != scrape.types.end() && type->second == "histogram") return family;
  }
  return name;
}

Scrape scrape_of(const std::string& text) {
  static const std::regex kHelp(R"(# HELP ([a-zA-Z_:][\w:]*) (.+))");
  static const std::regex kType(R"(# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary))");
  static const std::regex kSample(
      R"re(([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (\S+))re");
  EXPECT_TRUE(text.ends_with("\n"));
  Scrape scrape;
  std::set<std::string> helped, finished;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen;
  std::string current;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kHelp)) {
      EXPECT_TRUE(helped.insert(match[1]).second) << line;
    } else if (std::regex_match(line, match, kType)) {
      EXPECT_TRUE(scrape.types.emplace(match[1], match[2]).second) << line;
      EXPECT_TRUE(helped.contains(match[1])) << line;
    } else if (std::regex_match(line, match, kSample)) {
      Sample sample{match[1], labels_of(match[2]), value_of(match[3])};
      const std::string family = family_of(scrape, sample.name);
      EXPECT_TRUE(scrape.types.contains(family)) << line;
      if (family != current) {
        EXPECT_TRUE(finished.insert(current).second && !finished.contains(family))
            << "family in two places: " << line;
        current = family;
      }
      EXPECT_TRUE(seen.emplace(sample.name, sample.labels).second) << "twice: " << line;
      scrape.samples.push_back(std::move(sample));
    } else {
      ADD_FAILURE() << "not of the format: " << line;
    }
  }
  return scrape;
}

Scrape fake_scrape() { return scrape_of(metrics_text(testing::fake_status())); }

TEST(Metrics, FollowTheTextFormat) { EXPECT_GT(fake_scrape().samples.size(), 100U); }

TEST(Metrics, AreNamedByTheConventions) {
  std::vector<std::string> wrong;
  for (const auto& [name, type] : fake_scrape().types) {
    const bool is_total = name.ends_with("_total");
    const bool names_scaled_unit =
        std::regex_search(name, std::regex("_(ms|milliseconds|us|percent|kb|mb|kib|mib)(_|$)"));
    if (!name.starts_with("phoenix_gateway_") || is_total != (type == "counter") ||
        names_scaled_unit || name.ends_with("_count") || name.ends_with("_sum")) {
      wrong.push_back(name);
    }
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST(Metrics, CountRequestsByServiceClassAndResult) {
  const Scrape scrape = fake_scrape();
  const auto count = [&](const char* result) {
    return scrape.at("phoenix_gateway_requests_total",
                     {{"service", "shop"}, {"class", "checkout"}, {"result", result}});
  };
  EXPECT_EQ(count("ok"), 100);
  EXPECT_EQ(count("deadline"), 4);
  EXPECT_EQ(count("reset"), 0) << "a series that will matter is there from the start";
  EXPECT_EQ(scrape.at("phoenix_gateway_requests_received_total",
                      {{"service", "shop"}, {"class", "checkout"}}),
            105);
  EXPECT_EQ(scrape.at("phoenix_gateway_requests_in_progress"), 2);
}

// 1, 2, ... 100 ms: below each bound as many as it has milliseconds, whole ones.
TEST(Metrics, LatencyBucketsAreCumulative) {
  const Scrape scrape = fake_scrape();
  std::map<std::string, double> buckets;
  double last = 0;
  for (const Sample& sample : scrape.all("phoenix_gateway_request_duration_seconds_bucket")) {
    if (sample.labels.at("class") != "browse") continue;
    buckets[sample.labels.at("le")] = sample.value;
    EXPECT_GE(sample.value, last);
    last = sample.value;
  }
  EXPECT_EQ(buckets.at("0.0005"), 0);
  EXPECT_EQ(buckets.at("0.0025"), 2);
  EXPECT_EQ(buckets.at("0.025"), 25);
  EXPECT_EQ(buckets.at("0.25"), 100);
  EXPECT_EQ(buckets.at("+Inf"), 100);
  const std::map<std::string, std::string> labels = {{"service", "shop"}, {"class", "browse"}};
  EXPECT_EQ(scrape.at("phoenix_gateway_request_duration_seconds_count", labels), 100);
  EXPECT_NEAR(scrape.at("phoenix_gateway_request_duration_seconds_sum", labels), 5.05, 1e-9);
}

TEST(Metrics, NodesHaveTheirStateAndTheirLoad) {
  const Scrape scrape = fake_scrape();
  const auto state = [&](const char* node, const char* name) {
    return scrape.at("phoenix_gateway_node_state", {{"node", node}, {"state", name}});
  };
  EXPECT_EQ(state("web-1", "up"), 1);
  EXPECT_EQ(state("web-1", "down"), 0);
  EXPECT_EQ(state("web-3", "down"), 1);
  EXPECT_EQ(scrape.at("phoenix_gateway_node_ejected", {{"node", "web-2"}}), 1);
  EXPECT_EQ(scrape.at("phoenix_gateway_node_cpu_ratio", {{"node", "web-1"}}), 0.25);
  EXPECT_EQ(scrape.at("phoenix_gateway_node_busy_seconds_total", {{"node", "web-1"}}), 12.5);
  EXPECT_EQ(scrape.at("phoenix_gateway_node_report_age_seconds", {{"node", "web-1"}}), 0.5);
}

TEST(Metrics, LeaveOutWhatIsNotKnown) {
  const Scrape scrape = fake_scrape();
  EXPECT_EQ(scrape.all("phoenix_gateway_node_cpu_ratio").size(), 2U) << "web-3's is unknown";
  EXPECT_FALSE(scrape.types.contains("phoenix_gateway_node_network_ratio"));
}

TEST(Metrics, NamesFromTheWireCannotBreakTheFormat) {
  gateway::GatewayStatus status = testing::fake_status();
  status.nodes[0].name = "a\"} 1\nphoenix_gateway_threads 99\\";
  status.nodes[1].name = "b\xff\xfe";
  const std::string text = metrics_text(status);
  const Scrape scrape = scrape_of(text);
  EXPECT_EQ(scrape.all("phoenix_gateway_threads").size(), 1U);
  EXPECT_EQ(text.find('\xff'), std::string::npos);
}

TEST(Metrics, OfAGatewayThatHasSeenNothingAreFineToo) {
  EXPECT_EQ(scrape_of(metrics_text({})).at("phoenix_gateway_draining"), 0);
}

TEST(Metrics, TellWhatOperatorsWatch) {
  const Scrape scrape = fake_scrape();
  EXPECT_EQ(scrape.at("phoenix_gateway_retries_total"), 10);
  EXPECT_EQ(scrape.at("phoenix_gateway_connections", {{"listener", "http"}}), 5);
  EXPECT_EQ(scrape.at("phoenix_gateway_tls_handshake_failures_total", {{"listener", "frames"}}), 2);
  EXPECT_EQ(scrape.at("phoenix_gateway_http_refused_total", {{"reason", "bad_message"}}), 2);
  EXPECT_EQ(scrape.at("phoenix_gateway_frame_peers_refused_total", {{"reason", "wrong_token"}}), 6);
  EXPECT_EQ(scrape.at("phoenix_gateway_config_reloads_total", {{"result", "failed"}}), 1);
  EXPECT_EQ(scrape.at("phoenix_gateway_records_written_total"), 42);
  EXPECT_EQ(scrape.at("phoenix_gateway_uptime_seconds"), 59);
  EXPECT_EQ(scrape.all("phoenix_gateway_build_info").size(), 1U);
}

}  // namespace
}  // namespace phoenix::admin
