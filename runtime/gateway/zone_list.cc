#include "runtime/gateway/zone_list.h"

#include <algorithm>

namespace phoenix::gateway {

ZoneList::ZoneList(const GatewayConfig& config) {
  number(config.zone);
  for (const std::string& zone : config.gateway_zones) number(zone);
}

ZoneId ZoneList::number(const std::string& zone) {
  if (zone.empty()) return kNoZone;
  const auto found = std::ranges::find(names_, zone);
  const auto place = static_cast<std::size_t>(found - names_.begin());
  if (found == names_.end()) {
    if (names_.size() == kMax) return kNoZone;
    names_.push_back(zone);
  }
  return id_at<ZoneId>(place);
}

Surroundings surroundings(const GatewayConfig& config) {
  Surroundings around;
  if (config.zone.empty()) return around;
  ZoneList zones(config);
  around.home = zones.number(config.zone);
  const std::vector<std::string> alone = {config.zone};
  const std::vector<std::string>& all = config.gateway_zones.empty() ? alone : config.gateway_zones;
  for (const std::string& zone : all) {
    const std::size_t place = index(zones.number(zone));
    if (place >= ZoneList::kMax) continue;
    if (place >= around.caller_shares.size()) around.caller_shares.resize(place + 1);
    around.caller_shares[place] += 1.0 / static_cast<double>(all.size());
  }
  return around;
}

}  // namespace phoenix::gateway
