// A port of loopback that stays this process's while servers in other processes come and go on it:
// bound here and never listened on, so the kernel gives it to nobody else, and who dials it while
// no server is there is refused.
#pragma once

#include <string>

#include "runtime/net/socket.h"
#include "strategies/core/result.h"

namespace phoenix::local {

struct ReservedPort {
  net::Descriptor socket;
  std::string address;  // "127.0.0.1:N"
};

Result<ReservedPort> reserve_port();

}  // namespace phoenix::local
