#include "analysis/diff_text.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "analysis/human_text.h"
#include "analysis/text_table.h"

namespace phoenix {
namespace {

constexpr std::size_t kNameColumns = 18;
constexpr std::size_t kFactColumns = 28;
constexpr double kNotable = 0.1;  // relative differences from here on are coloured

struct Column {
  const char* metric;
  const char* header;
};

constexpr Column kRequests[] = {{"offered", "offered"},       {"completed", "completed"},
                                {"failed", "failed"},         {"in_flight", "in flight"},
                                {"throughput", "throughput"}, {"availability", "availability"}};
constexpr Column kLatency[] = {{"latency_mean", "mean"}, {"latency_p50", "p50"},
                               {"latency_p90", "p90"},   {"latency_p95", "p95"},
                               {"latency_p99", "p99"},   {"latency_p999", "p99.9"},
                               {"latency_max", "max"}};
constexpr Column kGroups[] = {{"nodes", "nodes"},
                              {"utilization", "utilization"},
                              {"request_share", "share of requests"},
                              {"node_hours", "node-hours"},
                              {"cost", "cost"}};
constexpr Column kCounters[] = {
    {"attempts", "attempts"},           {"retries", "retries"},
    {"retries_denied", "  denied"},     {"hedges", "second copies"},
    {"hedges_won", "  answered first"}, {"hedges_denied", "  denied"},
    {"wasted_replies", "late answers"}, {"lost_messages", "lost messages"},
    {"ejections", "ejections"},         {"panic_picks", "panic picks"},
    {"node_hours", "node-hours"},       {"cost", "cost"}};

std::string name_of(const std::string& name) { return shortened(name, kNameColumns); }

std::string number_text(const DiffMetric& metric, double number) {
  if (std::isnan(number)) return "-";
  switch (metric.unit) {
    case DiffUnit::kCount:
      return human_count(static_cast<std::uint64_t>(std::max(number, 0.0)));
    case DiffUnit::kSeconds:
      return human_duration(number);
    case DiffUnit::kPerSecond:
      return human_rate(number);
    case DiffUnit::kShare:
      return human_share(number, metric.name == "availability" ? 3 : 1);
    case DiffUnit::kNumber:
      return human_number(number);
  }
  return "";
}

std::string difference_text(const DiffMetric& metric) {
  if (std::isnan(metric.a) || std::isnan(metric.b)) return "-";
  if (metric.is_same()) return "same";
  if (metric.a == 0) return "from 0";
  const double relative = metric.relative();
  return fmt::format("{:+.{}f} %", relative * 100, std::abs(relative) < 1 ? 1 : 0);
}

TextCell difference_cell(const DiffMetric& metric) {
  if (metric.is_same()) return {difference_text(metric), TextStyle::kDim};
  const bool is_notable = metric.a == 0 || std::abs(metric.relative()) >= kNotable;
  return {difference_text(metric), is_notable ? TextStyle::kFair : TextStyle::kPlain};
}

DiffMetric counts(std::uint64_t a, std::uint64_t b) {
  return {"", DiffUnit::kCount, static_cast<double>(a), static_cast<double>(b)};
}

// Three lines for each thing: A, B, and how far B is from A.
class ThingTable {
 public:
  ThingTable(const char* title, std::span<const Column> columns)
      : columns_(columns),
        table_("ll" + std::string(columns.size(), 'r'), headers(title, columns)) {}

  void add(const DiffThing& thing, const std::string& name) {
    std::vector<TextCell> a = {name, "A"};
    std::vector<TextCell> b = {presence_of(thing), "B"};
    std::vector<TextCell> difference = {"", ""};
    for (const Column& column : columns_) {
      const DiffMetric& metric = *thing.find(column.metric);
      a.emplace_back(number_text(metric, metric.a));
      b.emplace_back(number_text(metric, metric.b));
      difference.push_back(difference_cell(metric));
    }
    table_.add(std::move(a));
    table_.add(std::move(b));
    if (thing.presence == Presence::kBoth) table_.add(std::move(difference));
  }

  std::string print(bool colour) const { return table_.print(colour); }

 private:
  static std::vector<std::string> headers(const char* title, std::span<const Column> columns) {
    std::vector<std::string> texts = {title, ""};
    for (const Column& column : columns) texts.emplace_back(column.header);
    return texts;
  }

  static TextCell presence_of(const DiffThing& thing) {
    if (thing.presence == Presence::kBoth) return {""};
    return {thing.presence == Presence::kOnlyA ? "only in A" : "only in B", TextStyle::kFair};
  }

  std::span<const Column> columns_;
  TextTable table_;
};

// The end of a long path tells more than its beginning.
std::string file_text(const std::string& path) {
  if (path.size() <= kFactColumns) return path;
  std::size_t from = path.size() - (kFactColumns - 2);
  while (from < path.size() && (static_cast<unsigned char>(path[from]) & 0xC0U) == 0x80U) ++from;
  return ".." + path.substr(from);
}

std::string world_text(const std::string& world) { return world == "sim" ? "simulated" : world; }

std::string one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
    text.replace(at, 1, ", ");
  }
  return text;
}

std::string records_text(const RunDiff& diff, bool colour) {
  TextTable table("llll", {"Records", "A", "B", ""});
  const auto add = [&table](const char* fact, const std::string& a, const std::string& b,
                            const char* remark) {
    table.add({fact, shortened(a, kFactColumns), shortened(b, kFactColumns),
               TextCell(remark, TextStyle::kFair)});
  };
  const auto compare = [&add](const char* fact, const std::string& a, const std::string& b) {
    add(fact, a, b, a == b ? "" : "differs");
  };
  const RecordIdentity& a = diff.a;
  const RecordIdentity& b = diff.b;
  const bool is_same_name = a.scenario == b.scenario;
  add("file", file_text(a.path), file_text(b.path), "");
  add("scenario", a.scenario, b.scenario,
      !is_same_name         ? "differs"
      : diff.is_same_file() ? ""
                            : "text differs");
  if (!a.overrides.empty() || !b.overrides.empty()) {
    compare("overrides", one_line(a.overrides), one_line(b.overrides));
  }
  compare("world", world_text(a.world), world_text(b.world));
  compare("balancer", a.balancer, b.balancer);
  compare("seed", std::to_string(a.seed), std::to_string(b.seed));
  if (a.replication > 0 || b.replication > 0) {
    compare("replication", std::to_string(a.replication), std::to_string(b.replication));
  }
  compare("duration", human_duration(a.duration_s), human_duration(b.duration_s));
  compare("measured", human_duration(a.measured_s), human_duration(b.measured_s));
  compare("complete", a.complete ? "yes" : "no", b.complete ? "yes" : "no");
  return table.print(colour) +
         (diff.is_same_play() ? "Both played the same events, one by one.\n" : "");
}

std::string classes_text(const RunDiff& diff, const char* title, std::span<const Column> columns,
                         bool colour) {
  ThingTable table(title, columns);
  const bool is_total = diff.classes.size() == 1 && diff.classes[0].presence == Presence::kBoth;
  if (!is_total) {
    for (const DiffThing& thing : diff.classes) table.add(thing, name_of(thing.name));
  }
  table.add(diff.total, "total");
  return table.print(colour);
}

std::string failures_text(const RunDiff& diff, bool colour) {
  constexpr std::string_view kReason = "failed.";
  TextTable table("lrrr", {"Failures by reason", "A", "B", "difference"});
  bool any = false;
  for (const DiffMetric& metric : diff.total.metrics) {
    if (!metric.name.starts_with(kReason) || !(metric.a > 0 || metric.b > 0)) continue;
    any = true;
    table.add({metric.name.substr(kReason.size()), number_text(metric, metric.a),
               number_text(metric, metric.b), difference_cell(metric)});
  }
  return any ? table.print(colour) : "";
}

std::string distributions_text(const RunDiff& diff, bool colour) {
  if (diff.distributions.empty()) return "";
  TextTable table("lrrrrrr",
                  {"Distributions", "A answered", "B answered", "within", "A", "B", "distance"});
  const auto add = [&table](const DistributionDiff& d) {
    const std::string name = d.scope == "total" ? d.scope : name_of(d.name);
    table.add({name, human_count(d.count_a), human_count(d.count_b), human_duration(d.at_s),
               human_share(d.share_a, 1), human_share(d.share_b, 1),
               TextCell(human_share(d.distance, 1),
                        d.distance >= kNotable ? TextStyle::kFair : TextStyle::kPlain)});
  };
  for (std::size_t i = 1; i < diff.distributions.size(); ++i) add(diff.distributions[i]);
  add(diff.distributions[0]);
  return table.print(colour) + "distance: the largest between the shares answered within a time\n";
}

std::string throughput_text(const ThroughputDiff& throughput) {
  if (throughput.intervals == 0) return "";
  return fmt::format(
      "Throughput by interval: {} of {}, mean difference {}\nlargest from {} to {}: {} against {}, "
      "{}\n",
      throughput.intervals, human_duration(throughput.interval_s),
      human_share(throughput.mean_relative, 1), human_duration(throughput.begin_s),
      human_duration(throughput.end_s), human_rate(throughput.largest.a),
      human_rate(throughput.largest.b), difference_text(throughput.largest));
}

std::string groups_text(const RunDiff& diff, bool colour) {
  if (diff.groups.empty()) return "";
  ThingTable table("Node groups", kGroups);
  for (const DiffThing& group : diff.groups) table.add(group, name_of(group.name));
  return table.print(colour);
}

std::string counters_text(const RunDiff& diff, bool colour) {
  TextTable table("lrrr", {"Routing, whole run", "A", "B", "difference"});
  for (const Column& counter : kCounters) {
    const DiffMetric& metric = *diff.counters.find(counter.metric);
    table.add({counter.header, number_text(metric, metric.a), number_text(metric, metric.b),
               difference_cell(metric)});
  }
  return table.print(colour);
}

void add_fault(TextTable& table, const std::string& name, const char* side,
               const std::optional<FaultSummary>& fault) {
  if (!fault) {
    table.add({TextCell(name, TextStyle::kDim), side, TextCell("none", TextStyle::kFair)});
    return;
  }
  table.add({name, side, name_of(fault->target), human_duration(fault->begin_s),
             human_duration(fault->end_s), human_count(fault->affected), fault->outcome});
}

std::string faults_text(const RunDiff& diff, bool colour) {
  if (diff.faults.empty()) return "";
  TextTable table("lllrrrl", {"Faults", "", "target", "begin", "end", "affected", "outcome"});
  for (const FaultDiff& fault : diff.faults) {
    const std::string& kind = fault.a ? fault.a->kind : fault.b->kind;
    add_fault(table, name_of(fault.id), "A", fault.a);
    add_fault(table, "  " + name_of(kind), "B", fault.b);
  }
  return table.print(colour);
}

std::string moment_text(const std::optional<DecisionMoment>& moment) {
  if (!moment) return "none";
  return fmt::format("{}  {} {}", human_duration(moment->at_s), moment->action, moment->subject);
}

std::string decisions_text(const DecisionsDiff& decisions, bool colour) {
  if (decisions.counts.empty()) return "";
  TextTable table("lrrr", {"Decisions", "A", "B", "difference"});
  for (const DecisionCountDiff& count : decisions.counts) {
    const DiffMetric metric = counts(count.a, count.b);
    table.add({count.family + " " + count.action, number_text(metric, metric.a),
               number_text(metric, metric.b), difference_cell(metric)});
  }
  const std::string text = table.print(colour);
  if (decisions.different.empty()) return text + "alike in kind, subject and order\n";
  TextTable order("rll", {"Decision", "A", "B"});
  for (const DecisionPair& pair : decisions.different) {
    order.add({human_count(pair.number + 1), moment_text(pair.a), moment_text(pair.b)});
  }
  const std::string before =
      decisions.alike_at_first == 0
          ? "the first that differ:"
          : fmt::format("alike up to decision {}; then:", human_count(decisions.alike_at_first));
  return text + "\n" + before + "\n" + order.print(colour);
}

}  // namespace

std::string diff_text(const RunDiff& diff, bool colour) {
  std::string text;
  for (const std::string& section :
       {records_text(diff, colour), classes_text(diff, "Requests", kRequests, colour),
        failures_text(diff, colour), classes_text(diff, "Response time", kLatency, colour),
        distributions_text(diff, colour), throughput_text(diff.throughput),
        groups_text(diff, colour), counters_text(diff, colour), faults_text(diff, colour),
        decisions_text(diff.decisions, colour)}) {
    if (section.empty()) continue;
    if (!text.empty()) text += "\n";
    text += section;
  }
  return text;
}

std::string miss_text(const ToleranceCheck& check) {
  const std::string& name = check.metric.name;
  const std::string_view metric =
      std::string_view(name).substr(name.starts_with("latency_") ? 8 : 0);
  const std::string difference =
      std::isnan(check.metric.relative()) ? "" : difference_text(check.metric) + " ";
  return fmt::format(
      "{}: {} against {}, {}where {} is allowed", metric, number_text(check.metric, check.metric.a),
      number_text(check.metric, check.metric.b), difference, human_share(check.allowed, 1));
}

}  // namespace phoenix
