#include "strategies/forecasting/forecaster.h"

#include <cassert>

namespace phoenix {

std::unique_ptr<Forecaster> make_known_forecaster(
    const ForecasterEntry& entry, std::vector<std::pair<std::string, std::string>> settings) {
  Result<MadeForecaster> made = entry.make({entry.name, std::move(settings)});
  assert(made.ok());
  return std::move(made->strategy);
}

}  // namespace phoenix
