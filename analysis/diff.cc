#include "analysis/diff.h"

#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "analysis/diff_rows.h"

namespace phoenix {
namespace {

using enum DiffUnit;

template <class Thing>
struct Matched {
  const Thing* a = nullptr;
  const Thing* b = nullptr;
};

// Pairs of one name, in the order of A and then of B. Where a name comes several times, the first
// belongs to the first.
template <class Thing>
std::vector<Matched<Thing>> match(const std::vector<Thing>& a, const std::vector<Thing>& b,
                                  std::string Thing::*name) {
  std::vector<Matched<Thing>> pairs;
  std::multimap<std::string_view, std::size_t> open;  // equal keys in order of insertion
  for (const Thing& thing : a) {
    open.emplace(thing.*name, pairs.size());
    pairs.push_back({&thing, nullptr});
  }
  for (const Thing& thing : b) {
    const auto it = open.lower_bound(thing.*name);
    if (it == open.end() || it->first != thing.*name) {
      pairs.push_back({nullptr, &thing});
    } else {
      pairs[it->second].b = &thing;
      open.erase(it);
    }
  }
  return pairs;
}

template <class Thing>
class MetricList {
 public:
  explicit MetricList(const Matched<Thing>& pair) : pair_(pair) {}

  // `field`: a member of Thing, or what to work out from one.
  template <class Field>
  void add(std::string name, DiffUnit unit, const Field& field) {
    metrics_.push_back({std::move(name), unit, number(pair_.a, field), number(pair_.b, field)});
  }

  DiffThing take(std::string name) {
    const Presence presence = pair_.b == nullptr   ? Presence::kOnlyA
                              : pair_.a == nullptr ? Presence::kOnlyB
                                                   : Presence::kBoth;
    return {std::move(name), presence, std::move(metrics_)};
  }

 private:
  template <class Field>
  static double number(const Thing* thing, const Field& field) {
    return thing == nullptr ? std::numeric_limits<double>::quiet_NaN()
                            : static_cast<double>(std::invoke(field, *thing));
  }

  Matched<Thing> pair_;
  std::vector<DiffMetric> metrics_;
};

void add_latency(MetricList<ClassSummary>& list) {
  constexpr std::pair<const char*, double LatencySummary::*> kFields[] = {
      {"latency_mean", &LatencySummary::mean}, {"latency_p50", &LatencySummary::p50},
      {"latency_p90", &LatencySummary::p90},   {"latency_p95", &LatencySummary::p95},
      {"latency_p99", &LatencySummary::p99},   {"latency_p999", &LatencySummary::p999},
      {"latency_max", &LatencySummary::max}};
  for (const auto& [name, field] : kFields) {
    list.add(name, kSeconds, [field = field](const ClassSummary& c) { return c.latency.*field; });
  }
}

DiffThing diff_class(const Matched<ClassSummary>& pair) {
  MetricList list(pair);
  list.add("offered", kCount, &ClassSummary::offered);
  list.add("completed", kCount, &ClassSummary::completed);
  list.add("failed", kCount, &ClassSummary::failed_total);
  for (std::size_t i = 1; i < static_cast<std::size_t>(FailureReason::kCount); ++i) {
    list.add("failed." + std::string(to_text(static_cast<FailureReason>(i))), kCount,
             [i](const ClassSummary& c) { return c.failed[i]; });
  }
  list.add("in_flight", kCount, &ClassSummary::in_flight);
  list.add("throughput", kPerSecond, &ClassSummary::throughput_per_s);
  list.add("availability", kShare, &ClassSummary::availability);
  add_latency(list);
  return list.take(pair.a != nullptr ? pair.a->name : pair.b->name);
}

DiffThing diff_group(const Matched<GroupSummary>& pair) {
  MetricList list(pair);
  list.add("nodes", kCount, &GroupSummary::nodes);
  list.add("utilization", kShare, &GroupSummary::utilization);
  list.add("request_share", kShare, &GroupSummary::request_share);
  list.add("node_hours", kNumber, &GroupSummary::node_hours);
  list.add("cost", kNumber, &GroupSummary::cost);
  return list.take(pair.a != nullptr ? pair.a->name : pair.b->name);
}

DiffThing diff_counters(const RunSummary& a, const RunSummary& b) {
  MetricList list(Matched<RunSummary>{&a, &b});
  list.add("attempts", kCount, &RunSummary::attempts);
  list.add("retries", kCount, &RunSummary::retries);
  list.add("retries_denied", kCount, &RunSummary::retries_denied);
  list.add("hedges", kCount, &RunSummary::hedges);
  list.add("hedges_won", kCount, &RunSummary::hedges_won);
  list.add("hedges_denied", kCount, &RunSummary::hedges_denied);
  list.add("wasted_replies", kCount, &RunSummary::wasted_replies);
  list.add("lost_messages", kCount, &RunSummary::lost_messages);
  list.add("ejections", kCount, &RunSummary::ejections);
  list.add("panic_picks", kCount, &RunSummary::panic_picks);
  list.add("node_hours", kNumber, &RunSummary::node_hours);
  list.add("cost", kNumber, &RunSummary::cost);
  return list.take("");
}

void diff_summaries(const RunSummary& a, const RunSummary& b, RunDiff& diff) {
  diff.total = diff_class({&a.total, &b.total});
  diff.counters = diff_counters(a, b);
  for (const auto& pair : match(a.classes, b.classes, &ClassSummary::name)) {
    diff.classes.push_back(diff_class(pair));
  }
  for (const auto& pair : match(a.groups, b.groups, &GroupSummary::name)) {
    diff.groups.push_back(diff_group(pair));
  }
  for (const auto& pair : match(a.faults, b.faults, &FaultSummary::id)) {
    FaultDiff fault;
    fault.id = pair.a != nullptr ? pair.a->id : pair.b->id;
    if (pair.a != nullptr) fault.a = *pair.a;
    if (pair.b != nullptr) fault.b = *pair.b;
    diff.faults.push_back(std::move(fault));
  }
}

RecordIdentity identity_of(const RecordReader& record, const RunSummary& run) {
  const RecordAttributes& attributes = record.attributes();
  return {
      record.path(), run.scenario, attributes.scenario_xxh64, attributes.overrides, run.world,
      run.balancer,  run.seed,     run.replication,           run.duration_s,       run.measured_s,
      run.digest,    run.complete};
}

Error unreadable(const RecordReader& record, const Status& reason) {
  return Error{fmt::format("cannot read {}: {}", record.path(), reason.error())};
}

template <class Row>
struct BothRows {
  std::vector<Row> a, b;
};

template <class Row>
Result<BothRows<Row>> read_both(const RecordReader& a, const RecordReader& b,
                                std::int64_t first = 0, std::int64_t count = INT64_MAX) {
  Result<std::vector<Row>> rows_a = a.rows<Row>(first, count);
  if (!rows_a) return Error{rows_a.error()};
  Result<std::vector<Row>> rows_b = b.rows<Row>(first, count);
  if (!rows_b) return Error{rows_b.error()};
  return BothRows<Row>{std::move(*rows_a), std::move(*rows_b)};
}

Status add_distributions(const RecordReader& a, const RecordReader& b, RunDiff& diff) {
  const auto rows = read_both<HistogramRow>(a, b);
  if (!rows) return Error{rows.error()};
  if (Status good = check_histogram(rows->a); !good) return unreadable(a, good);
  if (Status good = check_histogram(rows->b); !good) return unreadable(b, good);
  diff.distributions = diff_distributions(rows->a, rows->b);
  return success();
}

Status add_throughput(const RecordReader& a, const RecordReader& b, RunDiff& diff) {
  const auto rows = read_both<WindowRow>(a, b);
  if (!rows) return Error{rows.error()};
  diff.throughput = diff_throughput(rows->a, rows->b);
  return success();
}

Status add_decisions(const RecordReader& a, const RecordReader& b, RunDiff& diff) {
  constexpr std::int64_t kPiece = 1 << 16;
  DecisionsDiffer differ;
  for (std::int64_t first = 0;; first += kPiece) {
    const auto rows = read_both<DecisionRow>(a, b, first, kPiece);
    if (!rows) return Error{rows.error()};
    if (rows->a.empty() && rows->b.empty()) break;
    differ.add(rows->a, rows->b);
  }
  diff.decisions = differ.take();
  return success();
}

}  // namespace

double DiffMetric::relative() const {
  return a == 0 ? std::numeric_limits<double>::quiet_NaN() : (b - a) / a;
}

bool DiffMetric::is_same() const { return a == b || (std::isnan(a) && std::isnan(b)); }

const DiffMetric* DiffThing::find(std::string_view metric) const {
  for (const DiffMetric& candidate : metrics) {
    if (candidate.name == metric) return &candidate;
  }
  return nullptr;
}

bool RunDiff::is_same_file() const { return a.scenario_xxh64 == b.scenario_xxh64; }

bool RunDiff::is_same_play() const { return a.digest != 0 && a.digest == b.digest; }

Result<RunDiff> diff_records(const RecordReader& a, const RecordReader& b) {
  const Result<RunSummary> summary_a = a.summary();
  if (!summary_a) return Error{summary_a.error()};
  const Result<RunSummary> summary_b = b.summary();
  if (!summary_b) return Error{summary_b.error()};
  RunDiff diff;
  diff.a = identity_of(a, *summary_a);
  diff.b = identity_of(b, *summary_b);
  diff_summaries(*summary_a, *summary_b, diff);
  for (const auto add : {add_distributions, add_throughput, add_decisions}) {
    if (const Status added = add(a, b, diff); !added) return Error{added.error()};
  }
  return diff;
}

}  // namespace phoenix
