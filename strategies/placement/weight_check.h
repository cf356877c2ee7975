// Entries of placers whose weights must sum to 1: the check of each setting alone cannot see that.
#pragma once

#include <cmath>
#include <string>
#include <utility>

#include "strategies/core/settings.h"
#include "strategies/core/units.h"

namespace phoenix {

// Options have `double sum() const`, of the weights.
template <class Product, class Strategy, class Options>
StrategyEntry<Product> weighted_entry(std::string name, std::string summary) {
  using Made = typename StrategyEntry<Product>::Made;
  StrategyEntry<Product> entry =
      strategy_entry<Product, Strategy, Options>(name, std::move(summary));
  entry.make = [name, make = entry.make](const SettingsText& text) -> Result<Made> {
    Options options;
    const Status applied = apply_settings(text, [&](SettingVisitor& v) { options.visit(v); });
    if (!applied) return Error{applied.error()};
    if (std::abs(options.sum() - 1) > 1e-9) {
      return Error{name + ": the weights sum to " + print_number(options.sum()) + ": must be 1"};
    }
    return make(text);
  };
  return entry;
}

}  // namespace phoenix
