#include "runtime/http/target.h"

#include <algorithm>

#include "runtime/http/message.h"
#include "runtime/http/render.h"

namespace phoenix::http {
namespace {

bool is_authority_char(char c) {
  const bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_alnum || std::string_view("-._~:[]!$&'()*+;=%").find(c) != std::string_view::npos;
}

bool take_absolute(std::string_view method, std::string_view rest, Head& head) {
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.empty() || !is_authority(authority)) return false;
  head.host = authority;
  const std::string_view path = rest.substr(end);
  if (path.empty()) {
    head.target = method == "OPTIONS" ? "*" : "/";
  } else {
    if (path.front() == '?') head.target = "/";
    head.target += path;
  }
  return true;
}

}  // namespace

bool is_authority(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_authority_char);
}

bool take_target(std::string_view method, std::string_view target, Head& head) {
  if (target.find('#') != std::string_view::npos) return false;
  if (method == "CONNECT") {
    head.target = target;
    return is_authority(target);
  }
  if (target.front() == '/' || (target == "*" && method == "OPTIONS")) {
    head.target = target;
    return true;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (equals_ignoring_case(target.substr(0, scheme.size()), scheme)) {
      return take_absolute(method, target.substr(scheme.size()), head);
    }
  }
  return false;
}

void remove_named(std::string_view connection, std::string& block) {
  while (!connection.empty()) {
    const std::size_t end = std::min(connection.find(','), connection.size());
    const std::string_view name = trimmed(connection.substr(0, end));
    connection.remove_prefix(std::min(connection.size(), end + 1));
    if (name.empty() || equals_ignoring_case(name, "close") ||
        equals_ignoring_case(name, "keep-alive") || equals_ignoring_case(name, "host")) {
      continue;
    }
    remove_lines(block, [name](std::string_view line_name, std::string_view) {
      return equals_ignoring_case(line_name, name);
    });
  }
}

}  // namespace phoenix::http
