// TLS over bytes, without a socket: what came from the peer is fed in, what goes to the peer is
// found in out(). Keeps only what OpenSSL has not taken yet.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/net/tls.h"
#include "strategies/core/result.h"

struct ssl_st;
struct ssl_session_st;

namespace phoenix::net {

class TlsSession {
 public:
  enum class Step {
    kDone,    // the handshake is over; bytes were decrypted
    kWants,   // more from the peer first
    kEnd,     // the peer said that it sends no more
    kFailed,  // error() says why; out() may hold an alert for the peer
  };

  // `server_name` is what a client checks and sends; a server ignores it.
  TlsSession(std::shared_ptr<TlsContext> context, const std::string& server_name);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // The view must stay valid until keep_rest().
  void feed(std::string_view received);
  void keep_rest();  // copies what was fed and not taken

  Step handshake();
  Step read(std::span<char> into, std::size_t& got);
  bool write(std::string_view plain);  // false: error()
  void shutdown();                     // appends the closing alert to out()

  std::string& out() { return out_; }
  const std::string& out() const { return out_; }
  const std::string& error() const { return error_; }
  bool is_resumed() const;
  std::string peer_name() const;  // RFC 2253, such as "CN=node-1"; empty without certificate

  // For the callbacks of OpenSSL.
  void remember(ssl_session_st* session);  // takes it over
  std::size_t take(std::span<char> into);
  void put(std::string_view bytes) { out_.append(bytes); }

 private:
  Step step_of(int result);
  std::string why() const;

  std::shared_ptr<TlsContext> context_;
  std::string server_name_;
  ssl_st* ssl_ = nullptr;
  std::string_view fed_;
  std::string rest_;
  std::string out_;
  std::string error_;
};

}  // namespace phoenix::net
