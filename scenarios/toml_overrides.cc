#include "scenarios/toml_overrides.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_word(c); });
}

constexpr std::size_t kStepsMax = 16;  // deeper than any scenario

struct Step {
  std::string name;
  std::optional<std::size_t> index;  // `[3]`
};

struct Assignment {
  std::vector<Step> path;
  std::string_view key;  // as written
  std::string_view value;
};

// Reads one step off the front of `text`; false where there is none.
bool read_step(std::string_view& text, Step& step) {
  if (text.starts_with('[')) {
    std::size_t index = 0;
    const auto [end, problem] = std::from_chars(text.data() + 1, text.data() + text.size(), index);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (problem != std::errc{} || length >= text.size() || *end != ']') return false;
    step.index = index;
    text.remove_prefix(length + 1);
    return true;
  }
  if (text.starts_with('"')) {
    const std::size_t end = text.find('"', 1);
    if (end == std::string_view::npos) return false;
    step.name = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    return true;
  }
  const auto end = std::ranges::find_if_not(text, [](char c) { return is_word(c); });
  step.name.assign(text.begin(), end);
  text.remove_prefix(step.name.size());
  return !step.name.empty();
}

std::optional<Assignment> read_assignment(std::string_view text) {
  Assignment assignment;
  std::string_view rest = trim(text);
  do {
    if (assignment.path.size() == kStepsMax) return std::nullopt;
    if (!assignment.path.empty() && rest.starts_with('.')) rest.remove_prefix(1);
    if (!read_step(rest, assignment.path.emplace_back())) return std::nullopt;
  } while (rest.starts_with('.') || rest.starts_with('['));
  const std::string_view tail = trim(rest);
  if (!tail.starts_with('=')) return std::nullopt;
  const std::string_view whole = trim(text);
  assignment.key = whole.substr(0, whole.size() - rest.size());
  assignment.value = trim(tail.substr(1));
  return assignment;
}

// Strategy families may be set without their table.
void expand_short_name(std::vector<Step>& path) {
  static constexpr std::string_view kFamilies[] = {"balancer", "scaler",     "placer",
                                                   "tuner",    "rebalancer", "forecaster"};
  if (path.size() != 1 || std::ranges::find(kFamilies, path[0].name) == std::end(kFamilies)) return;
  path.insert(path.begin(), {"strategies", {}});
}

TomlNode& table_entry(TomlNode& node, const std::string& key, Position at) {
  if (node.kind != TomlNode::Kind::kTable) {
    node = TomlNode{};
    node.at = at;
  }
  if (TomlNode* known = node.find(key)) return *known;
  node.entries.push_back({key, at, {}});
  node.entries.back().value.at = at;
  return node.entries.back().value;
}

// Null, with `problem` filled, where the array has no such entry.
TomlNode* array_entry(TomlNode& array, const Step& step, std::string& problem) {
  const std::vector<std::string> names = entry_names(array);
  std::size_t place = array.items.size();
  if (step.index) {
    place = *step.index;
  } else if (const auto found = std::ranges::find(names, step.name); found != names.end()) {
    place = static_cast<std::size_t>(found - names.begin());
  }
  if (place < array.items.size()) return &array.items[place];
  problem =
      step.index ? "found [" + std::to_string(*step.index) + "]" : "found \"" + step.name + "\"";
  std::vector<std::string> known;
  std::ranges::copy_if(names, std::back_inserter(known), [](const auto& n) { return !n.empty(); });
  problem += "; allowed " + join_names(known);
  if (!array.items.empty()) {
    problem += (known.empty() ? "[0] to [" : ", or [0] to [") +
               std::to_string(array.items.size() - 1) + "]";
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> entry_names(const TomlNode& array) {
  std::vector<std::string> names;
  std::map<std::string, int> seen_kinds;
  const auto text_of = [](const TomlNode& item, std::string_view key) -> std::string {
    const TomlNode* value = item.find(key);
    return value != nullptr && value->kind == TomlNode::Kind::kString ? value->text : "";
  };
  for (const TomlNode& item : array.items) {
    const std::string kind = text_of(item, "kind");
    const int ordinal = ++seen_kinds[kind];
    std::string name = text_of(item, "name");
    if (name.empty()) name = text_of(item, "id");
    if (name.empty() && !kind.empty()) name = kind + "-" + std::to_string(ordinal);
    names.push_back(std::move(name));
  }
  return names;
}

std::string path_step(std::string_view name, std::size_t index) {
  if (name.empty()) return "[" + std::to_string(index) + "]";
  if (is_word(name)) return "." + std::string(name);
  return ".\"" + std::string(name) + "\"";
}

std::string canonical_key(std::string_view text) {
  std::optional<Assignment> assignment = read_assignment(text);
  if (!assignment) return "";
  expand_short_name(assignment->path);
  std::string key;
  for (const Step& step : assignment->path) key += path_step(step.name, step.index.value_or(0));
  return key;
}

std::optional<OverrideProblem> apply_override(TomlNode& root, std::string_view text,
                                              int override_index) {
  std::optional<Assignment> assignment = read_assignment(text);
  if (!assignment) {
    return OverrideProblem{"", "found no KEY=VALUE; allowed such as workload.rate=\"2000 /s\""};
  }
  expand_short_name(assignment->path);
  const Position at{override_index, 0, 0};
  TomlNode* node = &root;
  for (const Step& step : assignment->path) {
    std::string problem;
    if (node->kind == TomlNode::Kind::kArray) {
      node = array_entry(*node, step, problem);
    } else if (step.index) {
      problem = "found " + describe(*node) + ", which has no [" + std::to_string(*step.index) +
                "]; allowed an index into an array";
    } else {
      node = &table_entry(*node, step.name, at);
    }
    if (!problem.empty()) return OverrideProblem{std::string(assignment->key), problem};
  }
  *node = parse_toml_value(assignment->value, at);
  return std::nullopt;
}

}  // namespace phoenix
