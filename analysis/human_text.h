// Quantities as people read them: three significant digits, a fitting unit, thousands grouped.
// Every function gives "-" for NaN.
#pragma once

#include <cstdint>
#include <string>

namespace phoenix {

std::string human_duration(double seconds);         // "12.4 ms", "1.05 s", "24.0 h"
std::string human_count(std::uint64_t count);       // "1,234,567"
std::string human_number(double value);             // "0.0453", "12.3", "1,234,567"
std::string human_rate(double per_second);          // "397 /s", "10,300 /s"
std::string human_share(double share, int digits);  // "99.963 %"; "100 %" only for a whole 1

}  // namespace phoenix
