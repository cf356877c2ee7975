// How well placers place the agents of real clusters: how many they turn away, and how many nodes
// they need against the fewest that could do.
//
//   azure    31,245 virtual machines arriving over 12 hours, with lifetimes, on equal nodes of 64
//            cores and 256 GB, as many as it takes
//   alibaba  4,076 pods on 762 nodes of 26 shapes, with GPUs counted together per node
//   full     the same pods, but none ever leaves: until the cluster takes no more
//   batch    the machines of azure that live at its peak, all at once, the largest first
//
// The bound is the largest share of any kind of resource, cut up at will, of the moment: nothing of
// the past holds it up. It is tight at a peak, and out of reach after departures without moving
// what stays: `repacked` is what could be had by placing all that is there anew, the largest first,
// at 48 moments. Mean figures are over time. Placers are told sizes only, no lifetimes. Reads the
// public traces beside the project's folder; says so and ends well where they are not there.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "strategies/placement/statistics.h"
#include "strategies/registry.h"

namespace phoenix {
namespace {

const std::string kData = PHOENIX_SOURCE_DIR "/../shared/data";

struct Life {
  double from = 0;
  double to = 0;
  Resources need;
};

struct Trace {
  std::vector<NodeSpec> nodes;
  std::vector<Life> lives;
  bool is_uniform = false;
};

Trace without_departures(Trace trace) {
  for (Life& life : trace.lives) life.to = INFINITY;
  return trace;
}

using Row = std::map<std::string, std::string>;

std::vector<Row> read_csv(const std::string& path) {
  std::vector<Row> rows;
  std::ifstream in(path);
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::istringstream cut(line);
    for (std::string cell; std::getline(cut, cell, ',');) cells.push_back(cell);
    if (names.empty()) {
      names = cells;
      continue;
    }
    Row row;
    for (std::size_t i = 0; i < names.size() && i < cells.size(); ++i) row[names[i]] = cells[i];
    rows.push_back(std::move(row));
  }
  return rows;
}

double number(const Row& row, const char* name) {
  const auto found = row.find(name);
  return found == row.end() ? 0 : std::atof(found->second.c_str());
}

Amount amount(const Row& row, const char* name, double scale) {
  return static_cast<Amount>(number(row, name) * scale);
}

Trace azure() {
  Trace trace;
  trace.is_uniform = true;
  for (const Row& row : read_csv(kData + "/azure-vm-2017/vms_12h.csv")) {
    Life life;
    life.from = number(row, "t_s");
    const double shortest = number(row, "dur_lo_s");
    const double longest = number(row, "dur_hi_s");
    const bool is_open = longest < 0 || number(row, "censored") > 0;
    life.to = is_open ? INFINITY : life.from + (shortest + longest) / 2;
    life.need[Resource::kCpu] = amount(row, "cores", 1000);
    life.need[Resource::kMemory] = amount(row, "mem_gb", 1e9);
    trace.lives.push_back(life);
  }
  for (std::size_t i = 0; i < 6'000; ++i) {
    NodeSpec node;
    node.id = id_at<NodeId>(i);
    node.capacity[Resource::kCpu] = 64'000;
    node.capacity[Resource::kMemory] = 256'000'000'000;
    node.zone = "zone" + std::to_string(i % 3);
    node.price_per_hour = 1;
    trace.nodes.push_back(node);
  }
  return trace;
}

Trace alibaba() {
  Trace trace;
  for (const Row& row : read_csv(kData + "/alibaba-openb-2023/nodes.csv")) {
    NodeSpec node;
    node.id = id_at<NodeId>(trace.nodes.size());
    node.capacity[Resource::kCpu] = amount(row, "cpu_milli", 1);
    node.capacity[Resource::kMemory] = amount(row, "memory_mib", 1024.0 * 1024);
    node.capacity[Resource::kGpu] = amount(row, "gpu", 1000);
    node.zone = "zone" + std::to_string(trace.nodes.size() % 3);
    node.price_per_hour = 1 + number(row, "gpu");
    trace.nodes.push_back(node);
  }
  for (const Row& row : read_csv(kData + "/alibaba-openb-2023/pods.csv")) {
    Life life;
    life.from = number(row, "creation_time");
    life.to = number(row, "deletion_time");
    life.need[Resource::kCpu] = amount(row, "cpu_milli", 1);
    life.need[Resource::kMemory] = amount(row, "memory_mib", 1024.0 * 1024);
    life.need[Resource::kGpu] = amount(row, "gpu_milli", number(row, "num_gpu"));
    trace.lives.push_back(life);
  }
  return trace;
}

struct Event {
  double at;
  bool is_arrival;  // departures first where both are due
  std::size_t life;
  auto operator<=>(const Event&) const = default;
};

std::vector<Event> events_of(const Trace& trace) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < trace.lives.size(); ++i) {
    const Life& life = trace.lives[i];
    events.push_back({life.from, true, i});
    if (std::isfinite(life.to)) events.push_back({life.to, false, i});
  }
  std::sort(events.begin(), events.end());
  // What happens after the last arrival is no test of placing.
  double last = 0;
  for (const Life& life : trace.lives) last = std::max(last, life.from);
  std::erase_if(events, [&](const Event& event) { return event.at > last; });
  return events;
}

struct Score {
  std::size_t rejected = 0;
  std::size_t peak = 0;
  std::size_t peak_bound = 0;
  double mean = 0;
  double mean_bound = 0;
  std::size_t moves = 0;
};

Inventory inventory_of(const Trace& trace) {
  Inventory inventory;
  for (const NodeSpec& node : trace.nodes) {
    if (!inventory.add_node(node)) std::abort();
  }
  return inventory;
}

AgentSpec agent_of(const Trace& trace, std::size_t life) {
  AgentSpec agent;
  agent.id = id_at<AgentId>(life);
  agent.need = trace.lives[life].need;
  return agent;
}

std::size_t bound_of(const Trace& trace, const Inventory& inventory) {
  if (!trace.is_uniform) return fewest_nodes(inventory);
  double share = 0;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    const Amount capacity = trace.nodes.front().capacity[r];
    if (capacity == 0) continue;
    share = std::max(
        share, static_cast<double>(inventory.total_reserved()[r]) / static_cast<double>(capacity));
  }
  return static_cast<std::size_t>(std::ceil(share));
}

// Moves as a rebalancer wants them now, done at once.
std::size_t rebalance(Rebalancer& rebalancer, Inventory& inventory, Time now) {
  RebalanceView view;
  view.inventory = &inventory;
  view.now = now;
  const RebalancePlan plan = rebalancer.plan(view);
  for (const Move& move : plan.moves) {
    if (!inventory.begin_move(move.agent, move.to, now)) std::abort();
  }
  for (const Move& move : plan.moves) inventory.finish_move(move.agent, now);
  return plan.moves.size();
}

std::size_t nodes_in_use(const Inventory& inventory) {
  return placement_statistics(inventory).nodes_in_use;
}

// With a rebalancer, it acts every `period` seconds.
Score play(const Trace& trace, const std::vector<Event>& events, Placer& placer,
           Rebalancer* rebalancer = nullptr, double period = INFINITY) {
  Inventory inventory = inventory_of(trace);
  inventory.order_index(placer.index_order());
  Random random(1, 1);
  Score score;
  std::size_t in_use = 0;
  double last = events.front().at;
  double next_pass = last + period;
  for (const Event& event : events) {
    for (; rebalancer != nullptr && next_pass <= event.at; next_pass += period) {
      score.moves += rebalance(*rebalancer, inventory, kStart + from_seconds(next_pass));
      in_use = nodes_in_use(inventory);
    }
    const double took = event.at - last;
    last = event.at;
    if (took > 0) {
      const std::size_t bound = bound_of(trace, inventory);
      score.mean += took * static_cast<double>(in_use);
      score.mean_bound += took * static_cast<double>(bound);
      score.peak_bound = std::max(score.peak_bound, bound);
    }
    const AgentId id = id_at<AgentId>(event.life);
    if (!event.is_arrival) {
      if (!inventory.has_agent(id)) continue;
      const NodeId node = inventory.agent(id).node;
      if (!inventory.remove_agent(id)) std::abort();
      in_use -= inventory.node(node).agents.empty();
      continue;
    }
    const AgentSpec agent = agent_of(trace, event.life);
    const Choice choice = placer.choose(agent, inventory, random);
    if (!choice.found() || !inventory.place(agent, choice.node, kStart, choice.generation)) {
      ++score.rejected;
      continue;
    }
    in_use += inventory.node(choice.node).agents.size() == 1;
    score.peak = std::max(score.peak, in_use);
  }
  const double span = last - events.front().at;
  score.mean /= span;
  score.mean_bound /= span;
  return score;
}

const char* const kPlacers[] = {"score",
                                "score[goal=pack]",
                                "best_fit",
                                "best_fit[rule=nomad]",
                                "dot_product",
                                "dot_product[measure=dot]",
                                "dot_product[measure=cosine]",
                                "cost",
                                "first_fit",
                                "worst_fit",
                                "balanced",
                                "spread",
                                "sampled",
                                "random"};

MadePlacer made(const char* text) {
  Result<MadePlacer> placer = make_placer(text);
  if (!placer) {
    std::fprintf(stderr, "%s\n", placer.error().c_str());
    std::abort();
  }
  return std::move(*placer);
}

bool is_there(const Trace& trace, const char* name) {
  if (!trace.lives.empty() && !trace.nodes.empty()) return true;
  std::printf("%s: skipped, no data in %s\n", name, kData.c_str());
  return false;
}

double above(double value, double bound) { return (value / bound - 1) * 100; }

void online(const char* name, const Trace& trace) {
  if (!is_there(trace, name)) return;
  const std::vector<Event> events = events_of(trace);
  std::printf("%s: %zu agents, up to %zu nodes\n", name, trace.lives.size(), trace.nodes.size());
  std::printf("  %-30s %8s %8s %8s %10s %10s %8s\n", "placer", "rejected", "peak", "bound", "mean",
              "bound", "above %");
  for (const char* text : kPlacers) {
    const Score score = play(trace, events, *made(text).strategy);
    std::printf("  %-30s %8zu %8zu %8zu %10.1f %10.1f %8.2f\n", text, score.rejected, score.peak,
                score.peak_bound, score.mean, score.mean_bound,
                above(score.mean, score.mean_bound));
    std::fflush(stdout);
  }
}

// What a placer cannot know beforehand, moves can mend: "pack" every so often, with no more moves a
// round than a twentieth of all.
void consolidated(const Trace& trace) {
  if (trace.lives.empty()) return;
  const std::vector<Event> events = events_of(trace);
  const double hours = (events.back().at - events.front().at) / 3600;
  for (const double minutes : {60.0, 20.0, 5.0}) {
    Result<MadeRebalancer> packer = make_rebalancer("pack");
    if (!packer) std::abort();
    const Score score =
        play(trace, events, *made("best_fit").strategy, packer->strategy.get(), minutes * 60);
    char name[64];
    std::snprintf(name, sizeof name, "best_fit, pack every %.0f min", minutes);
    std::printf("  %-30s %8zu %8zu %8zu %10.1f %10.1f %8.2f  %.0f moves an hour\n", name,
                score.rejected, score.peak, score.peak_bound, score.mean, score.mean_bound,
                above(score.mean, score.mean_bound), static_cast<double>(score.moves) / hours);
    std::fflush(stdout);
  }
}

std::vector<AgentSpec> alive_at(const Trace& trace, double at) {
  std::vector<AgentSpec> agents;
  for (std::size_t i = 0; i < trace.lives.size(); ++i) {
    if (trace.lives[i].from <= at && trace.lives[i].to > at) agents.push_back(agent_of(trace, i));
  }
  return agents;
}

struct Packed {
  std::size_t nodes = 0;
  std::size_t bound = 0;
};

Packed pack(const char* placer, const Trace& trace, std::span<const AgentSpec> agents) {
  Inventory inventory = inventory_of(trace);
  Random random(1, 1);
  place_batch(*made(placer).strategy, agents, inventory, kStart, random);
  return {placement_statistics(inventory).nodes_in_use, bound_of(trace, inventory)};
}

void repacked(const Trace& trace) {
  if (trace.lives.empty()) return;
  constexpr int kMoments = 48;
  const double last = events_of(trace).back().at;
  Packed sum;
  for (int i = 1; i <= kMoments; ++i) {
    const Packed now = pack("best_fit", trace, alive_at(trace, last * i / kMoments));
    sum.nodes += now.nodes;
    sum.bound += now.bound;
  }
  const double nodes = static_cast<double>(sum.nodes) / kMoments;
  const double bound = static_cast<double>(sum.bound) / kMoments;
  std::printf("  %-30s %8s %8s %8s %10.1f %10.1f %8.2f\n", "repacked", "", "", "", nodes, bound,
              above(nodes, bound));
}

void batch(const Trace& trace) {
  if (!is_there(trace, "batch")) return;
  std::size_t alive = 0;
  std::size_t most = 0;
  double peak = 0;
  for (const Event& event : events_of(trace)) {
    alive = event.is_arrival ? alive + 1 : alive - 1;
    if (alive <= most) continue;
    most = alive;
    peak = event.at;
  }
  const std::vector<AgentSpec> agents = alive_at(trace, peak);
  std::printf("batch: %zu agents at once\n  %-30s %8s %8s %8s\n", agents.size(), "placer", "nodes",
              "bound", "above %");
  for (const char* text : {"best_fit", "dot_product", "dot_product[measure=dot]", "first_fit"}) {
    const Packed packed = pack(text, trace, agents);
    std::printf("  %-30s %8zu %8zu %8.2f\n", text, packed.nodes, packed.bound,
                above(static_cast<double>(packed.nodes), static_cast<double>(packed.bound)));
  }
}

}  // namespace
}  // namespace phoenix

int main() {
  const phoenix::Trace machines = phoenix::azure();
  phoenix::batch(machines);
  phoenix::online("azure", machines);
  phoenix::consolidated(machines);
  phoenix::repacked(machines);
  const phoenix::Trace pods = phoenix::alibaba();
  phoenix::online("alibaba", pods);
  phoenix::online("full", phoenix::without_departures(pods));
  return 0;
}
