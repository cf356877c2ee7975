#include "strategies/core/settings.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::islower(static_cast<unsigned char>(c)) ||
           std::isdigit(static_cast<unsigned char>(c)) || c == '_';
  });
}

std::string print_flag(bool value) { return value ? "true" : "false"; }

std::string one_of(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

// Cuts `body` at the commas outside brackets; an empty answer means the brackets do not match.
std::vector<std::string_view> split_settings(std::string_view body) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '[') ++depth;
    if (body[i] == ']' && --depth < 0) return {};
    if (body[i] == ',' && depth == 0) {
      parts.push_back(body.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  if (depth != 0) return {};
  parts.push_back(body.substr(begin));
  return parts;
}

Status parse_settings_body(std::string_view body, SettingsText& text) {
  if (trim(body).empty()) return success();
  const auto parts = split_settings(body);
  if (parts.empty()) return Error{text.name + ": brackets do not match in " + quoted(body)};
  for (const std::string_view part : parts) {
    const std::size_t equals = part.find('=');
    const std::string_view key = trim(part.substr(0, equals));
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : trim(part.substr(equals + 1));
    if (!is_name(key) || value.empty()) {
      return Error{text.name + ": found " + quoted(trim(part)) + " where key=value is expected"};
    }
    for (const auto& [known, first] : text.settings) {
      if (known == key) {
        return Error{text.name + ": " + known + " is given twice, as " + quoted(first) + " and " +
                     quoted(value)};
      }
    }
    text.settings.emplace_back(key, value);
  }
  return success();
}

// Sets the visited values from their texts and keeps the first complaint.
class SettingReader : public SettingVisitor {
 public:
  explicit SettingReader(const SettingsText& text) : text_(text) {}

  void number(std::string_view key, double& value, double low, double high,
              std::string_view /*help*/) override {
    const std::string* found = find(key);
    if (found == nullptr) return;
    const Result<double> parsed = parse_number(*found);
    if (!parsed) return refuse(key, *found, parsed.error());
    if (!(*parsed >= low && *parsed <= high)) {
      return out_of_range(key, *found, print_number(low), print_number(high));
    }
    value = *parsed;
  }

  void integer(std::string_view key, int& value, int low, int high,
               std::string_view /*help*/) override {
    const std::string* found = find(key);
    if (found == nullptr) return;
    const Result<double> parsed = parse_number(*found);
    if (!parsed) return refuse(key, *found, parsed.error());
    if (!(*parsed >= low && *parsed <= high)) {
      return out_of_range(key, *found, std::to_string(low), std::to_string(high));
    }
    if (*parsed != std::floor(*parsed)) return refuse(key, *found, "must be a whole number");
    value = static_cast<int>(*parsed);
  }

  void duration(std::string_view key, Duration& value, Duration low, Duration high,
                std::string_view /*help*/) override {
    const std::string* found = find(key);
    if (found == nullptr) return;
    const Result<Duration> parsed = parse_duration(*found);
    if (!parsed) return refuse(key, *found, parsed.error());
    if (*parsed < low || *parsed > high) {
      return out_of_range(key, *found, print_duration(low), print_duration(high));
    }
    value = *parsed;
  }

  void flag(std::string_view key, bool& value, std::string_view /*help*/) override {
    const std::string* found = find(key);
    if (found == nullptr) return;
    if (*found != "true" && *found != "false") return refuse(key, *found, "must be true or false");
    value = *found == "true";
  }

  void choice(std::string_view key, int& value, std::span<const std::string_view> names,
              std::string_view /*help*/) override {
    const std::string* found = find(key);
    if (found == nullptr) return;
    const auto place = std::find(names.begin(), names.end(), *found);
    if (place == names.end()) {
      const std::vector<std::string> known(names.begin(), names.end());
      return refuse(key, *found, "must be " + one_of(names) + did_you_mean(*found, known));
    }
    value = static_cast<int>(place - names.begin());
  }

  void text(std::string_view key, std::string& value, std::string_view /*allowed*/,
            std::string_view /*help*/) override {
    if (const std::string* found = find(key)) value = *found;
  }

  void list(std::string_view key, std::vector<std::string>& value, std::string_view /*allowed*/,
            std::string_view /*help*/) override {
    const std::string* found = find(key);
    if (found == nullptr) return;
    Result<std::vector<std::string>> parsed = parse_list_text(*found);
    if (!parsed) return refuse(key, *found, parsed.error());
    value = std::move(*parsed);
  }

  void text(std::string_view key, std::string& value, const InFull& in_full,
            std::string_view /*allowed*/, std::string_view /*help*/) override {
    const std::string* found = find(key);
    const Result<std::string> full = in_full(found != nullptr ? *found : value);
    if (!full) return refuse(key, found != nullptr ? *found : value, full.error());
    value = *full;
  }

  Status verdict() const {
    for (const auto& [key, value] : text_.settings) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      if (known_.empty()) {
        return Error{text_.name + ": unknown setting " + quoted(key) + " (it has none)"};
      }
      return Error{text_.name + ": unknown setting " + quoted(key) +
                   " (known: " + join_names(known_) + ")" + did_you_mean(key, known_)};
    }
    if (!complaint_.empty()) return Error{complaint_};
    return success();
  }

 private:
  const std::string* find(std::string_view key) {
    known_.emplace_back(key);
    for (const auto& [name, value] : text_.settings) {
      if (name == key) return &value;
    }
    return nullptr;
  }

  void refuse(std::string_view key, std::string_view found, std::string_view why) {
    if (!complaint_.empty()) return;
    complaint_ = text_.name + ": " + std::string(key) + " = " + std::string(found) + ": ";
    complaint_ += why;
  }

  void out_of_range(std::string_view key, std::string_view found, const std::string& low,
                    const std::string& high) {
    refuse(key, found, "must be in [" + low + ", " + high + "]");
  }

  const SettingsText& text_;
  std::vector<std::string> known_;
  std::string complaint_;
};

class SettingLister : public SettingVisitor {
 public:
  void number(std::string_view key, double& value, double low, double high,
              std::string_view help) override {
    add(key, print_number(value), print_number(low) + " to " + print_number(high), help);
  }
  void integer(std::string_view key, int& value, int low, int high,
               std::string_view help) override {
    add(key, std::to_string(value), std::to_string(low) + " to " + std::to_string(high), help);
  }
  void duration(std::string_view key, Duration& value, Duration low, Duration high,
                std::string_view help) override {
    add(key, print_duration(value), print_duration(low) + " to " + print_duration(high), help);
  }
  void flag(std::string_view key, bool& value, std::string_view help) override {
    add(key, print_flag(value), "true or false", help);
  }
  void choice(std::string_view key, int& value, std::span<const std::string_view> names,
              std::string_view help) override {
    add(key, std::string(names[static_cast<std::size_t>(value)]), one_of(names), help);
  }
  void text(std::string_view key, std::string& value, std::string_view allowed,
            std::string_view help) override {
    add(key, value, std::string(allowed), help);
  }
  void list(std::string_view key, std::vector<std::string>& value, std::string_view allowed,
            std::string_view help) override {
    add(key, '[' + join_names(value) + ']', "a list of " + std::string(allowed), help);
  }
  void text(std::string_view key, std::string& value, const InFull& /*in_full*/,
            std::string_view allowed, std::string_view help) override {
    add(key, value, std::string(allowed), help);
  }

  std::vector<SettingInfo> settings;

 private:
  void add(std::string_view key, std::string value, std::string allowed, std::string_view help) {
    settings.push_back({std::string(key), std::move(value), std::move(allowed), std::string(help)});
  }
};

}  // namespace

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  char quote = '\0';
  for (const char c : text) {
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth <= 0) {
      parts.emplace_back();
      continue;
    }
    parts.back() += c;
  }
  for (std::string& part : parts) part = trim(part);
  return parts;
}

Result<SettingsText> parse_settings_text(std::string_view text) {
  const std::string_view whole = trim(text);
  const std::size_t open = whole.find('[');
  SettingsText parsed;
  parsed.name = trim(whole.substr(0, open));
  if (!is_name(parsed.name)) {
    return Error{"found " + quoted(whole) +
                 " where a strategy is expected, written name or name[key=value, ...]"};
  }
  if (open == std::string_view::npos) return parsed;
  if (whole.back() != ']') {
    return Error{parsed.name + ": the text " + quoted(whole) + " does not end with ]"};
  }
  const Status body = parse_settings_body(whole.substr(open + 1, whole.size() - open - 2), parsed);
  if (!body) return Error{body.error()};
  return parsed;
}

Result<std::vector<std::string>> parse_list_text(std::string_view text) {
  const std::string_view whole = trim(text);
  if (whole.empty() || whole.front() != '[') return std::vector<std::string>{std::string(whole)};
  if (whole.back() != ']') return Error{"a list that starts with [ ends with ]"};
  const std::string_view body = whole.substr(1, whole.size() - 2);
  std::vector<std::string> items;
  if (trim(body).empty()) return items;
  const auto parts = split_settings(body);
  if (parts.empty()) return Error{"brackets do not match"};
  for (const std::string_view part : parts) {
    if (trim(part).empty()) return Error{"an item of a list must not be empty"};
    items.emplace_back(trim(part));
  }
  return items;
}

Status apply_settings(const SettingsText& text, const VisitFunction& visit) {
  SettingReader reader(text);
  visit(reader);
  return reader.verdict();
}

std::string print_settings(std::string_view name, const VisitFunction& visit) {
  std::string text(name);
  char separator = '[';
  for (const SettingInfo& setting : list_settings(visit)) {
    text += separator;
    if (separator == ',') text += ' ';
    text += setting.key + '=' + setting.default_text;
    separator = ',';
  }
  if (separator == ',') text += ']';
  return text;
}

std::vector<SettingInfo> list_settings(const VisitFunction& visit) {
  SettingLister lister;
  visit(lister);
  return std::move(lister.settings);
}

Error unknown_strategy(std::string_view family, std::string_view name,
                       std::span<const std::string> known) {
  return Error{"unknown " + std::string(family) + " " + quoted(name) +
               " (known: " + join_names(known) + ")" + did_you_mean(name, known)};
}

}  // namespace phoenix
