#include "runtime/node/hibernation.h"

#include <lz4.h>
#include <malloc.h>

namespace phoenix::node {

Result<SleepingState> SleepingState::take(Handler& handler) {
  Result<std::string> state = handler.snapshot();
  if (!state) return Error{state.error()};
  if (state->empty()) return Error{"it keeps no state"};
  if (state->size() > kMax) return Error{"its state is too long"};
  SleepingState asleep;
  asleep.size_ = state->size();
  const int size = static_cast<int>(state->size());
  std::string compressed(static_cast<std::size_t>(LZ4_compressBound(size)), '\0');
  const int got = LZ4_compress_default(state->data(), compressed.data(), size,
                                       static_cast<int>(compressed.size()));
  if (got > 0 && got < size) {
    compressed.resize(static_cast<std::size_t>(got));
    compressed.shrink_to_fit();
    asleep.bytes_ = std::move(compressed);
  } else {
    asleep.bytes_ = std::move(*state);
  }
  *state = {};
  compressed = {};
  handler.clear();
  ::malloc_trim(0);  // many small pieces, which the allocator would keep
  return asleep;
}

Status SleepingState::give_back(Handler& handler) const {
  if (bytes_.size() == size_) return handler.restore(bytes_);
  std::string state(size_, '\0');
  const int got = LZ4_decompress_safe(bytes_.data(), state.data(), static_cast<int>(bytes_.size()),
                                      static_cast<int>(size_));
  if (got < 0 || static_cast<std::size_t>(got) != size_) return Error{"its state is damaged"};
  return handler.restore(state);
}

}  // namespace phoenix::node
