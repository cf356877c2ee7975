// How many nodes a request rate needs for a response-time target, by a queueing model that is
// calibrated by what is measured. For scaling by forecast: the forecast says how much load comes,
// this says what it takes.
//
// Two things are learnt, each as a ratio of sums with forgetting, so that busy times count more:
// - what one server does in a second: completed requests over busy servers (utilization law);
// - how much longer requests wait than in M/M/c, for bursty arrivals and uneven service: measured
//   over modelled wait, from samples where the model says that waiting matters.
// Service is taken for exponential: with a fixed service time close to the target this asks for
// too much, with a heavy tail for too little.
//
// One thread at a time. O(1) to observe, O(servers) to ask.
#pragma once

#include <cstdint>
#include <limits>

#include "strategies/core/result.h"
#include "strategies/forecasting/erlang.h"

namespace phoenix {

struct CapacityOptions {
  double target_s = 0.05;         // of the response time
  double miss_share = 0.05;       // that may take longer: 0.05 for a p95 target
  int servers_per_node = 1;       // requests a node works on at once
  double utilization_max = 0.75;  // where the target cannot be met by any number of nodes
  double memory = 100;            // samples
};

// Over one interval, of all nodes together. NaN for what is not known.
struct CapacitySample {
  double completed_per_s = std::numeric_limits<double>::quiet_NaN();
  double busy_servers = std::numeric_limits<double>::quiet_NaN();  // mean requests in service
  int servers = 0;
  double mean_response_s = std::numeric_limits<double>::quiet_NaN();
};

class CapacityModel {
 public:
  explicit CapacityModel(const CapacityOptions& options);

  // Samples without work done, or with anything unknown or impossible, teach nothing and are
  // counted.
  void observe(const CapacitySample& sample);

  // Of one server, per second; NaN until something was observed.
  double service_rate() const;
  // (ca^2 + cs^2) / 2 as measured; 1 until then; within [0.25, 20].
  double variability() const;

  // Error while the service rate is not known. Where no number of nodes meets the target, so many
  // that they are busy to `utilization_max`, and fallbacks() counts it.
  Result<int> nodes_for(double arrivals_per_s) const;

  // The largest rate for which `nodes` are enough; 0 while the service rate is not known.
  double rate_for(int nodes) const;

  std::uint64_t fallbacks() const { return fallbacks_; }
  std::uint64_t samples_refused() const { return samples_refused_; }

 private:
  QueueLoad queue(double arrivals_per_s) const;
  bool can_meet_target() const;
  int servers_for(double arrivals_per_s) const;
  void learn_wait(const CapacitySample& sample);

  CapacityOptions options_;
  double keep_;
  double completed_ = 0;
  double busy_ = 0;
  double waited_ = 0;
  double modelled_ = 0;
  mutable std::uint64_t fallbacks_ = 0;  // of nodes_for(), which changes nothing else
  std::uint64_t samples_refused_ = 0;
};

}  // namespace phoenix
