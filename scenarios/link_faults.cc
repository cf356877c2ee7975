#include "scenarios/link_faults.h"

#include <cmath>

namespace phoenix {

LinkFaults::LinkFaults(const Streams& streams, std::uint32_t gateways, std::uint32_t nodes)
    : streams_(streams), gateways_(gateways), endpoints_(gateways + nodes) {}

bool LinkFaults::is_link_action(FaultAction action) {
  switch (action) {
    case FaultAction::kDelay:
    case FaultAction::kBandwidth:
    case FaultAction::kLoss:
    case FaultAction::kCut:
    case FaultAction::kClog:
      return true;
    default:
      return false;
  }
}

LinkFate LinkFaults::fate(std::uint32_t from, std::uint32_t to, std::uint64_t message,
                          bool sending) {
  bool is_lost = false;
  Effect* clog = nullptr;
  double delay_ns = 0;
  for (Effect& effect : effects_) {
    const bool meets_both = effect.from[from] != 0 && effect.to[to] != 0;
    const bool meets_one = effect.from[from] != 0 || effect.to[to] != 0;
    if (effect.action == FaultAction::kBandwidth ? !meets_one : !meets_both) continue;
    switch (effect.action) {
      case FaultAction::kCut:
        is_lost = true;
        break;
      case FaultAction::kClog:
        if (clog == nullptr) clog = &effect;
        break;
      case FaultAction::kLoss:
        if (!sending || streams_.chance_at("loss", effect.id, message) >= effect.magnitude) {
          continue;
        }
        is_lost = true;
        break;
      case FaultAction::kDelay:
        if (!sending) continue;
        delay_ns += static_cast<double>(effect.delay.count());
        if (effect.jitter.count() > 0) {
          delay_ns -= static_cast<double>(effect.jitter.count()) *
                      std::log1p(-streams_.chance_at("delay", effect.id, message));
        }
        break;
      default:
        if (!sending) continue;
        break;
    }
    ++affected_[effect.id];
  }
  if (clog != nullptr && !is_lost) {
    if (clog->room == 0) return {LinkFate::Kind::kLost};
    --clog->room;
    return {LinkFate::Kind::kHeld, 0, clog->id};
  }
  if (is_lost) return {LinkFate::Kind::kLost};
  return {LinkFate::Kind::kPasses, delay_ns};
}

double LinkFaults::bandwidth_factor(std::uint32_t endpoint) const {
  double factor = 1.0;
  for (const Effect& effect : effects_) {
    if (effect.action == FaultAction::kBandwidth && effect.from[endpoint] != 0) {
      factor *= effect.magnitude;
    }
  }
  return factor;
}

std::vector<std::uint8_t> LinkFaults::endpoint_set(const std::vector<Endpoint>& endpoints) const {
  std::vector<std::uint8_t> set(endpoints_, 0);
  for (const Endpoint& endpoint : endpoints) {
    const std::uint32_t place = endpoint.is_gateway ? endpoint.number : gateways_ + endpoint.number;
    if (place < endpoints_) set[place] = 1;
  }
  return set;
}

void LinkFaults::begin(const FaultEvent& event) {
  if (event.effect >= affected_.size()) affected_.resize(event.effect + 1, 0);
  effects_.push_back({event.effect, event.action, endpoint_set(event.from), endpoint_set(event.to),
                      event.magnitude, event.duration2, event.jitter, event.capacity});
}

void LinkFaults::step(const FaultEvent& event) {
  for (Effect& effect : effects_) {
    if (effect.id != event.effect) continue;
    effect.magnitude = event.magnitude;
    effect.delay = event.duration2;
    effect.jitter = event.jitter;
  }
}

void LinkFaults::end(std::uint32_t effect) {
  std::erase_if(effects_, [effect](const Effect& known) { return known.id == effect; });
}

std::uint64_t LinkFaults::affected(std::uint32_t effect) const {
  return effect < affected_.size() ? affected_[effect] : 0;
}

}  // namespace phoenix
