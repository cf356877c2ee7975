#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "strategies/core/units.h"
#include "strategies/tuning/trials.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {
namespace {

constexpr int kGroups = 3;
constexpr std::array<std::string_view, kGroups + kKnobs> kScopes = {
    "all",           "network",        "cpu",       "batch_size",
    "batch_delay",   "compress_above", "pool_size", "http_pool_size",
    "socket_buffer", "direct_routing", "workers",   "queue_length",
    "max_in_flight", "hibernate_idle"};

bool is_in_scope(KnobId id, int scope) {
  const bool is_network = id <= KnobId::kDirectRouting;
  // Sleeping agents show in memory, which is no service target, so only when asked for.
  const bool is_cpu = !is_network && id != KnobId::kHibernateIdle;
  if (scope == 0) return is_network || is_cpu;
  if (scope == 1) return is_network;
  if (scope == 2) return is_cpu;
  return static_cast<int>(id) == scope - kGroups;
}

struct SearchOptions {
  int knobs = 0;
  double step = 1.5;
  double finest = 1.1;
  double regime = 0.5;
  int rest = 10;
  ExperimentOptions trials;

  void visit(SettingVisitor& v) {
    v.choice("knobs", knobs, kScopes, "which knobs are turned");
    v.number("step", step, 1.1, 10, "factor a knob is changed by at first");
    v.number("finest", finest, 1.01, 2, "a knob is done when its factor falls below this");
    v.number("regime", regime, 0.1, 10, "relative change of load after which all starts over");
    v.integer("rest", rest, 1, 1000, "windows a knob rests after its trial");
    trials.visit(v);
  }
};

// Hill climbing, one knob at a time, each by a factor up or down within its safe range. A direction
// that helped is followed, one that did not is turned; when neither helps the factor shrinks to its
// root, until the knob is done. A value that was left or rejected is not tried again before the
// load has become another, so no knob goes to and fro.
class SearchTuner : public Tuner {
 public:
  explicit SearchTuner(const SearchOptions& options)
      : options_(options), trials_(options.trials), history_(options.trials.windows) {
    for (const KnobInfo& info : knob_list()) {
      if (is_in_scope(info.id, options.knobs)) knobs_.push_back({info.id, options.step});
    }
  }

  void step(const TuningView& view, std::vector<TuningAction>& out) override {
    ++window_;
    const double score = service_score(view);
    if (const auto ended = trials_.step(score, view, out)) learn(*ended);
    if (trials_.is_running()) return;
    history_.observe(score, view.load, view.nodes);
    watch_regime();
    if (history_.is_full()) start(view, out);
  }

  void on_outcome(const TuningOutcome& outcome) override { trials_.on_outcome(outcome); }
  TunerStatus status() const override { return trials_.status; }

 private:
  struct Knob {
    KnobId id;
    double factor;
    bool is_upward = true;
    bool is_up_done = false, is_down_done = false;
    bool is_done = false;
    std::int64_t rest_until = 0;
    std::vector<double> rejected = {};  // left or found worse, at this load
  };

  // The sum over what is known of the service targets. Windows in which other ones are known than
  // before cannot be compared with them.
  double service_score(const TuningView& view) {
    double sum = 0;
    std::vector<bool> known;
    for (const TargetReading& reading : view.targets) {
      const bool counts = reading.sense != TargetSense::kSetPoint;
      const double cost = counts ? target_cost(reading, view.targets) : NAN;
      known.push_back(!std::isnan(cost));
      if (known.back()) sum += cost;
    }
    const bool is_comparable = known == known_;
    known_ = std::move(known);
    const bool any = std::find(known_.begin(), known_.end(), true) != known_.end();
    return is_comparable && any ? sum : NAN;
  }

  void watch_regime() {
    const double load = history_.is_full() ? history_.mean_load() : NAN;
    if (std::isnan(load)) return;
    if (std::isnan(regime_load_)) regime_load_ = load;
    if (std::abs(load - regime_load_) <= options_.regime * regime_load_) return;
    regime_load_ = load;
    for (Knob& knob : knobs_) {
      const std::int64_t rest_until = knob.rest_until;
      knob = Knob{knob.id, options_.step};
      knob.rest_until = rest_until;
    }
  }

  void start(const TuningView& view, std::vector<TuningAction>& out) {
    for (std::size_t i = 0; i < knobs_.size(); ++i) {
      const std::size_t place = (next_ + i) % knobs_.size();
      Knob& knob = knobs_[place];
      if (knob.is_done || window_ < knob.rest_until) continue;
      const double now = knob_value(view.knobs, knob.id);
      const double wanted = candidate(knob, now);
      if (knob.is_done) continue;
      running_ = place;
      next_ = place + 1;
      TuningAction action;
      action.knob = knob.id;
      action.from = now;
      action.value = wanted;
      action.optimization = "search";
      action.target = "service targets";
      action.seen = "cost " + print_number(std::round(history_.scores().back() * 1000) / 1000);
      action.reason = knob.is_upward ? "a step up" : "a step down";
      trials_.begin(std::move(action), NAN, history_, true, view, out);
      history_.clear();
      return;
    }
  }

  // The next value to try; the knob is done where there is none.
  double candidate(Knob& knob, double now) const {
    const KnobInfo& info = knob_info(knob.id);
    for (;;) {
      const double wanted = neighbour(info, now, knob.is_upward ? knob.factor : 1 / knob.factor);
      const bool is_new = wanted != now && std::find(knob.rejected.begin(), knob.rejected.end(),
                                                     wanted) == knob.rejected.end();
      if (is_new && !(knob.is_upward ? knob.is_up_done : knob.is_down_done)) return wanted;
      give_up_direction(knob);
      if (knob.is_done) return now;
    }
  }

  static double neighbour(const KnobInfo& info, double now, double factor) {
    if (info.unit == KnobUnit::kFlag) return 1 - now;
    if (now == 0) return info.first;
    const double wanted = nearest_safe(info.id, now * factor);
    if (wanted != now || info.unit == KnobUnit::kSeconds) return wanted;
    return nearest_safe(info.id, now + (factor > 1 ? 1 : -1));
  }

  void give_up_direction(Knob& knob) const {
    (knob.is_upward ? knob.is_up_done : knob.is_down_done) = true;
    knob.is_upward = !knob.is_upward;
    if (!knob.is_up_done || !knob.is_down_done) return;
    knob.factor = std::sqrt(knob.factor);
    knob.is_up_done = knob.is_down_done = false;
    knob.is_done = knob.factor < options_.finest;
  }

  void learn(const Trials::Ended& ended) {
    Knob& knob = knobs_[running_];
    knob.rest_until = window_ + options_.rest;
    history_.clear(options_.trials.settle);
    if (ended.phase == TrialPhase::kKept) {
      knob.rejected.push_back(ended.action.from);
      (knob.is_upward ? knob.is_down_done : knob.is_up_done) = true;
      (knob.is_upward ? knob.is_up_done : knob.is_down_done) = false;
    }
    if (ended.phase == TrialPhase::kUndone) {
      knob.rejected.push_back(ended.action.value);
      give_up_direction(knob);
    }
  }

  SearchOptions options_;
  Trials trials_;
  WindowHistory history_;
  std::vector<bool> known_;
  std::vector<Knob> knobs_;
  std::size_t running_ = 0;
  std::size_t next_ = 0;
  std::int64_t window_ = 0;
  double regime_load_ = NAN;
};

}  // namespace

TunerEntry tuning_search() {
  return strategy_entry<Tuner, SearchTuner, SearchOptions>(
      "search",
      "climbs towards the best knob values by steps within safe bounds, one at a time; each step "
      "measured, confirmed, kept or undone");
}

}  // namespace phoenix
