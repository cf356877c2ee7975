// The OpenSSL side of a TlsContext, and the sessions a client may resume.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <openssl/ssl.h>

#include "runtime/net/tls.h"

namespace phoenix::net {

// Shared by loops of all threads.
class TlsContext {
 public:
  enum class Role { kServer, kClient };
  using Native = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

  TlsContext(Role role, Native native, std::string server_name);

  Role role() const { return role_; }
  SSL_CTX* native() const { return native_.get(); }
  const std::string& server_name() const { return server_name_; }

  // Hands the last session with that server to `ssl`, if there is one.
  void resume(const std::string& server_name, SSL* ssl);
  void remember(const std::string& server_name, SSL_SESSION* session);

 private:
  using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

  Role role_;
  Native native_;
  std::string server_name_;
  std::mutex mutex_;
  std::map<std::string, Session> sessions_;
};

// What OpenSSL has to say about the last failure, for people; clears it.
std::string tls_error_text();

}  // namespace phoenix::net
