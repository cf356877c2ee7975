// One question to an HTTP server: are you well? Connects, and where a path is given asks for it on
// that connection; 2xx and 3xx are well. Destroying it gives up, without callback; not within its
// callback. On the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/net/connect.h"

namespace phoenix::gateway {

class HttpHealthCheck {
 public:
  struct Question {
    net::Address address;
    std::string path;  // empty: connecting is enough
    Duration timeout;
    net::DialSettings dial;
  };
  // `done` is called once, from the loop; the error says why the server is not well.
  HttpHealthCheck(net::Loop& loop, const Question& question,
                  std::function<void(const Status&)> done);
  ~HttpHealthCheck();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phoenix::gateway
