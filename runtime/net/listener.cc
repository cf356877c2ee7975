#include <cerrno>
#include <map>
#include <utility>

#include "runtime/log.h"
#include "runtime/net/connect.h"
#include "runtime/net/connection.h"
#include "runtime/net/lookup.h"

namespace phoenix::net {
namespace {

constexpr int kAcceptsPerRound = 64;
constexpr Duration kPauseWithoutDescriptors = std::chrono::milliseconds(100);

using Counters = std::shared_ptr<ListenCounters>;

// A connection's part in the count of open ones, for as long as it exists.
class OpenSlot {
 public:
  explicit OpenSlot(Counters counters) : counters_(std::move(counters)) { ++counters_->open; }
  ~OpenSlot() { --counters_->open; }
  OpenSlot(const OpenSlot&) = delete;
  OpenSlot& operator=(const OpenSlot&) = delete;

 private:
  Counters counters_;
};

bool is_out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

class Acceptor final : public Pollable {
 public:
  Acceptor(Loop& loop, Descriptor socket, ListenSettings settings, Listener::OnAccept on_accept)
      : loop_(loop),
        reactor_(reactor_of(loop)),
        socket_(std::move(socket)),
        settings_(std::move(settings)),
        on_accept_(std::move(on_accept)),
        retry_(loop, [this] { reactor_.again(*this); }) {}

  bool open() { return reactor_.add(socket_.get(), *this); }
  void close() {
    retry_.disarm();
    reactor_.remove(socket_.get(), *this);
    socket_.reset();
    for (auto& [connection, handshake] : std::exchange(handshakes_, {})) connection->close();
  }

  int descriptor() const { return socket_.get(); }
  const ListenCounters& counters() const { return *counters_; }
  void apply(const ListenSettings& settings) {
    settings_ = settings;
    // Accepted sockets inherit them.
    set_buffers(socket_.get(), settings.channel.send_buffer, settings.channel.receive_buffer);
  }
  void set_tls(std::shared_ptr<TlsContext> tls) { settings_.tls = std::move(tls); }

  void on_ready(std::uint32_t) override {
    if (retry_.armed() != kNever) return;
    for (int accepts = 0; socket_; ++accepts) {
      if (accepts == kAcceptsPerRound) return reactor_.again(*this);
      if (!accept_one()) return;
    }
  }

 private:
  struct Handshake {
    ConnectionRef connection;
    std::unique_ptr<Timer> limit;
  };

  bool accept_one() {
    Endpoint peer;
    peer.length = sizeof peer.storage;
    Descriptor socket(
        accept4(socket_.get(), peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      admit(std::move(socket), peer);
    } else if (is_out_of_descriptors(errno)) {
      ++counters_->refused;
      retry_.arm(loop_.now() + kPauseWithoutDescriptors);
      return false;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return false;
    }
    return true;  // other errors are of connections that are gone again
  }

  void admit(Descriptor socket, const Endpoint& peer) {
    if (counters_->open >= settings_.connections) {
      ++counters_->refused;
      return;
    }
    ConnectionRef connection(new Connection(
        loop_, {std::move(socket), peer, settings_.channel,
                settings_.tls ? std::make_unique<TlsSession>(settings_.tls, "") : nullptr,
                std::make_shared<OpenSlot>(counters_)}));
    if (!connection->open()) {
      ++counters_->refused;
      return;
    }
    ++counters_->accepted;
    if (settings_.tls) {
      shake_hands(std::move(connection));
    } else {
      on_accept_(make_channel(std::move(connection)));
    }
  }

  void shake_hands(ConnectionRef connection) {
    Connection* const key = connection.get();
    auto limit = std::make_unique<Timer>(loop_, [this, key] {
      const auto late = handshakes_.extract(key);
      note_failed(*key, "timed out");
      late.mapped().connection->close();
    });
    limit->arm(loop_.now() + settings_.handshake);
    handshakes_.emplace(key, Handshake{std::move(connection), std::move(limit)});
    key->handshake([this, key](const Status& outcome) { finish_handshake(key, outcome); });
  }

  void finish_handshake(Connection* key, const Status& outcome) {
    ConnectionRef connection = handshakes_.extract(key).mapped().connection;
    if (outcome.ok()) {
      on_accept_(make_channel(std::move(connection)));
    } else {
      note_failed(*connection, outcome.error());
      connection->close_gracefully();  // so that the peer gets the alert
    }
  }

  void note_failed(const Connection& connection, const std::string& why) {
    ++counters_->handshake_failed;
    const auto left_out = log_pause_.over(loop_.now());
    if (!left_out) return;
    log_warning("TLS handshake failed",
                {{"listener", local_endpoint(socket_.get()).address().text()},
                 {"peer", connection.peer().address().text()},
                 {"why", why},
                 {"left_out", std::to_string(*left_out)}});
  }

  Loop& loop_;
  Reactor& reactor_;
  Descriptor socket_;
  ListenSettings settings_;
  Listener::OnAccept on_accept_;
  Timer retry_;
  Counters counters_ = std::make_shared<ListenCounters>();
  std::map<Connection*, Handshake> handshakes_;
  LogPause log_pause_;
};

class SocketListener final : public Listener {
 public:
  SocketListener(boost::intrusive_ptr<Acceptor> acceptor, Address local)
      : acceptor_(std::move(acceptor)), local_(std::move(local)) {}
  ~SocketListener() override { acceptor_->close(); }

  Address local() const override { return local_; }
  ListenCounters counters() const override { return acceptor_->counters(); }
  void apply(const ListenSettings& settings) override { acceptor_->apply(settings); }
  void set_tls(std::shared_ptr<TlsContext> tls) override { acceptor_->set_tls(std::move(tls)); }

 private:
  boost::intrusive_ptr<Acceptor> acceptor_;
  Address local_;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const Address& address,
                                                 const ListenSettings& settings,
                                                 OnAccept on_accept) {
  const auto refuse = [&](const std::string& why) {
    return Error{"cannot listen on " + address.text() + ": " + why};
  };
  const Endpoints endpoints = look_up(address);
  if (!endpoints.ok()) return refuse(endpoints.error());
  Result<Descriptor> socket =
      listen_on(endpoints->front(), settings.backlog, settings.reuse_port, settings.channel);
  if (!socket.ok()) return refuse(socket.error());
  const Address local = local_endpoint(socket->get()).address();
  boost::intrusive_ptr<Acceptor> acceptor(
      new Acceptor(loop, std::move(*socket), settings, std::move(on_accept)));
  if (!acceptor->open()) return refuse(error_text(errno));
  return std::unique_ptr<Listener>(std::make_unique<SocketListener>(std::move(acceptor), local));
}

}  // namespace phoenix::net
