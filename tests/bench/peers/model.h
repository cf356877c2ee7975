// The model every contender of the simulated-request benchmark plays, and what each reports.
//
// Poisson arrivals at one gateway; each request goes to the less loaded of two random nodes, by
// requests outstanding; a constant delay to the node; first come first served by four cores with
// exponential service; a constant delay back; response times in a histogram, apart from those that
// came during the warm-up. Load is 0.7 whatever the size.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <boost/random/exponential_distribution.hpp>
#include <pcg_random.hpp>
#include <sys/resource.h>

namespace peers {

constexpr std::uint32_t kCores = 4;
constexpr std::int64_t kDelay = 100'000;      // ns, each way
constexpr std::int64_t kWarmup = 30'000'000;  // ns
constexpr double kLoad = 0.7;

struct Model {
  std::uint32_t nodes = 0;
  double rate_per_s = 0;
  std::uint64_t requests = 0;
  std::uint64_t seed = 0;

  double mean_service_ns() const { return kLoad * kCores * nodes / rate_per_s * 1e9; }
};

// NODES RATE REQUESTS SEED
inline Model read_model(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s NODES RATE_PER_S REQUESTS SEED\n", argv[0]);
    std::exit(2);
  }
  return {static_cast<std::uint32_t>(std::atoi(argv[1])), std::atof(argv[2]),
          std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10)};
}

class Draws {
 public:
  explicit Draws(const Model& model)
      : random_(model.seed),
        nodes_(model.nodes),
        gap_(model.rate_per_s * 1e-9),
        service_(1.0 / model.mean_service_ns()) {}

  std::int64_t gap() { return static_cast<std::int64_t>(gap_(random_)); }
  std::int64_t service() { return static_cast<std::int64_t>(service_(random_)); }
  // The less loaded of two different nodes.
  std::uint32_t pick(const std::vector<std::uint32_t>& outstanding) {
    const std::uint32_t a = random_(nodes_);
    std::uint32_t b = random_(nodes_ - 1);
    if (b >= a) ++b;
    return outstanding[b] < outstanding[a] ? b : a;
  }

 private:
  pcg32 random_;
  std::uint32_t nodes_;
  boost::random::exponential_distribution<double> gap_;
  boost::random::exponential_distribution<double> service_;
};

// Response times: 64 buckets to each power of two.
class Responses {
 public:
  void record(std::int64_t arrived, std::int64_t now) {
    if (arrived < kWarmup) return;
    const auto took = static_cast<std::uint64_t>(now - arrived) | 64;
    const int shift = static_cast<int>(std::bit_width(took)) - 7;
    ++buckets_[static_cast<std::size_t>(shift) * 64 + (took >> shift & 63)];
    sum_ += static_cast<double>(now - arrived);
    ++count_;
  }

  double mean_ms() const { return sum_ / static_cast<double>(count_) * 1e-6; }
  double p99_ms() const {
    std::uint64_t left = count_ - count_ * 99 / 100;
    std::size_t bucket = buckets_.size();
    while (bucket > 0 && left > buckets_[bucket - 1]) left -= buckets_[--bucket];
    const std::size_t top = bucket == 0 ? 0 : bucket - 1;
    return static_cast<double>((64 + top % 64) << (top / 64)) * 1e-6;
  }

 private:
  std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(58 * 64);
  double sum_ = 0;
  std::uint64_t count_ = 0;
};

inline double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// `began`: cpu_seconds() when everything was set up, so that the peer's start costs it nothing.
inline void report(const Model& model, const Responses& responses, double began) {
  std::printf("{\"requests\": %llu, \"cpu_s\": %.6f, \"mean_ms\": %.6f, \"p99_ms\": %.6f}\n",
              static_cast<unsigned long long>(model.requests), cpu_seconds() - began,
              responses.mean_ms(), responses.p99_ms());
}

}  // namespace peers
