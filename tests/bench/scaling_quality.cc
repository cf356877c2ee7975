// How good the scalers are: a fleet under real request rates, with nodes that take time to boot,
// under each scaler in turn. Prints, per series, the seconds in which the response time target was
// missed, the node-hours paid for, and how often nodes were started and stopped.
//
//   scaling_quality [SERIES [POLICY GOVERNOR]]   series whose name begins so; "hybrid[...]"
//
// The model is a fluid one in steps of a second: every node is an M/M/4 queue that gets an equal
// share of the rate, and what exceeds the capacity waits. A second is missed when the 95th
// percentile of the response time, with the wait for the backlog, is above the target. Nodes that
// boot or drain are paid for. Every series is scaled so that its peak takes 30 nodes at 75 %.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <boost/random/lognormal_distribution.hpp>

#include "strategies/core/random.h"
#include "strategies/forecasting/erlang.h"
#include "strategies/forecasting/trusted_forecast.h"
#include "strategies/registry.h"
#include "strategies/scaling/governor.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kCores = 4;
constexpr double kNodeRate = 100;  // a second, fully busy
constexpr double kTargetP95 = 0.25;
constexpr int kPeakNodes = 30;
constexpr int kMostNodesOfPool = 60;
constexpr Duration kBootMedian = seconds(90);
constexpr double kBootSpread = 0.2;  // of the logarithm
constexpr Duration kDrain = seconds(30);
constexpr int kReadingSeconds = 15;  // a metric is the mean of so many

// ---------------------------------------------------------------------------------- series

struct Series {
  std::string name;
  Duration step{0};
  std::vector<double> rates;  // per second, NaN for a gap
  std::size_t begin = 0;      // before it, the forecast only learns
  int period = 0;             // steps
  int period2 = 0;
};

// The last column of a CSV file. NAB's has time stamps: single missing samples are left to the
// neighbours.
std::vector<double> read_last_column(const std::string& path) {
  std::ifstream file(path);
  std::vector<double> values;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    values.push_back(std::strtod(line.c_str() + line.rfind(',') + 1, nullptr));
  }
  return values;
}

Series read_series(std::string name, const std::string& file, Duration step, int days_before,
                   int period, int period2) {
  Series series{
      std::move(name), step,   read_last_column(PHOENIX_SOURCE_DIR "/../shared/data/" + file), 0,
      period,          period2};
  series.begin = static_cast<std::size_t>(days_before * hours(24) / step);
  if (series.rates.empty()) return series;
  double peak = 0;
  for (std::size_t i = series.begin; i < series.rates.size(); ++i) {
    peak = std::max(peak, series.rates[i]);
  }
  for (double& rate : series.rates) rate *= kPeakNodes * kNodeRate * 0.75 / peak;
  return series;
}

std::vector<Series> all_series() {
  std::vector<Series> all;
  // From 10 June 1998, the first match day, on.
  Series cup =
      read_series("worldcup", "worldcup98/worldcup98_per_minute.csv", minutes(1), 40, 1440, 10080);
  all.push_back(std::move(cup));
  all.push_back(read_series("nasa", "nasa-http/nasa_http_1995_07_per_minute.csv", minutes(1), 14,
                            1440, 10080));
  all.push_back(read_series("nab_elb", "nab/elb_request_count_8c0756.csv", minutes(5), 7, 288, 0));
  all.push_back(read_series("azure_functions", "azure-functions-2019/total_per_minute.csv",
                            minutes(1), 0, 60, 0));
  return all;
}

// ---------------------------------------------------------------------------------- response

// p95 of M/M/kCores at a share of capacity, tabulated.
class ResponseTable {
 public:
  ResponseTable() {
    for (int i = 0; i < kSteps; ++i) {
      const double rate = kNodeRate * i / kSteps;
      double low = 0;
      double high = 1e3;
      while (high - low > 1e-6 * high) {
        const double middle = (low + high) / 2;
        const bool is_above = response_tail(kCores, {rate, kNodeRate / kCores}, middle) > 0.05;
        (is_above ? low : high) = middle;
      }
      p95_[static_cast<std::size_t>(i)] = high;
    }
  }
  double p95(double busy) const {
    const int i = static_cast<int>(std::ceil(busy * kSteps));
    return i >= kSteps ? 1e9 : p95_[static_cast<std::size_t>(std::max(i, 0))];
  }
  // The busiest that meets the target.
  double busiest() const {
    const auto above =
        std::find_if(p95_.begin(), p95_.end(), [](double t) { return t > kTargetP95; });
    return static_cast<double>(above - p95_.begin() - 1) / kSteps;
  }

 private:
  static constexpr int kSteps = 2000;
  std::array<double, kSteps> p95_{};
};

// ---------------------------------------------------------------------------------- metrics

// The last ten minutes of everything, a value a second.
class Readings : public MetricView {
 public:
  void see(Time at, double rate, double cpu, double waiting, double in_flight, double done) {
    now_ = at;
    const double values[] = {rate, cpu, waiting, in_flight, done};
    for (std::size_t i = 0; i < kMetrics; ++i) rings_[i][count_ % kKept] = values[i];
    ++count_;
  }

  MetricPoint latest(std::string_view name) const override {
    const int which = index_of(name);
    if (which < 0 || count_ == 0) return {};
    const std::size_t n = std::min<std::size_t>(count_, kReadingSeconds);
    double sum = 0;
    for (std::size_t i = 1; i <= n; ++i) sum += value(which, i);
    return {now_, sum / static_cast<double>(n)};
  }

  void series(std::string_view name, Duration window,
              std::vector<MetricPoint>& out) const override {
    out.clear();
    const int which = index_of(name);
    if (which < 0) return;
    const auto wanted = static_cast<std::size_t>(window / seconds(1));
    for (std::size_t i = std::min({wanted, count_, kKept}); i >= 1; --i) {
      out.push_back({now_ - static_cast<std::int64_t>(i - 1) * seconds(1), value(which, i)});
    }
  }

 private:
  static constexpr std::size_t kMetrics = 5;
  static constexpr std::size_t kKept = 600;

  static int index_of(std::string_view name) {
    constexpr std::string_view kNames[] = {metric::kArrivalRate, metric::kCpu, metric::kQueueLength,
                                           metric::kInFlight, metric::kThroughput};
    for (std::size_t i = 0; i < kMetrics; ++i) {
      if (name == kNames[i]) return static_cast<int>(i);
    }
    return name == metric::kProcessingRate ? 4 : -1;
  }
  double value(int which, std::size_t ago) const {
    return rings_[static_cast<std::size_t>(which)][(count_ - ago) % kKept];
  }

  Time now_ = kStart;
  std::size_t count_ = 0;
  std::array<std::array<double, kKept>, kMetrics> rings_{};
};

// ---------------------------------------------------------------------------------- fleet

struct Contestant {
  std::string name;
  std::string policy;
  std::string governor;
  bool forecasts = false;
  int fixed = 0;  // so many nodes from the beginning; 0: what the first load needs
};

struct Score {
  std::int64_t missed_s = 0;
  double node_hours = 0;
  std::int64_t changes = 0;  // starts and stops
};

class Fleet {
 public:
  Fleet(const Series& series, const Contestant& contestant, const ResponseTable& table)
      : series_(series),
        table_(table),
        governor_({"nodes", 1, kMostNodesOfPool, 0}, *parse_governor(contestant.governor)),
        boots_(Streams(1).named("boots")) {
    const Status added = governor_.add_policy({contestant.name, contestant.policy});
    if (!added) {
      std::fprintf(stderr, "%s\n", added.error().c_str());
      std::exit(1);
    }
    if (contestant.forecasts) learn();
    const double first = series.rates[series.begin];
    const int nodes = contestant.fixed > 0
                          ? contestant.fixed
                          : std::max(1, static_cast<int>(std::ceil(first / (kNodeRate * 0.6))));
    for (int i = 0; i < nodes; ++i) add_node(kStart);
  }

  Score run() {
    const Duration length =
        static_cast<std::int64_t>(series_.rates.size() - series_.begin) * series_.step;
    for (now_ = kStart; now_ < kStart + length; now_ += seconds(1)) {
      settle();
      observe_forecast();
      serve();
      if (governor_.next_tick() <= now_) decide();
    }
    return score_;
  }

 private:
  struct Change {
    Decision decision;
    Time at;
    std::vector<NodeId> nodes;
  };

  void learn() {
    forecast_ = make_load_forecast(series_.period, series_.period2,
                                   static_cast<int>(minutes(15) / series_.step) + 1);
    for (std::size_t i = 0; i < series_.begin; ++i) forecast_->observe(series_.rates[i]);
  }

  void add_node(Time ready_at) {
    ScalingNode node;
    node.node = id_at<NodeId>(next_id_++);
    node.asked_at = now_;
    node.ready_since = ready_at;
    node.is_ready = ready_at <= now_;
    nodes_.push_back(node);
    count();
  }

  void count() {
    capacity_ = {};
    for (const ScalingNode& node : nodes_) {
      ++(node.is_draining ? capacity_.draining
         : node.is_ready  ? capacity_.ready
                          : capacity_.provisioning);
    }
  }

  // The rate of now, on the line between the middles of the samples.
  double rate() const {
    const double place =
        to_seconds(now_) / to_seconds(series_.step) - 0.5 + static_cast<double>(series_.begin);
    const auto before = static_cast<std::size_t>(std::max(place, 0.0));
    const std::size_t after = std::min(before + 1, series_.rates.size() - 1);
    const double share = place - static_cast<double>(before);
    return std::max(0.0, series_.rates[before] * (1 - share) + series_.rates[after] * share);
  }

  void observe_forecast() {
    if (forecast_ == nullptr || now_.time_since_epoch() % series_.step != Duration{0}) return;
    const auto closed = static_cast<std::size_t>(now_.time_since_epoch() / series_.step);
    if (closed == 0) return;
    forecast_->observe(series_.rates[series_.begin + closed - 1]);
    observed_at_ = now_;
  }

  void serve() {
    const double offered = rate();
    const double most = std::max(capacity_.ready * kNodeRate, 1e-9);
    const double done = std::min(backlog_ + offered, most);
    backlog_ = backlog_ + offered - done;
    const double busy = std::min(1.0, done / most);
    const double response = backlog_ / most + table_.p95(backlog_ > 0 ? 1 : busy);
    if (response > kTargetP95) ++score_.missed_s;
    score_.node_hours += static_cast<double>(nodes_.size()) / 3600;
    // Open requests by Little's law; those that wait within a node are few beside the backlog.
    readings_.see(now_, offered, busy, backlog_, backlog_ + busy * kCores * capacity_.ready, done);
  }

  void decide() {
    const double cpu = readings_.latest(metric::kCpu).value;
    for (ScalingNode& node : nodes_) {
      node.cpu = node.is_ready ? cpu : std::nan("");
      node.in_flight = cpu * kCores;
    }
    ScalingView view;
    view.now = now_;
    view.metrics = &readings_;
    view.capacity = capacity_;
    view.nodes = nodes_;
    view.forecast = forecast_.get();
    view.forecast_step = series_.step;
    view.forecast_age = now_ - observed_at_;
    view.boot_time = seconds(120);
    view.node_capacity_per_s = kNodeRate;
    view.cores_per_node = kCores;
    view.target_response_p95 = from_seconds(kTargetP95);
    decisions_.clear();
    governor_.tick(view, ids_, decisions_);
    for (const Decision& decision : decisions_) carry_out(decision);
  }

  void carry_out(const Decision& decision) {
    Change change{decision, now_, {}};
    if (decision.kind == DecisionKind::kScaleOut && decision.node != kNoNode) {
      return take_back(decision);
    }
    if (decision.kind == DecisionKind::kScaleOut) {
      boost::random::lognormal_distribution<double> boot(std::log(to_seconds(kBootMedian)),
                                                         kBootSpread);
      for (int i = 0; i < decision.count; ++i) {
        const Time ready_at = now_ + from_seconds(std::round(boot(boots_)));
        add_node(ready_at);
        change.nodes.push_back(nodes_.back().node);
        change.at = std::max(change.at, ready_at);
      }
      score_.changes += decision.count;
    } else if (decision.kind == DecisionKind::kScaleIn) {
      find(decision.node).is_draining = true;
      change.at = now_ + kDrain;
      ++score_.changes;
      count();
    } else {
      return;
    }
    changes_.push_back(std::move(change));
  }

  void take_back(const Decision& decision) {
    const auto drain = std::find_if(changes_.begin(), changes_.end(), [&](const Change& change) {
      return change.decision.node == decision.node;
    });
    const bool is_there = drain != changes_.end();
    if (is_there) {
      const DecisionId id = drain->decision.id;
      changes_.erase(drain);
      find(decision.node).is_draining = false;
      ++score_.changes;
      count();
      report(id, OutcomeKind::kSuperseded, 0, now_);
    }
    report(decision.id, is_there ? OutcomeKind::kDone : OutcomeKind::kRefused, is_there ? 1 : 0,
           now_);
  }

  void report(DecisionId id, OutcomeKind kind, int came, Time since) {
    governor_.on_outcome({id, kind, came, now_ - since, Duration{0}, ""}, now_);
  }

  ScalingNode& find(NodeId id) {
    return *std::find_if(nodes_.begin(), nodes_.end(),
                         [&](const ScalingNode& node) { return node.node == id; });
  }

  void settle() {
    if (changes_.empty()) return;
    for (ScalingNode& node : nodes_) {
      node.is_ready = node.ready_since <= now_;
    }
    for (std::size_t i = 0; i < changes_.size();) {
      const Change change = changes_[i];
      if (change.at > now_) {
        ++i;
        continue;
      }
      changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
      const bool leaves = change.decision.kind == DecisionKind::kScaleIn;
      if (leaves) {
        std::erase_if(nodes_,
                      [&](const ScalingNode& node) { return node.node == change.decision.node; });
      }
      report(change.decision.id, OutcomeKind::kDone,
             leaves ? 1 : static_cast<int>(change.nodes.size()), change.decision.at);
    }
    count();
  }

  const Series& series_;
  const ResponseTable& table_;
  Governor governor_;
  Random boots_;
  std::unique_ptr<LoadForecast> forecast_;
  Readings readings_;
  DecisionIds ids_;
  std::vector<Decision> decisions_;
  std::vector<ScalingNode> nodes_;
  std::vector<Change> changes_;
  Capacity capacity_;
  Time now_ = kStart;
  Time observed_at_ = kStart;
  std::size_t next_id_ = 0;
  double backlog_ = 0;
  Score score_;
};

// ---------------------------------------------------------------------------------- contest

// Peers bring their own limits; ours are switched off for them.
const char* kNoLimits =
    "governor[interval=15 s, cooldown_out=0, cooldown_in=0, stabilise_in=0, grow_percent=100000, "
    "reversals_per_hour=1000, changes_at_once=1000]";
const char* kDefaults = "governor";
// Without cooldowns: for rules that are steady by themselves.
const char* kQuick =
    "governor[interval=15 s, cooldown_out=0, cooldown_in=1 min, stabilise_in=1 min, "
    "reversals_per_hour=60, changes_at_once=20]";
const char* kSteady =
    "governor[interval=15 s, cooldown_out=0, cooldown_in=0, stabilise_in=5 min, "
    "reversals_per_hour=1000, changes_at_once=20]";

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
      {"hpa 0.65", "hpa[cpu=0.65]", kNoLimits},
      {"hpa 0.70", "hpa[cpu=0.7]", kNoLimits},
      {"hpa", "hpa", kNoLimits},
      {"hpa 0.80", "hpa[cpu=0.8]", kNoLimits},
      {"predictive", "predictive", kDefaults, true},
      {"hybrid", "hybrid", kDefaults, true},
      {"hybrid safe",
       "hybrid[reactive=none, predictive=predictive[quantile=0.85, interval=15 s, buffer=0, "
       "extra=0, horizon=3 min, utilization=0.78, present_utilization=0.95]]",
       kQuick, true},
      {"hybrid lean",
       "hybrid[reactive=none, predictive=predictive[quantile=0.6, interval=15 s, buffer=0, "
       "extra=0, horizon=5 min, utilization=0.8, present_utilization=0.83]]",
       kSteady, true},
  };
}

// Whether another one is at least as good in both and better in one.
bool is_dominated(const std::vector<Score>& scores, const Score& score) {
  return std::any_of(scores.begin(), scores.end(), [&](const Score& other) {
    return other.missed_s <= score.missed_s && other.node_hours <= score.node_hours &&
           (other.missed_s < score.missed_s || other.node_hours < score.node_hours);
  });
}

void contest(const Series& series, const ResponseTable& table, const std::vector<Contestant>& all) {
  const auto length = static_cast<double>(series.rates.size() - series.begin);
  std::printf("\n%s: %.1f days, p95 target %.0f ms (busy to %.3f), boot about %.0f s\n",
              series.name.c_str(), length * to_seconds(series.step) / 86400, kTargetP95 * 1e3,
              table.busiest(), to_seconds(kBootMedian));
  std::printf("  %-16s %10s %8s %11s %15s  %s\n", "scaler", "missed s", "share", "node-hours",
              "starts + stops", "pareto");
  std::vector<Score> scores;
  for (const Contestant& one : all) scores.push_back(Fleet(series, one, table).run());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Score& score = scores[i];
    std::printf("  %-16s %10lld %7.3f%% %11.1f %15lld  %s\n", all[i].name.c_str(),
                static_cast<long long>(score.missed_s),
                100 * static_cast<double>(score.missed_s) / (length * to_seconds(series.step)),
                score.node_hours, static_cast<long long>(score.changes),
                is_dominated(scores, score) ? "" : "*");
  }
}

}  // namespace
}  // namespace phoenix

int main(int argc, char** argv) {
  const phoenix::ResponseTable table;
  std::vector<phoenix::Contestant> all = phoenix::contestants();
  if (argc == 4) all = {{"given", argv[2], argv[3], true}};
  for (const phoenix::Series& series : phoenix::all_series()) {
    if (argc > 1 && series.name.rfind(argv[1], 0) != 0) continue;
    if (series.rates.empty()) {
      std::printf("%s: not there, left out\n", series.name.c_str());
    } else {
      phoenix::contest(series, table, all);
    }
  }
}
