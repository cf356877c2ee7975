#include "runtime/gateway/router_sums.h"

namespace phoenix::gateway {

void add_counters(RouterCounters& sum, const RouterCounters& more) {
  for (const auto member :
       {&RouterCounters::requests, &RouterCounters::attempts, &RouterCounters::retries,
        &RouterCounters::retries_denied, &RouterCounters::hedges, &RouterCounters::hedges_won,
        &RouterCounters::hedges_denied, &RouterCounters::late_results,
        &RouterCounters::timed_out_attempts, &RouterCounters::queued, &RouterCounters::panic_picks,
        &RouterCounters::slow_start_repicks, &RouterCounters::ejections, &RouterCounters::probes,
        &RouterCounters::notices_dropped}) {
    sum.*member += more.*member;
  }
  for (std::size_t i = 0; i < sum.answers.size(); ++i) sum.answers[i] += more.answers[i];
}

}  // namespace phoenix::gateway
