#include "scenarios/run_summary.h"

#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include "scenarios/scenario.h"
#include "strategies/metrics/compliance.h"

namespace phoenix {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// Each list of fields below is walked by RowMaker to write and by RowTaker to read, so the two
// cannot disagree. `S` is the const or the plain form of the struct.

template <class S, class Visitor>
void visit_latency(S& latency, Visitor& visit) {
  visit("latency_mean", "s", latency.mean);
  visit("latency_p50", "s", latency.p50);
  visit("latency_p90", "s", latency.p90);
  visit("latency_p95", "s", latency.p95);
  visit("latency_p99", "s", latency.p99);
  visit("latency_p999", "s", latency.p999);
  visit("latency_max", "s", latency.max);
}

template <class S, class Visitor>
void visit_class(S& c, Visitor& visit) {
  visit("offered", "1", c.offered);
  visit("completed", "1", c.completed);
  visit("in_flight", "1", c.in_flight);
  for (std::size_t i = 1; i < c.failed.size(); ++i) {
    const std::string metric = "failed." + std::string(to_text(static_cast<FailureReason>(i)));
    visit(metric, "1", c.failed[i]);
  }
  visit("throughput", "/s", c.throughput_per_s);
  visit("availability", "1", c.availability);
  visit_latency(c.latency, visit);
}

template <class S, class Visitor>
void visit_group(S& group, Visitor& visit) {
  visit("nodes", "1", group.nodes);
  visit("utilization", "1", group.utilization);
  visit("request_share", "1", group.request_share);
  visit("node_hours", "h", group.node_hours);
  visit("cost", "1", group.cost);
}

template <class S, class Visitor>
void visit_target(S& target, Visitor& visit) {
  visit("target", "base", target.target);
  visit("current", "base", target.current);
  visit("compliance", "1", target.compliance);
  visit("deviation", "1", target.deviation);
  visit("side", "text", target.side);
}

template <class S, class Visitor>
void visit_fault(S& fault, Visitor& visit) {
  visit("kind", "text", fault.kind);
  visit("target", "text", fault.target);
  visit("outcome", "text", fault.outcome);
  visit("begin", "s", fault.begin_s);
  visit("end", "s", fault.end_s);
  visit("affected", "1", fault.affected);
}

template <class S, class Visitor>
void visit_wire(S& wire, Visitor& visit) {
  visit("gateway_cpu", "s", wire.gateway_cpu_s);
  visit("batches", "1", wire.batches);
  visit("batched", "1", wire.batched);
  visit("batch_wait", "s", wire.batch_wait_s);
  visit("compressed", "1", wire.compressed);
  visit("saved", "B", wire.saved_bytes);
  visit("connection_waits", "1", wire.connection_waits);
  visit("connection_wait", "s", wire.connection_wait_s);
  visit("connection_refusals", "1", wire.connection_refusals);
  visit("connection_give_ups", "1", wire.connection_give_ups);
  visit("buffer_waits", "1", wire.buffer_waits);
  visit("buffer_wait", "s", wire.buffer_wait_s);
  visit("unsent_late", "1", wire.unsent_late);
  visit("unsent_full", "1", wire.unsent_full);
  visit("direct", "1", wire.direct);
  visit("direct_misses", "1", wire.direct_misses);
  visit("cold_starts", "1", wire.cold_starts);
  visit("wakes", "1", wire.wakes);
  visit("hibernations", "1", wire.hibernations);
}

template <class S, class Visitor>
void visit_load(S& load, Visitor& visit) {
  visit("late_p99", "s", load.late_p99_s);
  visit("not_sent", "1", load.not_sent);
  visit("fell_behind", "1", load.fell_behind);
}

template <class S, class Visitor>
void visit_whole(S& run, Visitor& visit) {
  visit("duration", "s", run.duration_s);
  visit("measured", "s", run.measured_s);
  visit("complete", "1", run.complete);
  visit("compliance_mean", "1", run.compliance_mean);
  visit("compliance_minimum", "1", run.compliance_minimum);
  visit("worst_target", "text", run.worst_target);
  visit("attempts", "1", run.attempts);
  visit("retries", "1", run.retries);
  visit("retries_denied", "1", run.retries_denied);
  visit("hedges", "1", run.hedges);
  visit("hedges_won", "1", run.hedges_won);
  visit("hedges_denied", "1", run.hedges_denied);
  visit("wasted_replies", "1", run.wasted_replies);
  visit("lost_messages", "1", run.lost_messages);
  visit("ejections", "1", run.ejections);
  visit("panic_picks", "1", run.panic_picks);
  visit("node_hours", "h", run.node_hours);
  visit("cost", "1", run.cost);
  visit("events", "1", run.events);
}

template <class S, class Visitor>
void visit_speed(S& run, Visitor& visit) {
  visit("wall", "s", run.wall_s);
  visit("simulated_requests_per_second", "/s", run.simulated_requests_per_second);
}

class RowMaker {
 public:
  RowMaker(std::vector<SummaryRow>& rows, std::string_view scope, std::string_view name)
      : rows_(rows), scope_(scope), name_(name) {}

  template <class T>
  void operator()(std::string_view metric, std::string_view unit, const T& value) {
    SummaryRow row;
    row.scope = scope_;
    row.name = name_;
    row.metric = metric;
    row.unit = unit;
    if constexpr (std::is_same_v<T, std::string>) {
      row.value = kMissing;
      row.text = std::string_view(value);
    } else {
      row.value = static_cast<double>(value);
    }
    rows_.push_back(row);
  }

 private:
  std::vector<SummaryRow>& rows_;
  std::string_view scope_;
  std::string_view name_;
};

// A damaged record may hold anything; what no count can be is 0.
std::uint64_t whole_number(double value) {
  return value >= 0 && value < 0x1p63 ? static_cast<std::uint64_t>(value) : 0;
}

// The rows of one thing; metrics that are not there leave their field as it is.
class RowTaker {
 public:
  using Iterator = std::vector<SummaryRow>::const_iterator;
  RowTaker(Iterator begin, Iterator end) : begin_(begin), end_(end) {}

  template <class T>
  void operator()(std::string_view metric, std::string_view, T& value) {
    for (Iterator row = begin_; row != end_; ++row) {
      if (row->metric.view() != metric) continue;
      if constexpr (std::is_same_v<T, std::string>) {
        value = row->text.view();
      } else if constexpr (std::is_floating_point_v<T>) {
        value = row->value;
      } else {
        value = static_cast<T>(whole_number(row->value));
      }
      return;
    }
  }

 private:
  Iterator begin_;
  Iterator end_;
};

// Names are cut in rows, so two things may look alike: a new one also starts where the first metric
// comes again.
RowTaker::Iterator end_of_thing(RowTaker::Iterator begin, RowTaker::Iterator end) {
  RowTaker::Iterator row = begin + 1;
  while (row != end && row->scope.view() == begin->scope.view() &&
         row->name.view() == begin->name.view() && row->metric.view() != begin->metric.view()) {
    ++row;
  }
  return row;
}

void take_whole(RowTaker& take, RunSummary& summary) {
  visit_class(summary.total, take);
  visit_whole(summary, take);
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  take("digest_high", "1", high);
  take("digest_low", "1", low);
  summary.digest = high << 32 | low;
}

TargetSummary summarize(const TargetReading& reading) {
  const TargetVerdict verdict = judge(reading);
  return {reading.name,       reading.target,    reading.current,
          verdict.compliance, verdict.deviation, std::string(to_text(verdict.side))};
}

}  // namespace

LatencySummary LatencySummary::of(const Histogram& histogram) {
  if (histogram.count() == 0) {
    return {kMissing, kMissing, kMissing, kMissing, kMissing, kMissing, kMissing};
  }
  const auto at = [&](double q) { return to_seconds(histogram.quantile(q)); };
  return {histogram.mean_seconds(),   at(0.5), at(0.9), at(0.95), at(0.99), at(0.999),
          to_seconds(histogram.max())};
}

std::uint64_t ClassSummary::failed_total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : failed) sum += count;
  return sum;
}

std::vector<SummaryRow> RunSummary::to_rows() const {
  std::vector<SummaryRow> rows;
  RowMaker whole(rows, "total", "");
  visit_class(total, whole);
  visit_whole(*this, whole);
  whole("digest_high", "1", digest >> 32);
  whole("digest_low", "1", digest & 0xffffffffULL);
  const auto each = [&rows](std::string_view scope, std::string_view name, const auto& thing,
                            const auto& visit) {
    RowMaker maker(rows, scope, name);
    visit(thing, maker);
  };
  for (const ClassSummary& c : classes) {
    each("class", c.name, c, [](const auto& t, auto& v) { visit_class(t, v); });
  }
  for (const GroupSummary& g : groups) {
    each("group", g.name, g, [](const auto& t, auto& v) { visit_group(t, v); });
  }
  for (const TargetSummary& target : targets) {
    each("target", target.name, target, [](const auto& t, auto& v) { visit_target(t, v); });
  }
  for (const FaultSummary& f : faults) {
    each("fault", f.id, f, [](const auto& t, auto& v) { visit_fault(t, v); });
  }
  if (wire.is_used) each("wire", "", wire, [](const auto& t, auto& v) { visit_wire(t, v); });
  if (load.is_used) each("load", "", load, [](const auto& t, auto& v) { visit_load(t, v); });
  each("run", "", *this, [](const auto& t, auto& v) { visit_speed(t, v); });
  return rows;
}

RunSummary RunSummary::from_rows(const std::vector<SummaryRow>& rows) {
  RunSummary summary;
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = end_of_thing(begin, rows.end());
    RowTaker take(begin, end);
    const std::string_view scope = begin->scope.view();
    const std::string name(begin->name.view());
    if (scope == "total") {
      take_whole(take, summary);
    } else if (scope == "class") {
      ClassSummary& c = summary.classes.emplace_back();
      c.name = name;
      visit_class(c, take);
    } else if (scope == "group") {
      GroupSummary& group = summary.groups.emplace_back();
      group.name = name;
      visit_group(group, take);
    } else if (scope == "target") {
      TargetSummary& target = summary.targets.emplace_back();
      target.name = name;
      visit_target(target, take);
    } else if (scope == "fault") {
      FaultSummary& fault = summary.faults.emplace_back();
      fault.id = name;
      visit_fault(fault, take);
    } else if (scope == "wire") {
      summary.wire.is_used = true;
      visit_wire(summary.wire, take);
    } else if (scope == "load") {
      summary.load.is_used = true;
      visit_load(summary.load, take);
    } else if (scope == "run") {
      visit_speed(summary, take);
    }
    begin = end;
  }
  return summary;
}

void judge_targets(const Targets& asked, double utilization, double scaling_response_s,
                   RunSummary& summary) {
  using enum TargetSense;
  using Seconds = std::chrono::duration<double>;  // divides, so that 30 s is exactly 30
  // What is still under way at the end could not have been completed yet: it is nobody's miss.
  const std::uint64_t answered = summary.total.offered - summary.total.in_flight;
  const double attainable_per_s =
      summary.measured_s > 0 ? static_cast<double>(answered) / summary.measured_s : 0;
  std::vector<TargetReading> readings = {
      {"response_time_p95", kLowerIsBetter, Seconds(asked.response_time_p95).count(),
       summary.total.completed > 0 ? summary.total.latency.p95 : kMissing},
      {"throughput", kHigherIsBetter, asked.throughput, summary.total.throughput_per_s,
       attainable_per_s},
      {"availability", kHigherIsBetter, asked.availability, summary.total.availability},
      {"utilization", kSetPoint, asked.utilization, utilization},
      {"scaling_response_time", kLowerIsBetter, Seconds(asked.scaling_response_time).count(),
       scaling_response_s},
  };
  std::erase_if(readings, [](const TargetReading& reading) { return !(reading.target > 0); });
  summary.targets.clear();
  for (const TargetReading& reading : readings) summary.targets.push_back(summarize(reading));
  Compliance compliance = overall(readings);
  summary.compliance_mean = compliance.mean;
  summary.compliance_minimum = compliance.minimum;
  summary.worst_target = std::move(compliance.worst);
}

}  // namespace phoenix
