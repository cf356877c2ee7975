// Dates and times as logs and traces write them.
#pragma once

#include <cstdint>
#include <string_view>

#include "strategies/core/result.h"

namespace phoenix {

// Whether the text starts like a date: "2023-11-16...".
bool looks_like_date(std::string_view text);

// "2023-11-16 18:15:46.6805900", "2023-11-16T18:15", "2023-11-16T18:15:46Z", "...+02:00": in
// nanoseconds since 1970, years 1700 to 2200. Digits beyond the ninth are cut off. Without a zone,
// UTC. The error says what was found and what is allowed.
Result<std::int64_t> parse_date_time(std::string_view text);

}  // namespace phoenix
