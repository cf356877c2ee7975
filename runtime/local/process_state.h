// What the kernel says of another process: to see that a signal did what it was for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace phoenix::local {

struct ProcessState {
  char state = '?';             // as ps(1) has it: R, S, T (stopped), Z, ...
  std::uint64_t cpu_ticks = 0;  // user and system time, all threads
  bool is_stopped() const { return state == 'T' || state == 't'; }
};

// /proc/PID/stat, taken apart; nothing where it is not of that form.
std::optional<ProcessState> parse_process_state(std::string_view text);
// Nothing where there is no such process.
std::optional<ProcessState> process_state(pid_t pid);

}  // namespace phoenix::local
