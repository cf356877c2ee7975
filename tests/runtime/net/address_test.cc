#include "runtime/net/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phoenix::net {
namespace {

using testing::HasSubstr;

TEST(Address, ReadsHostsLiteralsAndPortsAlone) {
  EXPECT_EQ(*Address::parse("127.0.0.1:7080"), (Address{"127.0.0.1", 7080}));
  EXPECT_EQ(*Address::parse("[::1]:7080"), (Address{"::1", 7080}));
  EXPECT_EQ(*Address::parse("node-3.example:0"), (Address{"node-3.example", 0}));
  EXPECT_EQ(*Address::parse("7080"), (Address{"127.0.0.1", 7080}));
  EXPECT_EQ(*Address::parse("0.0.0.0:65535"), (Address{"0.0.0.0", 65535}));
}

TEST(Address, ReadsItsOwnText) {
  for (const char* text : {"127.0.0.1:1", "[fe80::1]:65535", "some.host:80"}) {
    EXPECT_EQ(Address::parse(text)->text(), text);
  }
}

TEST(Address, RefusesWhatIsNoneAndNamesIt) {
  for (const char* text : {"", "host", "host:", ":80", "host:65536", "host:-1", "host:8x", "::1:80",
                           "[::1]", "[::g]:80", "a b:80", "[]:80", "host:80:80", "ho/st:80"}) {
    const auto parsed = Address::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error(), HasSubstr("\"" + std::string(text) + "\""));
    EXPECT_THAT(parsed.error(), HasSubstr("0 to 65535"));
  }
}

TEST(Address, KnowsLoopbackWithoutLookingNamesUp) {
  for (const char* host : {"127.0.0.1", "127.255.0.3", "::1", "localhost"}) {
    EXPECT_TRUE((Address{host, 1}.is_loopback())) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "localhost.example", ""}) {
    EXPECT_FALSE((Address{host, 1}.is_loopback())) << host;
  }
}

}  // namespace
}  // namespace phoenix::net
