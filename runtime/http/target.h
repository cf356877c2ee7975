// Request targets, hosts and the Connection header: the parts of a head that Beast leaves to its
// users. Pure functions, internal to the parser.
#pragma once

#include <string>
#include <string_view>

#include "runtime/http/parser.h"

namespace phoenix::http {

// Whether `text` may stand in a Host header: a name or literal with an optional port, or nothing.
bool is_authority(std::string_view text);

// Fills head.target in origin form ("/a?b", "*" of OPTIONS, host:port of CONNECT), and head.host
// where the target is absolute. False: not a target of this method.
bool take_target(std::string_view method, std::string_view target, Head& head);

// Removes from `block` the headers that `connection`, a comma-separated list, names. Host stays.
void remove_named(std::string_view connection, std::string& block);

}  // namespace phoenix::http
