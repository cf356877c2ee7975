#include "strategies/core/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <system_error>

namespace phoenix {
namespace {

struct Unit {
  std::string_view name;
  double factor;  // base units in one of these
};

constexpr std::array kDurationUnits = {
    Unit{"d", 86'400e9}, Unit{"h", 3'600e9}, Unit{"min", 60e9}, Unit{"s", 1e9},
    Unit{"ms", 1e6},     Unit{"us", 1e3},    Unit{"ns", 1.0},
};
constexpr std::array kByteUnits = {
    Unit{"TiB", 1099511627776.0},
    Unit{"TB", 1e12},
    Unit{"GiB", 1073741824.0},
    Unit{"GB", 1e9},
    Unit{"MiB", 1048576.0},
    Unit{"MB", 1e6},
    Unit{"KiB", 1024.0},
    Unit{"kB", 1e3},
    Unit{"B", 1.0},
};
constexpr std::array kBandwidthUnits = {
    Unit{"bps", 0.125},    Unit{"kbps", 125.0},      Unit{"Mbps", 125e3},
    Unit{"Gbps", 125e6},   Unit{"Tbps", 125e9},      Unit{"B/s", 1.0},
    Unit{"kB/s", 1e3},     Unit{"MB/s", 1e6},        Unit{"GB/s", 1e9},
    Unit{"KiB/s", 1024.0}, Unit{"MiB/s", 1048576.0}, Unit{"GiB/s", 1073741824.0},
};
constexpr std::array kRateUnits = {
    // factor: seconds
    Unit{"/s", 1.0},
    Unit{"/min", 60.0},
    Unit{"/h", 3600.0},
    Unit{"/d", 86400.0},
};

constexpr std::string_view kDurationAllowed =
    R"(a duration such as "50 ms" (ns, us, ms, s, min, h, d))";
constexpr std::string_view kBytesAllowed =
    R"(a size such as "16 GiB" (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB))";
constexpr std::string_view kBandwidthAllowed =
    R"(a bandwidth such as "10 Gbps" (bps, kbps, Mbps, Gbps, Tbps, B/s, kB/s, MB/s, GB/s, KiB/s, )"
    R"(MiB/s, GiB/s))";
constexpr std::string_view kRateAllowed = R"(a rate such as "2000 /s" (/s, /min, /h, /d))";
constexpr std::string_view kNumberAllowed = R"(a number such as 0.5 or "12%")";

Error wrong(std::string_view found, std::string_view allowed) {
  std::string message = "found \"";
  message.append(found).append("\"; allowed ").append(allowed);
  return Error{std::move(message)};
}

std::optional<Unit> find_unit(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit;
  }
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// std::from_chars would also take "inf" and "nan".
template <class Float>
const char* read_number(std::string_view text, Float& number) {
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const bool starts = sign < text.size() && (is_digit(text[sign]) || text[sign] == '.');
  if (!starts) return nullptr;
  const char* const first = text.data() + (text[0] == '+' ? 1 : 0);
  const auto [end, problem] = std::from_chars(first, text.data() + text.size(), number);
  return problem == std::errc{} && std::isfinite(number) ? end : nullptr;
}

std::string_view rest_of(std::string_view text, const char* from) {
  return trim(text.substr(static_cast<std::size_t>(from - text.data())));
}

// The number times its unit's factor.
Result<double> parse_quantity(std::string_view text, std::span<const Unit> units,
                              std::string_view allowed) {
  const Result<Quantity> quantity = split_quantity(text);
  if (!quantity) return wrong(text, allowed);
  if (quantity->unit.empty() && quantity->number == 0) return 0.0;
  const std::optional<Unit> unit = find_unit(units, quantity->unit);
  const double value = unit ? quantity->number * unit->factor : 0;
  if (!unit || !std::isfinite(value)) return wrong(text, allowed);
  return value;
}

std::string with_unit(double number, std::string_view unit) {
  return print_number(number).append(" ").append(unit);
}

// Without going through floating point. `unit` is a power of ten, or divides `ns`.
std::string print_count(std::int64_t ns, std::int64_t unit) {
  std::string text = std::to_string(ns / unit);
  if (ns % unit == 0) return text;
  std::string digits = std::to_string(unit + ns % unit);
  digits[0] = '.';
  while (digits.back() == '0') digits.pop_back();
  return text + digits;
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Result<Quantity> split_quantity(std::string_view text) {
  const std::string_view trimmed = trim(text);
  Quantity quantity;
  const char* const end = read_number(trimmed, quantity.number);
  if (end == nullptr) return wrong(text, "a number and a unit");
  quantity.unit = rest_of(trimmed, end);
  return quantity;
}

Result<Duration> parse_duration(std::string_view text) {
  const std::string_view trimmed = trim(text);
  if (trimmed == "inf") return Duration::max();
  // long double holds every count of nanoseconds exactly.
  long double number = 0;
  const char* const end = read_number(trimmed, number);
  if (end == nullptr) return wrong(text, kDurationAllowed);
  const std::string_view name = rest_of(trimmed, end);
  if (name.empty() && number == 0) return Duration{0};
  const std::optional<Unit> unit = find_unit(kDurationUnits, name);
  if (!unit) return wrong(text, kDurationAllowed);
  const long double ns = number * static_cast<long double>(unit->factor);
  if (std::abs(ns) >= 9.223372036854775807e18L) return wrong(text, "at most 106751 d (292 years)");
  return Duration{std::llround(ns)};
}

std::string print_duration(Duration d) {
  if (d == Duration::max()) return "inf";
  const std::int64_t ns = d.count();
  if (ns == 0) return "0 s";
  const std::string sign = ns < 0 ? "-" : "";
  if (ns == std::numeric_limits<std::int64_t>::min()) return std::to_string(ns) + " ns";
  const std::int64_t size = std::abs(ns);
  for (const Unit& unit : kDurationUnits) {
    const auto factor = static_cast<std::int64_t>(unit.factor);
    const bool is_decimal = unit.factor <= 1e9;  // 1.5 min reads worse than 90 s
    if (size < factor || (!is_decimal && size % factor != 0)) continue;
    return sign + print_count(size, factor) + " " + std::string(unit.name);
  }
  return sign + std::to_string(size) + " ns";
}

Result<double> parse_bytes(std::string_view text) {
  return parse_quantity(text, kByteUnits, kBytesAllowed);
}

std::string print_bytes(double bytes) {
  std::string best = with_unit(bytes, "B");
  for (const Unit& unit : kByteUnits) {
    const double number = bytes / unit.factor;
    if (std::abs(number) < 1 || number * unit.factor != bytes) continue;
    if (std::string text = with_unit(number, unit.name); text.size() <= best.size()) best = text;
  }
  return best;
}

Result<double> parse_bandwidth(std::string_view text) {
  return parse_quantity(text, kBandwidthUnits, kBandwidthAllowed);
}

Result<double> parse_rate(std::string_view text) {
  const Result<Quantity> quantity = split_quantity(text);
  if (!quantity) return wrong(text, kRateAllowed);
  if (quantity->unit.empty() && quantity->number == 0) return 0.0;
  const std::optional<Unit> unit = find_unit(kRateUnits, quantity->unit);
  if (!unit) return wrong(text, kRateAllowed);
  return quantity->number / unit->factor;
}

std::string print_rate(double per_second) {
  std::string best = with_unit(per_second, "/s");
  for (const Unit& unit : kRateUnits) {
    const double number = per_second * unit.factor;
    if (number / unit.factor != per_second) continue;
    if (std::string text = with_unit(number, unit.name); text.size() < best.size()) best = text;
  }
  return best;
}

Result<double> parse_quantity(std::string_view text) {
  if (const Result<double> number = parse_number(text)) return number;
  if (const Result<Duration> time = parse_duration(text)) return to_seconds(*time);
  if (const Result<double> rate = parse_rate(text)) return rate;
  if (const Result<double> bytes = parse_bytes(text)) return bytes;
  return Error{"found \"" + std::string(text) +
               "\"; allowed a number, or a quantity such as \"40 ms\", \"2000 /s\" or \"64 KiB\""};
}

Result<double> parse_number(std::string_view text) {
  const Result<Quantity> quantity = split_quantity(text);
  if (!quantity) return wrong(text, kNumberAllowed);
  if (quantity->unit.empty()) return quantity->number;
  if (quantity->unit != "%") return wrong(text, kNumberAllowed);
  return quantity->number / 100;
}

std::string print_number(double value) {
  // Left to itself, to_chars writes 100000 as 1e+05.
  const double size = std::abs(value);
  const bool is_everyday = size == 0 || (size >= 1e-5 && size < 1e15);
  const auto format = is_everyday ? std::chars_format::fixed : std::chars_format::general;
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
  return {buffer.data(), end};
}

}  // namespace phoenix
