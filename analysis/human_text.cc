#include "analysis/human_text.h"

#include <cmath>

#include <fmt/format.h>

namespace phoenix {
namespace {

struct Scale {
  double unit_s;
  double below_s;
  const char* name;
};

constexpr Scale kScales[] = {{1e-9, 1e-6, "ns"}, {1e-6, 1e-3, "us"},      {1e-3, 1.0, "ms"},
                             {1.0, 600.0, "s"},  {60.0, 10'800.0, "min"}, {3600.0, 172'800.0, "h"}};
constexpr Scale kDays = {86'400.0, HUGE_VAL, "d"};

// Rounded first, so that 999.6 us is 1.00 ms and not 1000 us.
double round_to_three_digits(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double step = std::pow(10.0, std::floor(std::log10(std::abs(value))) - 2.0);
  return std::round(value / step) * step;
}

std::string three_digits(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  const int decimals = 2 - static_cast<int>(std::floor(std::log10(size * (1 + 1e-12))));
  return fmt::format("{:.{}f}", value, decimals > 0 ? decimals : 0);
}

std::string grouped(std::string digits) {
  const std::size_t start = digits.starts_with('-') ? 1 : 0;
  for (std::size_t i = digits.size(); i > start + 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

}  // namespace

std::string human_duration(double seconds) {
  if (std::isnan(seconds)) return "-";
  if (std::isinf(seconds)) return seconds > 0 ? "inf" : "-inf";
  const double rounded = round_to_three_digits(seconds);
  if (rounded == 0) return "0 s";
  const Scale* scale = &kDays;
  for (const Scale& candidate : kScales) {
    if (std::abs(rounded) < candidate.below_s * (1 - 1e-12)) {
      scale = &candidate;
      break;
    }
  }
  const double value = round_to_three_digits(seconds / scale->unit_s);
  return fmt::format("{} {}", three_digits(value), scale->name);
}

std::string human_count(std::uint64_t count) { return grouped(std::to_string(count)); }

std::string human_number(double value) {
  if (std::isnan(value)) return "-";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (std::abs(value) >= 999.5) return grouped(fmt::format("{:.0f}", value));
  const double rounded = round_to_three_digits(value);
  if (rounded != 0 && std::abs(rounded) < 1e-4) return fmt::format("{:.2e}", rounded);
  return three_digits(rounded);
}

std::string human_rate(double per_second) {
  return std::isnan(per_second) ? "-" : human_number(per_second) + " /s";
}

std::string human_share(double share, int digits) {
  if (std::isnan(share)) return "-";
  const double step = std::pow(10.0, -digits);
  double percent = share * 100;
  if (percent < 100 && percent > 100 - step) percent = 100 - step;
  return fmt::format("{:.{}f} %", percent, digits);
}

}  // namespace phoenix
