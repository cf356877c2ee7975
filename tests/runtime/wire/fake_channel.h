// A channel without a socket: the test plays the peer and sees what is written.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/net/channel.h"

namespace phoenix::wire {

class FakeChannel final : public net::Channel {
 public:
  // What the test keeps; outlives the channel.
  struct Peer {
    net::ChannelUser* user = nullptr;
    std::string sent;   // by the channel's user
    std::string inbox;  // not consumed by it
    int flushes = 0;
    bool is_alive = true;
    bool is_paused = false;

    // Bytes arrive, as the channel tells its user of them. The memory is gone afterwards, so that
    // a sanitizer sees who still looks at it.
    void arrive(std::string_view bytes) {
      if (!is_alive) return;
      inbox += bytes;
      const auto shown = std::make_unique<std::string>(inbox);
      const std::size_t consumed = user->on_bytes(*shown);
      if (is_alive) inbox.erase(0, consumed);
    }
    std::string take_sent() { return std::exchange(sent, {}); }
  };

  explicit FakeChannel(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}
  ~FakeChannel() override { peer_->is_alive = false; }

  void start(net::ChannelUser& user) override { peer_->user = &user; }
  void write(std::string_view bytes) override {
    peer_->sent += bytes;
    flush_soon();
  }
  std::string& output() override { return peer_->sent; }
  void flush_soon() override { ++peer_->flushes; }
  std::size_t queued_bytes() const override { return peer_->sent.size(); }
  Duration drain_time(std::size_t) const override { return Duration{0}; }
  void pause_reading() override { peer_->is_paused = true; }
  void resume_reading() override { peer_->is_paused = false; }
  void set_socket_buffers(int, int) override {}
  net::Address peer() const override { return {"192.0.2.1", 7}; }
  std::string peer_name() const override { return {}; }
  bool is_encrypted() const override { return false; }
  std::uint64_t bytes_in() const override { return 0; }
  std::uint64_t bytes_out() const override { return 0; }

 private:
  std::shared_ptr<Peer> peer_;
};

}  // namespace phoenix::wire
