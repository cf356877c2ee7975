// One simulated gateway: the Router it runs (the production code) and the CPU its messages cost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "scenarios/scenario.h"
#include "strategies/router_driver.h"

namespace phoenix::sim {

// Cores that handle messages first come first served, so a message's end is known when it comes.
// While all cost the same, cores become free in turn; the first other cost makes a heap of them.
class MessageCpu {
 public:
  explicit MessageCpu(const Gateway& settings)
      : free_at_(static_cast<std::size_t>(settings.cores), kStart),
        cost_(settings.cpu_per_message),
        longest_wait_(settings.cpu_per_message * settings.backlog / settings.cores) {}

  bool is_free_of_charge() const { return cost_.count() == 0; }
  // More messages wait than the backlog allows.
  bool is_full(Time now) const {
    return (is_heap_ ? free_at_[0] : free_at_[next_]) - now > longest_wait_;
  }
  // When a message that comes now has been handled.
  Time handle(Time now) {
    if (is_heap_) return handle(now, cost_);
    Time& free = free_at_[next_];
    next_ = next_ + 1 == free_at_.size() ? 0 : next_ + 1;
    free = (free > now ? free : now) + cost_;
    busy_ += cost_;
    return free;
  }
  // The same for work that costs something else.
  Time handle(Time now, Duration cost) {
    if (!is_heap_) std::make_heap(free_at_.begin(), free_at_.end(), std::greater<>{});
    is_heap_ = true;
    std::pop_heap(free_at_.begin(), free_at_.end(), std::greater<>{});
    Time& free = free_at_.back();
    free = (free > now ? free : now) + cost;
    busy_ += cost;
    const Time end = free;
    std::push_heap(free_at_.begin(), free_at_.end(), std::greater<>{});
    return end;
  }
  Duration cost() const { return cost_; }
  // Core time of all that was handled, or is yet to be.
  Duration busy() const { return busy_; }

 private:
  std::vector<Time> free_at_;
  std::size_t next_ = 0;
  bool is_heap_ = false;
  Duration cost_;
  Duration longest_wait_;
  Duration busy_{0};
};

class World;

// What the simulated world does for one gateway's Router.
struct GatewayPort {
  World* world;
  std::uint32_t gateway;

  void send(const RouterAction& action);
  void answer(const RouterAction& action);
  void probe(const RouterAction& action);
  void arm(Time date);
};

struct SimGateway {
  RouterDriver<GatewayPort> routing;
  MessageCpu cpu;
};

}  // namespace phoenix::sim
