#include "runtime/gateway/lab_config.h"

#include <algorithm>

namespace phoenix::gateway {

GatewayConfig lab_config(const Scenario& scenario, int number, std::string token) {
  GatewayConfig config;
  config.name = "gateway-" + std::to_string(number);
  config.threads = 1;
  config.http = "127.0.0.1:0";
  config.frames = "127.0.0.1:0";
  config.admin = "";
  config.token = std::move(token);
  config.token_file = "lab";  // there is one; read already
  config.lab = true;
  config.zone = gateway_zone(scenario, number);
  for (int g = 0; g < scenario.gateway.count; ++g) {
    config.gateway_zones.push_back(gateway_zone(scenario, g));
  }
  config.router = scenario.router;
  config.knobs = scenario.knobs;
  config.expected_nodes = node_names(scenario);
  config.max_nodes = std::max(config.max_nodes, static_cast<int>(config.expected_nodes.size()));
  config.forget_node = std::chrono::hours(24);
  for (const Service& service : scenario.services) {
    ServiceConfig& out = config.services.emplace_back();
    out.name = service.name;
    out.balancer = scenario.strategies.balancer;
    out.classes.clear();
    for (const RequestClass& one : service.classes) {
      out.classes.push_back({one.name, one.deadline, one.attempt_timeout});
    }
  }
  config.routes.push_back({"", "/", config.services.front().name, ""});
  config.path = scenario.path;
  return config;
}

}  // namespace phoenix::gateway
