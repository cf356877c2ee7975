// The zones of a cluster by number, for balancers that keep requests near: those of the gateways
// first, others as their nodes come. Numbers are this process's own and never given out again.
//
// One thread.
#pragma once

#include <string>
#include <vector>

#include "runtime/gateway/config.h"
#include "strategies/balancing/node_pool.h"

namespace phoenix::gateway {

class ZoneList {
 public:
  static constexpr std::size_t kMax = 64;  // as many as zone_aware tells apart

  explicit ZoneList(const GatewayConfig& config);

  // kNoZone: no name, or one beyond the first kMax.
  ZoneId number(const std::string& zone);

 private:
  std::vector<std::string> names_;
};

// Where a gateway is, in the numbers that a ZoneList of the same configuration gives. Where the
// configuration does not list the gateways, this one is alone.
Surroundings surroundings(const GatewayConfig& config);

}  // namespace phoenix::gateway
