// Fuzz target of the HTTP parser; ./dev fuzz builds and runs it. The first byte of an input says
// whether the rest is read as requests or as responses.
#include "tests/fuzz/http_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  phoenix::http::property::Depth depth;
  phoenix::http::property::check_input({reinterpret_cast<const char*>(data), size}, depth);
  return 0;
}
