#include "sim/keyed_agents.h"

#include <cassert>

namespace phoenix::sim {

KeyedAgents::Entry KeyedAgents::enter(std::uint32_t service, std::uint64_t key, double memory_bytes,
                                      Duration wake_time, Time now) {
  if (by_key_.size() <= service) by_key_.resize(service + 1);
  const auto [place, is_new] =
      by_key_[service].try_emplace(key, static_cast<std::uint32_t>(agents_.size()));
  const std::uint32_t id = place->second;
  if (is_new) {
    agents_.emplace_back().memory_bytes = memory_bytes;
    memory_bytes_ += memory_bytes;
    ++awake_;
  }
  Agent& agent = agents_[id];
  const bool wakes = !agent.is_awake;
  if (wakes) {
    agent.is_awake = true;
    agent.ready_at = now + wake_time;
    memory_bytes_ += agent.memory_bytes;
    ++awake_;
  } else if (agent.under_way == 0 && !is_new) {
    unlink_idle(id);
  }
  ++agent.under_way;
  return {{id, life_}, is_new, wakes, agent.ready_at};
}

void KeyedAgents::leave(Hold hold, Time now) {
  if (!hold.is_held() || hold.life != life_) return;
  Agent& agent = agents_[hold.agent];
  assert(agent.under_way > 0);
  if (--agent.under_way > 0) return;
  agent.idle_since = now;
  link_idle(hold.agent);
}

std::size_t KeyedAgents::hibernate(Time date) {
  std::size_t count = 0;
  while (first_idle_ != kNoIndex && agents_[first_idle_].idle_since <= date) {
    Agent& agent = agents_[first_idle_];
    unlink_idle(first_idle_);
    agent.is_awake = false;
    memory_bytes_ -= agent.memory_bytes;
    --awake_;
    ++count;
  }
  return count;
}

void KeyedAgents::clear() {
  agents_.clear();
  by_key_.clear();
  first_idle_ = last_idle_ = kNoIndex;
  awake_ = 0;
  memory_bytes_ = 0;
  ++life_;
}

void KeyedAgents::link_idle(std::uint32_t id) {
  Agent& agent = agents_[id];
  if (agent.memory_bytes == 0) return;
  agent.previous = last_idle_;
  agent.next = kNoIndex;
  (last_idle_ == kNoIndex ? first_idle_ : agents_[last_idle_].next) = id;
  last_idle_ = id;
}

void KeyedAgents::unlink_idle(std::uint32_t id) {
  Agent& agent = agents_[id];
  if (agent.memory_bytes == 0) return;
  (agent.previous == kNoIndex ? first_idle_ : agents_[agent.previous].next) = agent.next;
  (agent.next == kNoIndex ? last_idle_ : agents_[agent.next].previous) = agent.previous;
  agent.previous = agent.next = kNoIndex;
}

}  // namespace phoenix::sim
