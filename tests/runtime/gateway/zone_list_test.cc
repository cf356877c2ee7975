// Zones by number, and where a gateway is among them.
#include "runtime/gateway/zone_list.h"

#include <gtest/gtest.h>

namespace phoenix::gateway {
namespace {

TEST(ZoneList, GatewaysZonesComeFirstAndOthersAsTheyAreSeen) {
  GatewayConfig config;
  config.zone = "b";
  config.gateway_zones = {"a", "b", "c"};
  ZoneList zones(config);
  EXPECT_EQ(zones.number("b"), ZoneId{0});
  EXPECT_EQ(zones.number("a"), ZoneId{1});
  EXPECT_EQ(zones.number("c"), ZoneId{2});
  EXPECT_EQ(zones.number("z"), ZoneId{3});
  EXPECT_EQ(zones.number("z"), ZoneId{3});
  EXPECT_EQ(zones.number(""), kNoZone);
}

TEST(ZoneList, BeyondItsBoundZonesAreNotToldApart) {
  ZoneList zones({});
  for (std::size_t i = 0; i < ZoneList::kMax; ++i) {
    EXPECT_EQ(zones.number(std::to_string(i)), id_at<ZoneId>(i));
  }
  EXPECT_EQ(zones.number("one more"), kNoZone);
  EXPECT_EQ(zones.number("0"), ZoneId{0});
}

TEST(ZoneList, SharesOfCallersAreThoseOfTheGateways) {
  GatewayConfig config;
  EXPECT_EQ(surroundings(config).home, kNoZone);
  config.zone = "b";
  EXPECT_EQ(surroundings(config).home, ZoneId{0});
  EXPECT_EQ(surroundings(config).caller_shares, std::vector<double>{1.0});
  config.gateway_zones = {"a", "b", "a", "a"};
  EXPECT_EQ(surroundings(config).home, ZoneId{0});
  EXPECT_EQ(surroundings(config).caller_shares, (std::vector{0.25, 0.75}));
}

}  // namespace
}  // namespace phoenix::gateway
