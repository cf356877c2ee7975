#include "runtime/net/address.h"

#include <charconv>

#include <arpa/inet.h>

namespace phoenix::net {
namespace {

Error bad_address(std::string_view text, const char* why) {
  return Error{
      "address \"" + std::string(text) + "\": " + why +
      "; write host:port, [v6]:port or a port alone (loopback), with a port of 0 to 65535"};
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size();
}

bool is_v6(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

bool is_host_name(std::string_view host) {
  for (const char c : host) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && c != '-' && c != '.' && c != '_') return false;
  }
  return !host.empty() && host.size() <= 253;
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  Address address;
  const std::size_t colon = text.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (!parse_port(port, address.port)) return bad_address(text, "no valid port");
  if (colon == std::string_view::npos) {
    address.host = "127.0.0.1";
    return address;
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  address.host = std::string(host);
  if (bracketed ? !is_v6(address.host) : !is_host_name(host)) {
    return bad_address(text, bracketed ? "no valid IPv6 address" : "no valid host");
  }
  return address;
}

std::string Address::text() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Address::is_loopback() const {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace phoenix::net
