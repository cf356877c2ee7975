#include "runtime/provision/provisioner.h"

#include <algorithm>
#include <string_view>

namespace phoenix::provision {
namespace {

constexpr std::size_t kNameMax = 255;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.").find(c) != std::string_view::npos;
}

}  // namespace

Status check_name(const std::string& name) {
  const bool is_plain = std::all_of(name.begin(), name.end(), is_name_character);
  if (!name.empty() && name.size() <= kNameMax && name.front() != '-' && is_plain) {
    return success();
  }
  return Error{"node name `" + name.substr(0, kNameMax) +
               "` must be 1 to 255 letters, digits, '-', '_' or '.', and not begin with '-'"};
}

Status check_request(const NodeRequest& request) {
  if (Status name = check_name(request.name); !name) return name;
  if (request.cores < 0 || request.cores > 1024) {
    return Error{"node " + request.name + ": cores must be in [0, 1024], found " +
                 std::to_string(request.cores)};
  }
  return success();
}

std::string join_addresses(const std::vector<net::Address>& addresses) {
  std::string all;
  for (const net::Address& address : addresses) {
    if (!all.empty()) all += ',';
    all += address.text();
  }
  return all;
}

}  // namespace phoenix::provision
