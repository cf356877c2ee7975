#include "runtime/gateway/http_upstream.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <list>
#include <utility>
#include <vector>

#include "runtime/gateway/http_health.h"
#include "runtime/gateway/http_link.h"
#include "runtime/http/render.h"
#include "runtime/log.h"

namespace phoenix::gateway {
namespace {

constexpr std::size_t kWaiting = 1024;  // attempts without a connection
constexpr std::size_t kWriteQueue = std::size_t{1}
                                    << 30;  // requests are bounded where they come in
constexpr Duration kSweep = std::chrono::seconds(10);
constexpr int kSweepsAtRest = 3;  // then a connection is closed
constexpr int kFailuresInARow = 3;
constexpr Duration kFirstRetry = std::chrono::milliseconds(100);
constexpr Duration kShortestCheck = std::chrono::milliseconds(100);
constexpr Duration kLongestCheck = std::chrono::seconds(5);

class HttpUpstream final : public Upstream, private LinkOwner {
 public:
  HttpUpstream(net::Loop& loop, NodeId node, const ServerConfig& server,
               const ServiceConfig& service, TermsSource terms, const Knobs& knobs,
               UpstreamUser& user)
      : loop_(loop),
        node_(node),
        address_(server.address),
        host_(address_.text()),
        health_path_(service.health_path),
        health_interval_(service.health_interval),
        terms_(std::move(terms)),
        user_(user),
        next_check_(loop.now()),
        next_sweep_(loop.now() + kSweep),
        tick_(loop, [this] { on_tick(); }),
        chores_(loop, [this] { do_chores(); }) {
    dial_settings_.channel.write_queue = kWriteQueue;
    apply(knobs);
    arm_tick();
  }

  void send(AttemptId attempt, const Request& request, std::string_view, std::string_view,
            Duration time_left) override;
  void forget(AttemptId attempt) override;
  void resume(AttemptId attempt) override;
  void apply(const Knobs& knobs) override;
  void move(const net::Address& address, std::uint64_t incarnation) override;
  std::size_t connections() const override { return links_.size(); }
  std::uint64_t dials_failed() const override { return dials_failed_; }
  std::size_t under_way() const override { return links_.size() - idle_.size() + waiting_.size(); }

 private:
  struct Verdict {
    AttemptId attempt;
    AttemptResult result;
  };
  using Dials = std::list<std::unique_ptr<net::Dial>>;

  UpstreamUser& user() override { return user_; }
  std::string_view host() const override { return host_; }
  void on_link_free(HttpLink& link) override;
  void on_link_over(HttpLink& link) override;
  void on_stale(const HttpJob& job) override;

  HttpLink* link_of(AttemptId attempt);
  void end_later(AttemptId attempt, AttemptResult result);
  const net::DialSettings& dial_settings();
  void dial_for_waiting();
  void on_dialed(Dials::iterator dial, Result<std::unique_ptr<net::Channel>> result);
  void adopt(std::unique_ptr<net::Channel> channel);
  void refuse_waiting();
  void end_idle();
  void renew_terms();

  void on_tick();
  void arm_tick() { tick_.arm(std::min(next_check_, next_sweep_)); }
  void sweep();
  void check();
  void on_checked(const Status& outcome);
  void on_contact_failed(const std::string& why);
  void set_reachable(bool reachable);
  void do_chores();

  net::Loop& loop_;
  NodeId node_;
  net::Address address_;
  std::string host_;
  std::string health_path_;
  Duration health_interval_;
  TermsSource terms_;
  net::DialSettings dial_settings_;
  UpstreamUser& user_;
  std::size_t pool_size_ = 1;

  std::vector<std::unique_ptr<HttpLink>> links_;
  std::vector<HttpLink*> idle_;  // the newest last: it is used first
  std::deque<HttpJob> waiting_;
  Dials dials_;
  std::vector<Verdict> verdicts_;                 // to be told soon
  std::vector<std::unique_ptr<HttpLink>> ended_;  // to be destroyed soon
  std::unique_ptr<HttpHealthCheck> check_;
  bool is_check_over_ = false;

  bool is_known_ = false;  // whether the server is reachable
  bool is_reachable_ = false;
  int failures_ = 0;  // in a row
  std::uint64_t dials_failed_ = 0;
  std::string why_;  // the server was last not reached, as told in the log
  Duration retry_ = kFirstRetry;
  Time next_check_;
  Time next_sweep_;
  net::Timer tick_;
  net::Timer chores_;  // what must not happen within a callback of the one concerned
};

void HttpUpstream::send(AttemptId attempt, const Request& request, std::string_view,
                        std::string_view, Duration time_left) {
  if (!http::is_sendable(method_of(request), target_of(request))) {
    return end_later(attempt, AttemptResult::kError);
  }
  const Time now = loop_.now();
  const HttpJob job{attempt, &request, add_saturating(now, time_left)};
  if (!idle_.empty()) {
    HttpLink* const link = idle_.back();
    idle_.pop_back();
    return link->carry(job, now);
  }
  if (waiting_.size() >= kWaiting) return end_later(attempt, AttemptResult::kQueueFull);
  waiting_.push_back(job);
  dial_for_waiting();
}

void HttpUpstream::forget(AttemptId attempt) {
  if (HttpLink* const link = link_of(attempt)) return link->end();
  std::erase_if(waiting_, [attempt](const HttpJob& job) { return job.attempt == attempt; });
  std::erase_if(verdicts_, [attempt](const Verdict& one) { return one.attempt == attempt; });
}

void HttpUpstream::resume(AttemptId attempt) {
  if (HttpLink* const link = link_of(attempt)) link->resume();
}

void HttpUpstream::apply(const Knobs& knobs) {
  pool_size_ = static_cast<std::size_t>(std::max(1, knobs.http_pool_size));
  if (dial_settings_.channel.send_buffer != knobs.socket_buffer) {
    dial_settings_.channel.send_buffer = knobs.socket_buffer;
    dial_settings_.channel.receive_buffer = knobs.socket_buffer;
    for (const auto& link : links_) link->set_socket_buffers(knobs.socket_buffer);
  }
  renew_terms();
  dial_for_waiting();
}

// Other questions are asked at once.
void HttpUpstream::renew_terms() {
  if (!terms_) return;
  HttpTerms terms = terms_();
  dial_settings_.tls = std::move(terms.tls);
  if (terms.health_path == health_path_ && terms.health_interval == health_interval_) return;
  health_path_ = std::move(terms.health_path);
  health_interval_ = terms.health_interval;
  next_check_ = loop_.now();
  arm_tick();
}

void HttpUpstream::move(const net::Address& address, std::uint64_t) {
  address_ = address;
  host_ = address_.text();
  end_idle();
  while (!links_.empty()) links_.back()->fail();
  next_check_ = loop_.now();
  arm_tick();
}

HttpLink* HttpUpstream::link_of(AttemptId attempt) {
  const auto found = std::find_if(links_.begin(), links_.end(), [attempt](const auto& link) {
    return link->attempt() == attempt;
  });
  return found == links_.end() ? nullptr : found->get();
}

void HttpUpstream::end_later(AttemptId attempt, AttemptResult result) {
  verdicts_.push_back({attempt, result});
  chores_.arm(loop_.now());
}

// Connections.

const net::DialSettings& HttpUpstream::dial_settings() {
  renew_terms();
  return dial_settings_;
}

void HttpUpstream::dial_for_waiting() {
  while (dials_.size() < waiting_.size() && links_.size() + dials_.size() < pool_size_) {
    const auto dial = dials_.emplace(dials_.end());
    *dial = net::Dial::start(loop_, address_, dial_settings(),
                             [this, dial](Result<std::unique_ptr<net::Channel>> result) {
                               on_dialed(dial, std::move(result));
                             });
  }
}

void HttpUpstream::on_dialed(Dials::iterator dial, Result<std::unique_ptr<net::Channel>> result) {
  dials_.erase(dial);
  if (result.ok()) {
    if (health_path_.empty()) failures_ = 0;
    return adopt(std::move(*result));
  }
  if (links_.empty() && dials_.empty()) refuse_waiting();
  on_contact_failed(result.error());
}

void HttpUpstream::adopt(std::unique_ptr<net::Channel> channel) {
  LinkOwner& owner = *this;
  auto owned = std::make_unique<HttpLink>(owner, std::move(channel));
  HttpLink& link = *owned;
  link.place = links_.size();
  links_.push_back(std::move(owned));
  link.start();
  on_link_free(link);
}

// Attempts that come in meanwhile wait for the next dial.
void HttpUpstream::refuse_waiting() {
  for (std::size_t left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
    const HttpJob job = waiting_.front();
    waiting_.pop_front();
    user_.on_attempt(job.attempt, AttemptResult::kRefused, nullptr);
  }
}

void HttpUpstream::on_link_free(HttpLink& link) {
  if (links_.size() > pool_size_) return link.end();
  if (waiting_.empty()) {
    link.sweeps_at_rest = 0;
    idle_.push_back(&link);
    return;
  }
  const HttpJob job = waiting_.front();
  waiting_.pop_front();
  link.carry(job, loop_.now());
}

void HttpUpstream::on_link_over(HttpLink& link) {
  std::erase(idle_, &link);
  const std::size_t place = link.place;
  links_.back()->place = place;
  std::swap(links_[place], links_.back());
  ended_.push_back(std::move(links_.back()));
  links_.pop_back();
  chores_.arm(loop_.now());
  dial_for_waiting();
}

// What closed one kept connection has most likely closed them all.
void HttpUpstream::on_stale(const HttpJob& job) {
  end_idle();
  waiting_.push_front(job);
  waiting_.front().is_resent = true;
  dial_for_waiting();
}

void HttpUpstream::end_idle() {
  while (!idle_.empty()) idle_.back()->end();
}

void HttpUpstream::do_chores() {
  ended_.clear();
  if (std::exchange(is_check_over_, false)) check_.reset();
  while (!verdicts_.empty()) {
    const Verdict verdict = verdicts_.back();
    verdicts_.pop_back();
    user_.on_attempt(verdict.attempt, verdict.result, nullptr);
  }
}

// Whether the server is reachable.

void HttpUpstream::on_tick() {
  const Time now = loop_.now();
  if (now >= next_sweep_) {
    next_sweep_ = now + kSweep;
    sweep();
  }
  if (now >= next_check_) check();
  arm_tick();
}

void HttpUpstream::sweep() {
  const std::vector<HttpLink*> resting = idle_;
  for (HttpLink* const link : resting) {
    if (++link->sweeps_at_rest >= kSweepsAtRest) link->end();
  }
}

void HttpUpstream::check() {
  renew_terms();
  next_check_ = kNever;
  HttpHealthCheck::Question question;
  question.address = address_;
  question.path = health_path_;
  question.timeout = std::clamp(health_interval_, kShortestCheck, kLongestCheck);
  question.dial = dial_settings();
  is_check_over_ = false;
  check_ = std::make_unique<HttpHealthCheck>(
      loop_, question, [this](const Status& outcome) { on_checked(outcome); });
}

void HttpUpstream::on_checked(const Status& outcome) {
  is_check_over_ = true;
  chores_.arm(loop_.now());
  if (!outcome) {
    on_contact_failed(outcome.error());
    retry_ = std::min(retry_ * 2, std::max(health_interval_, kFirstRetry));
    return;
  }
  failures_ = 0;
  why_.clear();
  retry_ = kFirstRetry;
  next_check_ = loop_.now() + health_interval_;
  arm_tick();
  set_reachable(true);
}

// Tried again and again: told once for each reason.
void HttpUpstream::on_contact_failed(const std::string& why) {
  ++failures_;
  ++dials_failed_;
  if (why != why_) log_warning("server not reached", {{"server", host_}, {"why", why}});
  why_ = why;
  const bool is_asking = check_ != nullptr && !is_check_over_;
  if (!is_asking) {
    next_check_ = std::min(next_check_, loop_.now() + retry_);
    arm_tick();
  }
  if (!is_known_ || failures_ >= kFailuresInARow) set_reachable(false);
}

void HttpUpstream::set_reachable(bool reachable) {
  if (is_known_ && is_reachable_ == reachable) return;
  is_known_ = true;
  is_reachable_ = reachable;
  user_.on_reachable(node_, reachable);
}

}  // namespace

std::unique_ptr<Upstream> make_http_upstream(net::Loop& loop, NodeId node,
                                             const ServerConfig& server,
                                             const ServiceConfig& service, TermsSource terms,
                                             const Knobs& knobs, UpstreamUser& user) {
  return std::make_unique<HttpUpstream>(loop, node, server, service, std::move(terms), knobs, user);
}

}  // namespace phoenix::gateway
