#include "runtime/admin/changes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include <nlohmann/json.hpp>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix::admin {
namespace {

using nlohmann::json;

std::string shown(const json& value) {
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  constexpr std::size_t kMost = 60;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

// The members of a JSON object, each taken once; finish() tells of the first that was wrong, or was
// nobody's.
class Members {
 public:
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

  void whole(const std::string& key, int& value) {
    take(key, false, "a whole number", [&](const json& member) {
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
      const Result<Duration> parsed = parse_duration(quantity(member));
      if (parsed) value = *parsed;
      return parsed.ok();
    });
  }

  template <class Size>
  void bytes(const std::string& key, Size& value) {
    take(key, false, R"(a size such as "4 KiB")", [&](const json& member) {
      const Result<double> parsed = parse_bytes(quantity(member));
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
  static std::string quantity(const json& member) {
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

Status set_state(const std::string& name, const std::string& state,
                 gateway::GatewayControl& control) {
  if (state == "draining") return control.drain_node(name);
  if (state == "up") return control.undrain_node(name);
  return Error{"state: found " + shown(state) + R"(; allowed "draining", "up")"};
}

int hex_digit(char c) {
  int value = -1;
  std::from_chars(&c, &c + 1, value, 16);
  return value;
}

}  // namespace

Status set_strategy(std::string_view body, gateway::GatewayControl& control) {
  Members members(body);
  std::string service, balancer;
  members.text("service", service, true);
  members.text("balancer", balancer, true);
  if (Status read = members.finish(); !read) return read;
  return control.set_balancer(service, balancer);
}

Status set_knobs(std::string_view body, gateway::Knobs knobs, gateway::GatewayControl& control) {
  Members members(body);
  members.whole("batch_size", knobs.batch_size);
  members.duration("batch_delay", knobs.batch_delay);
  members.bytes("compress_above", knobs.compress_above);
  members.whole("pool_size", knobs.pool_size);
  members.whole("http_pool_size", knobs.http_pool_size);
  members.bytes("socket_buffer", knobs.socket_buffer);
  members.flag("direct_routing", knobs.direct_routing);
  if (Status read = members.finish(); !read) return read;
  return control.set_knobs(knobs);
}

Status change_node(const std::string& name, std::string_view body,
                   gateway::GatewayControl& control) {
  Members members(body);
  std::string state, service;
  double weight = 1;
  const bool is_weight = members.has("weight") || members.has("service");
  if (is_weight) {
    members.text("service", service, true);
    members.number("weight", weight);
  } else {
    members.text("state", state, true);
  }
  if (Status read = members.finish(); !read) return read;
  return is_weight ? control.set_weight(name, service, weight) : set_state(name, state, control);
}

Result<std::string> decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const bool has_two = text.size() - i > 2;
    const int high = has_two ? hex_digit(text[i + 1]) : -1;
    const int low = has_two ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return Error{"found % in the path; allowed before two hex digits"};
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

}  // namespace phoenix::admin
