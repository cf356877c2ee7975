#include "runtime/node/synthetic_body.h"

#include "strategies/core/random.h"

namespace phoenix::node {
namespace {

constexpr std::size_t kFillerBlock = 64 * 1024;

template <class T>
void append_little_endian(T value, std::string& out) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

template <class T>
T read_little_endian(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>((value << 8) | static_cast<unsigned char>(bytes[i]));
  }
  return value;
}

std::string make_filler() {
  Random random(1);
  std::string block;
  while (block.size() < kFillerBlock) append_little_endian(random(), block);
  return block;
}

}  // namespace

void append_filler(std::size_t size, std::string& body) {
  static const std::string block = make_filler();
  body.reserve(body.size() + size);
  for (; size > block.size(); size -= block.size()) body += block;
  body.append(block, 0, size);
}

void encode_synthetic(const SyntheticBody& work, std::size_t size, std::string& body) {
  append_little_endian(work.work_ns, body);
  append_little_endian(work.response_bytes, body);
  append_little_endian(work.memory_kib, body);
  if (size > kSyntheticBytes) append_filler(size - kSyntheticBytes, body);
}

std::optional<SyntheticBody> decode_synthetic(std::string_view body) {
  if (body.size() < kSyntheticBytesMin) return std::nullopt;
  SyntheticBody work{read_little_endian<std::uint64_t>(body),
                     read_little_endian<std::uint32_t>(body.substr(8)), 0};
  if (body.size() >= kSyntheticBytes) {
    work.memory_kib = read_little_endian<std::uint32_t>(body.substr(12));
  }
  return work;
}

}  // namespace phoenix::node
