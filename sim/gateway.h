// One simulated gateway: the Router it runs (the production code) and the CPU its messages cost.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/scenario.h"
#include "strategies/router_driver.h"

namespace phoenix::sim {

// Cores that handle messages of equal cost first come first served, so a message's end is known
// when it comes.
class MessageCpu {
 public:
  explicit MessageCpu(const Gateway& settings)
      : free_at_(static_cast<std::size_t>(settings.cores), kStart),
        cost_(settings.cpu_per_message),
        longest_wait_(settings.cpu_per_message * settings.backlog / settings.cores) {}

  bool is_free_of_charge() const { return cost_.count() == 0; }
  // More messages wait than the backlog allows.
  bool is_full(Time now) const { return free_at_[next_] - now > longest_wait_; }
  // When a message that comes now has been handled.
  Time handle(Time now) {
    Time& free = free_at_[next_];
    next_ = next_ + 1 == free_at_.size() ? 0 : next_ + 1;
    free = (free > now ? free : now) + cost_;
    return free;
  }

 private:
  std::vector<Time> free_at_;  // equal costs: cores become free in turn
  std::size_t next_ = 0;
  Duration cost_;
  Duration longest_wait_;
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
