// What stands between the wishes of scaling policies and the nodes of a pool: combines the wishes,
// applies the limits all share, chooses which nodes go, and keeps account of what came of it. The
// Controller owns one per node group. It never calls the world: it returns decisions and is told
// their outcomes.
//
// The order of limits: combine, bounds, rate of change, stabilisation, waiting times (restart,
// manual, cooldown), flap budget, backoff, change under way. Each that altered the number is named
// in the decision's reason. A pool outside its bounds is brought back whatever the limits before
// the backoff say.
//
// Wishes are combined by their maximum: every policy states a size, one that is content states the
// present one, so the pool shrinks only when all agree, and then to the largest size of them.
//
// One thread at a time. Keeps no view after a call returns. Nothing throws.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/decision.h"
#include "strategies/core/result.h"
#include "strategies/core/settings.h"
#include "strategies/scaling/change_rate.h"
#include "strategies/scaling/flap_budget.h"
#include "strategies/scaling/scaler.h"
#include "strategies/scaling/stabiliser.h"

namespace phoenix {

// A group of nodes that is scaled as one.
struct ScalingPool {
  std::string name = "compute";
  int minimum = 1;
  int maximum = 50;
  int initial = 0;  // brought up at the first tick; 0: stays as found
};

ScalingPool compute_pool();  // 1 to 50, begins with 5
ScalingPool memory_pool();   // 1 to 100, begins with 10

struct ScalingPolicy {
  std::string name;
  std::string text;  // of a scaler, "threshold[metric=cluster_cpu_avg]"
};

// cpu_threshold: cpu 0.8 / 0.3, increment 2; memory_threshold: memory 0.85 / 0.4, increment 1; both
// from 1 to 20 nodes.
std::vector<ScalingPolicy> default_policies();

struct GovernorOptions {
  Duration interval = std::chrono::seconds(30);
  Duration cooldown_out = std::chrono::seconds(300);  // from one decision to grow to the next
  // From the completion of a change, either way, to the next decision to shrink.
  Duration cooldown_in = std::chrono::seconds(600);
  Duration stabilise_out{0};
  Duration stabilise_in = std::chrono::seconds(300);
  int grow_percent = 100;
  int grow_nodes = 4;
  Duration grow_period = std::chrono::seconds(15);
  int shrink_percent = 100;
  int shrink_nodes = 0;
  Duration shrink_period = std::chrono::seconds(15);
  int reversals_per_hour = 4;
  int changes_at_once = 1;  // all in one direction
  double stale_boots = 3;
  Duration backoff = std::chrono::seconds(30);
  Duration backoff_max = std::chrono::minutes(10);
  Duration change_limit = std::chrono::minutes(30);
  Duration restart_hold = std::chrono::minutes(5);
  Duration manual_hold = std::chrono::minutes(10);

  void visit(SettingVisitor& v);
};

// "governor[cooldown_out=2 min, ...]".
Result<GovernorOptions> parse_governor(std::string_view text);
std::string print_governor(GovernorOptions options);

// One change of the number of nodes, from decision to outcome.
struct ScalingEvent {
  enum class Result { kUnderWay, kDone, kPartial, kFailed, kSuperseded };
  Time at = kStart;
  DecisionKind kind = DecisionKind::kScaleOut;
  int from = 0;
  int to = 0;
  std::string reason;
  Result result = Result::kUnderWay;
  int count = 0;      // nodes that did come or go
  Duration took{0};   // from decision to outcome
  std::string cause;  // of a failure
};
std::string_view to_text(ScalingEvent::Result result);

struct ScalingCounters {
  std::int64_t evaluations = 0;
  std::int64_t started = 0;           // nodes that came up
  std::int64_t stopped = 0;           // nodes that went
  std::int64_t failed_starts = 0;     // nodes that did not come up
  std::int64_t failed_stops = 0;      // drains that were refused or undone
  std::int64_t reversals = 0;         // of direction
  std::int64_t missing_metrics = 0;   // wishes that could not be made
  std::int64_t limited = 0;           // evaluations in which a limit altered the number
  std::int64_t lost_outcomes = 0;     // changes given up since nothing was heard of them
  std::int64_t unknown_outcomes = 0;  // outcomes of decisions that are not this governor's
};

struct ScalingStatus {
  std::string pool;
  int current = 0;  // ready
  int desired = 0;
  int provisioning = 0;
  int ready = 0;
  int draining = 0;
  int minimum = 0;
  int maximum = 0;
  std::optional<Duration> cooldown_out_left;  // nothing: none runs
  std::optional<Duration> cooldown_in_left;
  std::optional<Duration> backoff_left;
  int changes_under_way = 0;
  int policies = 0;
  double forecast_mean = std::numeric_limits<double>::quiet_NaN();  // when a new node could serve
  double forecast_q90 = std::numeric_limits<double>::quiet_NaN();
  bool forecast_trusted = false;
  Duration boot_time{0};             // p95 of those observed, else as configured
  bool maximum_reached = false;      // more was wished for than is allowed
  bool has_stale_nodes = false;      // asked for long ago and still not ready
  std::vector<ScalingEvent> recent;  // newest first, ten at most
  ScalingCounters counters;
};

class Governor {
 public:
  static constexpr std::size_t kHistory = 100;
  static constexpr std::size_t kShown = 10;

  // REQUIRES: 0 <= pool.minimum <= pool.maximum, 1 <= pool.maximum.
  explicit Governor(ScalingPool pool, GovernorOptions options = {});

  // Error for an empty or taken name and for a text that is no scaler's. The newest is asked first.
  Status add_policy(const ScalingPolicy& policy);
  Status remove_policy(std::string_view name);
  const std::vector<ScalingPolicy>& policies() const { return texts_; }

  // The next time tick() has something to do.
  Time next_tick() const;

  // Asks the policies that are due and appends what follows. The view's bounds are set here; its
  // capacity, nodes, metrics and forecast are the caller's. Where a limit keeps the pool as it is,
  // one kHold says so, once for as long as the reason stays the same.
  void tick(ScalingView view, DecisionIds& ids, std::vector<Decision>& out);

  // The same, with every policy asked whether due or not.
  void evaluate_now(ScalingView view, DecisionIds& ids, std::vector<Decision>& out);

  // Sets the size by hand; policies leave it alone for `manual_hold`. Error outside the bounds,
  // while a change is under way, and where not enough nodes may be removed.
  Status scale_to(int nodes, std::string_view reason, const ScalingView& view, DecisionIds& ids,
                  std::vector<Decision>& out);

  // What came of one decision. Those of others are counted and ignored.
  void on_outcome(const DecisionOutcome& outcome, Time now);
  void on_event(const ExternalEvent& event);

  ScalingStatus status(const ScalingView& view) const;
  const std::deque<ScalingEvent>& history() const { return history_; }  // oldest first

  // The state as text, with times as ages, and back. After restoring the pool is not changed for
  // `restart_hold`, but for its bounds, until windows have filled again. Error for text that is
  // not understood; the governor is then as before.
  std::string export_state(Time now) const;
  Status restore_state(std::string_view text, Time now);

 private:
  static constexpr Time kAtOnce{Duration::min()};  // before any time, also those below zero
  enum class Ask { kDue, kAll };
  struct Policy {
    std::unique_ptr<Scaler> scaler;
    Time due = kAtOnce;
    ScalingWish wish;
    int asked_at = 0;  // supply when it was asked
  };
  struct Change {
    DecisionKind kind = DecisionKind::kScaleOut;
    Time at = kStart;
    int asked = 0;
    int done = 0;
    Duration took{0};
    std::string cause;
    bool superseded = false;
    struct Part {
      DecisionId id = 0;
      NodeId node = kNoNode;
      int count = 1;
      bool is_taken_back = false;
    };
    std::vector<Part> open;
    std::int64_t event = 0;  // its number in the history
  };
  struct Plan {
    int current = 0;
    int desired = 0;
    std::string seen;
    std::string reason;
    std::string limits;       // what altered the number, as told
    std::string limit_kinds;  // the same without the numbers
  };

  void observe_boots(const ScalingView& view);
  void prepare(ScalingView& view);  // sets bounds, boot time and the capacity that counts
  void ask(const ScalingView& view, Ask whom);
  void evaluate(const ScalingView& view, DecisionIds& ids, std::vector<Decision>& out);
  Plan combine(const ScalingView& view);
  void limit_bounds(Plan& plan, int most);
  void repair_bounds(Plan& plan);
  void limit_rate(Plan& plan, Time now);
  void stabilise(Plan& plan, Time now);
  void limit_waits(Plan& plan, Time now);
  void limit_flaps(Plan& plan, Time now);
  void limit_backoff(Plan& plan, Time now);
  void limit_in_flight(Plan& plan);
  static void limit(Plan& plan, int desired, std::string_view kind, std::string_view detail = {});

  void carry_out(const Plan& plan, const ScalingView& view, DecisionIds& ids,
                 std::vector<Decision>& out);
  void grow(const Plan& plan, Time now, DecisionIds& ids, std::vector<Decision>& out);
  void shrink(const Plan& plan, const ScalingView& view, DecisionIds& ids,
              std::vector<Decision>& out);
  void hold(const Plan& plan, Time now, DecisionIds& ids, std::vector<Decision>& out);
  Decision decision(const Plan& plan, DecisionKind kind, Time now, DecisionIds& ids) const;
  Change& begin(const Plan& plan, DecisionKind kind, int to, Time now);
  void finish(Change& change, Time now);
  void give_up_lost(Time now);
  ScalingEvent* event_of(const Change& change);
  int under_way(DecisionKind kind) const;
  Duration boot_time(int percent, Duration unless_known) const;

  struct Saved;

  ScalingPool pool_;
  GovernorOptions options_;
  std::vector<ScalingPolicy> texts_;
  std::vector<Policy> policies_;  // as texts_
  std::deque<ExternalEvent> events_;

  std::vector<Change> changes_;
  std::deque<ScalingEvent> history_;
  std::int64_t events_begun_ = 0;
  ChangeRate rate_;
  FlapBudget flaps_;
  Stabiliser wishes_;
  std::deque<Duration> boots_;
  Time looked_at_ = kNever;

  std::optional<Time> cooldown_out_end_;
  std::optional<Time> cooldown_in_end_;
  std::optional<Time> backoff_end_;
  std::optional<Time> restart_end_;
  std::optional<Time> manual_end_;
  int failures_ = 0;
  int desired_ = -1;  // -1: nothing decided yet
  bool begun_ = false;
  Time due_ = kAtOnce;
  bool maximum_reached_ = false;
  int stale_nodes_ = 0;
  std::string told_;  // the reason of the last kHold
  ScalingCounters counters_;
};

// Nodes that are ready or will be within `lead`, and not those that should have been long ago.
struct CountedSupply {
  Capacity capacity;
  int stale = 0;  // asked for more than `stale_boots` boot times ago
};
CountedSupply counted_supply(const ScalingView& view, double stale_boots);

// Which `count` ready nodes to remove: fewest open requests first, then cheapest to empty, newest
// on ties, then the higher id. A zone gives a node up only where that does not make zones more
// uneven than they are, beyond one. Fewer than `count` where there are no more. O(nodes x count).
std::vector<NodeId> choose_removals(std::span<const ScalingNode> nodes, int count);

}  // namespace phoenix
