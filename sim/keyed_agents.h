// The agents of one simulated node: which are awake and hold memory, which hibernate, which it has
// never seen. An agent is what serves one key of a service there, or the service itself where its
// agents hold no memory. An agent is there from its first request on; idle ones hibernate, longest
// idle first; a crash takes them all.
//
// Plain state, told the date; one thread. O(1) per request. Every agent the node has seen costs
// some 100 bytes of the simulator's memory until the node dies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "strategies/core/slab.h"
#include "strategies/core/time.h"

namespace phoenix::sim {

class KeyedAgents {
 public:
  // A request's hold on its agent.
  struct Hold {
    std::uint32_t agent = kNoIndex;
    std::uint32_t life = 0;
    bool is_held() const { return agent != kNoIndex; }
  };
  struct Entry {
    Hold hold;
    bool is_new = false;  // the first request to it
    bool wakes = false;   // it was asleep
    Time ready_at = kStart;
  };

  // One more request is under way at the agent, which wakes within `wake_time` where it was asleep.
  Entry enter(std::uint32_t service, std::uint64_t key, double memory_bytes, Duration wake_time,
              Time now);
  // The request has ended. Holds from before clear() are ignored.
  void leave(Hold hold, Time now);
  // Agents idle since `date` or before give their memory back. How many did.
  std::size_t hibernate(Time date);
  // Since when the longest idle one is so; kNever if none is. Only those with memory count.
  Time idle_since() const {
    return first_idle_ == kNoIndex ? kNever : agents_[first_idle_].idle_since;
  }
  void clear();

  double memory_bytes() const { return memory_bytes_; }
  std::size_t awake() const { return awake_; }
  std::size_t asleep() const { return agents_.size() - awake_; }

 private:
  struct Agent {
    double memory_bytes = 0;
    Time ready_at = kStart;
    Time idle_since = kStart;
    std::uint32_t under_way = 0;
    std::uint32_t previous = kNoIndex;  // among the idle, by the date they became so
    std::uint32_t next = kNoIndex;
    bool is_awake = true;
  };
  void link_idle(std::uint32_t agent);
  void unlink_idle(std::uint32_t agent);

  std::vector<Agent> agents_;
  std::vector<std::unordered_map<std::uint64_t, std::uint32_t>>
      by_key_;  // by service; never walked
  std::uint32_t first_idle_ = kNoIndex;
  std::uint32_t last_idle_ = kNoIndex;
  std::uint32_t life_ = 0;
  std::size_t awake_ = 0;
  double memory_bytes_ = 0;
};

}  // namespace phoenix::sim
