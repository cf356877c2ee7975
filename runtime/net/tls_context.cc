#include "runtime/net/tls_context.h"

#include <utility>

#include <openssl/err.h>

#include "runtime/net/socket.h"
#include "runtime/net/tls_session.h"

namespace phoenix::net {
namespace {

constexpr std::size_t kSessionsKept = 1024;
constexpr unsigned char kSessionContext[] = "phoenix";

using Native = TlsContext::Native;

Error file_error(const char* what, const std::string& path) {
  return Error{std::string(what) + " \"" + path + "\": " + tls_error_text()};
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<TlsSession*>(SSL_get_app_data(ssl))->remember(session);
  return 1;
}

Native make_native(const SSL_METHOD* method) {
  Native native(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(native.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(native.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return native;
}

Status load_identity(SSL_CTX* native, const TlsSettings& settings) {
  if (SSL_CTX_use_certificate_chain_file(native, settings.certificate.c_str()) != 1) {
    return file_error("certificate", settings.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(native, settings.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return file_error("key", settings.key);
  }
  return success();
}

Status load_authority(SSL_CTX* native, const std::string& ca) {
  if (SSL_CTX_load_verify_locations(native, ca.c_str(), nullptr) != 1) {
    return file_error("CA", ca);
  }
  return success();
}

}  // namespace

TlsContext::TlsContext(Role role, Native native, std::string server_name)
    : role_(role), native_(std::move(native)), server_name_(std::move(server_name)) {}

void TlsContext::resume(const std::string& server_name, SSL* ssl) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(server_name);
  if (found != sessions_.end()) SSL_set_session(ssl, found->second.get());
}

void TlsContext::remember(const std::string& server_name, SSL_SESSION* session) {
  Session owned(session, SSL_SESSION_free);
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kSessionsKept) sessions_.clear();
  sessions_.insert_or_assign(server_name, std::move(owned));
}

std::string tls_error_text() {
  const unsigned long code = ERR_peek_error();
  const char* const reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "unknown TLS failure";
  if (ERR_SYSTEM_ERROR(code)) text = error_text(ERR_GET_REASON(code));
  ERR_clear_error();
  return text;
}

Result<std::shared_ptr<TlsContext>> make_server_tls(const TlsSettings& settings) {
  Native native = make_native(TLS_server_method());
  if (Status loaded = load_identity(native.get(), settings); !loaded.ok()) {
    return Error{loaded.error()};
  }
  SSL_CTX_set_session_id_context(native.get(), kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_num_tickets(native.get(), 1);
  if (!settings.ca.empty()) {
    if (Status loaded = load_authority(native.get(), settings.ca); !loaded.ok()) {
      return Error{loaded.error()};
    }
    SSL_CTX_set_client_CA_list(native.get(), SSL_load_client_CA_file(settings.ca.c_str()));
    SSL_CTX_set_verify(native.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return std::make_shared<TlsContext>(TlsContext::Role::kServer, std::move(native), "");
}

Result<std::shared_ptr<TlsContext>> make_client_tls(const TlsSettings& settings) {
  Native native = make_native(TLS_client_method());
  if (!settings.certificate.empty() || !settings.key.empty()) {
    if (Status loaded = load_identity(native.get(), settings); !loaded.ok()) {
      return Error{loaded.error()};
    }
  }
  if (settings.ca.empty()) {
    SSL_CTX_set_default_verify_paths(native.get());
  } else if (Status loaded = load_authority(native.get(), settings.ca); !loaded.ok()) {
    return Error{loaded.error()};
  }
  SSL_CTX_set_verify(native.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(native.get(),
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(native.get(), on_new_session);
  return std::make_shared<TlsContext>(TlsContext::Role::kClient, std::move(native),
                                      settings.server_name);
}

}  // namespace phoenix::net
