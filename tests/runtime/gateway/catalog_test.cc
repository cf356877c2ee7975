// Which host and path leads where.
#include "runtime/gateway/catalog.h"

#include <gtest/gtest.h>

namespace phoenix::gateway {
namespace {

class Routes : public ::testing::Test {
 protected:
  Routes() {
    for (const char* name : {"shop", "shop_any", "wild", "root", "any_api"}) {
      ServiceConfig service;
      service.name = name;
      service.classes.emplace_back();
      config_.services.push_back(service);
    }
    config_.routes = {{"", "/", "root", ""},
                      {"", "/api", "any_api", ""},
                      {"*.example.org", "/", "wild", ""},
                      {"shop.example.org", "/", "shop_any", ""},
                      {"shop.example.org", "/cart/", "shop", ""}};
    catalog_ = Catalog::make(config_, nullptr);
  }
  std::string find(std::string_view host, std::string_view path) {
    ServiceId service{0};
    ClassId request_class{0};
    if (!catalog_->route(host, path, service, request_class)) return "none";
    return catalog_->services()[index(service)].name;
  }
  GatewayConfig config_;
  std::shared_ptr<const Catalog> catalog_;
};

TEST_F(Routes, TheMostSpecificHostWinsThenTheLongestPath) {
  EXPECT_EQ(find("shop.example.org", "/cart/1"), "shop");
  EXPECT_EQ(find("shop.example.org", "/api"), "shop_any");
  EXPECT_EQ(find("www.example.org", "/api"), "wild");
  EXPECT_EQ(find("elsewhere", "/api/x"), "any_api");
  EXPECT_EQ(find("elsewhere", "/"), "root");
}

TEST_F(Routes, PathsMatchWholeSegmentsAndQueriesDoNotMatter) {
  EXPECT_EQ(find("x", "/api"), "any_api");
  EXPECT_EQ(find("x", "/apis"), "root");
  EXPECT_EQ(find("x", "/api?x=/"), "any_api");
  EXPECT_EQ(find("shop.example.org", "/cart"), "shop_any");
}

TEST_F(Routes, HostsCompareWithoutCaseAndPort) {
  EXPECT_EQ(find("SHOP.Example.org:8080", "/cart/"), "shop");
  EXPECT_EQ(find("example.org", "/"), "root");
  EXPECT_EQ(find("[::1]:80", "/api"), "any_api");
}

TEST_F(Routes, WithoutARouteThereIsNone) {
  config_.routes.erase(config_.routes.begin());
  catalog_ = Catalog::make(config_, nullptr);
  EXPECT_EQ(find("x", "/other"), "none");
}

}  // namespace
}  // namespace phoenix::gateway
