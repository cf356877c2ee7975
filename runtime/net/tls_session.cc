#include "runtime/net/tls_session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "runtime/net/tls_context.h"

namespace phoenix::net {
namespace {

TlsSession& session_of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

int transport_read(BIO* bio, char* into, std::size_t room, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  *got = session_of(bio).take({into, room});
  if (*got == 0) BIO_set_retry_read(bio);
  return *got > 0 ? 1 : 0;
}

int transport_write(BIO* bio, const char* bytes, std::size_t count, std::size_t* put) {
  session_of(bio).put({bytes, count});
  *put = count;
  return 1;
}

long transport_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// A transport for OpenSSL that copies neither way: it reads what was fed, appends to out().
BIO_METHOD* transport() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "phoenix");
    BIO_meth_set_read_ex(made, transport_read);
    BIO_meth_set_write_ex(made, transport_write);
    BIO_meth_set_ctrl(made, transport_control);
    return made;
  }();
  return method;
}

void expect_name(SSL* ssl, const std::string& name) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1) return;
  SSL_set1_host(ssl, name.c_str());
  SSL_set_tlsext_host_name(ssl, name.c_str());
}

}  // namespace

TlsSession::TlsSession(std::shared_ptr<TlsContext> context, const std::string& server_name)
    : context_(std::move(context)), server_name_(server_name), ssl_(SSL_new(context_->native())) {
  BIO* const bio = BIO_new(transport());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  if (context_->role() == TlsContext::Role::kServer) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
    expect_name(ssl_, server_name_);
    context_->resume(server_name_, ssl_);
  }
}

TlsSession::~TlsSession() {
  // Without a closing alert OpenSSL would call the session not resumable.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

void TlsSession::feed(std::string_view received) {
  if (rest_.empty()) {
    fed_ = received;
  } else {
    rest_.erase(0, rest_.size() - fed_.size());
    rest_.append(received);
    fed_ = rest_;
  }
}

void TlsSession::keep_rest() {
  if (fed_.empty()) {
    if (!rest_.empty()) rest_ = std::string();
  } else if (rest_.empty()) {
    rest_.assign(fed_);
    fed_ = rest_;
  }
}

std::size_t TlsSession::take(std::span<char> into) {
  const std::size_t count = std::min(into.size(), fed_.size());
  if (count > 0) std::memcpy(into.data(), fed_.data(), count);
  fed_.remove_prefix(count);
  return count;
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  return step_of(SSL_do_handshake(ssl_));
}

TlsSession::Step TlsSession::read(std::span<char> into, std::size_t& got) {
  if (!error_.empty()) return Step::kFailed;
  ERR_clear_error();
  return step_of(SSL_read_ex(ssl_, into.data(), into.size(), &got));
}

bool TlsSession::write(std::string_view plain) {
  while (!plain.empty() && error_.empty()) {
    std::size_t wrote = 0;
    ERR_clear_error();
    if (step_of(SSL_write_ex(ssl_, plain.data(), plain.size(), &wrote)) != Step::kDone) break;
    plain.remove_prefix(wrote);
  }
  if (!plain.empty() && error_.empty()) error_ = "TLS takes no more bytes";
  return error_.empty();
}

void TlsSession::shutdown() {
  ERR_clear_error();
  if (error_.empty() && SSL_is_init_finished(ssl_)) SSL_shutdown(ssl_);
}

TlsSession::Step TlsSession::step_of(int result) {
  if (result == 1) return Step::kDone;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ) return Step::kWants;
  if (error == SSL_ERROR_ZERO_RETURN) return Step::kEnd;
  error_ = why();
  return Step::kFailed;
}

std::string TlsSession::why() const {
  std::string text = tls_error_text();
  const long verified = SSL_get_verify_result(ssl_);
  if (verified != X509_V_OK) text += std::string(": ") + X509_verify_cert_error_string(verified);
  return text;
}

void TlsSession::remember(SSL_SESSION* session) { context_->remember(server_name_, session); }

bool TlsSession::is_resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string TlsSession::peer_name() const {
  const X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace phoenix::net
