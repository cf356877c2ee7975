#include "runtime/local/process_state.h"

#include <fstream>
#include <iterator>
#include <string>

#include "runtime/node/readings.h"

namespace phoenix::local {

std::optional<ProcessState> parse_process_state(std::string_view text) {
  // The second field is the program's name in brackets, which may hold anything.
  const std::size_t bracket = text.rfind(") ");
  const auto ticks = node::parse_process_ticks(text);
  if (bracket == std::string_view::npos || bracket + 2 >= text.size() || !ticks) return {};
  return ProcessState{text[bracket + 2], *ticks};
}

std::optional<ProcessState> process_state(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return parse_process_state(text);
}

}  // namespace phoenix::local
