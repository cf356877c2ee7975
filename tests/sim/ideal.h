// Scenario texts with everything away that queueing theory knows nothing of: no latency, no bytes,
// no gateway work, no retries, no health, no slow start, no deadlines that matter.
#pragma once

#include <string>

#include <fmt/format.h>

namespace phoenix::sim {

struct Ideal {
  int nodes = 1;
  int cores = 1;
  std::string discipline = "fifo";
  int queue = 1'000'000;
  std::string work = "exponential(1 ms)";
  std::string rate = "800 /s";
  std::string duration = "100 s";
  std::string warmup = "5 s";
  std::string balancer = "random";
  std::string more = "";  // appended: further tables

  std::string text() const {
    return fmt::format(R"(
name = "ideal"
duration = "{}"
warmup = "{}"
[cluster]
zone_latency = "0 s"
[[cluster.group]]
name = "n"
count = {}
cores = {}
latency = "0 s"
[gateway]
cpu_per_message = "0 us"
latency = "0 s"
[reports]
interval = "0 s"
piggyback = false
[router]
retries = 0
consecutive_errors = 0
success_rate_stdevs = 0
panic_threshold = 0
slow_start = "0 s"
max_in_flight = 100000000
[[service]]
name = "s"
discipline = "{}"
queue = {}
[[service.class]]
name = "c"
work = "{}"
request = 0
response = 0
deadline = "1 h"
[workload]
rate = "{}"
[strategies]
balancer = "{}"
[record]
nodes = false
{})",
                       duration, warmup, nodes, cores, discipline, queue, work, rate, balancer,
                       more);
  }
};

}  // namespace phoenix::sim
