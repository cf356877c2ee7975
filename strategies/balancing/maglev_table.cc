#include "strategies/balancing/maglev_table.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "strategies/core/random.h"

namespace phoenix {

bool is_prime(std::uint64_t n) {
  if (n < 2) return false;
  for (std::uint64_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

MaglevSeat maglev_seat(std::uint64_t identity, std::size_t table_size, double weight) {
  const std::uint64_t first = mix64(identity);
  const std::uint64_t second = mix64(~first);
  return {first % table_size, second % (table_size - 1) + 1, weight};
}

void fill_maglev(std::span<const MaglevSeat> seats, std::span<std::uint32_t> table) {
  assert(!seats.empty() && is_prime(table.size()));
  constexpr std::uint32_t kFree = ~0U;
  std::fill(table.begin(), table.end(), kFree);
  double heaviest = 0;
  for (const MaglevSeat& seat : seats) heaviest = std::max(heaviest, seat.weight);
  struct Progress {
    std::uint64_t slot;
    double turns = 0;
  };
  std::vector<Progress> progress;
  progress.reserve(seats.size());
  for (const MaglevSeat& seat : seats) progress.push_back({seat.offset});
  for (std::size_t left = table.size();;) {
    for (std::size_t i = 0; i < seats.size(); ++i) {
      Progress& mine = progress[i];
      mine.turns += seats[i].weight / heaviest;
      if (mine.turns < 1) continue;
      mine.turns -= 1;
      while (table[mine.slot] != kFree) {
        mine.slot += seats[i].skip;
        if (mine.slot >= table.size()) mine.slot -= table.size();
      }
      table[mine.slot] = static_cast<std::uint32_t>(i);
      if (--left == 0) return;
    }
  }
}

}  // namespace phoenix
