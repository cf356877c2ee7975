// A pool of records addressed by 32-bit place, with a free list: memory follows what is alive at
// once. Unlike Slab, records never move, so references to live ones hold; and a place's serial
// tells its present record from earlier ones.
#pragma once

#include <cassert>
#include <cstdint>
#include <deque>
#include <vector>

namespace phoenix::gateway {

template <class T>
class Pool {
 public:
  // `serial << 32 | place`; never all ones.
  std::uint64_t acquire() {
    std::uint32_t place = 0;
    if (free_.empty()) {
      place = static_cast<std::uint32_t>(items_.size());
      items_.emplace_back();
    } else {
      place = free_.back();
      free_.pop_back();
    }
    Item& item = items_[place];
    item.is_live = true;
    item.serial = next_serial_;
    next_serial_ = next_serial_ == kLastSerial ? 1 : next_serial_ + 1;
    return (std::uint64_t{item.serial} << 32) | place;
  }

  void release(std::uint64_t id) {
    assert(find(id) != nullptr);
    Item& item = items_[place_of(id)];
    item.value = T{};
    item.is_live = false;
    free_.push_back(place_of(id));
  }

  // Null where the record has been released.
  T* find(std::uint64_t id) {
    const std::uint32_t place = place_of(id);
    if (place >= items_.size()) return nullptr;
    Item& item = items_[place];
    return item.is_live && item.serial == id >> 32 ? &item.value : nullptr;
  }
  T& operator[](std::uint64_t id) {
    assert(find(id) != nullptr);
    return items_[place_of(id)].value;
  }

  std::size_t live() const { return items_.size() - free_.size(); }

  // In rising place. O(capacity).
  template <class Predicate>
  std::vector<std::uint64_t> ids_where(Predicate predicate) const {
    std::vector<std::uint64_t> ids;
    for (std::uint32_t i = 0; i < items_.size(); ++i) {
      const Item& item = items_[i];
      if (item.is_live && predicate(item.value))
        ids.push_back((std::uint64_t{item.serial} << 32) | i);
    }
    return ids;
  }

 private:
  static constexpr std::uint32_t kLastSerial = 0xfffffffeU;
  struct Item {
    T value{};
    std::uint32_t serial = 0;
    bool is_live = false;
  };
  static std::uint32_t place_of(std::uint64_t id) { return static_cast<std::uint32_t>(id); }

  std::deque<Item> items_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_serial_ = 1;
};

}  // namespace phoenix::gateway
