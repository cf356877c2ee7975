// HTTP/1.1 messages as the runtime passes them on: heads as text, framing apart. Pure functions.
//
// A header block is end-to-end header lines, each "Name: value\r\n", without the framing headers
// (Content-Length, Transfer-Encoding, Trailer), without hop-by-hop ones (RFC 9110 section 7.6.1:
// Connection and those it names, Keep-Alive, Proxy-Connection, TE, Upgrade, ...) and without the
// empty line. Only a node's answer to HEAD may have Content-Length: of the body that GET would get.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace phoenix::http {

bool equals_ignoring_case(std::string_view a, std::string_view b);

std::string_view trimmed(std::string_view text);  // of spaces and tabs at both ends

void append_line(std::string& block, std::string_view name, std::string_view value);

// Safe to repeat by definition (RFC 9110 section 9.2.2).
bool is_idempotent(std::string_view method);

// The value of a header in a block, trimmed; nullopt where it is missing. Names compare without
// case.
std::optional<std::string_view> find_header(std::string_view block, std::string_view name);

std::string_view reason_phrase(int status);

// Whether a response of this status to this method has no body whatever its headers say.
bool has_no_body(std::string_view method, int status);

}  // namespace phoenix::http
