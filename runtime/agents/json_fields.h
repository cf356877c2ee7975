// Fields of an object that another process sent: absent or of another type is as good as empty.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace phoenix {

inline double number_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

inline std::uint64_t count_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

inline std::string text_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// An object or array; null where there is none.
inline const nlohmann::json& part_of(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kNone;
  const auto found = object.find(key);
  return found != object.end() && found->is_structured() ? *found : kNone;
}

}  // namespace phoenix
