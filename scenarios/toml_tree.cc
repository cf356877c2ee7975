#include "scenarios/toml_tree.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <toml++/toml.h>

#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr int kPartsMax = 8;

Position position_of(const toml::source_region& region) {
  return {-1, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

TomlNode convert(const toml::node& node);

void convert_table(const toml::table& table, TomlNode& to) {
  to.kind = TomlNode::Kind::kTable;
  for (const auto& [key, value] : table) {
    to.entries.push_back({std::string(key.str()), position_of(key.source()), convert(value)});
  }
  // The library sorts by key.
  std::ranges::stable_sort(to.entries, {}, &TomlEntry::at);
}

void convert_array(const toml::array& array, TomlNode& to) {
  to.kind = TomlNode::Kind::kArray;
  for (const toml::node& item : array) to.items.push_back(convert(item));
}

TomlNode convert(const toml::node& node) {
  TomlNode to;
  to.at = position_of(node.source());
  if (const auto* table = node.as_table()) {
    convert_table(*table, to);
  } else if (const auto* array = node.as_array()) {
    convert_array(*array, to);
  } else if (const auto* text = node.as_string()) {
    to.kind = TomlNode::Kind::kString;
    to.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    to.kind = TomlNode::Kind::kInteger;
    to.integer = integer->get();
    to.number = static_cast<double>(to.integer);
  } else if (const auto* number = node.as_floating_point()) {
    to.kind = TomlNode::Kind::kFloat;
    to.number = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    to.kind = TomlNode::Kind::kBoolean;
    to.flag = flag->get();
  } else {
    to.kind = TomlNode::Kind::kDate;
  }
  return to;
}

void move_to(TomlNode& node, Position at) {
  node.at = at;
  for (TomlNode& item : node.items) move_to(item, at);
  for (TomlEntry& entry : node.entries) {
    entry.at = at;
    move_to(entry.value, at);
  }
}

// Counts the parts of dotted keys, a line at a time. The library builds and frees one nested table
// a part by recursion, and would overflow the stack over a key of many thousands.
class KeyDepth {
 public:
  // Whether the key in front of `c` or ending with it has too many parts.
  bool is_too_deep(char c) {
    if (c == '\n') {
      *this = {};
    } else if (!is_comment_) {
      read(c);
    }
    return parts_ > kPartsMax;
  }

 private:
  void read(char c) {
    if (quote_ != 0) {
      if (c == quote_) quote_ = 0;
      last_ = 'q';
    } else if (c == '"' || c == '\'') {
      quote_ = c;
    } else if (c == '#') {
      is_comment_ = true;
    } else if (c == '.') {
      parts_ = last_ == '.' ? 1 : parts_ + 1;
      last_ = '.';
    } else if (c == ' ' || c == '\t') {
      is_gap_ = true;
      return;
    } else {
      const bool is_new = is_gap_ && last_ != '.';
      if (is_new || std::string_view("=,[]{}").find(c) != std::string_view::npos) parts_ = 1;
      last_ = 'a';
    }
    is_gap_ = false;
  }

  int parts_ = 1;
  char quote_ = 0;
  char last_ = 0;
  bool is_gap_ = false;
  bool is_comment_ = false;
};

std::optional<TomlSyntaxError> find_deep_key(std::string_view text) {
  KeyDepth depth;
  Position at{-1, 1, 1};
  for (const char c : text) {
    if (depth.is_too_deep(c)) {
      return TomlSyntaxError{at, "found a key of more than " + std::to_string(kPartsMax) +
                                     " parts; allowed at most " + std::to_string(kPartsMax)};
    }
    at = c == '\n' ? Position{-1, at.line + 1, 1} : Position{-1, at.line, at.column + 1};
  }
  return std::nullopt;
}

}  // namespace

const TomlNode* TomlNode::find(std::string_view key) const {
  const auto entry = std::ranges::find(entries, key, &TomlEntry::key);
  return entry == entries.end() ? nullptr : &entry->value;
}

TomlNode* TomlNode::find(std::string_view key) {
  return const_cast<TomlNode*>(std::as_const(*this).find(key));
}

std::string describe(const TomlNode& node) {
  switch (node.kind) {
    case TomlNode::Kind::kTable:
      return "a table";
    case TomlNode::Kind::kArray:
      return "an array";
    case TomlNode::Kind::kString:
      return "\"" + node.text + "\"";
    case TomlNode::Kind::kInteger:
      return std::to_string(node.integer);
    case TomlNode::Kind::kFloat:
      return print_number(node.number);
    case TomlNode::Kind::kBoolean:
      return node.flag ? "true" : "false";
    case TomlNode::Kind::kDate:
      break;
  }
  return "a date";
}

std::variant<TomlNode, TomlSyntaxError> parse_toml(std::string_view text) {
  if (auto deep = find_deep_key(text)) return *std::move(deep);
  try {
    TomlNode root = convert(toml::parse(text));
    root.at = {-1, 1, 1};
    return root;
  } catch (const toml::parse_error& error) {
    return TomlSyntaxError{position_of(error.source()), std::string(error.description())};
  }
}

TomlNode parse_toml_value(std::string_view text, Position at) {
  TomlNode value;
  value.kind = TomlNode::Kind::kString;
  value.text = text;
  auto document = parse_toml("value = " + std::string(text));
  if (auto* root = std::get_if<TomlNode>(&document); root != nullptr && root->entries.size() == 1) {
    const bool is_date = root->entries[0].value.kind == TomlNode::Kind::kDate;
    if (!is_date) value = std::move(root->entries[0].value);
  }
  move_to(value, at);
  return value;
}

}  // namespace phoenix
