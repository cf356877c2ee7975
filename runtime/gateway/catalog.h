// What a configuration offers, by number: services, their classes, and which host and path leads
// where. Numbers survive reloads: a known name keeps its number, new names are added behind, and
// what a reload drops stays as a number that nobody serves. So whoever looked a number up before a
// reload may use it after.
//
// Immutable once made, shared by all threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/gateway/config.h"
#include "strategies/core/ids.h"

namespace phoenix::gateway {

class Catalog {
 public:
  struct Service {
    std::string name;
    std::string balancer;
    Protocol protocol = Protocol::kFrames;
    ClassId first_class{0};
    bool is_offered = true;  // false: dropped by a reload
  };
  struct Class {
    std::string name;
    ServiceId service{0};
    Duration deadline{0};
    Duration attempt_timeout = Duration::max();
  };

  // `before` may be null.
  static std::shared_ptr<const Catalog> make(const GatewayConfig& config, const Catalog* before);

  const std::vector<Service>& services() const { return services_; }
  const std::vector<Class>& classes() const { return classes_; }

  // An empty class is the service's first. False where there is none of that name on offer.
  bool find(std::string_view service, std::string_view request_class, ServiceId& service_id,
            ClassId& class_id) const;
  bool find_service(std::string_view service, ServiceId& id) const;

  // The most specific host, then the longest path prefix (whole segments) wins. `host` may carry a
  // port; `path` may carry a query.
  bool route(std::string_view host, std::string_view path, ServiceId& service,
             ClassId& request_class) const;

  // Whether a Router made for `other` also serves this catalog.
  bool has_same_shape(const Catalog& other) const;

 private:
  struct Route {
    std::string host;  // in lower case; "" is any, ".example.org" any name below it
    std::string path;
    ServiceId service{0};
    ClassId request_class{0};
  };
  void add(const ServiceConfig& config);
  void add_routes(const GatewayConfig& config);

  std::vector<Service> services_;
  std::vector<Class> classes_;
  std::map<std::string, ServiceId, std::less<>> by_name_;
  std::map<std::pair<ServiceId, std::string>, ClassId> class_by_name_;
  std::vector<Route> routes_;  // in the order they are tried
};

}  // namespace phoenix::gateway
