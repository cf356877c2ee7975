// Scenarios cut down to their workload, and the arrivals they give.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "scenarios/arrivals.h"

namespace phoenix::testing {

// 100 s of Poisson arrivals at 1000 /s, one class "only" of 5 ms.
inline Scenario plain_scenario() {
  Scenario scenario;
  scenario.duration = std::chrono::seconds(100);
  RequestClass only;
  only.name = "only";
  Service service;
  service.name = "service";
  service.classes = {only};
  scenario.services = {service};
  return scenario;
}

inline RequestClass class_of(const std::string& name, double share, Distribution work) {
  RequestClass made;
  made.name = name;
  made.share = share;
  made.work = std::move(work);
  return made;
}

inline std::unique_ptr<ArrivalSource> source_of(const Scenario& scenario) {
  auto made = make_arrivals(scenario, Streams(scenario.seed, scenario.replication));
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error());
  return made.ok() ? std::move(*made) : nullptr;
}

// All arrivals of an open loop. Checks what holds for every source: times never fall and end before
// the scenario does.
inline std::vector<Arrival> arrivals_of(const Scenario& scenario) {
  std::vector<Arrival> arrivals;
  const auto source = source_of(scenario);
  Time last = kStart;
  while (source != nullptr && source->next_at() != kNever) {
    const Time announced = source->next_at();
    arrivals.push_back(source->next());
    EXPECT_EQ(arrivals.back().at, announced);
    EXPECT_GE(announced, last);
    EXPECT_LT(announced, kStart + scenario.duration);
    last = announced;
  }
  return arrivals;
}

inline std::vector<double> times_of(const std::vector<Arrival>& arrivals) {
  std::vector<double> times;
  for (const Arrival& arrival : arrivals) times.push_back(to_seconds(arrival.at));
  return times;
}

// Arrivals per window of equal length.
inline std::vector<double> counts_of(const std::vector<Arrival>& arrivals, double window_s,
                                     std::size_t windows) {
  std::vector<double> counts(windows);
  for (const double t : times_of(arrivals)) {
    const auto window = static_cast<std::size_t>(t / window_s);
    if (window < windows) counts[window] += 1;
  }
  return counts;
}

inline bool is_same(const Arrival& a, const Arrival& b) {
  return a.at == b.at && a.request_class == b.request_class && a.work == b.work &&
         a.request_bytes == b.request_bytes && a.response_bytes == b.response_bytes &&
         a.size == b.size && a.key == b.key && a.has_key == b.has_key && a.user == b.user;
}

}  // namespace phoenix::testing
