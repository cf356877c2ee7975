// The hash by which strategies place a request. A request without a key has no place of its own:
// it gets a random one, and with it a node in proportion to what the nodes own.
#pragma once

#include <cstdint>

#include "strategies/balancing/node_pool.h"
#include "strategies/core/random.h"
#include "strategies/core/request.h"

namespace phoenix {

inline std::uint64_t request_hash(const RequestInfo& request, Random& random) {
  return request.has_key ? mix64(request.key) : random();
}

// What moves keys: members and their weights.
inline constexpr PoolEventMask kMembershipEvents = mask_of(PoolEvent::Kind::kEntered) |
                                                   mask_of(PoolEvent::Kind::kLeft) |
                                                   mask_of(PoolEvent::Kind::kWeight);

}  // namespace phoenix
