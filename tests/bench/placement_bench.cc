// What placing an agent costs, and a rebalance plan, by strategy and number of nodes.
//
// place/<placer>/<nodes>  choose, check, book and keep the index current, with one departure for
//                         each arrival in a cluster that is 70 % full; agents/s is what counts.
//                         Sizes are all different, so that nodes never share a state.
//
// Run one with --benchmark_filter='/best_fit/'.
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>

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

void run_place(benchmark::State& state, const std::string& placer) {
  BenchCluster cluster(placer, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    cluster.leave();
    cluster.place();
  }
  state.counters["agents/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void add_benchmarks() {
  for (const PlacerEntry& entry : placers()) {
    const std::string name = entry.name;
    for (const int nodes : {100, 1'000, 10'000, 100'000}) {
      benchmark::RegisterBenchmark(("place/" + name).c_str(), run_place, name)->Arg(nodes);
    }
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
