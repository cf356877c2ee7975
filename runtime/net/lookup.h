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
Endpoints look_up(const Address& address);

// A lookup in the background, in glibc's own threads, of which it keeps a few; destroying it gives
// up, without callback. A query under way may outlive the loop.
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
