// A hundred thousand requests with second copies, in worlds where attempts are fast, slow, fail,
// are lost or are stopped at random, each step checked against a naive bookkeeping of its own.
#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr std::size_t kNodes = 6;
constexpr Duration kTimeouts[] = {60ms, Duration::max()};  // of attempts, by class

class HedgedLife {
 public:
  explicit HedgedLife(std::uint64_t seed)
      : random_(seed), settings_(draw_settings()), stops_losers_(seed % 2 == 1), router_(make()) {
    join(router_, kNodes);
  }

  void live(int requests) {
    for (int i = 0; i < requests && !::testing::Test::HasFatalFailure(); ++i) {
      advance(now_ + Duration{static_cast<std::int64_t>(random_.below(2'000'000))});
      ask();
      if (chance(0.02)) check_counts();
    }
    while (!open_.empty() && !::testing::Test::HasFatalFailure()) advance(router_.next_wake());
    advance(now_ + 1s);  // what lost ends by its deadline
    check_end();
  }

  const RouterCounters& counters() const { return router_.counters(); }
  std::uint64_t retries_after_hedges() const { return retries_after_hedges_; }
  std::uint64_t waited_for_other() const { return waited_for_other_; }

 private:
  struct Attempt {
    RequestToken token;
    NodeId node;
    Time sent;
    Time deadline;
    std::size_t request_class;
    bool hedge;
  };
  struct Open {
    RequestInfo info;
    std::set<AttemptId> under_way;
    int sends = 0;  // without second copies
    bool hedged = false;
  };

  bool chance(double p) { return random_.uniform() < p; }

  RouterSettings draw_settings() {
    RouterSettings s;
    s.max_in_flight = chance(0.5) ? 30 : 1000;
    s.queue = 20;
    s.retries = static_cast<int>(random_.below(3));
    s.retry_backoff = chance(0.5) ? Duration{0} : Duration{10ms};
    s.retry_budget = 0.5 * random_.uniform();
    s.retry_reserve_per_s = static_cast<double>(random_.below(10));
    s.consecutive_errors = chance(0.5) ? 0 : 5;
    s.ejection_time = 500ms;
    s.hedge_quantile = 0.5 + 0.45 * random_.uniform();
    s.hedge_max = chance(0.5) ? Duration::max() : Duration{15ms};
    return s;
  }

  Router make() {
    std::vector<std::unique_ptr<Balancer>> balancers;
    balancers.push_back(std::make_unique<Uniform>());
    return Router(settings_, std::move(balancers),
                  {{ServiceId{0}, kTimeouts[0]}, {ServiceId{0}, kTimeouts[1]}}, Random(random_()));
  }

  void ask() {
    RequestInfo info;
    info.token = asked_++;
    info.request_class = id_at<ClassId>(random_.below(2));
    info.repeatable = chance(0.8);
    info.deadline = now_ + 20ms + Duration{static_cast<std::int64_t>(random_.below(200'000'000))};
    open_[info.token].info = info;
    carry_out(router_.on_request(info, now_));
  }

  // Everything that happens until then, in order.
  void advance(Time until) {
    for (;;) {
      const Time result = due_.empty() ? kNever : due_.begin()->first;
      const Time next = std::min(result, router_.next_wake());
      if (next > until) break;
      now_ = std::max(now_, next);
      if (router_.next_wake() <= now_) {
        wake();
      } else {
        deliver();
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
    now_ = std::max(now_, until);
  }

  void wake() {
    const auto actions = router_.on_wake(now_);
    give_up_what_is_over();
    for (const RouterAction& action : actions) carry_out(action);
    ASSERT_GT(router_.next_wake(), now_);
  }

  void give_up_what_is_over() {
    for (auto at = under_way_.begin(); at != under_way_.end();) {
      const Attempt& attempt = at->second;
      const Time end = std::min(attempt.deadline,
                                add_saturating(attempt.sent, kTimeouts[attempt.request_class]));
      if (end > now_) {
        ++at;
        continue;
      }
      if (const auto open = open_.find(attempt.token); open != open_.end()) {
        open->second.under_way.erase(at->first);
      }
      at = under_way_.erase(at);
    }
  }

  void deliver() {
    const AttemptId id = due_.begin()->second;
    due_.erase(due_.begin());
    static constexpr AttemptResult kFailures[] = {AttemptResult::kError, AttemptResult::kReset,
                                                  AttemptResult::kQueueFull,
                                                  AttemptResult::kRefused, AttemptResult::kLate};
    const AttemptResult result = chance(0.85) ? AttemptResult::kOk : kFailures[random_.below(5)];
    const auto found = under_way_.find(id);
    const bool is_late = found == under_way_.end() || !open_.contains(found->second.token);
    RequestToken token = 0;
    if (found != under_way_.end()) {
      token = found->second.token;
      under_way_.erase(found);
    }
    if (!is_late) open_.at(token).under_way.erase(id);
    const RouterAction action = router_.on_result(id, result, now_);
    if (is_late) {
      ++late_;
      ASSERT_EQ(action.kind, RouterAction::Kind::kNone);
      return;
    }
    if (result == AttemptResult::kOk) {
      ASSERT_EQ(action.kind, RouterAction::Kind::kAnswer);
      ASSERT_EQ(action.reason, FailureReason::kNone);
      ASSERT_EQ(action.request, token);
      ASSERT_EQ(action.attempt, id);
    } else if (!open_.at(token).under_way.empty()) {
      ++waited_for_other_;
      ASSERT_EQ(action.kind, RouterAction::Kind::kNone) << "the other copy is under way";
    }
    carry_out(action);
  }

  void carry_out(const RouterAction& action) {
    if (action.kind == RouterAction::Kind::kNone) return;
    const auto found = open_.find(action.request);
    ASSERT_NE(found, open_.end()) << "request " << action.request << " is not open";
    if (action.kind == RouterAction::Kind::kAnswer) return end(found, action);
    Open& open = found->second;
    ASSERT_LT(now_, open.info.deadline);
    if (action.hedge) {
      check_hedge(action, open);
      open.hedged = true;
      ++hedges_;
    } else {
      ASSERT_TRUE(open.under_way.empty());
      ASSERT_LE(open.sends, settings_.retries);
      if (open.sends++ > 0 && open.hedged) ++retries_after_hedges_;
    }
    ASSERT_TRUE(seen_.insert(action.attempt).second) << "an attempt id came twice";
    open.under_way.insert(action.attempt);
    under_way_[action.attempt] = {
        action.request, action.node, now_, open.info.deadline, index(open.info.request_class),
        action.hedge};
    if (!chance(0.03)) due_.emplace(now_ + latency(), action.attempt);  // else it is lost
  }

  void check_hedge(const RouterAction& action, const Open& open) {
    ASSERT_TRUE(open.info.repeatable);
    ASSERT_FALSE(open.hedged);
    ASSERT_EQ(open.under_way.size(), 1U);
    const Attempt& slow = under_way_.at(*open.under_way.begin());
    ASSERT_NE(slow.node, action.node);
    ASSERT_GE(now_ - slow.sent, settings_.hedge_min);
  }

  void end(std::map<RequestToken, Open>::iterator found, const RouterAction& action) {
    const std::set<AttemptId> losers = found->second.under_way;
    ASSERT_TRUE(losers.empty() || action.reason == FailureReason::kNone);
    open_.erase(found);
    ++answered_;
    if (!stops_losers_) return;
    for (const AttemptId loser : losers) {
      under_way_.erase(loser);
      std::erase_if(due_, [loser](const auto& due) { return due.second == loser; });
      ASSERT_EQ(router_.on_result(loser, AttemptResult::kStopped, now_).kind,
                RouterAction::Kind::kNone);
    }
  }

  // 5 ms as a rule; one in twelve takes up to 100.
  Duration latency() {
    const double ms = chance(1.0 / 12) ? 100 * random_.uniform() : 5 + random_.uniform();
    return from_seconds(ms * 1e-3);
  }

  void check_counts() {
    std::map<NodeId, std::uint32_t> expected;
    for (const auto& [id, attempt] : under_way_) ++expected[attempt.node];
    for (std::size_t i = 0; i < kNodes; ++i) {
      ASSERT_EQ(router_.pool(ServiceId{0}).in_flight(node(i)), expected[node(i)]);
    }
    ASSERT_EQ(router_.open_requests(), open_.size());
  }

  void check_end() {
    check_counts();
    EXPECT_EQ(in_flight(router_), 0U);
    const RouterCounters& c = router_.counters();
    std::uint64_t answers = 0;
    for (const std::uint64_t n : c.answers) answers += n;
    EXPECT_EQ(answers, asked_);
    EXPECT_EQ(answered_, asked_);
    EXPECT_EQ(c.attempts, seen_.size());
    EXPECT_EQ(c.hedges, hedges_);
    EXPECT_EQ(c.late_results, late_);
    EXPECT_LE(c.hedges_won, c.hedges);
    EXPECT_LE(static_cast<double>(c.retries + c.hedges),
              settings_.retry_budget * static_cast<double>(asked_) +
                  settings_.retry_reserve_per_s * (to_seconds(now_) + 10));
  }

  Random random_;
  RouterSettings settings_;
  bool stops_losers_;
  Router router_;
  Time now_ = kStart;
  RequestToken asked_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t hedges_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t retries_after_hedges_ = 0;
  std::uint64_t waited_for_other_ = 0;
  std::map<RequestToken, Open> open_;
  std::map<AttemptId, Attempt> under_way_;  // also of requests that are answered
  std::multimap<Time, AttemptId> due_;      // results on their way
  std::set<AttemptId> seen_;
};

TEST(RouterHedgeProperty, EveryRequestIsAnsweredExactlyOnceWhateverItsCopiesDo) {
  RouterCounters sum;
  std::uint64_t retries_after_hedges = 0;
  std::uint64_t waited_for_other = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    HedgedLife life(seed);
    life.live(5000);
    if (HasFailure()) return;
    sum.hedges += life.counters().hedges;
    sum.hedges_won += life.counters().hedges_won;
    sum.hedges_denied += life.counters().hedges_denied;
    sum.retries += life.counters().retries;
    sum.late_results += life.counters().late_results;
    sum.timed_out_attempts += life.counters().timed_out_attempts;
    retries_after_hedges += life.retries_after_hedges();
    waited_for_other += life.waited_for_other();
  }
  // The lives are worth nothing unless they went everywhere.
  for (const std::uint64_t n :
       {sum.hedges, sum.hedges_won, sum.hedges_denied, sum.retries, sum.late_results,
        sum.timed_out_attempts, retries_after_hedges, waited_for_other}) {
    EXPECT_GT(n, 100U);
  }
}

// With the delay at the 95th percentile 5 % of the requests get a second copy, and no less than 4
// %: the delay is at most 1/16 above the percentile, and what is exponential lies beyond 17/16 of
// its 95th percentile with 0.05^(17/16) = 4.1 %. Attempts that lost and were stopped are known to
// have taken long; were they left out, every delay would be shorter than the one before it and more
// and more would be hedged.
TEST(RouterHedgeProperty, TheShareOfSecondCopiesStaysWhatTheQuantileSays) {
  for (const bool stops_losers : {false, true}) {
    RouterSettings settings;
    settings.hedge_quantile = 0.95;
    settings.retry_budget = 10;
    Router router = make_router<Uniform>(settings, {RouterClass{}});
    join(router, 10);
    Random random(3);
    std::multimap<Time, RouterAction> due;
    const auto send = [&](const RouterAction& action, Time now) {
      due.emplace(now + from_seconds(-0.02 * std::log(1 - random.uniform())), action);
    };
    const auto run = [&](Time until) {
      for (;;) {
        const Time result = due.empty() ? kNever : due.begin()->first;
        const Time now = std::min(result, router.next_wake());
        if (now > until) return;
        if (router.next_wake() <= now) {
          for (const RouterAction& action : router.on_wake(now)) send(action, now);
          continue;
        }
        const RouterAction ended = due.begin()->second;
        due.erase(due.begin());
        const RouterAction answer = router.on_result(ended.attempt, AttemptResult::kOk, now);
        if (answer.kind != RouterAction::Kind::kAnswer || !stops_losers) continue;
        const auto other = std::ranges::find_if(
            due, [&](const auto& d) { return d.second.request == ended.request; });
        if (other == due.end()) continue;
        router.on_result(other->second.attempt, AttemptResult::kStopped, now);
        due.erase(other);
      }
    };
    std::uint64_t before = 0;
    constexpr int kPerMinute = 60'000;
    for (int i = 0; i < 4 * kPerMinute; ++i) {
      const Time now = kStart + i * 1ms;
      run(now);
      if (i == kPerMinute) before = router.counters().hedges;
      send(router.on_request(request(static_cast<RequestToken>(i)), now), now);
    }
    const double share =
        static_cast<double>(router.counters().hedges - before) / (3.0 * kPerMinute);
    EXPECT_GT(share, 0.040) << stops_losers;
    EXPECT_LT(share, 0.052) << stops_losers;
  }
}

}  // namespace
}  // namespace phoenix
