#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>

#include "scenarios/distribution.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/time.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

using Kind = Distribution::Kind;
using Unit = Distribution::Unit;

struct Form {
  std::string_view name;
  Kind kind;
  std::size_t least;  // values between the brackets
  std::size_t most;
  std::string_view usage;
};

constexpr std::array kForms = {
    Form{"constant", Kind::kConstant, 1, 1, "constant(VALUE)"},
    Form{"exponential", Kind::kExponential, 1, 1, "exponential(MEAN), MEAN above 0"},
    Form{"uniform", Kind::kUniform, 2, 2, "uniform(LOW, HIGH), LOW at most HIGH"},
    Form{"lognormal", Kind::kLognormal, 2, 2,
         "lognormal(MEDIAN, SPREAD), MEDIAN above 0 and SPREAD at least 1"},
    Form{"pareto", Kind::kPareto, 2, 3,
         "pareto(SMALLEST, SHAPE[, CAP]), SMALLEST and SHAPE above 0, CAP at least SMALLEST"},
    Form{"gamma", Kind::kGamma, 2, 2, "gamma(MEAN, SHAPE), both above 0"},
    Form{"hyperexponential", Kind::kHyperexponential, 2, 2,
         "hyperexponential(MEAN, SQUARED_CV), MEAN above 0 and SQUARED_CV at least 1"},
    Form{"empirical", Kind::kEmpirical, 1, 1, "empirical(FILE)"},
};

// Any more are more than a scenario needs, and more memory than it should take.
constexpr std::size_t kEmpiricalValuesMax = 10'000'000;

Error wrong(std::string_view found, std::string_view allowed) {
  std::string message = "found \"";
  message.append(found).append("\"; allowed ").append(allowed);
  return Error{std::move(message)};
}

// A quantity in base units, at least 0 and finite.
Result<double> parse_value(std::string_view text, Unit unit) {
  double value = 0;
  if (unit == Unit::kBytes) {
    const Result<double> bytes = parse_bytes(text);
    if (!bytes) return bytes;
    value = *bytes;
  } else {
    const Result<Duration> duration = parse_duration(text);
    if (!duration) return Error{duration.error()};
    if (*duration == Duration::max()) return wrong(text, "a finite duration");
    value = static_cast<double>(duration->count()) / 1e9;  // rounded once: 60 s is 60
  }
  if (value < 0) return wrong(text, unit == Unit::kBytes ? "0 B or more" : "0 s or more");
  return value;
}

const Form* find_form(std::string_view name) {
  const auto found = std::find_if(kForms.begin(), kForms.end(),
                                  [&](const Form& form) { return form.name == name; });
  return found == kForms.end() ? nullptr : &*found;
}

Error unknown_form(std::string_view name) {
  std::vector<std::string> names;
  for (const Form& form : kForms) names.emplace_back(form.name);
  return wrong(name, join_names(names) + did_you_mean(name, names));
}

std::vector<std::string_view> split_values(std::string_view inside) {
  std::vector<std::string_view> values;
  while (true) {
    const std::size_t comma = inside.find(',');
    values.push_back(trim(inside.substr(0, comma)));
    if (comma == std::string_view::npos) return values;
    inside.remove_prefix(comma + 1);
  }
}

// The first and a Pareto's third value, and a uniform's second, are quantities; the rest numbers.
Result<double> parse_parameter(const Form& form, std::size_t i, std::string_view text, Unit unit) {
  const bool is_quantity = i != 1 || form.kind == Kind::kUniform;
  return is_quantity ? parse_value(text, unit) : parse_number(text);
}

bool is_allowed(Kind kind, double a, double b, double cap) {
  switch (kind) {
    case Kind::kExponential:
      return a > 0;
    case Kind::kUniform:
      return a <= b;
    case Kind::kLognormal:
    case Kind::kHyperexponential:
      return a > 0 && b >= 1;
    case Kind::kPareto:
      return a > 0 && b > 0 && cap >= a;
    case Kind::kGamma:
      return a > 0 && b > 0;
    default:
      return true;
  }
}

Distribution make(Kind kind, double a, double b, double cap) {
  switch (kind) {
    case Kind::kExponential:
      return Distribution::exponential(a);
    case Kind::kUniform:
      return Distribution::uniform(a, b);
    case Kind::kLognormal:
      return Distribution::lognormal(a, b);
    case Kind::kPareto:
      return Distribution::pareto(a, b, cap);
    case Kind::kGamma:
      return Distribution::gamma(a, b);
    case Kind::kHyperexponential:
      return Distribution::hyperexponential(a, b);
    default:
      return Distribution::constant(a);
  }
}

Result<Distribution> parse_parametric(const Form& form, std::string_view inside,
                                      std::string_view text, Unit unit) {
  const std::vector<std::string_view> values = split_values(inside);
  if (values.size() < form.least || values.size() > form.most) return wrong(text, form.usage);
  std::array<double, 3> numbers = {0, 0, std::numeric_limits<double>::infinity()};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Result<double> number = parse_parameter(form, i, values[i], unit);
    if (!number) return Error{number.error()};
    numbers[i] = *number;
  }
  const auto [a, b, cap] = numbers;
  if (!is_allowed(form.kind, a, b, cap)) return wrong(text, form.usage);
  return make(form.kind, a, b, cap);
}

Result<double> parse_line(std::string_view line, Unit unit) {
  const Result<Quantity> quantity = split_quantity(line);
  if (!quantity || !quantity->unit.empty()) return parse_value(line, unit);
  if (quantity->number < 0) return wrong(line, "0 or more");
  return quantity->number;
}

Result<Distribution> read_empirical(std::string_view name, Unit unit, std::string_view folder) {
  if (name.empty()) return wrong("empirical()", "empirical(FILE)");
  // An absolute name replaces the folder.
  const std::string path = (std::filesystem::path(folder) / name).string();
  std::ifstream file(path);
  if (!file) return Error{"cannot read \"" + path + "\"; allowed a file with one value a line"};
  std::vector<double> values;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (trim(line).empty()) continue;
    const Result<double> value = parse_line(trim(line), unit);
    const std::string where = path + ":" + std::to_string(number) + ": ";
    if (!value) return Error{where + value.error()};
    if (values.size() == kEmpiricalValuesMax) {
      return Error{where + "found more values than the 10000000 allowed"};
    }
    values.push_back(*value);
  }
  if (values.empty()) return Error{path + ": found no values; allowed one value a line"};
  return Distribution::empirical(std::move(values), std::string(name));
}

}  // namespace

Result<Distribution> Distribution::parse(std::string_view text, Unit unit,
                                         std::string_view folder) {
  const std::string_view trimmed = trim(text);
  const std::size_t open = trimmed.find('(');
  if (open == std::string_view::npos) {
    const Result<double> value = parse_value(trimmed, unit);
    if (value) return constant(*value);
    if (const Form* form = find_form(trimmed)) return wrong(trimmed, form->usage);
    const bool is_word = !trimmed.empty() && std::isalpha(static_cast<unsigned char>(trimmed[0]));
    return is_word ? unknown_form(trimmed) : Error{value.error()};
  }
  const std::string_view name = trim(trimmed.substr(0, open));
  const Form* form = find_form(name);
  if (form == nullptr) return unknown_form(name);
  if (trimmed.back() != ')') return wrong(trimmed, form->usage);
  const std::string_view inside = trim(trimmed.substr(open + 1, trimmed.size() - open - 2));
  if (form->kind == Kind::kEmpirical) return read_empirical(inside, unit, folder);
  return parse_parametric(*form, inside, trimmed, unit);
}

}  // namespace phoenix
