// What the kernel's texts mean, and that garbage is "unknown", never 0.
#include "runtime/node/readings.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "strategies/core/random.h"

namespace phoenix::node {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProcess =
    "4711 (a) b (c)) S 1 4711 4711 0 -1 4194560 1234 0 5 0 250 150 7 9 20 0 4 0 8000 1000000 300 "
    "18446744073709551615 1 1 0 0 0 0 0\n";
constexpr const char* kStat =
    "cpu  100 20 30 800 50 1 2 3 0 0\ncpu0 50 10 15 400 25 0 1 1 0 0\nintr 5\n";
constexpr const char* kMeminfo =
    "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    4000000 kB\n";
constexpr const char* kDevices =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
    "    lo: 9999999 10 0 0 0 0 0 0 9999999 10 0 0 0 0 0 0\n"
    "  eth0:    1000 10 0 0 0 0 0 0     5000 10 0 0 0 0 0 0\n"
    "  eth1:200 1 0 0 0 0 0 0 30 1 0 0 0 0 0 0\n";

TEST(ReadingsTextTest, ProcessTimeStandsBehindANameThatMayHoldBrackets) {
  EXPECT_EQ(parse_process_ticks(kProcess), 400U);
}

TEST(ReadingsTextTest, WaitingForDisksIsNotBusy) {
  const auto ticks = parse_machine_ticks(kStat);
  ASSERT_TRUE(ticks.has_value());
  EXPECT_EQ(ticks->total, 1006U);
  EXPECT_EQ(ticks->busy, 156U);
}

TEST(ReadingsTextTest, MemoryLinesAreFoundByTheirWholeName) {
  EXPECT_EQ(parse_memory_line(kMeminfo, "MemAvailable"), 4'000'000.0 * 1024);
  EXPECT_EQ(parse_memory_line(kMeminfo, "Mem"), std::nullopt);
  EXPECT_EQ(parse_memory_line("VmRSS:\t  12 kB", "VmRSS"), 12.0 * 1024);
  EXPECT_EQ(parse_memory_line("VmRSS:\t  12 MB", "VmRSS"), std::nullopt);
}

TEST(ReadingsTextTest, CgroupsSayWhereAndHowMuch) {
  EXPECT_EQ(parse_cgroup_folder("4:cpu:/other\n0::/system.slice/x.service\n"),
            "/system.slice/x.service");
  EXPECT_EQ(parse_cgroup_folder("4:cpu:/other\n"), std::nullopt);
  EXPECT_EQ(parse_cgroup_limit("1073741824\n"), 1073741824.0);
  EXPECT_EQ(parse_cgroup_limit("max\n"), std::nullopt);
}

TEST(ReadingsTextTest, LoopbackIsNoNetwork) {
  const auto bytes = parse_network_bytes(kDevices);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->in, 1200U);
  EXPECT_EQ(bytes->out, 5030U);
}

// Every text cut anywhere, and with bytes changed: an answer or none, but no crash; and what has
// lost its numbers is unknown.
TEST(ReadingsTextTest, GarbageIsUnknown) {
  const auto parse_all = [](const std::string& text) {
    parse_process_ticks(text);
    parse_machine_ticks(text);
    parse_memory_line(text, "MemTotal");
    parse_cgroup_folder(text);
    parse_cgroup_limit(text);
    parse_network_bytes(text);
  };
  Random random(7);
  for (const std::string whole : {kProcess, kStat, kMeminfo, kDevices}) {
    for (std::size_t i = 0; i <= whole.size(); ++i) parse_all(whole.substr(0, i));
    for (int round = 0; round < 2000; ++round) {
      std::string changed = whole;
      changed[random.below(changed.size())] = static_cast<char>(random.below(256));
      parse_all(changed);
    }
  }
  for (const std::string text : {"", "\n", "cpu", "cpu a b c d e f g h", "(((", ":::", "x: 1 2"}) {
    EXPECT_EQ(parse_process_ticks(text), std::nullopt) << text;
    EXPECT_EQ(parse_machine_ticks(text), std::nullopt) << text;
    EXPECT_EQ(parse_memory_line(text, "MemTotal"), std::nullopt) << text;
    EXPECT_EQ(parse_cgroup_limit(text), std::nullopt) << text;
    EXPECT_EQ(parse_network_bytes(text), std::nullopt) << text;
  }
}

class ReadingsTest : public ::testing::Test {
 protected:
  ReadingsTest() {
    std::string pattern = (fs::temp_directory_path() / "phoenix-readings-XXXXXX").string();
    root_ = std::string(::mkdtemp(pattern.data())) + "/";
  }
  ~ReadingsTest() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void write_process_ticks(std::uint64_t ticks) {
    write("proc/self/stat",
          "1 (x) S 1 1 1 0 -1 0 0 0 0 0 " + std::to_string(ticks) + " 0 0 0 20 0\n");
  }
  Readings make(ReadingSettings settings) {
    settings.root = root_;
    return Readings(settings);
  }

  static Time at(double seconds) { return kStart + from_seconds(seconds); }
  std::string root_;
};

// Two cores for 2 s, of which the process used 1 s: a quarter. 1,000,000 bytes in 2 s at 1 MB/s:
// half.
TEST_F(ReadingsTest, ProcessSharesAreOfItsCoresMemoryAndBandwidth) {
  const auto ticks_per_s = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  write_process_ticks(5 * ticks_per_s);
  write("proc/self/status", "Name:\tx\nVmRSS:\t 512 kB\n");
  ReadingSettings settings;
  settings.cores = 2;
  settings.memory_bytes = 2048 * 1024;
  settings.bandwidth = 1e6;
  Readings readings = make(settings);
  const Utilisation first = readings.sample(at(1), 1e6);
  EXPECT_TRUE(std::isnan(first.cpu));
  EXPECT_TRUE(std::isnan(first.network));
  EXPECT_FLOAT_EQ(first.memory, 0.25F);
  write_process_ticks(6 * ticks_per_s);
  const Utilisation second = readings.sample(at(3), 2e6);
  EXPECT_FLOAT_EQ(second.cpu, 0.25F);
  EXPECT_FLOAT_EQ(second.network, 0.5F);
}

TEST_F(ReadingsTest, TheCgroupLimitsMemoryWhereNothingElseIsSaid) {
  write("proc/meminfo", kMeminfo);
  write("proc/self/status", "VmRSS:\t 512 kB\n");
  write("proc/self/cgroup", "0::/a/b\n");
  write("sys/fs/cgroup/a/b/memory.max", "1048576\n");
  EXPECT_FLOAT_EQ(make({}).sample(at(1), 0).memory, 0.5F);
  write("sys/fs/cgroup/a/b/memory.max", "max\n");
  EXPECT_FLOAT_EQ(make({}).sample(at(1), 0).memory, 512.0F / 16'000'000);
}

// From kStat: 156 of 1006 busy; then 100 more busy ticks of 200: half.
TEST_F(ReadingsTest, MachineSharesAreOfTheWholeMachine) {
  write("proc/stat", kStat);
  write("proc/meminfo", kMeminfo);
  write("proc/net/dev", kDevices);
  ReadingSettings settings;
  settings.scope = ReadingScope::kMachine;
  settings.bandwidth = 1000;
  Readings readings = make(settings);
  EXPECT_FLOAT_EQ(readings.sample(at(1), 0).memory, 0.75F);
  write("proc/stat", "cpu  200 20 30 900 50 1 2 3 0 0\n");
  write("proc/net/dev", "  eth0: 0 0 0 0 0 0 0 0 5530 0\n");
  const Utilisation second = readings.sample(at(2), 0);
  EXPECT_FLOAT_EQ(second.cpu, 0.5F);
  EXPECT_FLOAT_EQ(second.network, 0.5F);
  write("proc/stat", "cpu  200 20 30 890 50 1 2 3 0 0\n");
  EXPECT_TRUE(std::isnan(readings.sample(at(3), 0).cpu)) << "idle time stepped back";
}

TEST_F(ReadingsTest, WithoutAKernelEverythingIsUnknown) {
  for (const ReadingScope scope : {ReadingScope::kProcess, ReadingScope::kMachine}) {
    ReadingSettings settings;
    settings.scope = scope;
    Readings readings = make(settings);
    readings.sample(at(1), 0);
    const Utilisation second = readings.sample(at(2), 100);
    EXPECT_TRUE(std::isnan(second.cpu));
    EXPECT_TRUE(std::isnan(second.memory));
    EXPECT_TRUE(std::isnan(second.network));
  }
}

TEST(ReadingsHereTest, ThisMachineCanBeRead) {
  Readings readings{ReadingSettings{}};
  EXPECT_GT(readings.process_memory_bytes().value_or(0), 0);
  const float memory = readings.sample(kStart, 0).memory;
  EXPECT_GT(memory, 0);
  EXPECT_LE(memory, 1);
}

}  // namespace
}  // namespace phoenix::node
