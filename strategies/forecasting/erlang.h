// How many servers a load needs, by queueing theory: the formulas alone. For capacity planning; see
// capacity_model.h for what is measured online. Sources: Erlang 1917; Halfin and Whitt 1981 (square
// root staffing); Allen and Cunneen for general service (the wait of M/M/c times
// (ca^2 + cs^2) / 2).
//
// All model one queue before c equal servers. Requests that are split at random over separate
// queues wait far longer; a good balancer comes close to one queue.
//
// `load` is the arrival rate over a server's service rate, in servers ("erlangs"). O(c) each; no
// overflow for loads of 1e6 and more. NaN or negative input is an assertion.
#pragma once

#include "strategies/core/result.h"

namespace phoenix {

// Share of arrivals lost where nobody may wait.
double erlang_b(int servers, double load);

// Share of arrivals that wait. 1 where servers <= load: everyone does, in the end.
double erlang_c(int servers, double load);

// One queue: rates per second.
struct QueueLoad {
  double arrivals = 0;
  double service_rate = 1;  // of one server
  // (ca^2 + cs^2) / 2: 1 for Poisson arrivals and exponential service, 0.5 for constant service.
  double variability = 1;

  double load() const { return arrivals / service_rate; }
};

// Seconds. Infinite where servers <= load.
double mean_wait(int servers, const QueueLoad& queue);
// That a request waits longer than `seconds`. 1 where servers <= load.
double wait_tail(int servers, const QueueLoad& queue, double seconds);
// That wait and service together take longer. Service is exponential. 1 where servers <= load.
double response_tail(int servers, const QueueLoad& queue, double seconds);

// ceil(load + beta sqrt(load)).
int square_root_staffing(double load, double beta);
// About which share waits then: 1 / (1 + beta Phi(beta) / phi(beta)).
double square_root_waiting(double beta);

inline constexpr int kServersMax = 10'000'000;

// Least servers so that at most `share` wait longer than `seconds`; never as few as the load.
// Error where more than kServersMax were needed.
Result<int> servers_for_wait(const QueueLoad& queue, double seconds, double share);

// Least servers so that at most `share` of the responses take longer: for a p95 target, 0.05. Error
// where service alone takes longer than that.
Result<int> servers_for_response(const QueueLoad& queue, double seconds, double share);

}  // namespace phoenix
