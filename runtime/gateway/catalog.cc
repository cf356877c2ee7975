#include "runtime/gateway/catalog.h"

#include <algorithm>

namespace phoenix::gateway {
namespace {

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.rfind(':'));
}

bool matches_host(const std::string& pattern, std::string_view host) {
  if (pattern.empty() || pattern == host) return true;
  return pattern.front() == '.' && host.size() > pattern.size() && host.ends_with(pattern);
}

bool matches_path(const std::string& prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return false;
  return prefix.back() == '/' || path.size() == prefix.size() || path[prefix.size()] == '/';
}

// Exact names before wildcards, wildcards before "any"; longer before shorter.
int host_rank(const std::string& host) {
  if (host.empty()) return 2;
  return host.front() == '.' ? 1 : 0;
}

}  // namespace

std::shared_ptr<const Catalog> Catalog::make(const GatewayConfig& config, const Catalog* before) {
  auto catalog = std::make_shared<Catalog>();
  if (before != nullptr) {
    catalog->services_ = before->services_;
    catalog->classes_ = before->classes_;
    catalog->by_name_ = before->by_name_;
    catalog->class_by_name_ = before->class_by_name_;
    for (Service& service : catalog->services_) service.is_offered = false;
  }
  for (const ServiceConfig& service : config.services) catalog->add(service);
  catalog->add_routes(config);
  return catalog;
}

void Catalog::add(const ServiceConfig& config) {
  const auto [place, is_new] =
      by_name_.try_emplace(config.name, id_at<ServiceId>(services_.size()));
  const ServiceId id = place->second;
  if (is_new) services_.emplace_back();
  Service& service = services_[index(id)];
  service.name = config.name;
  service.balancer = config.balancer;
  service.protocol = config.protocol;
  service.is_offered = true;
  for (std::size_t i = 0; i < config.classes.size(); ++i) {
    const ClassConfig& one = config.classes[i];
    const auto [known, is_new_class] =
        class_by_name_.try_emplace({id, one.name}, id_at<ClassId>(classes_.size()));
    if (is_new_class) classes_.emplace_back();
    classes_[index(known->second)] = {one.name, id, one.deadline, one.attempt_timeout};
    if (i == 0) service.first_class = known->second;
  }
}

void Catalog::add_routes(const GatewayConfig& config) {
  for (const RouteConfig& written : config.routes) {
    Route route;
    route.host = in_lower_case(written.host);
    if (route.host.starts_with('*')) route.host.erase(0, 1);
    route.path = written.path;
    if (find(written.service, written.request_class, route.service, route.request_class)) {
      routes_.push_back(std::move(route));
    }
  }
  std::ranges::stable_sort(routes_, [](const Route& a, const Route& b) {
    const int rank_a = host_rank(a.host);
    const int rank_b = host_rank(b.host);
    if (rank_a != rank_b) return rank_a < rank_b;
    if (a.host.size() != b.host.size()) return a.host.size() > b.host.size();
    return a.path.size() > b.path.size();
  });
}

bool Catalog::find_service(std::string_view service, ServiceId& id) const {
  const auto found = by_name_.find(service);
  if (found == by_name_.end() || !services_[index(found->second)].is_offered) return false;
  id = found->second;
  return true;
}

bool Catalog::find(std::string_view service, std::string_view request_class, ServiceId& service_id,
                   ClassId& class_id) const {
  if (!find_service(service, service_id)) return false;
  class_id = services_[index(service_id)].first_class;
  if (request_class.empty() || classes_[index(class_id)].name == request_class) return true;
  const auto found = class_by_name_.find({service_id, std::string(request_class)});
  if (found == class_by_name_.end()) return false;
  class_id = found->second;
  return true;
}

bool Catalog::route(std::string_view host, std::string_view path, ServiceId& service,
                    ClassId& request_class) const {
  const std::string name = in_lower_case(without_port(host));
  path = path.substr(0, path.find('?'));
  for (const Route& route : routes_) {
    if (!matches_host(route.host, name) || !matches_path(route.path, path)) continue;
    service = route.service;
    request_class = route.request_class;
    return true;
  }
  return false;
}

bool Catalog::has_same_shape(const Catalog& other) const {
  const auto same_class = [](const Class& a, const Class& b) {
    return a.service == b.service && a.attempt_timeout == b.attempt_timeout;
  };
  return services_.size() == other.services_.size() &&
         std::ranges::equal(classes_, other.classes_, same_class);
}

}  // namespace phoenix::gateway
