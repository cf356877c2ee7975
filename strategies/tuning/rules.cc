#include <algorithm>
#include <cmath>
#include <vector>

#include "strategies/tuning/rule_book.h"
#include "strategies/tuning/trials.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {
namespace {

struct RulesOptions {
  RuleOptions rules;
  ExperimentOptions trials;
  int rest = 10;            // windows
  double prior_weight = 3;  // trials that the expected improvement counts as

  void visit(SettingVisitor& v) {
    rules.visit(v);
    trials.visit(v);
    v.integer("rest", rest, 1, 1000, "windows an action rests after a trial; doubles in a row");
    v.number("prior_weight", prior_weight, 0.1, 100, "trials the expected improvement counts as");
  }
};

// The rules of the design document, made careful: a rule that triggers waits for its delay in a
// queue and is dropped when its trigger has cleared; the most urgent and most promising one gets
// its best action tried. What does not help is undone and rests, each time twice as long.
class RuleTuner : public Tuner {
 public:
  explicit RuleTuner(const RulesOptions& options) : options_(options), trials_(options.trials) {
    for (const TuningRule& rule : tuning_rule_book()) {
      rules_.push_back({&rule, WindowHistory(options.trials.windows), {}, kNever, {}});
      rules_.back().actions.resize(rule.actions.size());
    }
  }

  void step(const TuningView& view, std::vector<TuningAction>& out) override {
    ++window_;
    if (const auto ended = trials_.step(running_score(view), view, out)) learn(*ended);
    if (!trials_.is_running()) {
      for (Rule& rule : rules_) {
        rule.history.observe(rule_score(*rule.rule, view), view.load, view.nodes);
      }
      release(view, out);
    }
    enqueue(view);
    if (!trials_.is_running()) start(view, out);
  }

  void on_outcome(const TuningOutcome& outcome) override { trials_.on_outcome(outcome); }

  TunerStatus status() const override {
    TunerStatus status = trials_.status;
    for (const Rule& rule : rules_) {
      if (rule.due != kNever) status.active.push_back(entry_of(rule));
    }
    return status;
  }

 private:
  struct Action {
    int trials = 0;
    double gains = 0;  // their sum
    int failures = 0;  // in a row
    std::int64_t rest_until = 0;
    double kept_from = 0;  // knob value before the one that was kept
    bool is_kept = false;
  };
  struct Rule {
    const TuningRule* rule;
    WindowHistory history;
    std::vector<Action> actions;
    Time due;          // in the queue until then; kNever: not in it
    std::string seen;  // what put it there
    Time queued_at = kStart;
    int released = 0;  // windows in a row
  };

  static ActiveOptimization entry_of(const Rule& rule) {
    return {std::string(rule.rule->name), "", std::string(rule.rule->target), rule.seen,
            rule.queued_at};
  }

  double running_score(const TuningView& view) const {
    if (!trials_.is_running()) return 0;
    return rule_score(*rules_[running_rule_].rule, view);
  }

  double promise(const Rule& rule, const Action& action) const {
    return (rule.rule->expected * options_.prior_weight + action.gains) /
           (options_.prior_weight + action.trials);
  }

  // The best action that may be tried now, ties to one whose gain a formula knows; -1: none.
  int best_action(const Rule& rule, const TuningView& view) const {
    int best = -1;
    std::pair<double, bool> best_worth;
    for (std::size_t i = 0; i < rule.actions.size(); ++i) {
      const Action& action = rule.actions[i];
      if (window_ < action.rest_until || !(promise(rule, action) > 0)) continue;
      const std::optional<WantedAction> wanted = rule.rule->actions[i].want(view, options_.rules);
      if (!wanted) continue;
      const std::pair worth(promise(rule, action), wanted->is_known);
      if (best >= 0 && worth <= best_worth) continue;
      best = static_cast<int>(i);
      best_worth = worth;
    }
    return best;
  }

  void enqueue(const TuningView& view) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      Rule& rule = rules_[i];
      if (rule.due != kNever || (trials_.is_running() && running_rule_ == i)) continue;
      const std::optional<std::string> seen = rule.rule->trigger(view);
      if (!seen || best_action(rule, view) < 0) continue;
      rule.seen = *seen;
      rule.queued_at = view.now;
      rule.due = view.now + delay_of(rule.rule->priority, options_.rules);
    }
  }

  // Of the rules that are due and still triggered the most urgent; ties to what it is expected to
  // bring, then to the order of the book.
  void start(const TuningView& view, std::vector<TuningAction>& out) {
    Rule* chosen = nullptr;
    int chosen_action = -1;
    double chosen_worth = 0;
    for (Rule& rule : rules_) {
      if (rule.due > view.now) continue;
      const int best = best_action(rule, view);
      if (!rule.rule->trigger(view) || best < 0) {
        ++trials_.status.dropped;
        rule.due = kNever;
        continue;
      }
      if (!rule.history.is_full()) continue;
      const double worth =
          rule.rule->impact * promise(rule, rule.actions[static_cast<std::size_t>(best)]);
      const bool is_better =
          chosen == nullptr || rule.rule->priority > chosen->rule->priority ||
          (rule.rule->priority == chosen->rule->priority && worth > chosen_worth);
      if (!is_better) continue;
      chosen = &rule;
      chosen_action = best;
      chosen_worth = worth;
    }
    if (chosen != nullptr) begin(*chosen, static_cast<std::size_t>(chosen_action), view, out);
  }

  void begin(Rule& rule, std::size_t place, const TuningView& view,
             std::vector<TuningAction>& out) {
    TuningAction action = rule.rule->actions[place].want(view, options_.rules)->action;
    action.optimization = rule.rule->name;
    action.target = rule.rule->target;
    action.seen = rule.seen;
    running_rule_ = static_cast<std::size_t>(&rule - rules_.data());
    running_action_ = place;
    rule.due = kNever;
    const double expected = promise(rule, rule.actions[place]);
    const bool confirm = sets_knob(action.kind);  // nodes and agents are not sent to and fro
    trials_.begin(std::move(action), expected, rule.history, confirm, view, out);
  }

  void forget_windows() {
    for (Rule& rule : rules_) rule.history.clear(options_.trials.settle);
  }

  void learn(const Trials::Ended& ended) {
    Action& action = rules_[running_rule_].actions[running_action_];
    const bool was_kept = ended.phase == TrialPhase::kKept;
    if (ended.phase != TrialPhase::kVoid) {
      ++action.trials;
      action.gains += ended.effect;
      action.failures = was_kept ? 0 : action.failures + 1;
    }
    if (was_kept && !action.is_kept) {
      action.is_kept = true;
      action.kept_from = ended.action.from;
    }
    rest(action);
    forget_windows();
  }

  void rest(Action& action) {
    constexpr int kDoublingsMax = 6;
    action.rest_until =
        window_ + (std::int64_t{options_.rest} << std::min(action.failures, kDoublingsMax));
  }

  // Takes back what helped under a pressure that has been gone for as long as an action rests.
  void release(const TuningView& view, std::vector<TuningAction>& out) {
    for (Rule& rule : rules_) {
      if (rule.rule->is_released == nullptr) continue;
      rule.released = rule.rule->is_released(view) ? rule.released + 1 : 0;
      if (rule.released < options_.rest) continue;
      rule.released = 0;
      for (std::size_t i = 0; i < rule.actions.size(); ++i) take_back(rule, i, view, out);
    }
  }

  // Asked for again after as many windows where the knob does not follow.
  void take_back(Rule& rule, std::size_t place, const TuningView& view,
                 std::vector<TuningAction>& out) {
    Action& action = rule.actions[place];
    if (!action.is_kept) return;
    const RuleAction& known = rule.rule->actions[place];
    const double now = knob_value(view.knobs, known.knob);
    if (now == action.kept_from) {
      action.is_kept = false;
      return;
    }
    TuningAction undo;
    undo.kind = known.kind;
    undo.is_undo = true;
    undo.knob = known.knob;
    undo.from = now;
    undo.value = action.kept_from;
    undo.optimization = rule.rule->name;
    undo.target = rule.rule->target;
    undo.reason = "the pressure is gone";
    trials_.act(std::move(undo), out);
    ++action.failures;  // so that coming and going pressure is answered ever more slowly
    rest(action);
    forget_windows();
  }

  RulesOptions options_;
  Trials trials_;
  std::vector<Rule> rules_;
  std::size_t running_rule_ = 0;
  std::size_t running_action_ = 0;
  std::int64_t window_ = 0;
};

}  // namespace

TunerEntry tuning_rules() {
  return strategy_entry<Tuner, RuleTuner, RulesOptions>(
      "rules",
      "what is known to help against slow answers, low throughput, full CPUs, memory or networks, "
      "most urgent first; each action measured, kept or undone");
}

}  // namespace phoenix
