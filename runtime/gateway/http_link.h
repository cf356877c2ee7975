// One kept connection to an HTTP server, with at most one attempt on it. Internal to the HTTP
// upstream, which owns the links and destroys them only outside of their callbacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/gateway/exchange.h"
#include "runtime/http/parser.h"
#include "runtime/net/channel.h"

namespace phoenix::gateway {

struct HttpJob {
  AttemptId attempt = kNoAttempt;
  const Request* request = nullptr;
  Time expires = kNever;  // when nobody waits for the answer any more
  bool is_resent = false;
};

// What may stand in the request line for a job; a native client's request may name neither.
std::string_view method_of(const Request& request);
std::string_view target_of(const Request& request);

class HttpLink;

class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  virtual UpstreamUser& user() = 0;
  virtual std::string_view host() const = 0;      // for the Host header
  virtual void on_link_free(HttpLink& link) = 0;  // has answered, takes the next
  virtual void on_link_over(HttpLink& link) = 0;  // once
  // The kept connection turned out to be closed: to be sent again on a fresh one.
  virtual void on_stale(const HttpJob& job) = 0;
};

class HttpLink final : private net::ChannelUser, private http::ParserUser {
 public:
  HttpLink(LinkOwner& owner, std::unique_ptr<net::Channel> channel);

  void start() { channel_->start(*this); }
  void carry(const HttpJob& job, Time now);  // REQUIRES: free
  void resume();                             // reading, after a pause
  void fail();                               // closes; an attempt on it hears of that
  void end();                                // closes without a word
  void set_socket_buffers(int bytes) { channel_->set_socket_buffers(bytes, bytes); }

  AttemptId attempt() const { return job_.attempt; }  // kNoAttempt: free

  std::size_t place = 0;  // for the owner
  int sweeps_at_rest = 0;

 private:
  std::size_t on_bytes(std::string_view bytes) override;
  void on_closed(net::CloseReason reason, const std::string& detail) override;
  void on_head(const http::Head& head) override;
  void on_body(std::string_view piece) override;
  void on_end() override {}

  std::size_t parse(std::string_view bytes);
  void hold_or_stream();
  void collect(std::string_view piece);
  void pass_on(std::string_view piece);
  AttemptReply reply() const;
  void finish(bool is_clean);

  LinkOwner& owner_;
  std::unique_ptr<net::Channel> channel_;
  http::Parser parser_;
  HttpJob job_;
  std::uint64_t sent_before_ = 0;  // bytes on this connection before the job
  std::string_view first_;         // of the body, where it lies in the channel's bytes
  std::string body_;               // what came before the answer was passed on
  bool to_head_ = false;
  bool was_used_ = false;    // for an earlier job
  bool has_begun_ = false;   // the answer
  bool is_interim_ = false;  // 1xx: not the answer
  bool has_head_ = false;
  bool is_streaming_ = false;
  bool is_paused_ = false;
  bool is_over_ = false;
};

}  // namespace phoenix::gateway
