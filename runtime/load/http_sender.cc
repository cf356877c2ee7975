#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "runtime/http/message.h"
#include "runtime/http/parser.h"
#include "runtime/load/sender.h"
#include "runtime/net/connect.h"

namespace phoenix::load {
namespace {

constexpr Duration kRedial = std::chrono::milliseconds(100);
constexpr http::ParserLimits kLimits{64 * 1024, 1ULL << 40};

FailureReason reason_of(const http::Head& head) {
  if (head.status < 400) return FailureReason::kNone;
  const auto named = http::find_header(head.headers, "X-Phoenix-Reason");
  for (std::size_t i = 1; named && i < static_cast<std::size_t>(FailureReason::kCount); ++i) {
    if (to_text(static_cast<FailureReason>(i)) == *named) return static_cast<FailureReason>(i);
  }
  return head.status == 504 ? FailureReason::kDeadline : FailureReason::kError;
}

// One connection with at most one request under way.
class Connection final : private net::ChannelUser, private http::ParserUser {
 public:
  class User {
   public:
    virtual ~User() = default;
    // The connection serves on where `is_usable`; else the user drops it, at once.
    virtual void on_done(Connection& connection, FailureReason reason, bool is_usable) = 0;
    virtual void on_idle_lost(Connection& connection) = 0;
  };

  Connection(std::unique_ptr<net::Channel> channel, bool to_head, User& user)
      : channel_(std::move(channel)),
        to_head_(to_head),
        user_(user),
        parser_(http::Parser::Kind::kResponse, kLimits, *this) {
    channel_->start(*this);
  }

  void send(std::uint64_t number, std::string_view request) {
    number_ = number;
    is_busy_ = true;
    parser_.reset(to_head_);
    channel_->write(request);
  }
  std::uint64_t number() const { return number_; }

 private:
  void on_head(const http::Head& head) override {
    reason_ = reason_of(head);
    keeps_ = head.keep_alive;
  }
  void on_body(std::string_view) override {}
  void on_end() override {}

  std::size_t on_bytes(std::string_view bytes) override {
    const std::size_t taken = is_busy_ ? parser_.feed(bytes) : 0;
    if (!is_busy_ || parser_.error() != http::ParseError::kNone) {
      lost();  // bytes nobody asked for, or no HTTP
    } else if (parser_.is_done()) {
      is_busy_ = false;
      user_.on_done(*this, reason_, keeps_ && taken == bytes.size());
    }
    return taken;
  }

  void on_closed(net::CloseReason, const std::string&) override {
    if (is_busy_) parser_.finish();
    if (is_busy_ && parser_.is_done()) {
      user_.on_done(*this, reason_, false);
    } else {
      lost();
    }
  }

  void lost() {
    if (is_busy_) {
      user_.on_done(*this, FailureReason::kReset, false);
    } else {
      user_.on_idle_lost(*this);
    }
  }

  std::unique_ptr<net::Channel> channel_;
  bool to_head_;
  User& user_;
  http::Parser parser_;
  std::uint64_t number_ = 0;
  FailureReason reason_ = FailureReason::kNone;
  bool is_busy_ = false;
  bool keeps_ = true;
};

class HttpSender final : public Sender, public Connection::User {
 public:
  HttpSender(net::Loop& loop, const HttpSenderSettings& settings, SenderUser& user)
      : loop_(loop),
        settings_(settings),
        user_(user),
        redial_(loop, [this] { dial(); }),
        request_(settings.method + " " + settings.target + " HTTP/1.1\r\nHost: " + settings.host +
                 "\r\n" + settings.headers) {
    if (!settings.body.empty()) {
      request_ += "Content-Length: " + std::to_string(settings.body.size()) + "\r\n";
    }
    request_ += "\r\n" + settings.body;
    dial();
  }

  void send(const Outgoing& request) override {
    if (!idle_.empty()) {
      Connection* connection = idle_.back();
      idle_.pop_back();
      return start(*connection, request.number);
    }
    if (waits_.size() >= settings_.waiting) {
      return user_.on_result({request.number, FailureReason::kInFlightLimit, -1, 0});
    }
    waiting_.push_back(request.number);
    waits_.insert(request.number);
    dial();
  }

  void forget(std::uint64_t number) override {
    if (waits_.erase(number) > 0) return skip_forgotten();
    const auto found = busy_.find(number);
    if (found == busy_.end()) return;
    Connection& connection = *found->second;
    busy_.erase(found);
    drop(connection);
    if (!waits_.empty()) dial();
  }

  bool is_ready() const override { return !all_.empty(); }
  std::string problem() const override { return problem_; }

 private:
  void dial() {
    const std::size_t wanted = std::max<std::size_t>(1, waits_.size());
    while (all_.size() + dials_.size() < static_cast<std::size_t>(settings_.connections) &&
           dials_.size() < wanted) {
      const std::uint64_t id = next_dial_++;
      net::DialSettings dial;
      dial.tls = settings_.tls;
      dials_.emplace_back(id, nullptr);
      auto started = net::Dial::start(loop_, settings_.server, dial,
                                      [this, id](auto channel) { on_dialled(id, channel); });
      for (auto& entry : dials_) {
        if (entry.first == id) entry.second = std::move(started);
      }
    }
  }

  void on_dialled(std::uint64_t id, Result<std::unique_ptr<net::Channel>>& channel) {
    std::erase_if(dials_, [id](const auto& entry) { return entry.first == id; });
    if (!channel) {
      problem_ = settings_.server.text() + ": " + channel.error();
      if (all_.empty()) fail_waiting();
      return redial_.arm(loop_.now() + kRedial);
    }
    all_.push_back(
        std::make_unique<Connection>(std::move(*channel), settings_.method == "HEAD", *this));
    use(*all_.back());
  }

  void start(Connection& connection, std::uint64_t number) {
    busy_[number] = &connection;
    connection.send(number, request_);
  }

  void use(Connection& connection) {
    if (waits_.empty()) return idle_.push_back(&connection);
    const std::uint64_t number = waiting_.front();
    waiting_.pop_front();
    waits_.erase(number);
    skip_forgotten();
    start(connection, number);
  }

  // The first that waits is one somebody waits for.
  void skip_forgotten() {
    while (!waiting_.empty() && !waits_.contains(waiting_.front())) waiting_.pop_front();
  }

  // Nobody is there to serve them.
  void fail_waiting() {
    std::deque<std::uint64_t> waiting;
    waiting.swap(waiting_);
    const std::unordered_set<std::uint64_t> waited = std::exchange(waits_, {});
    for (const std::uint64_t number : waiting) {
      if (waited.contains(number)) user_.on_result({number, FailureReason::kReset, -1, 0});
    }
  }

  void on_done(Connection& connection, FailureReason reason, bool is_usable) override {
    const SendResult result{connection.number(), reason, -1, 1};
    busy_.erase(result.number);
    if (is_usable) {
      use(connection);
    } else {
      drop(connection);
      if (!waits_.empty()) dial();
    }
    user_.on_result(result);
  }

  void on_idle_lost(Connection& connection) override {
    drop(connection);
    if (all_.empty()) redial_.arm(loop_.now() + kRedial);
  }

  void drop(Connection& connection) {
    std::erase(idle_, &connection);
    std::erase_if(all_, [&](const auto& one) { return one.get() == &connection; });
  }

  net::Loop& loop_;
  HttpSenderSettings settings_;
  SenderUser& user_;
  net::Timer redial_;
  std::string request_;
  std::string problem_ = "not connected yet";
  std::vector<std::pair<std::uint64_t, std::unique_ptr<net::Dial>>> dials_;
  std::uint64_t next_dial_ = 0;
  std::vector<std::unique_ptr<Connection>> all_;
  std::vector<Connection*> idle_;                        // the last used first
  std::unordered_map<std::uint64_t, Connection*> busy_;  // by the request under way
  std::deque<std::uint64_t> waiting_;                    // in order, also forgotten ones
  std::unordered_set<std::uint64_t> waits_;              // those of them that are not
};

}  // namespace

std::unique_ptr<Sender> make_http_sender(net::Loop& loop, const HttpSenderSettings& settings,
                                         SenderUser& user) {
  return std::make_unique<HttpSender>(loop, settings, user);
}

}  // namespace phoenix::load
