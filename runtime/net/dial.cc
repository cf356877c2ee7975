#include <optional>
#include <utility>

#include <sys/epoll.h>

#include "runtime/net/connect.h"
#include "runtime/net/connection.h"
#include "runtime/net/lookup.h"
#include "runtime/net/tls_context.h"

namespace phoenix::net {
namespace {

class Attempt final : public Pollable {
 public:
  Attempt(Loop& loop, Address address, DialSettings settings, Dial::OnDone on_done)
      : loop_(loop),
        reactor_(reactor_of(loop)),
        address_(std::move(address)),
        settings_(std::move(settings)),
        on_done_(std::move(on_done)),
        limit_(loop, [this] { finish(Error{"timed out"}); }) {}

  void begin() {
    limit_.arm(add_saturating(loop_.now(), settings_.timeout));
    endpoints_ = literal_endpoints(address_);
    if (!endpoints_.empty()) return reactor_.again(*this);
    lookup_.emplace(loop_, address_, [this](Endpoints found) {
      if (!found.ok()) return finish(Error{found.error()});
      endpoints_ = std::move(*found);
      reactor_.again(*this);
    });
  }

  void close() {
    on_done_ = nullptr;
    lookup_.reset();
    limit_.disarm();
    drop_socket();
    if (connection_) std::exchange(connection_, nullptr)->close();
  }

  void on_ready(std::uint32_t events) override {
    if (!on_done_ || connection_) return;
    if (!socket_) return try_next();
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    if (const int error = outcome_of_connect(socket_.get()); error != 0) {
      why_ = error_text(error);
      drop_socket();
      try_next();
    } else {
      connected();
    }
  }

 private:
  void try_next() {
    while (tried_ < endpoints_.size()) {
      Result<Descriptor> socket = begin_connect(endpoints_[tried_++], settings_.channel);
      if (socket.ok() && reactor_.add(socket->get(), *this)) {
        socket_ = std::move(*socket);
        return;
      }
      if (!socket.ok()) why_ = socket.error();
    }
    finish(Error{why_});
  }

  void connected() {
    reactor_.remove(socket_.get(), *this);
    connection_ = ConnectionRef(new Connection(loop_, {std::move(socket_), endpoints_[tried_ - 1],
                                                       settings_.channel, session(), nullptr}));
    if (!connection_->open()) return finish(Error{"no memory to watch the socket"});
    if (!settings_.tls) return hand_over();
    connection_->handshake([this](const Status& outcome) {
      if (outcome.ok()) return hand_over();
      std::exchange(connection_, nullptr)->close_gracefully();  // so that the peer gets the alert
      finish(Error{outcome.error()});
    });
  }

  std::unique_ptr<TlsSession> session() const {
    if (!settings_.tls) return nullptr;
    const std::string& of_context = settings_.tls->server_name();
    const std::string& name = !settings_.server_name.empty() ? settings_.server_name
                              : !of_context.empty()          ? of_context
                                                             : address_.host;
    return std::make_unique<TlsSession>(settings_.tls, name);
  }

  void hand_over() { finish(make_channel(std::exchange(connection_, nullptr))); }

  void finish(Result<std::unique_ptr<Channel>> outcome) {
    const PollableRef alive(this);  // the callback may drop the dial
    const auto done = std::exchange(on_done_, nullptr);
    close();
    done(std::move(outcome));
  }

  void drop_socket() {
    if (!socket_) return;
    reactor_.remove(socket_.get(), *this);
    socket_.reset();
  }

  Loop& loop_;
  Reactor& reactor_;
  Address address_;
  DialSettings settings_;
  Dial::OnDone on_done_;
  Timer limit_;
  std::optional<Lookup> lookup_;
  std::vector<Endpoint> endpoints_;
  std::size_t tried_ = 0;
  std::string why_ = "no address to connect to";
  Descriptor socket_;
  ConnectionRef connection_;
};

class SocketDial final : public Dial {
 public:
  explicit SocketDial(boost::intrusive_ptr<Attempt> attempt) : attempt_(std::move(attempt)) {}
  ~SocketDial() override { attempt_->close(); }

 private:
  boost::intrusive_ptr<Attempt> attempt_;
};

}  // namespace

std::unique_ptr<Dial> Dial::start(Loop& loop, const Address& address, const DialSettings& settings,
                                  OnDone on_done) {
  boost::intrusive_ptr<Attempt> attempt(new Attempt(loop, address, settings, std::move(on_done)));
  attempt->begin();
  return std::make_unique<SocketDial>(std::move(attempt));
}

}  // namespace phoenix::net
