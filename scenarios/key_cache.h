// The keys one node remembers of one service, least recently used forgotten first: the model behind
// service.cache_keys, which makes a keyed request cheaper where its key was served lately. Knows
// keys, not what is behind them. One thread. O(1) expected; memory O(capacity), taken when made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace phoenix {

class KeyCache {
 public:
  // 0 remembers nothing.
  explicit KeyCache(std::size_t capacity) : capacity_(capacity) {
    entries_.reserve(capacity);
    places_.reserve(capacity);
  }

  // Whether the key was there. It is the most recently used one now.
  bool touch(std::uint64_t key) {
    if (capacity_ == 0) return false;
    if (const auto found = places_.find(key); found != places_.end()) {
      unlink(found->second);
      link_first(found->second);
      return true;
    }
    std::uint32_t place = static_cast<std::uint32_t>(entries_.size());
    if (entries_.size() < capacity_) {
      entries_.push_back({key, kNone, kNone});
    } else {
      place = last_;
      unlink(place);
      places_.erase(entries_[place].key);
      entries_[place].key = key;
    }
    places_.emplace(key, place);
    link_first(place);
    return false;
  }

  void clear() {
    entries_.clear();
    places_.clear();
    first_ = last_ = kNone;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::uint32_t kNone = ~0U;
  struct Entry {
    std::uint64_t key;
    std::uint32_t before, after;
  };

  void unlink(std::uint32_t place) {
    const Entry& entry = entries_[place];
    (entry.before == kNone ? first_ : entries_[entry.before].after) = entry.after;
    (entry.after == kNone ? last_ : entries_[entry.after].before) = entry.before;
  }
  void link_first(std::uint32_t place) {
    entries_[place].before = kNone;
    entries_[place].after = first_;
    (first_ == kNone ? last_ : entries_[first_].before) = place;
    first_ = place;
  }

  std::size_t capacity_;
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::uint32_t> places_;
  std::uint32_t first_ = kNone;
  std::uint32_t last_ = kNone;
};

}  // namespace phoenix
