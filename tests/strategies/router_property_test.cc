// Thousands of random lives of a router, each checked against a second, naive bookkeeping: every
// request is answered exactly once, counts in flight are exact at every moment, limits hold,
// nothing goes to a node that must not get it, and in the end nothing is left.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using Change = MembershipChange::Kind;

constexpr std::size_t kNodes = 8;
constexpr std::size_t kServices = 2;

const std::vector<RouterClass>& classes() {
  static const std::vector<RouterClass> all = {
      {ServiceId{0}, 30ms}, {ServiceId{0}, Duration::max()}, {ServiceId{1}, 80ms}};
  return all;
}

class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed)
      : random_(seed), settings_(draw_settings()), router_(make()) {}

  void live(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      now_ += Duration{static_cast<std::int64_t>(random_.below(4'000'000))};
      if (chance(0.005)) now_ += 3s;
      if (router_.next_wake() <= now_ || chance(0.1)) wake();
      act();
      if (chance(0.2)) check_counts();
    }
  }

  // All nodes answer nothing any more; deadlines end what is left.
  void end() {
    while (!open_.empty() && !::testing::Test::HasFatalFailure()) {
      now_ = std::max(now_, router_.next_wake());
      wake();
    }
    check_counts();
    const RouterCounters& counters = router_.counters();
    std::uint64_t answered = 0;
    for (const std::uint64_t n : counters.answers) answered += n;
    EXPECT_EQ(counters.requests, next_token_);
    EXPECT_EQ(answered, next_token_);
    EXPECT_EQ(counters.late_results, late_);
    EXPECT_EQ(router_.open_requests(), 0U);
    EXPECT_LE(counters.retries, counters.attempts);
  }

  std::uint64_t digest() const { return digest_; }
  const RouterCounters& counters() const { return router_.counters(); }

 private:
  struct Attempt {
    RequestToken token;
    NodeId node;
    Time sent;
  };
  struct Open {
    RequestInfo info;
    int attempts = 0;
    NodeId last = kNoNode;
    AttemptId current = kNoAttempt;
    bool refused_or_repeatable = true;
  };

  bool chance(double p) { return random_.uniform() < p; }
  int draw(int low, int high) {
    return low + static_cast<int>(random_.below(static_cast<std::uint64_t>(high - low + 1)));
  }

  RouterSettings draw_settings() {
    RouterSettings s;
    s.max_in_flight = draw(3, 40);
    s.queue = draw(0, 10);
    s.max_in_flight_per_node = draw(0, 6);
    s.retries = draw(0, 4);
    s.retry_backoff = chance(0.3) ? Duration{0} : Duration{20ms};
    s.retry_reserve_per_s = draw(0, 30);
    s.consecutive_errors = draw(0, 4);
    s.success_rate_nodes = 2;
    s.success_rate_requests = 5;
    s.success_rate_stdevs = 0.5;
    s.ejection_interval = 100ms;
    s.ejection_time = 150ms;
    s.max_ejected_share = random_.uniform();
    s.panic_threshold = chance(0.3) ? 0.0 : 0.5;
    s.slow_start = chance(0.5) ? Duration{0} : Duration{2s};
    s.report_timeout = chance(0.5) ? Duration{0} : Duration{1s};
    return s;
  }

  std::unique_ptr<Balancer> draw_balancer() {
    if (chance(0.5)) return std::make_unique<Uniform>();
    return std::make_unique<LeastCost>();
  }

  Router make() {
    std::vector<std::unique_ptr<Balancer>> balancers;
    for (std::size_t i = 0; i < kServices; ++i) balancers.push_back(draw_balancer());
    return Router(settings_, std::move(balancers), classes(), Random(random_()));
  }

  void act() {
    const double what = random_.uniform();
    if (what < 0.45) return ask();
    if (what < 0.85) return deliver();
    if (what < 0.93) return report();
    if (what < 0.99) return change_membership();
    router_.set_balancer(id_at<ServiceId>(random_.below(kServices)), draw_balancer(), now_);
  }

  void ask() {
    RequestInfo info;
    info.token = next_token_++;
    info.request_class = id_at<ClassId>(random_.below(classes().size()));
    info.service = classes()[index(info.request_class)].service;
    info.repeatable = chance(0.7);
    info.deadline = now_ + Duration{static_cast<std::int64_t>(random_.below(300'000'000))};
    open_[info.token] = {info};
    carry_out(router_.on_request(info, now_), /*at_once=*/true);
  }

  void deliver() {
    if (known_.empty()) return;
    static constexpr AttemptResult kResults[] = {AttemptResult::kOk,        AttemptResult::kOk,
                                                 AttemptResult::kOk,        AttemptResult::kError,
                                                 AttemptResult::kQueueFull, AttemptResult::kRefused,
                                                 AttemptResult::kReset,     AttemptResult::kLate};
    const std::size_t which = random_.below(known_.size());
    const AttemptId attempt = known_[which];
    if (!chance(0.1)) {  // else it is delivered again some day
      known_[which] = known_.back();
      known_.pop_back();
    }
    const AttemptResult result = kResults[random_.below(std::size(kResults))];
    const auto found = current_.find(attempt);
    if (found == current_.end()) {
      ++late_;
      EXPECT_EQ(router_.on_result(attempt, result, now_).kind, RouterAction::Kind::kNone);
      return;
    }
    Open& open = open_.at(found->second.token);
    open.refused_or_repeatable = open.info.repeatable || result == AttemptResult::kQueueFull ||
                                 result == AttemptResult::kRefused;
    open.current = kNoAttempt;
    current_.erase(found);
    const RouterAction action = router_.on_result(attempt, result, now_);
    if (result == AttemptResult::kOk) {
      ASSERT_EQ(action.kind, RouterAction::Kind::kAnswer);
      ASSERT_EQ(action.reason, FailureReason::kNone);
    }
    carry_out(action, /*at_once=*/true);
  }

  void report() {
    LoadReport load;
    load.measured_at = now_;
    router_.on_report(id_at<NodeId>(random_.below(kNodes)), load, now_);
  }

  void change_membership() {
    static constexpr Change kKinds[] = {Change::kJoin,  Change::kJoin,  Change::kJoin,
                                        Change::kLeave, Change::kDrain, Change::kDown,
                                        Change::kUp,    Change::kUp,    Change::kWeight};
    MembershipChange change{
        kKinds[random_.below(std::size(kKinds))], id_at<NodeId>(random_.below(kNodes)),
        id_at<ServiceId>(random_.below(kServices)), 0.5 + random_.uniform(), chance(0.5)};
    const std::size_t n = index(change.node);
    if (change.kind == Change::kJoin) member_[index(change.service)][n] = true;
    if (change.kind == Change::kLeave) member_[index(change.service)][n] = false;
    if (change.kind == Change::kDrain) drains_[n] = true;
    if (change.kind == Change::kDown) down_[n] = true;
    if (change.kind == Change::kUp) drains_[n] = down_[n] = false;
    router_.on_membership(change, now_);
  }

  void wake() {
    const auto actions = router_.on_wake(now_);
    // What the router must have given up by now, whether it says so or not.
    for (auto& [token, open] : open_) {
      if (open.current == kNoAttempt) continue;
      const Duration limit = classes()[index(open.info.request_class)].attempt_timeout;
      const Time sent = current_.at(open.current).sent;
      if (open.info.deadline > now_ && add_saturating(sent, limit) > now_) continue;
      current_.erase(open.current);
      open.current = kNoAttempt;
      open.refused_or_repeatable = open.info.repeatable;
    }
    bool sending = false;
    for (const RouterAction& action : actions) {
      ASSERT_NE(action.kind, RouterAction::Kind::kNone);
      sending |= action.kind == RouterAction::Kind::kSend;
      ASSERT_EQ(sending, action.kind == RouterAction::Kind::kSend) << "an answer after a send";
      carry_out(action, /*at_once=*/false);
    }
    ASSERT_GT(router_.next_wake(), now_);
    for (const auto& [token, open] : open_) ASSERT_GT(open.info.deadline, now_);
  }

  // A wake decides many things one after the other; only alone is a decision seen with the health
  // it was made on.
  void carry_out(const RouterAction& action, bool at_once) {
    note(action);
    if (action.kind == RouterAction::Kind::kNone) {
      ASSERT_TRUE(at_once);
      return;
    }
    const auto found = open_.find(action.request);
    ASSERT_NE(found, open_.end()) << "request " << action.request << " is not open";
    Open& open = found->second;
    ASSERT_EQ(open.current, kNoAttempt) << "the attempt before has not ended";
    if (action.kind == RouterAction::Kind::kAnswer) {
      open_.erase(found);
      return;
    }
    check_send(action, open);
    if (at_once) check_health(action, open);
    ++open.attempts;
    open.last = action.node;
    open.current = action.attempt;
    ASSERT_TRUE(seen_.insert(action.attempt).second) << "an attempt id came twice";
    current_[action.attempt] = {action.request, action.node, now_};
    if (chance(0.9)) known_.push_back(action.attempt);  // the others are never heard of again
  }

  void check_send(const RouterAction& action, const Open& open) {
    const std::size_t n = index(action.node);
    const std::size_t service = index(open.info.service);
    ASSERT_GT(open.info.deadline, now_);
    ASSERT_LE(open.attempts, settings_.retries);
    ASSERT_TRUE(open.attempts == 0 || open.refused_or_repeatable);
    ASSERT_TRUE(member_[service][n] && !drains_[n]);
    const NodePool& pool = router_.pool(open.info.service);
    if (settings_.max_in_flight_per_node > 0) {
      ASSERT_LE(pool.in_flight(action.node),
                static_cast<std::uint32_t>(settings_.max_in_flight_per_node));
    }
  }

  void check_health(const RouterAction& action, const Open& open) {
    const NodePool& pool = router_.pool(open.info.service);
    ASSERT_TRUE(pool.is_eligible(action.node));
    ASSERT_TRUE(!down_[index(action.node)] || router_.in_panic(open.info.service));
    if (pool.eligible().size() > 1) {
      ASSERT_NE(action.node, open.last);
    }
  }

  void check_counts() {
    std::map<std::pair<ServiceId, NodeId>, std::uint32_t> expected;
    for (const auto& [id, attempt] : current_) {
      ++expected[{open_.at(attempt.token).info.service, attempt.node}];
    }
    for (std::size_t s = 0; s < kServices; ++s) {
      const NodePool& pool = router_.pool(id_at<ServiceId>(s));
      for (std::size_t n = 0; n < pool.capacity(); ++n) {
        ASSERT_EQ(pool.in_flight(node(n)), (expected[{id_at<ServiceId>(s), node(n)}]));
      }
    }
    ASSERT_EQ(router_.open_requests(), open_.size());
    ASSERT_LE(current_.size(), static_cast<std::size_t>(settings_.max_in_flight));
    ASSERT_LE(open_.size(), static_cast<std::size_t>(settings_.max_in_flight + settings_.queue));
  }

  void note(const RouterAction& action) {
    digest_ = mix64(digest_ ^ static_cast<std::uint64_t>(action.kind));
    digest_ = mix64(digest_ ^ static_cast<std::uint64_t>(action.reason));
    digest_ = mix64(digest_ ^ index(action.node));
    digest_ = mix64(digest_ ^ action.request);
    digest_ = mix64(digest_ ^ action.attempt);
  }

  Random random_;
  RouterSettings settings_;
  Router router_;
  Time now_ = kStart;
  RequestToken next_token_ = 0;
  std::map<RequestToken, Open> open_;
  std::map<AttemptId, Attempt> current_;  // sent and not ended
  std::vector<AttemptId> known_;          // what the world may deliver a result of
  std::set<AttemptId> seen_;
  bool member_[kServices][kNodes] = {};
  bool drains_[kNodes] = {};
  bool down_[kNodes] = {};
  std::uint64_t late_ = 0;
  std::uint64_t digest_ = 0;
};

TEST(RouterProperty, EveryRequestIsAnsweredExactlyOnceWhateverHappens) {
  RouterCounters sum;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE(seed);
    RandomLife life(seed);
    life.live(400);
    life.end();
    if (HasFailure()) return;
    const RouterCounters& counters = life.counters();
    sum.retries += counters.retries;
    sum.retries_denied += counters.retries_denied;
    sum.late_results += counters.late_results;
    sum.timed_out_attempts += counters.timed_out_attempts;
    sum.queued += counters.queued;
    sum.panic_picks += counters.panic_picks;
    sum.slow_start_repicks += counters.slow_start_repicks;
    sum.ejections += counters.ejections;
    for (std::size_t i = 0; i < sum.answers.size(); ++i) sum.answers[i] += counters.answers[i];
  }
  // The lives are worth nothing unless they went everywhere.
  for (const std::uint64_t n :
       {sum.retries, sum.retries_denied, sum.late_results, sum.timed_out_attempts, sum.queued,
        sum.panic_picks, sum.slow_start_repicks, sum.ejections}) {
    EXPECT_GT(n, 1000U);
  }
  for (std::size_t i = 0; i < sum.answers.size(); ++i) {
    const auto reason = static_cast<FailureReason>(i);
    if (reason == FailureReason::kGatewayOverload) continue;  // only worlds give this one
    // Of guards that are off unless asked for.
    if (reason == FailureReason::kCircuitOpen || reason == FailureReason::kThrottled) continue;
    EXPECT_GT(sum.answers[i], 1000U) << to_text(reason);
  }
}

TEST(RouterProperty, TheSameSeedMakesTheSameDecisions) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RandomLife a(seed);
    RandomLife b(seed);
    RandomLife other(seed + 1000);
    for (RandomLife* life : {&a, &b, &other}) {
      life->live(400);
      life->end();
    }
    EXPECT_EQ(a.digest(), b.digest());
    EXPECT_NE(a.digest(), other.digest());
  }
}

}  // namespace
}  // namespace phoenix
