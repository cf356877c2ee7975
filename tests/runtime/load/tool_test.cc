// phoenix-load itself, against servers of the test.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "analysis/record_reader.h"
#include "runtime/process/child.h"
#include "tests/runtime/load/load_parties.h"

namespace phoenix::load {
namespace {

using testing::HasSubstr;

class LoadToolTest : public testing::Test {
 protected:
  LoadToolTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "phoenix-load-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~LoadToolTest() override { std::filesystem::remove_all(folder_); }

  void start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PHOENIX_LOAD);
    ChildSpec spec;
    spec.arguments = std::move(arguments);
    spec.on_error_line = [this](std::string_view line) { errors_ += std::string(line) + "\n"; };
    auto started = Child::start(
        loop_, spec, [this](std::string_view line) { output_ += std::string(line) + "\n"; },
        [this](const ChildEnd& end) { end_ = end; });
    ASSERT_TRUE(started.ok()) << started.error();
    child_ = std::move(*started);
  }
  int run(std::vector<std::string> arguments) {
    output_.clear();
    errors_.clear();
    end_.reset();
    start(std::move(arguments));
    if (!net::drive(loop_, [this] { return end_.has_value(); })) return -1000;
    return end_->signal != 0 ? -end_->signal : end_->exit_code;
  }
  std::string url() const { return "http://" + server_.address().text() + "/"; }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }

  net::Loop loop_;
  std::string folder_;
  ScriptedServer::OnRequest script_ = [](net::Party& party, const std::string&) {
    party.channel->write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  };
  ScriptedServer server_{
      loop_, [this](net::Party& party, const std::string& request) { script_(party, request); }};
  std::unique_ptr<Child> child_;
  std::string output_, errors_;
  std::optional<ChildEnd> end_;
};

TEST_F(LoadToolTest, PrintsItsResultAsJson) {
  ASSERT_EQ(run({"--url", url(), "--rate", "200", "--duration", "300ms", "--json"}), 0) << errors_;
  const auto json = nlohmann::json::parse(output_, nullptr, false);
  ASSERT_TRUE(json.is_object()) << output_;
  for (const char* key :
       {"complete", "measured_s", "offered", "completed", "failed", "in_flight", "throughput_per_s",
        "latency", "sent_late_p99_s", "not_sent", "fell_behind"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["offered"], 59) << "200 a second for 0.3 s, the last at 295 ms";
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["completed"].get<int>() + json["in_flight"].get<int>(), 59);
  EXPECT_GT(json["latency"]["p50"].get<double>(), 0);
}

TEST_F(LoadToolTest, WritesARecordThatEveryReaderReads) {
  const std::string path = file("load.h5");
  ASSERT_EQ(run({"--url", url(), "--rate", "200", "--duration", "300ms", "-o", path}), 0)
      << errors_;
  EXPECT_THAT(output_, HasSubstr("completed"));
  const auto record = RecordReader::open(path);
  ASSERT_TRUE(record.ok()) << record.error();
  EXPECT_TRUE(record->attributes().complete);
  EXPECT_EQ(record->attributes().world, "live");
  const auto summary = record->summary();
  ASSERT_TRUE(summary.ok()) << summary.error();
  EXPECT_EQ(summary->total.offered, 59U);
  const auto windows = record->rows<WindowRow>();
  ASSERT_TRUE(windows.ok());
  std::int64_t offered = 0;
  for (const WindowRow& window : *windows) offered += window.offered;
  EXPECT_EQ(offered, 59);
}

TEST_F(LoadToolTest, SaysSoWhenNothingIsAnsweredWell) {
  script_ = [](net::Party& party, const std::string&) {
    party.channel->write("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  };
  EXPECT_EQ(run({"--url", url(), "--rate", "100", "--duration", "100ms"}), 1);
  EXPECT_THAT(output_, HasSubstr("failed"));
  EXPECT_THAT(errors_, HasSubstr("nothing was answered well"));
}

TEST_F(LoadToolTest, EndsEarlyOnASignalAndLeavesAnIncompleteRecord) {
  const std::string path = file("load.h5");
  int requests = 0;
  const auto answer = script_;
  script_ = [&](net::Party& party, const std::string& request) {
    if (++requests == 20) child_->signal(SIGINT);
    answer(party, request);
  };
  EXPECT_EQ(run({"--url", url(), "--rate", "200", "--duration", "60s", "-o", path}), 1);
  EXPECT_THAT(errors_, HasSubstr("ended early"));
  EXPECT_FALSE(std::filesystem::exists(path));
  const auto record = RecordReader::open(path + ".part");
  ASSERT_TRUE(record.ok()) << record.error();
  EXPECT_FALSE(record->attributes().complete);
}

TEST_F(LoadToolTest, CallsEveryMistakeOfItsUserByName) {
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } cases[] = {
      {{}, "--url and --frames"},
      {{"--url", "http://a", "--frames", "b:1"}, "--url and --frames"},
      {{"--url", "a.test", "--rate", "1"}, "http://"},
      {{"--url", "http://127.0.0.1:1/"}, "--rate"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "lots"}, "--rate"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "--duration", "soon"}, "--duration"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "--connections", "0"}, "--connections"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "--header", "none"}, "--header"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "--method", "A B"}, "--method"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "--body", "/nowhere"}, "/nowhere"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "--service", "a"}, "--service"},
      {{"--frames", "127.0.0.1:1", "--rate", "1"}, "--service"},
      {{"--frames", "nowhere", "--rate", "1", "--service", "a"}, "--frames"},
      {{"--frames", "127.0.0.1:1", "--rate", "1", "--service", "a", "--token-file", "/nowhere"},
       "/nowhere"},
      {{"--frames", "127.0.0.1:1", "--rate", "1", "--service", "a", "--batch-delay", "2s"},
       "--batch-delay"},
      {{"--frames", "127.0.0.1:1", "--scenario", "/nowhere.toml"}, "/nowhere.toml"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "--epoch", "noon"}, "--epoch"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "--outcomes-fd", "x"}, "--outcomes-fd"},
      {{"--url", "http://127.0.0.1:1/", "--rate", "1", "-o", ""}, "--output"},
      {{"--quickly"}, "quickly"},
      {{"file.toml"}, "positional"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(run(one.arguments), 2) << one.says;
    EXPECT_THAT(errors_, HasSubstr(one.says));
  }
}

TEST_F(LoadToolTest, GivesUpARecordThatItCannotWriteBeforeItSendsAnything) {
  EXPECT_EQ(run({"--url", url(), "--rate", "10", "-o", "/nowhere/load.h5"}), 2);
  EXPECT_THAT(errors_, HasSubstr("/nowhere/load.h5"));
}

}  // namespace
}  // namespace phoenix::load
