// How good the scalers are: a fleet under real request rates, with nodes that take time to boot,
// under each scaler in turn. Prints, per series, the seconds in which the response time target was
// missed, the node-hours paid for, and how often nodes were started and stopped; then whether
// hybrid reaches its goal, half of hpa's missed seconds for no more node-hours.
//
//   scaling_quality [SERIES [POLICY GOVERNOR]]   series whose name begins so; "hybrid[...]"
//
// The model is in fluid_fleet.h. Every series is scaled so that its peak takes 30 nodes at 75 %.
// All scalers see the same readings of 15 s, and the forecast is one of these readings, whose only
// setting is the length of the load's cycle. "foresight" knows the future; nobody can do better.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "strategies/forecasting/trusted_forecast.h"
#include "tests/bench/fluid_fleet.h"
#include "tests/bench/foresight.h"
#include "tests/bench/load_series.h"

namespace phoenix {
namespace {

using std::chrono::seconds;

constexpr int kPeakNodes = 30;
constexpr double kPeakUtilization = 0.75;
constexpr const char* kBaseline = "hpa";
constexpr const char* kChallenger = "hybrid worth";

// Peers bring their own limits, and so do rules that weigh a node's whole way; ours are switched
// off for both.
constexpr const char* kNoLimits =
    "governor[interval=15 s, cooldown_out=0, cooldown_in=0, stabilise_in=0, grow_percent=100000, "
    "reversals_per_hour=1000, changes_at_once=1000]";
constexpr const char* kDefaults = "governor";

std::vector<Contestant> contestants() {
  return {
      {"static", "none", kDefaults, false, kPeakNodes},
      {"threshold", "threshold[max_capacity=60]", kDefaults},
      {"rate", "rate[max_capacity=60, scale_out_rate=0.0002, scale_in_rate=-0.0002]", kDefaults},
      {"queue", "queue[max_capacity=60, max_wait_time=1 s, target_wait_time=200 ms]", kDefaults},
      {"resource", "resource[resources=[cpu], max_capacity=60]", kDefaults},
      {"target_tracking", "target_tracking", kDefaults},
      {"event_driven", "event_driven[metric=arrival_rate, per_node=75]", kDefaults},
      {"kpa", "kpa[rate=100]", kNoLimits},
      {"kpa soft", "kpa[rate=100, soft_landing=true]", kNoLimits},
      {"hpa 0.60", "hpa[cpu=0.6]", kNoLimits},
      {"hpa 0.70", "hpa[cpu=0.7]", kNoLimits},
      {kBaseline, "hpa", kNoLimits},
      {"hpa 0.80", "hpa[cpu=0.8]", kNoLimits},
      {"predictive", "predictive", kDefaults, true},
      {"hybrid", "hybrid", kDefaults, true},
      {"hybrid at 10", "hybrid[reactive=none, predictive=predictive[interval=15 s, miss_cost=10]]",
       kNoLimits, true},
      {"hybrid at 40", "hybrid[reactive=none, predictive=predictive[interval=15 s, miss_cost=40]]",
       kNoLimits, true},
      {kChallenger,
       "hybrid[reactive=none, predictive=predictive[interval=15 s, miss_cost=60, budget=0.75]]",
       kNoLimits, true},
  };
}

// Of the readings; it has seen those before the beginning already. As far ahead as a control
// plane's, and judged where that is.
std::unique_ptr<LoadForecast> learnt_forecast(const Series& series) {
  constexpr int kBoot = static_cast<int>(kBootTold / kReading);
  constexpr int kAhead = static_cast<int>((std::chrono::minutes(10) + kBootTold) / kReading);
  std::unique_ptr<LoadForecast> forecast =
      make_load_forecast(static_cast<int>(series.period / kReading), 0, kAhead, kBoot);
  const Duration learnt = static_cast<std::int64_t>(series.begin) * series.step;
  for (Duration ago = learnt; ago > Duration{0}; ago -= kReading) {
    forecast->observe(series.rate_at(kReading / 2 - ago));
  }
  return forecast;
}

std::vector<float> rates_by_second(const Series& series) {
  std::vector<float> rates;
  for (Duration at{0}; at < series.length(); at += seconds(1)) {
    rates.push_back(static_cast<float>(series.rate_at(at)));
  }
  return rates;
}

// All contestants side by side, so that they share the forecast.
std::vector<Score> play(const Series& series, const std::vector<float>& rates,
                        const std::vector<Contestant>& all, const ResponseTable& table) {
  const std::unique_ptr<LoadForecast> forecast = learnt_forecast(series);
  std::vector<std::unique_ptr<Fleet>> fleets;
  for (const Contestant& one : all) {
    fleets.push_back(std::make_unique<Fleet>(one, static_cast<double>(rates[0]), table, *forecast));
  }
  double sum = 0;
  Time now = kStart;
  for (const float one : rates) {
    const double rate = static_cast<double>(one);
    if (now > kStart && now.time_since_epoch() % kReading == Duration{0}) {
      forecast->observe(sum / to_seconds(kReading));
      sum = 0;
    }
    sum += rate;
    for (const auto& fleet : fleets) fleet->play(now, rate);
    now += seconds(1);
  }
  std::vector<Score> scores;
  for (const auto& fleet : fleets) scores.push_back(fleet->score());
  return scores;
}

// Whether another one is at least as good in both and better in one.
bool is_dominated(const std::vector<Score>& scores, const Score& score) {
  return std::any_of(scores.begin(), scores.end(), [&](const Score& other) {
    return other.missed_s <= score.missed_s && other.node_hours <= score.node_hours &&
           (other.missed_s < score.missed_s || other.node_hours < score.node_hours);
  });
}

void print_row(const char* name, const Score& score, double length_s, const char* mark) {
  std::printf("  %-16s %10lld %7.3f%% %11.1f %15lld  %s\n", name,
              static_cast<long long>(score.missed_s),
              100 * static_cast<double>(score.missed_s) / length_s, score.node_hours,
              static_cast<long long>(score.changes), mark);
}

void print_goal(const std::vector<Contestant>& all, const std::vector<Score>& scores) {
  const auto score_of = [&](const char* name) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Contestant& one) { return one.name == name; });
    return found == all.end() ? Score{} : scores[static_cast<std::size_t>(found - all.begin())];
  };
  const Score hpa = score_of(kBaseline);
  const Score hybrid = score_of(kChallenger);
  if (hpa.missed_s == 0 || hybrid.node_hours == 0) return;
  const double missed = static_cast<double>(hybrid.missed_s) / static_cast<double>(hpa.missed_s);
  const double paid = hybrid.node_hours / hpa.node_hours;
  std::printf("  %s: %.2f of %s's missed seconds for %.3f of its node-hours: %s\n", kChallenger,
              missed, kBaseline, paid, missed <= 0.5 && paid <= 1 ? "reached" : "MISSED");
}

void contest(const Series& series, const ResponseTable& table, const std::vector<Contestant>& all) {
  const double length_s = to_seconds(series.length());
  std::printf("\n%s: %.1f days, p95 target %.0f ms (busy to %.3f), boot about %.0f s\n",
              series.name.c_str(), length_s / 86400, kTargetP95 * 1e3, table.busiest(),
              to_seconds(kBootMedian));
  std::printf("  %-16s %10s %8s %11s %15s  %s\n", "scaler", "missed s", "share", "node-hours",
              "starts + stops", "pareto");
  const std::vector<float> rates = rates_by_second(series);
  const std::vector<Score> scores = play(series, rates, all, table);
  for (std::size_t i = 0; i < all.size(); ++i) {
    print_row(all[i].name.c_str(), scores[i], length_s, is_dominated(scores, scores[i]) ? "" : "*");
  }
  std::printf("  %-16s %10d %7.3f%% %11.1f\n", "foresight", 0, 0.0,
              foresight_node_hours(rates, table.busiest()));
  print_goal(all, scores);
  std::fflush(stdout);
}

}  // namespace
}  // namespace phoenix

int main(int argc, char** argv) {
  const phoenix::ResponseTable table;
  std::vector<phoenix::Contestant> all = phoenix::contestants();
  if (argc == 4) all = {{"given", argv[2], argv[3], true}};
  const double peak = phoenix::kPeakNodes * phoenix::kNodeRate * phoenix::kPeakUtilization;
  for (const phoenix::Series& series : phoenix::all_series(peak)) {
    if (argc > 1 && series.name.rfind(argv[1], 0) != 0) continue;
    if (series.rates.empty()) {
      std::printf("%s: not there, left out\n", series.name.c_str());
    } else {
      phoenix::contest(series, table, all);
    }
  }
}
