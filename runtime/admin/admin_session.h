// One connection of an operator: takes one request at a time, in order, keeps the connection
// between them. Every step has its time: the whole request, its answer, the pause after it.
// Internal to the admin server, which destroys sessions only outside of their callbacks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/admin/admin_api.h"
#include "runtime/http/parser.h"
#include "runtime/net/channel.h"
#include "runtime/net/loop.h"

namespace phoenix::admin {

struct AdminLimits {
  std::size_t connections = 64;
  std::size_t head = 16 * 1024;
  std::size_t body = 64 * 1024;
  Duration request_time = std::chrono::seconds(10);  // from its first byte to its last
  Duration answer_time = std::chrono::seconds(30);   // for the gateway to answer
  Duration idle_time = std::chrono::seconds(60);     // also for the client to take the answer
};

class AdminSession;

class AdminSessionOwner {
 public:
  virtual ~AdminSessionOwner() = default;
  virtual AdminApi& api() = 0;
  virtual const AdminLimits& limits() const = 0;
  virtual net::Loop& loop() = 0;
  virtual void on_over(AdminSession& session) = 0;  // once; idle for good
};

class AdminSession final : private net::ChannelUser, private http::ParserUser {
 public:
  AdminSession(AdminSessionOwner& owner, std::unique_ptr<net::Channel> channel);
  ~AdminSession() override;

  void start() { channel_->start(*this); }
  void check_time(Time now);

 private:
  enum class Phase : std::uint8_t { kIdle, kReceiving, kAnswering, kOver };

  std::size_t on_bytes(std::string_view bytes) override;
  void on_drained() override { take_more(); }
  void on_closed(net::CloseReason reason, const std::string& detail) override;
  void on_head(const http::Head& head) override;
  void on_body(std::string_view piece) override { request_.body.append(piece); }
  void on_end() override {}

  bool may_parse() const;
  void enter(Phase phase, Duration limit);
  void dispatch();
  void refuse_message();
  void answer(const AdminAnswer& answer);
  void take_more();
  void end(bool gracefully);

  AdminSessionOwner& owner_;
  std::unique_ptr<net::Channel> channel_;
  http::Parser parser_;
  AdminRequest request_;
  int minor_version_ = 1;
  bool to_head_ = false;
  bool keeps_ = true;       // the connection, after the answer under way
  bool is_paused_ = false;  // reading
  bool has_ended_ = false;  // the client sends no more
  Phase phase_ = Phase::kIdle;
  Time deadline_;  // of the phase
  std::shared_ptr<AdminSession*> self_;
};

}  // namespace phoenix::admin
