// Reads scenario files. Everyone who needs a Scenario gets it here: what comes out has passed every
// check that needs neither a running world nor the reading of a trace: strategies and faults in it
// can be made, and make_arrivals() fails on a bad trace only.
//
// Errors are collected, not stopped at: one call reports all of them, in the order of the file,
// overrides last. Nothing throws. No state; any thread.
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/scenario.h"

namespace phoenix {

// A scenario file larger than this is refused unread.
inline constexpr std::size_t kScenarioBytesMax = 8 << 20;

struct Problem {
  std::string file;  // path, or `--set KEY=VALUE` as given
  int line = 0;      // from 1; 0: the file as a whole, or an override
  int column = 0;
  std::string key;      // path such as `cluster.group.web.count`; may be empty
  std::string message;  // "found X; allowed Y"

  // `file:line:column: key: message`, without what is empty.
  std::string text() const;
};

struct ParsedScenario {
  std::optional<Scenario> scenario;  // where there are no problems
  std::vector<Problem> problems;
};

// `overrides` are `KEY=VALUE` texts, applied in order (see toml_overrides.h for KEY). VALUE is a
// TOML value, or text without quotes. Relative paths in the file count from the file's folder.
ParsedScenario parse_scenario_file(const std::string& path,
                                   std::span<const std::string> overrides = {});

// As above, with the file's content at hand; `path` is for messages and relative paths only.
ParsedScenario parse_scenario_text(std::string_view text, const std::string& path,
                                   std::span<const std::string> overrides = {});

// One problem a line.
void print_problems(std::ostream& out, std::span<const Problem> problems);

}  // namespace phoenix
