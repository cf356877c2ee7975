// The governor's state as text: a line a fact, the key first. Times are ages and remaining times in
// nanoseconds, since a run's clock starts anew.
#include <algorithm>
#include <charconv>
#include <type_traits>

#include "strategies/core/units.h"
#include "strategies/scaling/governor.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

constexpr std::string_view kHeader = "phoenix scaling state 1";

// Free text loses the two characters that separate facts.
std::string plain(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

// Takes the next word of a line, up to a space.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// Reads numbers off a line and remembers whether all of them were there.
class Numbers {
 public:
  explicit Numbers(std::string_view line) : rest_(line) {}

  std::int64_t next() {
    const std::string_view word = take_word(rest_);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || word.empty()) ok_ = false;
    return value;
  }
  int next_int(int low, int high) {
    const std::int64_t value = next();
    if (value < low || value > high) ok_ = false;
    return static_cast<int>(std::clamp<std::int64_t>(value, low, high));
  }
  Duration next_duration() { return Duration{next()}; }

  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

class Lines {
 public:
  template <class... Parts>
  void add(std::string_view key, const Parts&... parts) {
    text_ += key;
    ((text_ += ' ' + word(parts)), ...);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  static std::string word(const std::string& text) { return text; }
  static std::string word(Duration duration) { return std::to_string(duration.count()); }
  template <class Integer>
  requires std::is_integral_v<Integer>
  static std::string word(Integer value) { return std::to_string(value); }

  std::string text_ = std::string(kHeader) + '\n';
};

}  // namespace

// What is read, before any of it counts.
struct Governor::Saved {
  std::string pool;
  int desired = -1;
  int failures = 0;
  std::optional<Time> ends[3];  // cooldown out, in, backoff
  FlapBudget::Direction direction = FlapBudget::Direction::kNone;
  std::deque<Time> reversals;
  std::deque<Duration> boots;
  std::deque<ExternalEvent> events;
  std::deque<ScalingEvent> history;
  std::vector<ScalingPolicy> policies;
  ScalingCounters counters;

  // False where the line is not understood.
  bool read(std::string_view line, Time now);

  static std::int64_t* fields(ScalingCounters& counters, std::size_t i) {
    std::int64_t* const all[] = {&counters.evaluations,     &counters.started,
                                 &counters.stopped,         &counters.failed_starts,
                                 &counters.failed_stops,    &counters.reversals,
                                 &counters.missing_metrics, &counters.limited,
                                 &counters.lost_outcomes,   &counters.unknown_outcomes};
    return i < std::size(all) ? all[i] : nullptr;
  }
};

bool Governor::Saved::read(std::string_view line, Time now) {
  const std::string_view key = take_word(line);
  if (key == "pool") {
    pool = line;
    return true;
  }
  if (key == "policy") {
    const std::size_t bar = line.find('\t');
    if (bar == std::string_view::npos) return false;
    policies.push_back({std::string(line.substr(0, bar)), std::string(line.substr(bar + 1))});
    return true;
  }
  Numbers numbers(line);
  if (key == "desired") {
    desired = numbers.next_int(-1, kMostNodes);
  } else if (key == "failures") {
    failures = numbers.next_int(0, 1'000'000);
  } else if (key == "end") {
    const int which = numbers.next_int(0, 2);
    ends[which] = now + numbers.next_duration();
  } else if (key == "direction") {
    direction = static_cast<FlapBudget::Direction>(numbers.next_int(0, 2));
  } else if (key == "reversal") {
    reversals.push_back(now - numbers.next_duration());
  } else if (key == "boot") {
    boots.push_back(numbers.next_duration());
  } else if (key == "event") {
    ExternalEvent event;
    event.at = now - numbers.next_duration();
    event.duration = numbers.next_duration();
    event.minimum = numbers.next_int(0, kMostNodes);
    event.factor = static_cast<double>(numbers.next()) / 1e6;
    event.name = numbers.rest();
    events.push_back(std::move(event));
  } else if (key == "history") {
    ScalingEvent event;
    event.at = now - numbers.next_duration();
    event.kind = numbers.next_int(0, 1) == 0 ? DecisionKind::kScaleOut : DecisionKind::kScaleIn;
    event.from = numbers.next_int(0, kMostNodes);
    event.to = numbers.next_int(0, kMostNodes);
    event.result = static_cast<ScalingEvent::Result>(numbers.next_int(0, 4));
    event.count = numbers.next_int(0, kMostNodes);
    event.took = numbers.next_duration();
    const std::size_t bar = std::min(numbers.rest().find('\t'), numbers.rest().size());
    event.reason = numbers.rest().substr(0, bar);
    event.cause = numbers.rest().substr(std::min(bar + 1, numbers.rest().size()));
    history.push_back(std::move(event));
  } else if (key == "counters") {
    for (std::size_t i = 0; std::int64_t* field = fields(counters, i); ++i) *field = numbers.next();
  } else {
    return false;
  }
  return numbers.ok();
}

std::string Governor::export_state(Time now) const {
  Lines lines;
  lines.add("pool", plain(pool_.name));
  lines.add("desired", desired_);
  lines.add("failures", failures_);
  const std::optional<Time>* ends[] = {&cooldown_out_end_, &cooldown_in_end_, &backoff_end_};
  for (int i = 0; i < 3; ++i) {
    if (*ends[i] && **ends[i] > now) lines.add("end", i, **ends[i] - now);
  }
  lines.add("direction", static_cast<int>(flaps_.direction()));
  for (const Time at : flaps_.reversals()) lines.add("reversal", now - at);
  for (const Duration boot : boots_) lines.add("boot", boot);
  for (const ExternalEvent& event : events_) {
    lines.add("event", now - event.at, event.duration, event.minimum,
              static_cast<std::int64_t>(event.factor * 1e6), plain(event.name));
  }
  for (const ScalingPolicy& policy : texts_) {
    lines.add("policy", plain(policy.name) + '\t' + policy.text);
  }
  for (const ScalingEvent& event : history_) {
    lines.add("history", now - event.at, event.kind == DecisionKind::kScaleOut ? 0 : 1, event.from,
              event.to, static_cast<int>(event.result), event.count, event.took,
              plain(event.reason) + '\t' + plain(event.cause));
  }
  ScalingCounters counters = counters_;
  std::string numbers;
  for (std::size_t i = 0; const std::int64_t* field = Saved::fields(counters, i); ++i) {
    numbers += (i == 0 ? "" : " ") + std::to_string(*field);
  }
  lines.add("counters", numbers);
  return lines.take();
}

Status Governor::restore_state(std::string_view text, Time now) {
  Saved saved;
  bool begun = false;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool understood = begun ? saved.read(line, now) : line == kHeader;
    begun = true;
    if (!understood) {
      return Error{"scaling state, line " + std::to_string(number) + ": \"" + std::string(line) +
                   "\" is not understood"};
    }
  }
  if (!begun) return Error{"the scaling state is empty"};
  if (saved.pool != plain(pool_.name)) {
    return Error{"the scaling state is of pool \"" + saved.pool + "\", not \"" + pool_.name + '"'};
  }
  Governor restored(pool_, options_);
  restored.events_ = std::move(saved.events);
  for (auto policy = saved.policies.rbegin(); policy != saved.policies.rend(); ++policy) {
    if (Status added = restored.add_policy(*policy); !added) return Error{added.error()};
  }
  for (ScalingEvent& event : saved.history) {
    if (event.result != ScalingEvent::Result::kUnderWay) continue;
    event.result = ScalingEvent::Result::kFailed;
    event.cause = "its outcome was lost by a restart";
  }
  restored.desired_ = saved.desired;
  restored.failures_ = saved.failures;
  restored.cooldown_out_end_ = saved.ends[0];
  restored.cooldown_in_end_ = saved.ends[1];
  restored.backoff_end_ = saved.ends[2];
  restored.restart_end_ = now + options_.restart_hold;
  restored.flaps_.restore(saved.direction, std::move(saved.reversals));
  restored.boots_ = std::move(saved.boots);
  restored.history_ = std::move(saved.history);
  restored.events_begun_ = static_cast<std::int64_t>(restored.history_.size());
  restored.counters_ = saved.counters;
  restored.begun_ = true;
  restored.due_ = now;
  *this = std::move(restored);
  return success();
}

}  // namespace phoenix
