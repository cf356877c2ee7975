// Plug-ins with one flaw each, named by a compile definition.
#include <stdexcept>

#include "runtime/node/handler.h"

namespace {

class Throwing final : public phoenix::node::Handler {
 public:
  void handle(phoenix::node::Call) override { throw std::runtime_error("not today"); }
  phoenix::Result<std::string> snapshot() override { throw std::runtime_error("not today"); }
  phoenix::Status restore(std::string_view) override { throw std::runtime_error("not today"); }
};

}  // namespace

extern "C" {

#ifndef PLUGIN_NO_ABI
extern const int phoenix_handler_abi;
#ifdef PLUGIN_WRONG_ABI
const int phoenix_handler_abi = phoenix::node::kHandlerAbi + 1;
#else
const int phoenix_handler_abi = phoenix::node::kHandlerAbi;
#endif
#endif

#ifndef PLUGIN_NO_MAKER
phoenix::node::Handler* phoenix_make_handler(const char*, char*, std::size_t) {
  return new Throwing;
}
#endif
}
