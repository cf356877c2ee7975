// What one routing decision costs, by strategy and number of nodes.
//
// pick/<strategy>/<nodes>     the pick alone, in a pool that stays as it is
// request/<strategy>/<nodes>  pick, send and answer of one request, with two requests under way per
//                             node, and everything the strategy learns from them
//
// Run one strategy with --benchmark_filter='/p2c/'.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "strategies/registry.h"

namespace phoenix {
namespace {

class BenchPool {
 public:
  BenchPool(const std::string& strategy, std::size_t nodes) : random_(1, 2), open_(2 * nodes) {
    Result<MadeBalancer> made = make_balancer(strategy);
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().c_str());
      std::abort();
    }
    balancer_ = std::move(made->strategy);
    interests_ = balancer_->interests();
    for (std::size_t i = 0; i < nodes; ++i) {
      pool_.add(id_at<NodeId>(i), 1.0);
      pool_.set_eligible(id_at<NodeId>(i), true);
    }
    for (const NodeId node : pool_.eligible()) tell({PoolEvent::Kind::kEntered, node, now_});
    for (NodeId& node : open_) node = send();
    // Enough answers for those that learn to trust what they have learnt.
    for (std::size_t i = 0; i < 40 * nodes; ++i) request();
    tell({PoolEvent::Kind::kTick, kNoNode, now_});
  }

  NodeId pick() { return balancer_->pick(request_, pool_, now_, random_); }

  void request() {
    const std::size_t place = random_.below(open_.size());
    answer(open_[place]);
    open_[place] = send();
    now_ += std::chrono::microseconds(1);
  }

 private:
  void tell(const PoolEvent& event) {
    if ((interests_ & mask_of(event.kind)) != 0) balancer_->observe(event, pool_);
  }

  NodeId send() {
    const NodeId node = pick();
    pool_.sent(node);
    tell({PoolEvent::Kind::kSent, node, now_});
    return node;
  }

  void answer(NodeId node) {
    pool_.done(node);
    PoolEvent event{PoolEvent::Kind::kDone, node, now_};
    event.latency = std::chrono::microseconds(1'000 + index(node) % 64);
    event.ok = true;
    event.in_flight_when_sent = 1;
    tell(event);
  }

  NodePool pool_;
  std::unique_ptr<Balancer> balancer_;
  PoolEventMask interests_ = 0;
  RequestInfo request_;
  Time now_ = kStart;
  Random random_;
  std::vector<NodeId> open_;
};

void run_pick(benchmark::State& state, const std::string& strategy) {
  BenchPool pool(strategy, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(pool.pick());
}

void run_request(benchmark::State& state, const std::string& strategy) {
  BenchPool pool(strategy, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) pool.request();
}

void add_benchmarks() {
  for (const BalancerEntry& entry : balancers()) {
    const std::string name = entry.name;
    for (const int nodes : {10, 100, 1'000, 10'000, 100'000}) {
      benchmark::RegisterBenchmark(("pick/" + name).c_str(), run_pick, name)->Arg(nodes);
      benchmark::RegisterBenchmark(("request/" + name).c_str(), run_request, name)->Arg(nodes);
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
