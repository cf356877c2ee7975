// Runs a loop until something has happened; the limit is only there so that a broken test ends.
#pragma once

#include <chrono>

#include "runtime/net/loop.h"

namespace phoenix::node {

template <class Condition>
[[nodiscard]] bool serve_until(net::Loop& loop, Condition condition) {
  const Time limit = loop.now() + std::chrono::seconds(20);
  while (!condition() && loop.now() < limit) {
    loop.run_until(loop.now() + std::chrono::milliseconds(1));
  }
  return condition();
}

}  // namespace phoenix::node
