// Seeded randomness. Every purpose has its own named stream ("arrivals", "balancer/0", ...), made
// from the seed and a hash of the name, so that changing one strategy never shifts another's draws.
// That is what makes paired comparisons under common random numbers work.
//
// One thread at a time per generator. Satisfies UniformRandomBitGenerator, so Boost.Random's
// distributions take it; std:: distributions differ between standard libraries and are not used.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include <pcg_random.hpp>

namespace phoenix {

// splitmix64 finaliser (Steele, Lea, Flood 2014): a bijection that scatters nearby inputs.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// FNV-1a, finished by mix64: the same on every machine, unlike std::hash.
constexpr std::uint64_t hash_text(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix64(h);
}

class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed, std::uint64_t stream = 0)
      : engine_(pcg_extras::pcg128_t{mix64(seed)} << 64 | mix64(seed ^ stream), stream) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() { return engine_(); }

  // Uniform in [0, n). REQUIRES: n > 0. Multiply-shift: bias below n / 2^64.
  std::uint64_t below(std::uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((Wide{engine_()} * n) >> 64);
  }

  // Uniform in [0, 1) with 53 random bits.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

  // Uniform in (0, 1]: safe to take the logarithm of.
  double uniform_positive() { return static_cast<double>((engine_() >> 11) + 1) * 0x1.0p-53; }

 private:
  pcg64 engine_;
};

// The family of streams of one run. Replication r of a seed shares nothing with replication r + 1.
class Streams {
 public:
  explicit Streams(std::uint64_t seed, std::uint32_t replication = 0)
      : root_(mix64(seed ^ mix64(replication))) {}

  Random named(std::string_view name) const { return Random(root_, hash_text(name)); }

  // For draws that belong to an entity's n-th event whatever the order of events ("link 3, message
  // 17").
  std::uint64_t at(std::string_view name, std::uint64_t entity, std::uint64_t n) const {
    return mix64(root_ ^ mix64(hash_text(name) ^ mix64(entity ^ mix64(n))));
  }

  // The same as a number in [0, 1), to hold against a probability.
  double chance_at(std::string_view name, std::uint64_t entity, std::uint64_t n) const {
    return static_cast<double>(at(name, entity, n) >> 11) * 0x1.0p-53;
  }

 private:
  std::uint64_t root_;
};

}  // namespace phoenix
