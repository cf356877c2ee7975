#include "scenarios/schema_values.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix::schema {
namespace {

// What stands after "; allowed " in the errors of units.h.
std::string_view allowed_by(std::string_view message) {
  constexpr std::string_view kMark = "; allowed ";
  return message.substr(message.find(kMark) + kMark.size());
}

// A quantity is text; as a plain number only 0 needs no unit, which the unit parsers know.
template <class T>
Result<T> quantity(const TomlNode& node, Result<T> (*parse)(std::string_view)) {
  const bool is_text = node.kind == TomlNode::Kind::kString;
  const Result<T> parsed = parse(is_text            ? node.text
                                 : node.is_number() ? print_number(node.number)
                                                    : std::string());
  if (!parsed) return wrong(node, allowed_by(parsed.error()));
  return parsed;
}

template <class T, class Print>
std::string bounds(Range<T> range, T no_limit, const Print& print) {
  if (range.high == no_limit) return (range.is_above ? "above " : "at least ") + print(range.low);
  if (range.is_above) return "above " + print(range.low) + ", up to " + print(range.high);
  return print(range.low) + " to " + print(range.high);
}

template <class T>
bool is_inside(T value, Range<T> range) {
  return value <= range.high && (range.is_above ? value > range.low : value >= range.low);
}

using Print = std::string (*)(double);

Parser<double> ranged(Result<double> (*parse)(std::string_view), Range<double> range, Print print) {
  return [=](const TomlNode& node) -> Result<double> {
    Result<double> parsed = quantity(node, parse);
    if (parsed && !is_inside(*parsed, range)) return wrong(node, bounds(range, kNoLimit, print));
    return parsed;
  };
}

Parser<Duration> ranged_duration(Range<Duration> range, bool may_be_inf) {
  return [=](const TomlNode& node) -> Result<Duration> {
    const std::string_view or_inf = may_be_inf ? R"(, or "inf")" : "";
    Result<Duration> parsed = quantity(node, parse_duration);
    if (!parsed) return Error{parsed.error() + std::string(or_inf)};
    const bool is_inf = may_be_inf && *parsed == Duration::max();
    if (is_inf || is_inside(*parsed, range)) return parsed;
    return wrong(node, bounds(range, Duration::max(), print_duration).append(or_inf));
  };
}

Result<double> parse_hourly(std::string_view text) {
  const Result<Quantity> parts = split_quantity(text);
  if (parts && parts->unit == "/h") return parts->number;  // exactly as written
  const Result<double> per_second = parse_rate(text);
  if (!per_second) return Error{per_second.error()};
  return *per_second * 3600;
}

bool is_name(std::string_view text) {
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"'; };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_plain);
}

constexpr std::string_view kNameAllowed =
    "a name of 1 to 64 characters, without quotes and control characters";

}  // namespace

Error wrong(const TomlNode& node, std::string_view allowed) {
  return Error{"found " + describe(node) + "; allowed " + std::string(allowed)};
}

Parser<std::string> text() {
  return [](const TomlNode& node) -> Result<std::string> {
    if (node.kind != TomlNode::Kind::kString) return wrong(node, "text in quotes");
    return node.text;
  };
}

Parser<std::string> name() {
  return [](const TomlNode& node) -> Result<std::string> {
    if (node.kind != TomlNode::Kind::kString || !is_name(node.text)) {
      return wrong(node, kNameAllowed);
    }
    return node.text;
  };
}

namespace {

Parser<std::vector<std::string>> list_of(Parser<std::string> parse) {
  return [parse = std::move(parse)](const TomlNode& node) -> Result<std::vector<std::string>> {
    if (node.kind != TomlNode::Kind::kArray) return wrong(node, R"(an array such as ["a", "b"])");
    std::vector<std::string> list;
    for (const TomlNode& item : node.items) {
      Result<std::string> one = parse(item);
      if (!one) return Error{one.error()};
      list.push_back(std::move(*one));
    }
    return list;
  };
}

}  // namespace

Parser<std::vector<std::string>> names() { return list_of(name()); }
Parser<std::vector<std::string>> texts() { return list_of(text()); }

Parser<bool> flag() {
  return [](const TomlNode& node) -> Result<bool> {
    if (node.kind != TomlNode::Kind::kBoolean) return wrong(node, "true or false");
    return node.flag;
  };
}

Parser<std::int64_t> integer(std::int64_t low, std::int64_t high) {
  return [=](const TomlNode& node) -> Result<std::int64_t> {
    const bool is_integer = node.kind == TomlNode::Kind::kInteger;
    if (is_integer && node.integer >= low && node.integer <= high) return node.integer;
    return wrong(node, "a whole number, " + std::to_string(low) + " to " + std::to_string(high));
  };
}

Parser<double> number(Range<double> range) { return ranged(parse_number, range, print_number); }

Parser<double> bytes(Range<double> range) { return ranged(parse_bytes, range, print_bytes); }

Parser<double> bandwidth(Range<double> range) {
  return ranged(parse_bandwidth, range, [](double value) { return print_bytes(value) + "/s"; });
}

Parser<double> rate(Range<double> range) { return ranged(parse_rate, range, print_rate); }

Parser<double> hourly(Range<double> range) {
  return ranged(parse_hourly, range, [](double value) { return print_number(value) + " /h"; });
}

Parser<Duration> duration(Range<Duration> range) { return ranged_duration(range, false); }
Parser<Duration> duration_or_inf(Range<Duration> range) { return ranged_duration(range, true); }

Parser<Distribution> distribution(Distribution::Unit unit, std::string folder) {
  return [unit, folder = std::move(folder)](const TomlNode& node) -> Result<Distribution> {
    const bool is_zero = node.is_number() && node.number == 0;
    if (node.kind != TomlNode::Kind::kString && !is_zero) {
      const bool is_time = unit == Distribution::Unit::kSeconds;
      return wrong(node, is_time ? "a distribution such as \"exponential(5 ms)\" or \"5 ms\""
                                 : "a distribution such as \"exponential(4 KiB)\" or \"4 KiB\"");
    }
    return Distribution::parse(is_zero ? "0" : node.text, unit, folder);
  };
}

Parser<std::size_t> one_of(std::vector<std::string> names) {
  return [names = std::move(names)](const TomlNode& node) -> Result<std::size_t> {
    const bool is_text = node.kind == TomlNode::Kind::kString;
    const auto found = std::ranges::find(names, node.text);
    if (is_text && found != names.end()) return static_cast<std::size_t>(found - names.begin());
    std::string allowed;
    for (const std::string& known : names) {
      allowed += (allowed.empty() ? "\"" : ", \"") + known + "\"";
    }
    return wrong(node, is_text ? allowed + did_you_mean(node.text, names) : allowed);
  };
}

Parser<std::string> readable_file(std::string folder) {
  return [folder = std::move(folder)](const TomlNode& node) -> Result<std::string> {
    if (node.kind != TomlNode::Kind::kString || node.text.empty()) {
      return wrong(node, "the path of a file");
    }
    const std::filesystem::path path =
        (std::filesystem::path(folder) / node.text).lexically_normal();
    std::error_code problem;
    const bool is_folder = std::filesystem::is_directory(path, problem);
    if (is_folder || !std::ifstream(path)) {
      return Error{"found " + describe(node) + ", and there is no readable file " + path.string() +
                   "; allowed the path of a file, counted from the scenario's folder"};
    }
    return path.string();
  };
}

Call split_call(std::string_view text) {
  text = trim(text);
  const std::size_t open = text.find('(');
  Call call{std::string(trim(text.substr(0, open))), {}};
  if (open == std::string_view::npos) return call;
  if (text.back() != ')') return {};
  std::string_view rest = text.substr(open + 1, text.size() - open - 2);
  while (true) {
    const std::size_t comma = rest.find(',');
    call.arguments.emplace_back(trim(rest.substr(0, comma)));
    if (comma == std::string_view::npos) return call;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace phoenix::schema
