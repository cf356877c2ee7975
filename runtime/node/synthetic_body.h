// What a request for synthetic work says in its body: the load source writes it, the `synthetic`
// handler reads it. Pure functions.
//
// Layout, little endian: u64 work in ns at speed 1, u32 bytes of the response's body, u32 KiB held
// on the node while the request is there (may be left out), then padding up to the size the request
// shall have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace phoenix::node {

struct SyntheticBody {
  std::uint64_t work_ns = 0;
  std::uint32_t response_bytes = 0;
  std::uint32_t memory_kib = 0;
  bool operator==(const SyntheticBody&) const = default;
};

inline constexpr std::size_t kSyntheticBytes = 16;
inline constexpr std::size_t kSyntheticBytesMin = 12;

// Appends max(size, kSyntheticBytes) bytes to `body`.
void encode_synthetic(const SyntheticBody& work, std::size_t size, std::string& body);

// nullopt where there are fewer than kSyntheticBytesMin.
std::optional<SyntheticBody> decode_synthetic(std::string_view body);

// `size` bytes that do not compress, the same every time: what synthetic bodies are made of.
void append_filler(std::size_t size, std::string& body);

}  // namespace phoenix::node
