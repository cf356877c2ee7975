// Where to listen or connect: "127.0.0.1:7080", "[::1]:7080", "node-3.example:7001", "7080"
// (loopback). Plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "strategies/core/result.h"

namespace phoenix::net {

struct Address {
  std::string host;  // name or literal; IPv6 without brackets
  std::uint16_t port = 0;

  // The error names what was found and what is allowed.
  static Result<Address> parse(std::string_view text);
  std::string text() const;
  // 127.0.0.0/8, ::1 and "localhost"; names are not looked up.
  bool is_loopback() const;
  friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace phoenix::net
