// Quantities written as text with their unit: "50 ms", "8 GiB", "10 Gbps", "2000 /s", "0.17 /h".
// Used by strategy settings and scenario files alike, so a unit means the same everywhere.
//
// Parsing returns an error that says what was found and which units exist; printing picks the
// shortest form that parses back to the same value.
#pragma once

#include <string>
#include <string_view>

#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

// ns us ms s min h d. A bare number is an error, except 0. "inf" is Duration::max().
Result<Duration> parse_duration(std::string_view text);
std::string print_duration(Duration d);

// B, kB MB GB TB (powers of 1000), KiB MiB GiB TiB (powers of 1024); result in bytes.
Result<double> parse_bytes(std::string_view text);
std::string print_bytes(double bytes);

// bps kbps Mbps Gbps Tbps (bits), B/s kB/s MB/s GB/s, KiB/s MiB/s GiB/s; result in bytes per
// second.
Result<double> parse_bandwidth(std::string_view text);

// "/s", "/min", "/h", "/d"; result per second.
Result<double> parse_rate(std::string_view text);
std::string print_rate(double per_second);

// A finite decimal number; "12%" is 0.12.
Result<double> parse_number(std::string_view text);

// Any of these by its unit, in base units, or a plain number.
Result<double> parse_quantity(std::string_view text);

// The shortest decimal text that reads back as exactly `value`.
std::string print_number(double value);

// Splits "10 ms" into number and unit word; the unit may touch the number. Shared by the parsers
// above.
struct Quantity {
  double number = 0;
  std::string_view unit;
};
Result<Quantity> split_quantity(std::string_view text);

std::string_view trim(std::string_view text);

}  // namespace phoenix
