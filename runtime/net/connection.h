// One socket with its bytes on both ways: what a Channel is made of. Lives by references, since a
// round of the reactor, a graceful close or a handshake may still need it when its owner is gone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/net/channel.h"
#include "runtime/net/drain_meter.h"
#include "runtime/net/reactor.h"
#include "runtime/net/socket.h"
#include "runtime/net/tls_session.h"
#include "strategies/core/result.h"

namespace phoenix::net {

class Connection final : public Pollable {
 public:
  struct Parts {
    Descriptor socket;
    Endpoint peer;
    ChannelSettings settings;
    std::unique_ptr<TlsSession> tls;  // null: plain
    std::shared_ptr<void> slot;       // released when the connection is gone
  };
  Connection(Loop& loop, Parts parts);

  // Watches the socket; false where the kernel will not.
  bool open();
  // REQUIRES: TLS. `done` is called once, unless the connection is closed before.
  void handshake(std::function<void(Status)> done);
  void start(ChannelUser& user);
  void close();             // at once, without callbacks
  void close_gracefully();  // likewise without callbacks, but what is queued is sent

  std::string& output();
  void flush_soon();
  std::size_t queued_bytes() const;
  Duration drain_time(std::size_t more) const;
  void pause_reading() { paused_ = true; }
  void resume_reading();

  int descriptor() const { return socket_.get(); }
  const Endpoint& peer() const { return peer_; }
  const TlsSession* tls() const { return tls_.get(); }
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }

  void on_ready(std::uint32_t events) override;
  void on_round_end() override;

 private:
  enum class Stage { kIdle, kHandshake, kOpen, kEnded, kClosing };

  bool wants_bytes() const {
    return socket_ && user_ != nullptr && stage_ == Stage::kOpen && !paused_;
  }
  std::size_t room() const { return settings_.read_buffer - input_.size(); }
  void read();
  void read_plain();
  void read_encrypted();
  std::string_view decrypt(TlsSession::Step& step);
  bool feed_after(TlsSession::Step step);  // false: nothing more can be read now
  // One call of recv. Empty when it would block; also at the end or an error, which are handled.
  std::string_view receive(std::size_t most);
  void deliver(std::string_view fresh);
  void check_progress();
  void shake_hands();
  void end_handshake(Status outcome);
  void discard();

  void on_end();
  void end_reading();
  void on_broken(int error);
  void on_send_failed(int error);
  void fail(CloseReason reason, const std::string& detail);

  void send_queued();
  void encrypt();
  bool send_wire();  // false: failed, which is handled
  void finish_sending();
  void on_closing_due();
  std::string& wire() { return tls_ ? tls_->out() : output_; }
  const std::string& wire() const { return tls_ ? tls_->out() : output_; }
  void drop_socket();

  Loop& loop_;
  Reactor& reactor_;
  Descriptor socket_;
  Endpoint peer_;
  ChannelSettings settings_;
  std::unique_ptr<TlsSession> tls_;
  std::shared_ptr<void> slot_;
  ChannelUser* user_ = nullptr;
  std::function<void(Status)> on_handshake_;
  std::unique_ptr<Timer> closing_timer_;
  std::uint64_t sent_when_armed_ = 0;  // bytes_out_ as of then

  std::string input_;     // not consumed
  std::string output_;    // not encrypted, or not sent
  std::size_t sent_ = 0;  // of wire()
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  DrainMeter drain_;

  Stage stage_ = Stage::kIdle;
  bool readable_ = false;  // as far as known
  bool hung_up_ = false;   // the peer's end is among what can be read
  bool blocked_ = false;   // the kernel takes no more until EPOLLOUT
  bool broken_ = false;    // a send failed
  bool paused_ = false;
  bool redeliver_ = false;   // what input_ holds is to be shown again
  bool flushing_ = false;    // on_round_end() is due
  bool above_low_ = false;   // on_drained() is owed
  bool told_ = false;        // the user, of the peer's end
  bool overflowed_ = false;  // the write queue
  bool shut_ = false;        // our end was sent
  bool peer_ended_ = false;  // its end was seen, while closing
};

using ConnectionRef = boost::intrusive_ptr<Connection>;

std::unique_ptr<Channel> make_channel(ConnectionRef connection);

}  // namespace phoenix::net
