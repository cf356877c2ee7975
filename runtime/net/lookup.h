// Host names to numeric addresses, by the system's resolver. Literals need no resolver and start no
// thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "runtime/net/loop.h"
#include "runtime/net/socket.h"
#include "strategies/core/result.h"

namespace phoenix::net {

using Endpoints = Result<std::vector<Endpoint>>;  // one at least

// Blocks for names.
Endpoints look_up(Loop& loop, const Address& address);

// A lookup in the background; destroying it gives up, without callback. The loop's destructor waits
// for a query that the system has under way.
class Lookup {
 public:
  Lookup(Loop& loop, const Address& address, std::function<void(Endpoints)> done);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace phoenix::net
