#include "runtime/node/synthetic_body.h"

#include "runtime/wire/bytes.h"
#include "strategies/core/random.h"

namespace phoenix::node {
namespace {

constexpr std::size_t kFillerBlock = 64 * 1024;

std::string make_filler() {
  Random random(1);
  std::string block;
  while (block.size() < kFillerBlock) wire::append(block, random());
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
  wire::append(body, work.work_ns);
  wire::append(body, work.response_bytes);
  wire::append(body, work.memory_kib);
  if (size > kSyntheticBytes) append_filler(size - kSyntheticBytes, body);
}

std::optional<SyntheticBody> decode_synthetic(std::string_view body) {
  wire::Reader reader(body);
  SyntheticBody work;
  work.work_ns = reader.number<std::uint64_t>();
  work.response_bytes = reader.number<std::uint32_t>();
  if (!reader.ok()) return std::nullopt;
  work.memory_kib = reader.number<std::uint32_t>();
  return work;
}

}  // namespace phoenix::node
