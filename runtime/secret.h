// Comparing secrets.
#pragma once

#include <string_view>

#include <openssl/crypto.h>

namespace phoenix {

// Takes the same time wherever the two differ.
inline bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace phoenix
