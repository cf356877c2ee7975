// Scalers made of scalers: building them from nested strategy texts. A text cannot name itself, so
// there are no cycles; how deep texts may nest is limited here.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "strategies/scaling/scaler.h"

namespace phoenix {

inline constexpr int kDeepestNesting = 4;

// Makes the scaler and writes `text` in full. Error also where scalers are nested in it too deep.
Result<std::unique_ptr<Scaler>> make_nested(std::string& text);

// The shortest interval among those that have one; 0 where none has.
Duration shortest_interval(std::span<const std::unique_ptr<Scaler>> scalers);

}  // namespace phoenix
