#include "runtime/admin/changes.h"

#include <charconv>

#include "runtime/admin/members.h"

namespace phoenix::admin {
namespace {

Status set_state(const std::string& name, const std::string& state,
                 gateway::GatewayControl& control) {
  if (state == "draining") return control.drain_node(name);
  if (state == "up") return control.undrain_node(name);
  return Error{"state: found " + shown(state) + R"(; allowed "draining", "up")"};
}

int hex_digit(char c) {
  int value = -1;
  std::from_chars(&c, &c + 1, value, 16);
  return value;
}

}  // namespace

Status set_strategy(std::string_view body, gateway::GatewayControl& control) {
  Members members(body);
  std::string service, balancer;
  members.text("service", service, true);
  members.text("balancer", balancer, true);
  if (Status read = members.finish(); !read) return read;
  return control.set_balancer(service, balancer);
}

Status set_knobs(std::string_view body, gateway::Knobs knobs, gateway::GatewayControl& control) {
  Members members(body);
  members.whole("batch_size", knobs.batch_size);
  members.duration("batch_delay", knobs.batch_delay);
  members.bytes("compress_above", knobs.compress_above);
  members.whole("pool_size", knobs.pool_size);
  members.whole("http_pool_size", knobs.http_pool_size);
  members.bytes("socket_buffer", knobs.socket_buffer);
  members.flag("direct_routing", knobs.direct_routing);
  members.whole("workers", knobs.workers);
  members.whole("queue_length", knobs.queue_length);
  members.whole("max_in_flight", knobs.max_in_flight);
  members.duration("hibernate_idle", knobs.hibernate_idle);
  if (Status read = members.finish(); !read) return read;
  return control.set_knobs(knobs);
}

Status change_node(const std::string& name, std::string_view body,
                   gateway::GatewayControl& control) {
  Members members(body);
  std::string state, service;
  double weight = 1;
  const bool is_weight = members.has("weight") || members.has("service");
  if (is_weight) {
    members.text("service", service, true);
    members.number("weight", weight);
  } else {
    members.text("state", state, true);
  }
  if (Status read = members.finish(); !read) return read;
  return is_weight ? control.set_weight(name, service, weight) : set_state(name, state, control);
}

Result<std::string> decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const bool has_two = text.size() - i > 2;
    const int high = has_two ? hex_digit(text[i + 1]) : -1;
    const int low = has_two ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return Error{"found % in the path; allowed before two hex digits"};
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

}  // namespace phoenix::admin
