// One client's HTTP connection: parses requests, hands them to the sink, writes the answers in
// order. Internal to the HTTP ingress, which owns the sessions and destroys them only outside of
// their callbacks.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/gateway/http_answer.h"
#include "runtime/gateway/worker.h"
#include "runtime/http/parser.h"
#include "runtime/net/channel.h"

namespace phoenix::gateway {

class HttpSession;

class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual RequestSink& sink() = 0;
  virtual std::string_view date() = 0;             // for the Date header
  virtual void on_over(HttpSession& session) = 0;  // once; the session is idle for good
};

class HttpSession final : private net::ChannelUser, private http::ParserUser, private Client {
 public:
  HttpSession(SessionOwner& owner, std::unique_ptr<net::Channel> channel);
  ~HttpSession() override;

  void start() { channel_->start(*this); }
  void close_when_idle();
  void set_socket_buffers(int bytes) {
    if (channel_ != nullptr) channel_->set_socket_buffers(bytes, bytes);
  }
  void check_times(Time now);

  std::size_t place = 0;  // for the owner

 private:
  enum class Phase : std::uint8_t {
    kOpen,
    kRefusing,    // takes no more; ends after the last answer
    kHalfClosed,  // the same, since the client sends no more
    kOver,
  };

  std::size_t on_bytes(std::string_view bytes) override;
  void on_drained() override { advance(); }
  void on_closed(net::CloseReason reason, const std::string& detail) override;

  void on_head(const http::Head& head) override;
  void on_body(std::string_view piece) override;
  void on_end() override;

  void on_reply(std::uint64_t tag, const Reply& reply) override;
  bool on_reply_body(std::uint64_t tag, std::string_view piece, bool last) override;
  void on_reply_broken(std::uint64_t tag) override;

  std::size_t parse(std::string_view bytes);
  void choose_service(const http::Head& head);
  void offer_continue();
  void submit();
  void end_after(HttpAnswer& answer);
  void refuse(int status, std::string_view reason);
  void answer_locally(HttpAnswer& answer, int status, std::string_view reason);

  HttpAnswer& answer_of(std::uint64_t tag);
  bool is_turn_of(const HttpAnswer& answer) const;
  void flush();
  bool is_too_much(const Reply& reply) const;
  void advance();
  bool write_waiting(HttpAnswer& answer);
  void finish_front();

  bool has_room() const;
  bool may_read() const;
  void resume_if_possible();
  void abandon();
  void break_off();
  void end_gracefully();
  void leave_all();

  bool is_stalled(Time now);
  bool is_late(Time now) const;

  SessionOwner& owner_;
  RequestSink& sink_;
  std::unique_ptr<net::Channel> channel_;
  std::string peer_;
  http::Parser parser_;

  Request request_;            // the one being received
  int local_status_ = 0;       // what the gateway answers it itself; 0: the sink does
  bool request_keeps_ = true;  // the connection
  bool continue_owed_ = false;
  bool in_body_ = false;
  int minor_version_ = 1;

  std::vector<HttpAnswer> answers_;  // owed, in order
  std::uint64_t first_tag_ = 0;      // of answers_.front()
  std::size_t bytes_under_way_ = 0;
  std::size_t held_ = 0;  // bytes of answers that wait for their turn

  Phase phase_ = Phase::kOpen;
  bool is_paused_ = false;
  bool ends_when_idle_ = false;
  Time now_ = kStart;  // of the newest bytes
  Time head_began_ = kStart;
  Time write_moved_ = kStart;
  std::uint64_t bytes_written_ = 0;  // as of write_moved_
};

}  // namespace phoenix::gateway
