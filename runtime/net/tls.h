// TLS settings and contexts for all parties (OpenSSL through Asio): TLS 1.2 and later, mutual where
// a CA is given to a server. Contexts are immutable and shared; a reload makes new ones, open
// connections keep theirs.
#pragma once

#include <memory>
#include <string>

#include "strategies/core/result.h"

namespace phoenix::net {

struct TlsSettings {
  std::string certificate;  // PEM file, chain included; a server needs one
  std::string key;          // PEM file
  std::string ca;  // PEM file. Server: clients must show a certificate of it. Client: servers must
                   // be of it; empty: the system's CAs
  std::string server_name;  // client: the name to check and to send; empty: the address's host
  bool operator==(const TlsSettings&) const = default;
};

class TlsContext;  // net/tls_context.h

// The error names the file and what is wrong with it.
Result<std::shared_ptr<TlsContext>> make_server_tls(const TlsSettings& settings);
Result<std::shared_ptr<TlsContext>> make_client_tls(const TlsSettings& settings);

}  // namespace phoenix::net
