// Where a load source sends HTTP requests, taken apart. Pure.
#pragma once

#include <string>
#include <string_view>

#include "runtime/net/address.h"
#include "strategies/core/result.h"

namespace phoenix::load {

struct Url {
  net::Address server;
  std::string host;          // as written, for the Host header
  std::string target = "/";  // path and query
  bool is_tls = false;
};

// `http://HOST[:PORT][/PATH][?QUERY]` or `https://...`; ports 80 and 443 where none is given. A
// fragment stays behind. The error names what was found and what is allowed.
Result<Url> parse_url(std::string_view text);

// A line of a request's head, such as `Accept: text/html`, without its end.
Result<std::string> parse_header(std::string_view text);

// The name of an HTTP method.
Result<std::string> parse_method(std::string_view text);

}  // namespace phoenix::load
