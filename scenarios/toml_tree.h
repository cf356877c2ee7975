// A TOML document as plain data that remembers where everything was written. Between the TOML
// library, which only toml_tree.cc includes, and the schema, which asks for positions, file order
// and values that overrides can replace.
//
// Plain values; no threads. Nothing throws: syntax errors come back as problems.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace phoenix {

// Where something was written. Lines and columns count from 1; columns count characters.
struct Position {
  int override_index = -1;  // in `--set` order; -1 is the file
  int line = 0;
  int column = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct TomlEntry;

struct TomlNode {
  enum class Kind : std::uint8_t {
    kTable,
    kArray,
    kString,
    kInteger,
    kFloat,
    kBoolean,
    kDate,
  };
  Kind kind = Kind::kTable;
  Position at;
  std::string text;  // kString
  std::int64_t integer = 0;
  double number = 0;  // kInteger and kFloat
  bool flag = false;
  std::vector<TomlEntry> entries;  // kTable, in the order written
  std::vector<TomlNode> items;     // kArray

  const TomlNode* find(std::string_view key) const;
  TomlNode* find(std::string_view key);
  bool is_number() const { return kind == Kind::kInteger || kind == Kind::kFloat; }
};

struct TomlEntry {
  std::string key;
  Position at;  // of the key
  TomlNode value;
};

// How an error quotes a value: `"abc"`, `5`, `true`, `a table`, `an array`, `a date`.
std::string describe(const TomlNode& node);

struct TomlSyntaxError {
  Position at;
  std::string message;
};
std::variant<TomlNode, TomlSyntaxError> parse_toml(std::string_view text);

// The value of `--set KEY=VALUE`: a TOML value where it reads as one, else the text itself. Every
// position in it is `at`.
TomlNode parse_toml_value(std::string_view text, Position at);

}  // namespace phoenix
