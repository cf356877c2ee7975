#include "strategies/scaling/nested.h"

#include <algorithm>

#include "strategies/registry.h"

namespace phoenix {
namespace {

// How many scalers stand inside each other in `text`, counted no further than `limit`.
int depth_of(std::string_view text, int limit) {
  const Result<SettingsText> parsed = parse_settings_text(text);
  if (!parsed || limit <= 0) return 0;
  if (parsed->name != "composite" && parsed->name != "hybrid") return 1;
  int deepest = 0;
  for (const auto& [key, value] : parsed->settings) {
    const Result<std::vector<std::string>> items = parse_list_text(value);
    if (!items) continue;
    for (const std::string& item : *items) deepest = std::max(deepest, depth_of(item, limit - 1));
  }
  return 1 + deepest;
}

}  // namespace

Result<std::unique_ptr<Scaler>> make_nested(std::string& text) {
  // The scaler it is made for stands around it.
  if (depth_of(text, kDeepestNesting) >= kDeepestNesting) {
    return Error{"scalers may be nested " + std::to_string(kDeepestNesting) + " deep at most"};
  }
  Result<MadeScaler> made = make_scaler(text);
  if (!made) return Error{made.error()};
  text = made->text;
  return std::move(made->strategy);
}

Duration shortest_interval(std::span<const std::unique_ptr<Scaler>> scalers) {
  Duration shortest{0};
  for (const auto& scaler : scalers) {
    const Duration interval = scaler->interval();
    if (interval <= Duration{0}) continue;
    if (shortest == Duration{0} || interval < shortest) shortest = interval;
  }
  return shortest;
}

}  // namespace phoenix
