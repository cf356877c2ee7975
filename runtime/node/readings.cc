#include "runtime/node/readings.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

#include <unistd.h>

namespace phoenix::node {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

// Takes the next word off the front; empty at the end.
std::string_view next_word(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  text.remove_prefix(begin);
  const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end + 1));
  return line;
}

std::optional<std::uint64_t> to_count(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

// Sets `counts` from the words that follow; false where one is missing or no number.
template <std::size_t kCount>
bool take_counts(std::string_view& text, std::uint64_t (&counts)[kCount]) {
  for (std::uint64_t& count : counts) {
    const std::optional<std::uint64_t> read = to_count(next_word(text));
    if (!read) return false;
    count = *read;
  }
  return true;
}

float share(double part, double whole) {
  if (!(whole > 0) || !(part >= 0)) return kUnknown;
  return static_cast<float>(std::min(1.0, part / whole));
}

}  // namespace

std::optional<std::uint64_t> parse_process_ticks(std::string_view text) {
  // The second field is the program's name in brackets, which may hold anything.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  for (int field = 3; field < 14; ++field) next_word(text);
  std::uint64_t user_and_system[2];
  if (!take_counts(text, user_and_system)) return std::nullopt;
  return user_and_system[0] + user_and_system[1];
}

std::optional<MachineTicks> parse_machine_ticks(std::string_view text) {
  std::string_view line = next_line(text);
  if (next_word(line) != "cpu") return std::nullopt;
  // user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user.
  std::uint64_t ticks[8];
  if (!take_counts(line, ticks)) return std::nullopt;
  MachineTicks sum;
  for (const std::uint64_t count : ticks) sum.total += count;
  sum.busy = sum.total - ticks[3] - ticks[4];
  return sum;
}

std::optional<double> parse_memory_line(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    line.remove_prefix(name.size() + 1);
    const std::optional<std::uint64_t> kib = to_count(next_word(line));
    if (!kib || next_word(line) != "kB") return std::nullopt;
    return static_cast<double>(*kib) * 1024;
  }
  return std::nullopt;
}

std::optional<std::string> parse_cgroup_folder(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.starts_with("0::/")) return std::string(line.substr(3));
  }
  return std::nullopt;
}

std::optional<double> parse_cgroup_limit(std::string_view text) {
  const std::optional<std::uint64_t> bytes = to_count(next_word(text));
  if (!bytes) return std::nullopt;
  return static_cast<double>(*bytes);
}

std::optional<NetworkBytes> parse_network_bytes(std::string_view text) {
  NetworkBytes sum;
  bool found = false;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // the two lines of headings
    std::string_view name = line.substr(0, colon);
    line.remove_prefix(colon + 1);
    std::uint64_t counts[9];  // received: bytes and 7 more; then bytes sent
    if (!take_counts(line, counts)) return std::nullopt;
    found = true;
    if (next_word(name) == "lo") continue;
    sum.in += counts[0];
    sum.out += counts[8];
  }
  return found ? std::optional(sum) : std::nullopt;
}

Readings::Readings(ReadingSettings settings) : settings_(std::move(settings)) {
  find_memory_limit();
}

std::string Readings::read(const std::string& path) const {
  std::ifstream in(settings_.root + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Readings::find_memory_limit() {
  const std::optional<double> machine = parse_memory_line(read("proc/meminfo"), "MemTotal");
  memory_limit_ = machine;
  if (settings_.memory_bytes > 0) {
    memory_limit_ = settings_.memory_bytes;
  } else if (const auto folder = parse_cgroup_folder(read("proc/self/cgroup"))) {
    const auto limit = parse_cgroup_limit(read("sys/fs/cgroup" + *folder + "/memory.max"));
    if (limit) memory_limit_ = machine ? std::min(*limit, *machine) : *limit;
  }
}

Utilisation Readings::sample(Time now, double socket_bytes) {
  const double elapsed_ns = sampled_at_ ? static_cast<double>((now - *sampled_at_).count()) : 0;
  sampled_at_ = now;
  const float cpu = cpu_share(elapsed_ns);
  return {cpu, memory_share(), network_share(elapsed_ns, socket_bytes)};
}

std::optional<double> Readings::process_cpu_ns() const {
  const auto ticks = parse_process_ticks(read("proc/self/stat"));
  if (!ticks) return std::nullopt;
  return static_cast<double>(*ticks) * 1e9 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<double> Readings::process_memory_bytes() const {
  return parse_memory_line(read("proc/self/status"), "VmRSS");
}

float Readings::cpu_share(double elapsed_ns) {
  if (settings_.scope == ReadingScope::kMachine) {
    const auto before = std::exchange(machine_, parse_machine_ticks(read("proc/stat")));
    // The kernel's sums of idle time may step back by a tick.
    if (!before || !machine_ || machine_->busy < before->busy || machine_->total < before->total) {
      return kUnknown;
    }
    return share(static_cast<double>(machine_->busy - before->busy),
                 static_cast<double>(machine_->total - before->total));
  }
  const auto before = std::exchange(cpu_ns_, process_cpu_ns());
  if (!before || !cpu_ns_) return kUnknown;
  return share(*cpu_ns_ - *before, elapsed_ns * settings_.cores);
}

float Readings::network_share(double elapsed_ns, double socket_bytes) {
  std::optional<double> bytes = socket_bytes;
  if (settings_.scope == ReadingScope::kMachine) {
    const auto read_bytes = parse_network_bytes(read("proc/net/dev"));
    bytes.reset();
    if (read_bytes) bytes = static_cast<double>(std::max(read_bytes->in, read_bytes->out));
  }
  const auto before = std::exchange(network_bytes_, bytes);
  if (!before || !network_bytes_) return kUnknown;
  return share(*network_bytes_ - *before, elapsed_ns * 1e-9 * settings_.bandwidth);
}

float Readings::memory_share() const {
  if (settings_.scope == ReadingScope::kMachine) {
    const std::string text = read("proc/meminfo");
    const auto total = parse_memory_line(text, "MemTotal");
    const auto available = parse_memory_line(text, "MemAvailable");
    return total && available ? share(*total - *available, *total) : kUnknown;
  }
  const auto resident = process_memory_bytes();
  return resident && memory_limit_ ? share(*resident, *memory_limit_) : kUnknown;
}

}  // namespace phoenix::node
