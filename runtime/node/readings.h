// What a node reads of its machine: pure parsers of the kernel's texts, each nullopt where the text
// is not what it should be, and Readings, which turns them into utilisations.
//
// `process` looks at this process alone (its CPU time, its resident memory, the bytes of its own
// sockets): right where the work happens in it. `machine` looks at the whole machine (/proc/stat,
// MemAvailable, all network devices but loopback): right where the node forwards to other
// processes. What is unknown is NaN, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "strategies/core/time.h"

namespace phoenix::node {

// /proc/self/stat: user and system time in clock ticks.
std::optional<std::uint64_t> parse_process_ticks(std::string_view text);

struct MachineTicks {
  std::uint64_t busy = 0, total = 0;  // of all cores; waiting for disks is not busy
};
std::optional<MachineTicks> parse_machine_ticks(std::string_view text);  // /proc/stat

// A "Name:   123 kB" line of /proc/self/status or /proc/meminfo, in bytes.
std::optional<double> parse_memory_line(std::string_view text, std::string_view name);

// cgroup v2: the folder of this process in /proc/self/cgroup, and memory.max ("max": nullopt).
std::optional<std::string> parse_cgroup_folder(std::string_view text);
std::optional<double> parse_cgroup_limit(std::string_view text);

struct NetworkBytes {
  std::uint64_t in = 0, out = 0;  // over all devices but loopback
};
std::optional<NetworkBytes> parse_network_bytes(std::string_view text);  // /proc/net/dev

enum class ReadingScope : std::uint8_t { kProcess, kMachine };

struct ReadingSettings {
  ReadingScope scope = ReadingScope::kProcess;
  int cores = 1;
  double memory_bytes = 0;  // 0: the cgroup's limit, else the machine's memory
  double bandwidth = 0;     // bytes per second each way; 0: unknown
  std::string root = "/";   // where proc and sys are
};

struct Utilisation {
  float cpu, memory, network;  // in [0, 1] or NaN
};

class Readings {
 public:
  explicit Readings(ReadingSettings settings);

  // CPU and network since the previous call (NaN in the first), memory now. `socket_bytes` is what
  // has gone through the node's own sockets so far, the busier direction.
  Utilisation sample(Time now, double socket_bytes);
  // What the share of memory refers to, in bytes.
  std::optional<double> memory_limit() const { return memory_limit_; }

  std::optional<double> process_memory_bytes() const;
  std::optional<double> process_cpu_ns() const;  // since the process began

 private:
  std::string read(const std::string& path) const;
  float cpu_share(double elapsed_ns);
  float network_share(double elapsed_ns, double socket_bytes);
  float memory_share() const;
  void find_memory_limit();

  ReadingSettings settings_;
  std::optional<double> memory_limit_;
  std::optional<Time> sampled_at_;
  std::optional<double> cpu_ns_;
  std::optional<MachineTicks> machine_;
  std::optional<double> network_bytes_;
};

}  // namespace phoenix::node
