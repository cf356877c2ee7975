#include "runtime/load/url.h"

#include <algorithm>

namespace phoenix::load {
namespace {

constexpr std::string_view kPlain = "http://";
constexpr std::string_view kTls = "https://";

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view text, char lowest) {
  return std::any_of(text.begin(), text.end(), [lowest](char c) {
    return (static_cast<unsigned char>(c) < static_cast<unsigned char>(lowest) && c != '\t') ||
           c == '\x7f';
  });
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  url.is_tls = text.starts_with(kTls);
  if (!url.is_tls && !text.starts_with(kPlain)) {
    return Error{"takes http://HOST[:PORT]/PATH or https://..., found " + quoted(text)};
  }
  std::string_view rest = text.substr(url.is_tls ? kTls.size() : kPlain.size());
  rest = rest.substr(0, rest.find('#'));
  if (has_control(rest, '!') || rest.find('\t') != std::string_view::npos) {
    return Error{"found a blank in " + quoted(text) + "; allowed is %20"};
  }
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  url.host = rest.substr(0, end);
  const std::string_view path = rest.substr(end);
  if (!path.empty()) url.target = (path.front() == '?' ? "/" : "") + std::string(path);
  const bool has_port = url.host.find(':') != std::string::npos && !url.host.ends_with(']');
  const std::string port = has_port ? "" : url.is_tls ? ":443" : ":80";
  const Result<net::Address> server = net::Address::parse(url.host + port);
  if (!server) return Error{server.error()};
  url.server = *server;
  return url;
}

Result<std::string> parse_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !is_token(text.substr(0, colon)) ||
      has_control(text, ' ')) {
    return Error{"takes 'NAME: VALUE' on one line, found " + quoted(text)};
  }
  return std::string(text);
}

Result<std::string> parse_method(std::string_view text) {
  if (!is_token(text)) return Error{"takes a name such as GET or POST, found " + quoted(text)};
  return std::string(text);
}

}  // namespace phoenix::load
