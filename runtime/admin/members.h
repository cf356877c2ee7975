// The members of a JSON object that an operator has sent, each taken once; finish() tells of the
// first that was wrong, or was nobody's. One thread at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "strategies/core/nearest_name.h"
#include "strategies/core/result.h"
#include "strategies/core/units.h"

namespace phoenix::admin {

// A value as an error shows it.
inline std::string shown(const nlohmann::json& value) {
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  constexpr std::size_t kMost = 60;
  std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

class Members {
 public:
  using json = nlohmann::json;

  explicit Members(std::string_view body) : object_(json::parse(body, nullptr, false)) {
    if (object_.is_discarded()) {
      error_ = "found a body that is not JSON; allowed one JSON object";
    } else if (!object_.is_object()) {
      error_ = "found " + shown(object_) + "; allowed one JSON object";
    }
  }

  bool has(const std::string& key) {
    if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
    return error_.empty() && object_.contains(key);
  }

  void text(const std::string& key, std::string& value, bool is_required = false) {
    take(key, is_required, "a text", [&](const json& member) {
      if (!member.is_string()) return false;
      value = member.get<std::string>();
      return true;
    });
  }

  void flag(const std::string& key, bool& value) {
    take(key, false, "true or false", [&](const json& member) {
      if (!member.is_boolean()) return false;
      value = member.get<bool>();
      return true;
    });
  }

  void number(const std::string& key, double& value) {
    take(key, true, "a number", [&](const json& member) {
      if (!member.is_number()) return false;
      value = member.get<double>();
      return true;
    });
  }

  // A number, or a text with a unit: "40 ms", "2000 /s", "64 KiB", "99.9%"; in base units.
  void quantity(const std::string& key, double& value) {
    take(key, true, R"(a number, or a quantity such as "40 ms" or "2000 /s")",
         [&](const json& member) {
           if (member.is_number()) {
             value = member.get<double>();
             return true;
           }
           const Result<double> parsed =
               member.is_string() ? parse_quantity(member.get<std::string>()) : Error{""};
           if (parsed) value = *parsed;
           return parsed.ok();
         });
  }

  // Names of all members, for bodies whose keys are names themselves.
  std::vector<std::string> keys() const {
    std::vector<std::string> all;
    if (!error_.empty()) return all;
    for (const auto& [key, value] : object_.items()) all.push_back(key);
    return all;
  }

  void whole(const std::string& key, int& value, bool is_required = false) {
    take(key, is_required, "a whole number", [&](const json& member) {
      const double number = member.is_number() ? member.get<double>() : 0.5;
      if (number != std::floor(number) || std::abs(number) > std::numeric_limits<int>::max()) {
        return false;
      }
      value = static_cast<int>(number);
      return true;
    });
  }

  void duration(const std::string& key, Duration& value) {
    take(key, false, R"(a time such as "200 us")", [&](const json& member) {
      const Result<Duration> parsed = parse_duration(written(member));
      if (parsed) value = *parsed;
      return parsed.ok();
    });
  }

  template <class Size>
  void bytes(const std::string& key, Size& value) {
    take(key, false, R"(a size such as "4 KiB")", [&](const json& member) {
      const Result<double> parsed = parse_bytes(written(member));
      const bool fits = parsed && *parsed >= 0 && *parsed <= std::numeric_limits<int>::max();
      if (fits) value = static_cast<Size>(*parsed);
      return fits;
    });
  }

  Status finish() {
    if (!error_.empty()) return Error{error_};
    for (const auto& [key, value] : object_.items()) {
      if (std::ranges::find(known_, key) != known_.end()) continue;
      return Error{"found key " + shown(key) + "; allowed " + join_names(known_) +
                   did_you_mean(key, known_)};
    }
    return success();
  }

 private:
  static std::string written(const json& member) {
    if (member.is_string()) return member.get<std::string>();
    return member.is_number() && member.get<double>() == 0 ? "0" : "";
  }

  template <class Take>
  void take(const std::string& key, bool is_required, const std::string& allowed, Take take_it) {
    const bool is_there = has(key);
    if (!error_.empty()) return;
    if (!is_there) {
      if (is_required) error_ = "found no " + key + "; allowed " + allowed;
      return;
    }
    const json& member = object_[key];
    if (!take_it(member)) error_ = key + ": found " + shown(member) + "; allowed " + allowed;
  }

  json object_;
  std::vector<std::string> known_;
  std::string error_;
};

}  // namespace phoenix::admin
