// Strategy texts, `name[key=value, ...]`: how a scenario, a command line and a record write a
// strategy.
//
// A strategy describes its settings once, in a `visit` function of its options struct:
//
//   struct PeakEwmaOptions {
//     Duration decay = std::chrono::seconds(10);
//     void visit(SettingVisitor& v) {
//       v.duration("decay", decay, milliseconds(100), hours(1), "how fast an old latency peak is
//       forgotten");
//     }
//   };
//
// Reading, range checks, printing in full and `phoenix list` all come from that one description.
// Unknown, repeated and out-of-range keys are errors that name key, value and bound.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

class SettingVisitor {
 public:
  virtual ~SettingVisitor() = default;
  // Bounds are inclusive. `value` holds the default on entry.
  virtual void number(std::string_view key, double& value, double low, double high,
                      std::string_view help) = 0;
  virtual void integer(std::string_view key, int& value, int low, int high,
                       std::string_view help) = 0;
  virtual void duration(std::string_view key, Duration& value, Duration low, Duration high,
                        std::string_view help) = 0;
  virtual void flag(std::string_view key, bool& value, std::string_view help) = 0;
  // `value` is an index into `names`.
  virtual void choice(std::string_view key, int& value, std::span<const std::string_view> names,
                      std::string_view help) = 0;
  // Free text, such as a name or a nested strategy text. Never empty; `allowed` says what it holds.
  virtual void text(std::string_view key, std::string& value, std::string_view allowed,
                    std::string_view help) = 0;
  // Texts written `[a, b[c=1], d]`, or one alone without the brackets; `[]` is the empty list.
  virtual void list(std::string_view key, std::vector<std::string>& value, std::string_view allowed,
                    std::string_view help) = 0;
  // A strategy inside this one: `in_full` checks its text and prints it back in full; `allowed` is
  // what `phoenix list` says, "a balancer".
  using InFull = std::function<Result<std::string>(std::string_view)>;
  virtual void text(std::string_view key, std::string& value, const InFull& in_full,
                    std::string_view allowed, std::string_view help) = 0;
};

// One setting as `phoenix list` shows it.
struct SettingInfo {
  std::string key;
  std::string default_text;
  std::string allowed;  // "0.1 to 2", "true or false", "a, b or c"
  std::string help;
};

// The syntax tree of a strategy text. Values may hold nested texts: commas and equal signs inside
// brackets belong to the value.
struct SettingsText {
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings;
};
Result<SettingsText> parse_settings_text(std::string_view text);

// The texts of `[a, b[c=1], d]`; a text that does not start with a bracket is a list of one.
Result<std::vector<std::string>> parse_list_text(std::string_view text);

// The parts of `a, b[c=1, d], "e,f"` between commas that stand in no bracket and no quotes,
// trimmed.
std::vector<std::string> split_at_commas(std::string_view text);

using VisitFunction = std::function<void(SettingVisitor&)>;

// Applies `text.settings` to the visited values; the error names the strategy, key, value and
// bound.
Status apply_settings(const SettingsText& text, const VisitFunction& visit);

// `name[key=value, ...]` with every setting, or just `name` where there are none. Parses back to
// equal values.
std::string print_settings(std::string_view name, const VisitFunction& visit);

std::vector<SettingInfo> list_settings(const VisitFunction& visit);

// One line of a family's registry: what a strategy is called, what it is for, and how to make one.
template <class Product>
struct StrategyEntry {
  std::string name;
  std::string summary;  // one line for `phoenix list`
  std::function<std::vector<SettingInfo>()> settings;
  struct Made {
    std::unique_ptr<Product> strategy;
    std::string text;  // printed back in full
  };
  std::function<Result<Made>(const SettingsText&)> make;
};

// Builds the entry of a strategy whose constructor takes its options. Options whose values must fit
// each other say so in a `Status check() const`, whose error is told under the strategy's name.
//   BalancerEntry p2c() { return strategy_entry<Balancer, P2c, P2cOptions>("p2c", "best of two
//   ..."); }
template <class Product, class Strategy, class Options>
StrategyEntry<Product> strategy_entry(std::string name, std::string summary) {
  StrategyEntry<Product> entry{name, std::move(summary), {}, {}};
  entry.settings = [] {
    Options options;
    return list_settings([&](SettingVisitor& v) { options.visit(v); });
  };
  entry.make = [name](const SettingsText& text) -> Result<typename StrategyEntry<Product>::Made> {
    Options options;
    const VisitFunction visit = [&](SettingVisitor& v) { options.visit(v); };
    if (Status applied = apply_settings(text, visit); !applied) return Error{applied.error()};
    if constexpr (requires { options.check(); }) {
      if (Status fits = options.check(); !fits) return Error{name + ": " + fits.error()};
    }
    return typename StrategyEntry<Product>::Made{std::make_unique<Strategy>(options),
                                                 print_settings(name, visit)};
  };
  return entry;
}

// For strategies without settings.
struct NoOptions {
  void visit(SettingVisitor&) {}
};

Error unknown_strategy(std::string_view family, std::string_view name,
                       std::span<const std::string> known);

// Finds the entry named in `text` and makes the strategy.
template <class Product>
Result<typename StrategyEntry<Product>::Made> make_strategy(
    std::string_view family, std::span<const StrategyEntry<Product>> entries,
    std::string_view text) {
  Result<SettingsText> parsed = parse_settings_text(text);
  if (!parsed) return Error{parsed.error()};
  std::vector<std::string> known;
  for (const auto& entry : entries) {
    if (entry.name == parsed->name) return entry.make(*parsed);
    known.push_back(entry.name);
  }
  return unknown_strategy(family, parsed->name, known);
}

}  // namespace phoenix
