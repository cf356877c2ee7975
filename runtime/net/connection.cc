#include "runtime/net/connection.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

namespace phoenix::net {
namespace {

constexpr int kCallsPerRound = 4;  // then the other connections get their turn
constexpr std::size_t kCompactAt = 256 * 1024;
constexpr Duration kLingerTime = std::chrono::seconds(1);

}  // namespace

Connection::Connection(Loop& loop, Parts parts)
    : loop_(loop),
      reactor_(reactor_of(loop)),
      socket_(std::move(parts.socket)),
      peer_(parts.peer),
      settings_(parts.settings),
      tls_(std::move(parts.tls)),
      slot_(std::move(parts.slot)) {}

bool Connection::open() { return reactor_.add(socket_.get(), *this); }

void Connection::handshake(std::function<void(Status)> done) {
  assert(tls_ && stage_ == Stage::kIdle);
  on_handshake_ = std::move(done);
  stage_ = Stage::kHandshake;
  reactor_.again(*this);
}

void Connection::start(ChannelUser& user) {
  assert(user_ == nullptr);
  user_ = &user;
  if (socket_) stage_ = Stage::kOpen;
  if (readable_ || tls_ || !socket_) reactor_.again(*this);
}

void Connection::close() {
  user_ = nullptr;
  on_handshake_ = nullptr;
  drop_socket();
}

void Connection::close_gracefully() {
  user_ = nullptr;
  on_handshake_ = nullptr;
  if (!socket_) return;
  peer_ended_ = stage_ == Stage::kEnded;
  stage_ = Stage::kClosing;
  if (tls_) {
    encrypt();
    tls_->shutdown();
  }
  reactor_.keep(*this);
  if (blocked_ || send_wire()) finish_sending();
  if (!socket_) return;
  closing_timer_ = std::make_unique<Timer>(loop_, [this] { on_closing_due(); });
  sent_when_armed_ = bytes_out_;
  closing_timer_->arm(add_saturating(loop_.now(), shut_ ? kLingerTime : settings_.flush_time));
  if (readable_) reactor_.again(*this);
}

std::string& Connection::output() {
  if (output_.empty()) reactor_.lend(output_);
  return output_;
}

void Connection::flush_soon() {
  const std::size_t queued = queued_bytes();
  if (!socket_ || queued > settings_.write_queue) {
    overflowed_ = true;
    output_.clear();
    wire().clear();
    sent_ = 0;
  }
  above_low_ |= queued > settings_.write_low;
  if (!socket_ || flushing_ || (blocked_ && !overflowed_)) return;
  flushing_ = true;
  reactor_.flush_later(*this);
}

std::size_t Connection::queued_bytes() const {
  return (tls_ ? output_.size() : 0) + wire().size() - sent_;
}

Duration Connection::drain_time(std::size_t more) const {
  if (!blocked_) return Duration{0};
  const auto queued = static_cast<double>(queued_bytes() + more);
  return drain_.time_for(queued + unacknowledged_bytes(socket_.get()), loop_.now());
}

void Connection::resume_reading() {
  if (!std::exchange(paused_, false) || user_ == nullptr) return;
  redeliver_ = true;
  reactor_.again(*this);
}

void Connection::on_ready(std::uint32_t events) {
  if (!socket_) {  // a send failed before there was a user
    if (user_ != nullptr) fail(CloseReason::kReset, error_text(ECONNRESET));
    return;
  }
  constexpr std::uint32_t kBroken = EPOLLERR | EPOLLHUP;
  if (events & (kBroken | EPOLLRDHUP)) hung_up_ = true;
  if (events & (kBroken | EPOLLRDHUP | EPOLLIN)) readable_ = true;
  if (blocked_ && (events & (kBroken | EPOLLOUT))) {
    blocked_ = false;
    send_queued();
  }
  if (socket_) read();
}

void Connection::on_round_end() {
  flushing_ = false;
  if (!socket_) return;
  if (overflowed_) {
    return fail(CloseReason::kOverflow,
                "more than " + std::to_string(settings_.write_queue) + " bytes not sent");
  }
  if (!blocked_) send_queued();
}

void Connection::read() {
  if (stage_ == Stage::kHandshake) return shake_hands();
  if (stage_ == Stage::kClosing) return discard();
  if (!wants_bytes()) return;
  if (std::exchange(redeliver_, false) && !input_.empty()) deliver({});
  if (tls_) {
    read_encrypted();
  } else {
    read_plain();
  }
}

void Connection::read_plain() {
  for (int calls = 0; wants_bytes() && readable_; ++calls) {
    if (calls == kCallsPerRound) return reactor_.again(*this);
    const std::string_view bytes = receive(room());
    if (bytes.empty()) return;
    deliver(bytes);
  }
}

void Connection::read_encrypted() {
  for (int calls = 0; wants_bytes(); ++calls) {
    if (calls == kCallsPerRound) {
      reactor_.again(*this);
      break;
    }
    TlsSession::Step step = TlsSession::Step::kDone;
    const std::string_view plain = decrypt(step);
    if (!plain.empty()) deliver(plain);
    if (!wants_bytes() || !feed_after(step)) break;
  }
  tls_->keep_rest();
  if (!tls_->out().empty()) flush_soon();
}

std::string_view Connection::decrypt(TlsSession::Step& step) {
  const std::span<char> scratch = reactor_.decrypted();
  const std::span<char> into = scratch.first(std::min(room(), scratch.size()));
  std::size_t filled = 0;
  while (filled < into.size()) {
    std::size_t got = 0;
    step = tls_->read(into.subspan(filled), got);
    if (step != TlsSession::Step::kDone) break;
    filled += got;
  }
  return {into.data(), filled};
}

bool Connection::feed_after(TlsSession::Step step) {
  if (step == TlsSession::Step::kDone) return true;
  if (step == TlsSession::Step::kEnd) {
    end_reading();
  } else if (step == TlsSession::Step::kFailed) {
    fail(CloseReason::kTls, tls_->error());
  } else if (readable_) {
    const std::string_view bytes = receive(Reactor::kScratch);
    tls_->feed(bytes);
    return !bytes.empty();
  }
  return false;
}

std::string_view Connection::receive(std::size_t most) {
  const std::span<char> scratch = reactor_.received();
  most = std::min(most, scratch.size());
  ssize_t got = -1;
  do {
    got = recv(socket_.get(), scratch.data(), most, 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    const auto bytes = static_cast<std::size_t>(got);
    bytes_in_ += bytes;
    // A short read has emptied the socket, and what comes later is a new edge; but an end that came
    // with the bytes has had its edge already.
    if (bytes < most && !hung_up_) readable_ = false;
    return {scratch.data(), bytes};
  }
  readable_ = false;
  if (got == 0) {
    on_end();
  } else if ((errno != EAGAIN && errno != EWOULDBLOCK) || broken_) {
    on_broken(broken_ ? ECONNRESET : errno);
  }
  return {};
}

void Connection::deliver(std::string_view fresh) {
  std::string shown;  // out of reach of a user that destroys the channel while looking at it
  shown.swap(input_);
  if (!shown.empty()) fresh = shown.append(fresh);
  const std::size_t used = user_->on_bytes(fresh);
  assert(used <= fresh.size());
  if (user_ == nullptr || used == fresh.size()) {
    reactor_.give_back(shown);
  } else if (shown.empty()) {
    reactor_.lend(input_);
    input_.append(fresh.substr(used));
  } else {
    input_.swap(shown.erase(0, used));
  }
  if (user_ != nullptr) check_progress();
}

void Connection::check_progress() {
  if (paused_ && broken_) return fail(CloseReason::kReset, error_text(ECONNRESET));
  if (paused_ || input_.size() < settings_.read_buffer) return;
  fail(CloseReason::kOverflow,
       std::to_string(input_.size()) + " bytes received that make no whole");
}

void Connection::shake_hands() {
  TlsSession::Step step = TlsSession::Step::kWants;
  while (stage_ == Stage::kHandshake) {
    step = tls_->handshake();
    if (!blocked_ && !send_wire()) return;
    if (step != TlsSession::Step::kWants || !readable_) break;
    tls_->feed(receive(Reactor::kScratch));
  }
  tls_->keep_rest();
  if (stage_ != Stage::kHandshake || step == TlsSession::Step::kWants) return;
  end_handshake(step == TlsSession::Step::kDone ? success() : Error{tls_->error()});
}

void Connection::end_handshake(Status outcome) {
  stage_ = Stage::kIdle;
  if (const auto done = std::exchange(on_handshake_, nullptr)) done(std::move(outcome));
}

void Connection::discard() {
  for (int calls = 0; socket_ && readable_; ++calls) {
    if (calls == kCallsPerRound) return reactor_.again(*this);
    if (receive(Reactor::kScratch).empty()) return;
  }
}

void Connection::on_end() {
  switch (stage_) {
    case Stage::kHandshake:
      return end_handshake(Error{"the peer closed during the TLS handshake"});
    case Stage::kClosing:
      peer_ended_ = true;
      return finish_sending();
    case Stage::kOpen:
      if (broken_) return fail(CloseReason::kReset, error_text(ECONNRESET));
      if (tls_) return fail(CloseReason::kReset, "the peer closed without ending TLS");
      return end_reading();
    case Stage::kIdle:
    case Stage::kEnded:
      return;
  }
}

void Connection::end_reading() {
  stage_ = Stage::kEnded;
  told_ = true;
  reactor_.give_back(input_);
  user_->on_closed(CloseReason::kEnd, "closed by the peer");
}

void Connection::on_broken(int error) {
  if (stage_ == Stage::kHandshake) {
    end_handshake(Error{error_text(error) + " during the TLS handshake"});
  } else {
    fail(CloseReason::kReset, error_text(error));
  }
}

void Connection::on_send_failed(int error) {
  broken_ = true;
  output_.clear();
  wire().clear();
  sent_ = 0;
  if (stage_ != Stage::kOpen || paused_) return on_broken(error);
  // What the peer said before it went away is still there to be read; the end follows it.
  readable_ = hung_up_ = true;
  reactor_.again(*this);
}

void Connection::fail(CloseReason reason, const std::string& detail) {
  ChannelUser* const user = std::exchange(user_, nullptr);
  stage_ = Stage::kEnded;
  if (reason == CloseReason::kTls && !blocked_) send_wire();  // the alert
  drop_socket();
  if (user != nullptr && !told_) user->on_closed(reason, detail);
}

void Connection::send_queued() {
  if (tls_) encrypt();
  if (!send_wire()) return;
  if (stage_ == Stage::kClosing) return finish_sending();
  if (above_low_ && queued_bytes() <= settings_.write_low) {
    above_low_ = false;
    if (user_ != nullptr) user_->on_drained();
  }
}

void Connection::encrypt() {
  if (output_.empty()) return;
  if (wire().empty()) reactor_.lend(wire());
  // A failure is sticky in the session; reading comes across it.
  tls_->write(output_);
  reactor_.give_back(output_);
}

bool Connection::send_wire() {
  std::string& bytes = wire();
  while (sent_ < bytes.size()) {
    const ssize_t took =
        send(socket_.get(), bytes.data() + sent_, bytes.size() - sent_, MSG_NOSIGNAL);
    if (took >= 0) {
      sent_ += static_cast<std::size_t>(took);
      bytes_out_ += static_cast<std::uint64_t>(took);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      blocked_ = true;
      drain_.full(loop_.now(), bytes_out_);
      break;
    } else if (errno != EINTR) {
      on_send_failed(errno);
      return false;
    }
  }
  if (sent_ == bytes.size()) {
    drain_.emptied();
    reactor_.give_back(bytes);
    sent_ = 0;
  } else if (sent_ >= kCompactAt && sent_ * 2 >= bytes.size()) {
    bytes.erase(0, sent_);
    sent_ = 0;
  }
  return true;
}

void Connection::finish_sending() {
  if (queued_bytes() > 0) return;
  if (!std::exchange(shut_, true)) {
    ::shutdown(socket_.get(), SHUT_WR);
    if (closing_timer_) closing_timer_->arm(loop_.now() + kLingerTime);
  }
  if (peer_ended_) drop_socket();
}

void Connection::on_closing_due() {
  if (shut_ || bytes_out_ == sent_when_armed_) return drop_socket();
  sent_when_armed_ = bytes_out_;
  closing_timer_->arm(add_saturating(loop_.now(), settings_.flush_time));
}

void Connection::drop_socket() {
  if (!socket_) return;
  if (queued_bytes() > 0 || overflowed_) {
    const linger abort{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }
  reactor_.remove(socket_.get(), *this);
  socket_.reset();
  reactor_.give_back(input_);
  reactor_.give_back(output_);
  if (tls_) reactor_.give_back(tls_->out());
  sent_ = 0;
  closing_timer_.reset();
  reactor_.release(*this);
}

}  // namespace phoenix::net
