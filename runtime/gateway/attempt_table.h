// Attempts under way by their id: open addressing with linear probing, a few nanoseconds each way
// and no allocation while it does not grow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "strategies/core/random.h"
#include "strategies/core/request.h"

namespace phoenix::gateway {

template <class T>
class AttemptTable {
 public:
  // REQUIRES: `id` is not in the table.
  T& add(AttemptId id, T value) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    std::size_t i = home(id);
    while (slots_[i].id != kNoAttempt) i = next(i);
    slots_[i] = {id, std::move(value)};
    ++size_;
    return slots_[i].value;
  }

  T* find(AttemptId id) {
    if (size_ == 0) return nullptr;
    for (std::size_t i = home(id); slots_[i].id != kNoAttempt; i = next(i)) {
      if (slots_[i].id == id) return &slots_[i].value;
    }
    return nullptr;
  }

  // Later ones of the same run move up, so that no gaps are left to step over.
  void erase(AttemptId id) {
    if (size_ == 0) return;
    std::size_t gap = home(id);
    while (slots_[gap].id != id) {
      if (slots_[gap].id == kNoAttempt) return;
      gap = next(gap);
    }
    for (std::size_t i = next(gap); slots_[i].id != kNoAttempt; i = next(i)) {
      const std::size_t wanted = home(slots_[i].id);
      const bool may_stay =
          gap <= i ? (gap < wanted && wanted <= i) : (gap < wanted || wanted <= i);
      if (may_stay) continue;
      slots_[gap] = std::move(slots_[i]);
      gap = i;
    }
    slots_[gap] = Slot{};
    --size_;
  }

  std::size_t size() const { return size_; }

  // In rising order.
  template <class Predicate>
  std::vector<AttemptId> ids_where(Predicate predicate) const {
    std::vector<AttemptId> ids;
    for (const Slot& slot : slots_) {
      if (slot.id != kNoAttempt && predicate(slot.value)) ids.push_back(slot.id);
    }
    std::ranges::sort(ids);
    return ids;
  }

 private:
  struct Slot {
    AttemptId id = kNoAttempt;
    T value{};
  };
  std::size_t home(AttemptId id) const { return mix64(id) & (slots_.size() - 1); }
  std::size_t next(std::size_t i) const { return (i + 1) & (slots_.size() - 1); }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.id == kNoAttempt) continue;
      std::size_t i = home(slot.id);
      while (slots_[i].id != kNoAttempt) i = next(i);
      slots_[i] = std::move(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace phoenix::gateway
