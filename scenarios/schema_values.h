// The kinds of values scenario files hold: each function makes a parser that turns a tree node into
// a value within bounds, or says `found X; allowed Y`.
//
// Internal to the schema. Plain functions; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/scenario.h"
#include "scenarios/toml_tree.h"
#include "strategies/core/result.h"

namespace phoenix::schema {

template <class T>
using Parser = std::function<Result<T>(const TomlNode&)>;

// Inclusive, but for a lower bound that is `above`.
template <class T>
struct Range {
  T low;
  T high;
  bool is_above = false;
};

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();
// Longer than any run; far from where additions of dates overflow.
inline constexpr Duration kLongest = std::chrono::hours(24 * 3650);

constexpr Range<double> above(double low, double high = kNoLimit) { return {low, high, true}; }
constexpr Range<double> at_least(double low, double high = kNoLimit) { return {low, high}; }
constexpr Range<double> between(double low, double high) { return {low, high}; }
inline constexpr Range<Duration> kNotNegative{Duration{0}, kLongest};
inline constexpr Range<Duration> kPositive{Duration{0}, kLongest, true};

Error wrong(const TomlNode& node, std::string_view allowed);

Parser<std::string> text();
// 1 to 64 characters without control characters and double quotes: fit for tables and key paths.
Parser<std::string> name();
Parser<std::vector<std::string>> names();
Parser<std::vector<std::string>> texts();
Parser<bool> flag();
Parser<std::int64_t> integer(std::int64_t low, std::int64_t high);
Parser<double> number(Range<double> range);
Parser<double> bytes(Range<double> range);
Parser<double> bandwidth(Range<double> range);
Parser<double> rate(Range<double> range);
Parser<double> hourly(Range<double> range);  // "0.17 /h", kept per hour
Parser<Duration> duration(Range<Duration> range);
Parser<Duration> duration_or_inf(Range<Duration> range);
Parser<Distribution> distribution(Distribution::Unit unit, std::string folder);

// "none" is `without`.
template <class T>
Parser<T> or_none(Parser<T> parse, T without) {
  return [parse = std::move(parse), without](const TomlNode& node) -> Result<T> {
    if (node.kind == TomlNode::Kind::kString && node.text == "none") return without;
    Result<T> parsed = parse(node);
    if (!parsed) return Error{parsed.error() + R"(, or "none")"};
    return parsed;
  };
}

// One of the names. The index of the name found.
Parser<std::size_t> one_of(std::vector<std::string> names);

template <class Enum>
Parser<Enum> choice(std::vector<std::pair<std::string, Enum>> options) {
  std::vector<std::string> names;
  for (const auto& [name, value] : options) names.push_back(name);
  return [options = std::move(options),
          find = one_of(std::move(names))](const TomlNode& node) -> Result<Enum> {
    const Result<std::size_t> found = find(node);
    if (!found) return Error{found.error()};
    return options[*found].second;
  };
}

// A file as written, made absolute or relative to where the process runs; it must be readable.
Parser<std::string> readable_file(std::string folder);

// "name(1, 2.5)": a word and its arguments; the name alone has none. Empty name: not of that form.
struct Call {
  std::string name;
  std::vector<std::string> arguments;
};
Call split_call(std::string_view text);

}  // namespace phoenix::schema
