// Signals of the process as events of a loop.
#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "runtime/net/reactor.h"
#include "runtime/net/socket.h"

namespace phoenix::net {

// A pipe that a signal handler writes to. Signals go back to their default with it.
class SignalPipe {
 public:
  SignalPipe(Reactor& reactor, std::initializer_list<int> signals,
             std::function<void(int)> handler);
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

 private:
  class Reader;

  std::vector<int> signals_;
  Descriptor into_;
  boost::intrusive_ptr<Reader> reader_;
};

}  // namespace phoenix::net
