#include "analysis/result_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "analysis/human_text.h"
#include "analysis/text_table.h"

namespace phoenix {
namespace {

constexpr std::size_t kNameColumns = 28;
constexpr std::size_t kShortColumns = 18;

std::string name_of(const std::string& name) { return shortened(name, kNameColumns); }

std::string headline(const RunSummary& run, bool colour) {
  const std::string world = run.world == "sim" ? "simulated" : run.world;
  std::string facts = fmt::format("{}  seed {}", world, run.seed);
  if (run.replication > 0) facts += fmt::format("  replication {}", run.replication);
  facts += "  " + human_duration(run.duration_s);
  if (run.measured_s < run.duration_s) {
    facts += fmt::format(", measured the last {}", human_duration(run.measured_s));
  }
  facts = shortened(facts, kTextColumns - kNameColumns - 2);
  std::string text =
      fmt::format("{}  {}\n", paint(name_of(run.scenario), TextStyle::kTitle, colour), facts);
  text += shortened("balancer " + run.balancer, kTextColumns) + "\n";
  if (!run.complete) {
    text += paint("INCOMPLETE: the run was stopped early, this is what it did until then",
                  TextStyle::kBad, colour) +
            "\n";
  }
  return text;
}

void add_requests(TextTable& table, const ClassSummary& c, const std::string& name) {
  const std::uint64_t failed = c.failed_total();
  table.add({name, human_count(c.offered), human_count(c.completed),
             TextCell(human_count(failed), failed > 0 ? TextStyle::kBad : TextStyle::kPlain),
             human_count(c.in_flight), human_rate(c.throughput_per_s),
             human_share(c.availability, 3)});
  for (std::size_t i = 1; i < c.failed.size(); ++i) {
    if (c.failed[i] == 0) continue;
    const auto reason = static_cast<FailureReason>(i);
    table.add({TextCell("  " + std::string(to_text(reason)), TextStyle::kDim), "", "",
               TextCell(human_count(c.failed[i]), TextStyle::kDim)});
  }
}

std::string requests_text(const RunSummary& run, bool colour) {
  TextTable table("lrrrrrr", {"Requests", "offered", "completed", "failed", "in flight",
                              "throughput", "availability"});
  for (const ClassSummary& c : run.classes) add_requests(table, c, name_of(c.name));
  add_requests(table, run.total, "total");
  return table.print(colour);
}

std::string latency_text(const RunSummary& run, bool colour) {
  TextTable table("lrrrrrrr",
                  {"Response time", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"});
  const auto add = [&table](const std::string& name, const LatencySummary& latency) {
    table.add({name, human_duration(latency.mean), human_duration(latency.p50),
               human_duration(latency.p90), human_duration(latency.p95),
               human_duration(latency.p99), human_duration(latency.p999),
               human_duration(latency.max)});
  };
  for (const ClassSummary& c : run.classes) add(name_of(c.name), c.latency);
  add("total", run.total.latency);
  return table.print(colour);
}

std::string groups_text(const RunSummary& run, bool colour) {
  TextTable table(
      "lrrrrr", {"Node groups", "nodes", "utilization", "share of requests", "node-hours", "cost"});
  std::uint64_t nodes = 0;
  for (const GroupSummary& group : run.groups) {
    nodes += static_cast<std::uint64_t>(std::max(group.nodes, 0));
    table.add({name_of(group.name), std::to_string(group.nodes), human_share(group.utilization, 1),
               human_share(group.request_share, 1), human_number(group.node_hours),
               human_number(group.cost)});
  }
  table.add(
      {"total", human_count(nodes), "", "", human_number(run.node_hours), human_number(run.cost)});
  return table.print(colour);
}

// A line for each knob that did something.
std::string wire_text(const WireSummary& wire) {
  std::string text;
  if (wire.batches > 0) {
    text += fmt::format(
        "batches {} of {} requests, which waited {} for them\n", human_count(wire.batches),
        human_number(static_cast<double>(wire.batched) / static_cast<double>(wire.batches)),
        human_duration(wire.batch_wait_s));
  }
  if (wire.compressed > 0) {
    text += fmt::format("compressed {} messages, {} MB saved\n", human_count(wire.compressed),
                        human_number(wire.saved_bytes * 1e-6));
  }
  if (wire.connection_waits + wire.connection_refusals + wire.connection_give_ups > 0) {
    text +=
        fmt::format("waited for a connection {}, {} each, refused {}, given up {}\n",
                    human_count(wire.connection_waits), human_duration(wire.connection_wait_s),
                    human_count(wire.connection_refusals), human_count(wire.connection_give_ups));
  }
  if (wire.buffer_waits > 0) {
    text += fmt::format("waited for room in a socket buffer {}, {} each\n",
                        human_count(wire.buffer_waits), human_duration(wire.buffer_wait_s));
  }
  if (wire.unsent_late + wire.unsent_full > 0) {
    text += fmt::format("answers not sent {} since they were late, {} for want of room\n",
                        human_count(wire.unsent_late), human_count(wire.unsent_full));
  }
  if (wire.direct > 0) {
    text += fmt::format("past the gateway {}, returned to it {}\n", human_count(wire.direct),
                        human_count(wire.direct_misses));
  }
  if (wire.cold_starts + wire.hibernations > 0) {
    text += fmt::format("agents: cold starts {}, hibernated {}, woken {}\n",
                        human_count(wire.cold_starts), human_count(wire.hibernations),
                        human_count(wire.wakes));
  }
  return text;
}

std::string routing_text(const RunSummary& run, bool colour) {
  TextTable table("lrrrrrrr", {"Routing, whole run", "attempts", "retries", "denied",
                               "late answers", "lost", "ejections", "panic picks"});
  table.add({"", human_count(run.attempts), human_count(run.retries),
             human_count(run.retries_denied), human_count(run.wasted_replies),
             human_count(run.lost_messages), human_count(run.ejections),
             human_count(run.panic_picks)});
  std::string text = table.print(colour);
  if (run.hedges > 0 || run.hedges_denied > 0) {
    const double extra = static_cast<double>(run.hedges) /
                         static_cast<double>(std::max<std::uint64_t>(run.attempts, 1));
    text += fmt::format("second copies {} ({} of attempts), answered first {}, denied {}\n",
                        human_count(run.hedges), human_share(extra, 1), human_count(run.hedges_won),
                        human_count(run.hedges_denied));
  }
  return text + wire_text(run.wire);
}

std::string in_target_units(const TargetSummary& target, double value) {
  if (target.name.starts_with("response_time") || target.name.ends_with("response_time")) {
    return human_duration(value);
  }
  if (target.name == "throughput") return human_rate(value);
  return human_share(value, target.name == "availability" ? 3 : 1);
}

TextCell verdict_of(const TargetSummary& target) {
  if (target.side == "met") return {"met", TextStyle::kGood};
  if (target.side == "under") return {"spare capacity", TextStyle::kFair};
  if (target.side == "over") return {"over", TextStyle::kBad};
  if (target.side == "short") return {"short", TextStyle::kBad};
  return {"not known", TextStyle::kDim};
}

std::string targets_text(const RunSummary& run, bool colour) {
  if (run.targets.empty()) return "";
  TextTable table("lrrrl", {"Targets", "current", "target", "compliance", ""});
  for (const TargetSummary& target : run.targets) {
    table.add({name_of(target.name), in_target_units(target, target.current),
               in_target_units(target, target.target), human_share(target.compliance, 1),
               verdict_of(target)});
  }
  std::string text = table.print(colour);
  if (!run.worst_target.empty()) {
    text += fmt::format("mean compliance {}, lowest {}", human_share(run.compliance_mean, 1),
                        human_share(run.compliance_minimum, 1));
    if (run.compliance_minimum < 1) text += " in " + name_of(run.worst_target);
    text += "\n";
  }
  return text;
}

std::string faults_text(const RunSummary& run, bool colour) {
  if (run.faults.empty()) return "";
  TextTable table("lllrrrl", {"Faults", "kind", "target", "begin", "end", "affected", "outcome"});
  for (const FaultSummary& fault : run.faults) {
    table.add({shortened(fault.id, kShortColumns), shortened(fault.kind, kShortColumns),
               shortened(fault.target, kShortColumns), human_duration(fault.begin_s),
               human_duration(fault.end_s), human_count(fault.affected), fault.outcome});
  }
  return table.print(colour);
}

std::string speed_text(const RunSummary& run) {
  if (run.world != "sim") return fmt::format("wall time {}\n", human_duration(run.wall_s));
  return fmt::format("wall time {}, {} simulated requests per second\nevents {}, digest {:016x}\n",
                     human_duration(run.wall_s), human_number(run.simulated_requests_per_second),
                     human_count(run.events), run.digest);
}

}  // namespace

std::string result_text(const RunSummary& summary, bool colour) {
  std::string text;
  for (const std::string& section :
       {headline(summary, colour), requests_text(summary, colour), latency_text(summary, colour),
        groups_text(summary, colour), routing_text(summary, colour), targets_text(summary, colour),
        faults_text(summary, colour), speed_text(summary)}) {
    if (section.empty()) continue;
    if (!text.empty()) text += "\n";
    text += section;
  }
  return text;
}

}  // namespace phoenix
