// The `kv` handler: values by key in bounded memory, with state that can move to another node.
//
// Over HTTP the key is the request's target: GET (200 or 404), PUT (201 new, 204 replaced) and
// DELETE (204 or 404). Native clients put operation, key and value into the body instead: u8 'G',
// 'P' or 'D', u16 length of the key (little endian), the key, the value. Where the memory is full a
// new value is refused (507), or pushes out the values unused for longest.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/node/handler.h"

namespace phoenix::node {

struct KvOptions {
  double memory = 64.0 * 1024 * 1024;  // bytes of keys and values, with 64 for each pair
  bool evict = false;
};

std::unique_ptr<Handler> make_kv_handler(const KvOptions& options);

// REQUIRES: the key is shorter than 64 KiB.
std::string encode_kv(char operation, std::string_view key, std::string_view value);

}  // namespace phoenix::node
