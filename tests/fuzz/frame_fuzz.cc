// Fuzz target of the frame and message decoders; ./dev fuzz builds and runs it.
#include "tests/fuzz/frame_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  phoenix::wire::property::Depth depth;
  phoenix::wire::property::check_input({reinterpret_cast<const char*>(data), size}, depth);
  return 0;
}
