#include "runtime/net/channel.h"

#include <utility>

#include "runtime/net/connection.h"

namespace phoenix::net {
namespace {

class SocketChannel final : public Channel {
 public:
  explicit SocketChannel(ConnectionRef connection) : connection_(std::move(connection)) {}
  ~SocketChannel() override {
    if (connection_) connection_->close();
  }

  void start(ChannelUser& user) override { connection_->start(user); }
  void write(std::string_view bytes) override {
    connection_->output().append(bytes);
    connection_->flush_soon();
  }
  std::string& output() override { return connection_->output(); }
  void flush_soon() override { connection_->flush_soon(); }
  std::size_t queued_bytes() const override { return connection_->queued_bytes(); }
  Duration drain_time(std::size_t more) const override { return connection_->drain_time(more); }
  void pause_reading() override { connection_->pause_reading(); }
  void resume_reading() override { connection_->resume_reading(); }
  void set_socket_buffers(int send_bytes, int receive_bytes) override {
    set_buffers(connection_->descriptor(), send_bytes, receive_bytes);
  }
  Address peer() const override { return connection_->peer().address(); }
  std::string peer_name() const override {
    return is_encrypted() ? connection_->tls()->peer_name() : std::string();
  }
  bool is_encrypted() const override { return connection_->tls() != nullptr; }
  std::uint64_t bytes_in() const override { return connection_->bytes_in(); }
  std::uint64_t bytes_out() const override { return connection_->bytes_out(); }

  void finish() { std::exchange(connection_, nullptr)->close_gracefully(); }

 private:
  ConnectionRef connection_;
};

}  // namespace

Channel::Channel() = default;
Channel::~Channel() = default;

void Channel::close_gracefully(std::unique_ptr<Channel> channel) {
  if (auto* socket = dynamic_cast<SocketChannel*>(channel.get())) socket->finish();
}

std::unique_ptr<Channel> make_channel(ConnectionRef connection) {
  return std::make_unique<SocketChannel>(std::move(connection));
}

}  // namespace phoenix::net
