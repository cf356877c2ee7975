#include <algorithm>

#include "runtime/gateway/config_schema.h"
#include "runtime/provision/provisioner.h"
#include "scenarios/toml_overrides.h"
#include "strategies/core/nearest_name.h"

namespace phoenix::gateway {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string unknown(std::string_view name, const std::vector<std::string>& known) {
  return "found " + quoted(name) + "; allowed " + join_names(known) + did_you_mean(name, known);
}

class Checker {
 public:
  Checker(const GatewayConfig& config, schema::Reader& reader) : config_(config), reader_(reader) {}

  void check() {
    schema::check_router(config_.router, reader_);
    check_listener("http", config_.http);
    check_listener("frames", config_.frames);
    check_listener("admin", config_.admin);
    expect(!config_.http.empty() || !config_.frames.empty(), "http",
           "found no listener for requests; allowed an address for http, frames or both");
    check_tls("tls", config_.tls);
    check_tls("upstream_tls", config_.upstream_tls);
    check_lab();
    check_zones();
    check_provision();
    check_services();
    for (std::size_t i = 0; i < config_.routes.size(); ++i) check_route(i);
  }

 private:
  void expect(bool is_fine, const std::string& key, const std::string& message) {
    if (!is_fine && !reader_.is_wrong(key)) reader_.report(key, message);
  }

  void check_listener(const std::string& key, const std::string& address) {
    if (address.empty() || config_.allow_public) return;
    const Result<net::Address> parsed = net::Address::parse(address);
    const bool is_guarded = !config_.tls.certificate.empty() && !config_.token_file.empty();
    expect(!parsed || parsed->is_loopback() || is_guarded, key,
           "found " + quoted(address) +
               ", which others can reach; allowed a loopback address, or tls.certificate and "
               "token_file, or allow_public = true");
  }

  void check_tls(const std::string& table, const net::TlsSettings& tls) {
    expect(tls.certificate.empty() == tls.key.empty(), table,
           "found only one of certificate and key; allowed both, or none");
    expect(table != "tls" || tls.ca.empty() || !tls.certificate.empty(), table,
           "found ca without certificate; allowed with certificate and key");
  }

  void check_lab() {
    expect(!config_.lab || !config_.token_file.empty(), "lab",
           "found true without token_file; allowed with a token, which who injects faults shows");
  }

  // A gateway that is not among all of them would count for no share of the load.
  void check_zones() {
    const std::vector<std::string>& all = config_.gateway_zones;
    const bool has_own = std::ranges::find(all, config_.zone) != all.end();
    expect(all.empty() || has_own, "gateway_zones",
           "found " + join_names(all) + " without this gateway's zone, which is " +
               (config_.zone.empty() ? "not set" : quoted(config_.zone)) +
               "; allowed the zones of all gateways, this one too");
  }

  void check_provision() {
    const ProvisionConfig& provision = config_.provision;
    using By = ProvisionConfig::By;
    if (provision.by == By::kNone) {
      return expect(config_.strategies.scaler == "none", "strategies.scaler",
                    "found " + quoted(config_.strategies.scaler) +
                        " without [provision]; allowed \"none\", or with it");
    }
    const Status named = provision::check_name(provision.group);
    expect(named.ok(), "provision.group", named.ok() ? "" : named.error());
    expect(provision.minimum <= provision.maximum, "provision.minimum",
           "found " + std::to_string(provision.minimum) + "; allowed at most the maximum of " +
               std::to_string(provision.maximum));
    expect((provision.by == By::kCommand) == !provision.command.empty(), "provision.command",
           "found " + std::string(provision.command.empty() ? "none" : "one") +
               "; allowed with by = \"command\", and needed there");
    expect(provision.by == By::kProcess || provision.arguments.empty(), "provision.arguments",
           "found some; allowed with by = \"process\"");
    expect(
        !config_.frames.empty(), "provision",
        "found without a listener for frames; allowed with one, where nodes announce themselves");
  }

  void check_services() {
    expect(!config_.services.empty(), "service", "found none; allowed at least one [[service]]");
    for (std::size_t i = 0; i < config_.services.size(); ++i) {
      const ServiceConfig& service = config_.services[i];
      const std::string key = "service" + path_step(service.name, i);
      const bool is_http = service.protocol == Protocol::kHttp;
      expect(!is_http || !service.servers.empty(), key + ".server",
             "found none; allowed at least one [[service.server]] where protocol is \"http\"");
      expect(is_http || service.servers.empty(), key + ".server",
             "found servers; allowed where protocol is \"http\" (nodes that speak frames announce "
             "themselves)");
      expect(is_http || service.health_path.empty(), key + ".health_path",
             "found " + quoted(service.health_path) + "; allowed where protocol is \"http\"");
      expect(
          !service.is_placed || (!is_http && !config_.frames.empty()), key + ".agents",
          "found agents; allowed where protocol is \"frames\" and there is a listener for frames, "
          "where nodes that have the service on standby announce themselves");
      for (std::size_t j = 0; j < service.servers.size(); ++j) check_server(service, key, j);
    }
  }

  void check_server(const ServiceConfig& service, const std::string& key, std::size_t j) {
    const net::Address& address = service.servers[j].address;
    const auto end = service.servers.begin() + static_cast<std::ptrdiff_t>(j);
    const bool is_new = std::none_of(service.servers.begin(), end, [&](const ServerConfig& other) {
      return other.address == address;
    });
    const std::string server = key + ".server[" + std::to_string(j) + "].address";
    expect(is_new, server,
           "found " + quoted(address.text()) + " a second time; allowed addresses that differ");
    expect(address.port != 0 || reader_.is_wrong(server), server,
           "found port 0; allowed 1 to 65535");
  }

  void check_route(std::size_t i) {
    const RouteConfig& route = config_.routes[i];
    const std::string key = "route[" + std::to_string(i) + "]";
    std::vector<std::string> services;
    const ServiceConfig* target = nullptr;
    for (const ServiceConfig& service : config_.services) {
      services.push_back(service.name);
      if (service.name == route.service) target = &service;
    }
    expect(target != nullptr || reader_.is_wrong("service"), key + ".service",
           unknown(route.service, services));
    check_host(route, key);
    for (std::size_t j = 0; j < i; ++j) {
      const RouteConfig& other = config_.routes[j];
      expect(other.host != route.host || other.path != route.path, key + ".path",
             "found the same host and path as route[" + std::to_string(j) +
                 "]; allowed pairs that differ");
    }
    if (target == nullptr || route.request_class.empty()) return;
    std::vector<std::string> classes;
    for (const ClassConfig& c : target->classes) classes.push_back(c.name);
    expect(std::ranges::find(classes, route.request_class) != classes.end(), key + ".class",
           unknown(route.request_class, classes));
  }

  void check_host(const RouteConfig& route, const std::string& key) {
    const std::size_t star = route.host.rfind('*');
    const bool is_fine =
        star == std::string::npos || (star == 0 && route.host.size() > 2 && route.host[1] == '.');
    expect(is_fine, key + ".host",
           "found " + quoted(route.host) +
               R"(; allowed a name, "*.example.org", or "" for every host)");
  }

  const GatewayConfig& config_;
  schema::Reader& reader_;
};

}  // namespace

void check_gateway_config(const GatewayConfig& config, schema::Reader& reader) {
  Checker(config, reader).check();
}

}  // namespace phoenix::gateway
