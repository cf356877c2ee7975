// Amounts of what an agent needs and a node has, one slot per kind of resource. Whole numbers, so
// that what is reserved and released again leaves exactly nothing.
//
// Plain values. A kind that is not mentioned is 0: nothing needed, nothing there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "strategies/core/result.h"

namespace phoenix {

enum class Resource : std::uint8_t { kCpu, kMemory, kNetwork, kDisk, kGpu };
inline constexpr std::size_t kResourceKinds = 5;

constexpr std::string_view to_text(Resource resource) {
  constexpr std::string_view kNames[] = {"cpu", "memory", "network", "disk", "gpu"};
  return kNames[static_cast<std::size_t>(resource)];
}

// Thousandths of a core, bytes, bytes per second, bytes, thousandths of a GPU. Sums over a cluster
// stay exact in a double as well.
using Amount = std::int64_t;
inline constexpr Amount kMaxAmount = Amount{1} << 52;

struct Resources {
  std::array<Amount, kResourceKinds> amounts{};

  Amount& operator[](Resource r) { return amounts[static_cast<std::size_t>(r)]; }
  Amount operator[](Resource r) const { return amounts[static_cast<std::size_t>(r)]; }
  Amount& operator[](std::size_t r) { return amounts[r]; }
  Amount operator[](std::size_t r) const { return amounts[r]; }
  Resources& operator+=(const Resources& other);
  Resources& operator-=(const Resources& other);
  friend Resources operator+(Resources a, const Resources& b) { return a += b; }
  friend Resources operator-(Resources a, const Resources& b) { return a -= b; }
  bool operator==(const Resources&) const = default;
};

// An amount from cores, bytes, bytes per second or GPUs, rounded up to the base unit. Negative,
// infinite, unknown and absurdly large (above 2^52) values are errors.
Result<Amount> to_amount(Resource resource, double value);

// Every amount lies in [0, 2^52].
Status check_resources(const Resources& resources, std::string_view what);

// need <= room for every kind.
bool fits(const Resources& need, const Resources& room);

// "cpu 1.5, memory 64 MiB"; kinds that are 0 are left out, "nothing" where all are.
std::string print_resources(const Resources& resources);

}  // namespace phoenix
