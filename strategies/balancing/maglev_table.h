// The lookup table of Maglev (Eisenbud et al., NSDI 2016): every node has a permutation of the
// slots of its own, and the nodes take turns in claiming the next free slot of theirs. Shares are
// nearly equal; when a node leaves, most slots keep their owner, though not all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace phoenix {

// The slots offset, offset + skip, offset + 2 * skip, ... modulo the table's size.
struct MaglevSeat {
  std::uint64_t offset = 0;  // below the size
  std::uint64_t skip = 1;    // in [1, size)
  double weight = 1.0;       // turns compared to the others'
};

MaglevSeat maglev_seat(std::uint64_t identity, std::size_t table_size, double weight);

// Writes to every slot the number of the seat that owns it. O(slots log slots) expected for equal
// weights. REQUIRES: at least one seat, a prime number of slots, weights > 0.
void fill_maglev(std::span<const MaglevSeat> seats, std::span<std::uint32_t> table);

bool is_prime(std::uint64_t n);

}  // namespace phoenix
