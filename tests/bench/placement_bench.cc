// What placing an agent costs, and a rebalance plan, by strategy and number of nodes.
//
// place/<placer>/<nodes>  one placement: choose, check, book and keep the index current, in a
// cluster
//                         that is 70 % full; agents/s is what counts. Sizes are all different, so
//                         that nodes never share a state. As many leave as arrive, outside of the
//                         time. Rates are by CPU time.
// churn/<placer>/<nodes>  a pair: the same with one departure for each placement in the time
// plan/<rebalancer>       one plan for 100,000 agents on 10,000 nodes, loaded unevenly
//
// Run one with --benchmark_filter='/best_fit/'.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "strategies/registry.h"

namespace phoenix {
namespace {

constexpr Amount kCores = 64'000;
constexpr Amount kMemory = Amount{256} << 30;

class BenchCluster {
 public:
  BenchCluster(const std::string& placer, std::size_t nodes) : random_(1, 2) {
    Result<MadePlacer> made = make_placer(placer);
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().c_str());
      std::abort();
    }
    placer_ = std::move(made->strategy);
    inventory_.order_index(placer_->index_order());
    for (std::size_t i = 0; i < nodes; ++i) {
      NodeSpec node;
      node.id = id_at<NodeId>(i);
      node.capacity[Resource::kCpu] = kCores;
      node.capacity[Resource::kMemory] = kMemory;
      node.zone = "zone" + std::to_string(i % 3);
      node.price_per_hour = 2;
      if (!inventory_.add_node(node)) std::abort();
    }
    const Amount wanted = static_cast<Amount>(nodes) * kCores * 7 / 10;
    while (inventory_.total_reserved()[Resource::kCpu] < wanted) place();
  }

  void place() {
    AgentSpec agent;
    agent.id = id_at<AgentId>(next_++);
    agent.need[Resource::kCpu] = static_cast<Amount>(500 + random_.below(7'500));
    agent.need[Resource::kMemory] = static_cast<Amount>((1U << 30) + random_.below(30ULL << 30));
    const Choice choice = placer_->choose(agent, inventory_, random_);
    if (!choice.found() || !inventory_.place(agent, choice.node, kStart, choice.generation)) {
      std::abort();
    }
    present_.push_back(agent.id);
  }

  // Of all that are there, any may leave.
  void leave() {
    std::swap(present_[random_.below(present_.size())], present_.back());
    if (!inventory_.remove_agent(present_.back())) std::abort();
    present_.pop_back();
  }

 private:
  Inventory inventory_;
  std::unique_ptr<Placer> placer_;
  Random random_;
  std::vector<AgentId> present_;
  std::size_t next_ = 0;
};

constexpr int kBatch = 1'000;

void run_place(benchmark::State& state, BenchCluster& cluster, bool with_departures) {
  for (auto _ : state) {
    if (!with_departures) state.PauseTiming();
    for (int i = 0; i < kBatch; ++i) cluster.leave();
    if (!with_departures) state.ResumeTiming();
    for (int i = 0; i < kBatch; ++i) cluster.place();
  }
  state.counters["agents/s"] = benchmark::Counter(static_cast<double>(state.iterations()) * kBatch,
                                                  benchmark::Counter::kIsRate);
}

// Filling a cluster takes longer than measuring it: each is filled once.
BenchCluster& cluster_of(const std::string& placer, std::size_t nodes) {
  static std::string held;
  static std::unique_ptr<BenchCluster> cluster;
  const std::string wanted = placer + std::to_string(nodes);
  if (held != wanted) cluster = std::make_unique<BenchCluster>(placer, nodes);
  held = wanted;
  return *cluster;
}

// Agents fall on nodes by the square of a uniform number: the first nodes get most.
Inventory uneven_cluster() {
  constexpr std::size_t kNodes = 10'000;
  constexpr std::size_t kAgents = 100'000;
  Inventory inventory;
  Random random(3, 4);
  std::vector<NodeObservation> seen(kNodes);
  for (std::size_t i = 0; i < kNodes; ++i) {
    NodeSpec node;
    node.id = id_at<NodeId>(i);
    node.capacity[Resource::kCpu] = kCores;
    node.capacity[Resource::kMemory] = kMemory;
    node.zone = "zone" + std::to_string(i % 3);
    if (!inventory.add_node(node)) std::abort();
    seen[i].node = node.id;
    seen[i].latency = 0.001 + 0.02 * random.uniform();
  }
  if (!inventory.observe(seen)) std::abort();
  for (std::size_t a = 0; a < kAgents;) {
    AgentSpec agent;
    agent.id = id_at<AgentId>(a);
    agent.need[Resource::kCpu] = static_cast<Amount>(500 + random.below(3'500));
    agent.need[Resource::kMemory] = static_cast<Amount>((1U << 30) + random.below(8ULL << 30));
    const double draw = random.uniform();
    const auto node = static_cast<std::size_t>(draw * draw * static_cast<double>(kNodes));
    if (!inventory.place(agent, id_at<NodeId>(node), kStart)) continue;
    inventory.observe(agent.id, AgentObservation{1e6, 0, 50 * random.uniform()});
    ++a;
  }
  return inventory;
}

void run_plan(benchmark::State& state, const std::string& name) {
  static const Inventory inventory = uneven_cluster();
  Result<MadeRebalancer> made = make_rebalancer(name);
  if (!made) std::abort();
  RebalanceView view;
  view.inventory = &inventory;
  view.now = kStart;
  std::size_t moves = 0;
  for (auto _ : state) moves = made->strategy->plan(view).moves.size();
  state.counters["moves"] = static_cast<double>(moves);
}

void add_benchmarks() {
  for (const PlacerEntry& entry : placers()) {
    const std::string name = entry.name;
    for (const int nodes : {100, 1'000, 10'000, 100'000}) {
      for (const bool with_departures : {false, true}) {
        const auto run = [=](benchmark::State& state) {
          run_place(state, cluster_of(name, static_cast<std::size_t>(nodes)), with_departures);
        };
        const std::string kind = with_departures ? "churn/" : "place/";
        benchmark::RegisterBenchmark((kind + name + '/' + std::to_string(nodes)).c_str(), run);
      }
    }
  }
  for (const RebalancerEntry& entry : rebalancers()) {
    benchmark::RegisterBenchmark(("plan/" + entry.name).c_str(), run_plan, entry.name)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace phoenix

int main(int argc, char** argv) {
  phoenix::add_benchmarks();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
