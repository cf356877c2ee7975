#include "scenarios/arrivals.h"

#include "scenarios/arrival_sources.h"

namespace phoenix {

Result<std::unique_ptr<ArrivalSource>> make_arrivals(const Scenario& scenario,
                                                     const Streams& streams) {
  switch (scenario.workload.arrivals) {
    case ArrivalKind::kTrace:
      return make_trace_arrivals(scenario, streams);
    case ArrivalKind::kClosed:
      return make_closed_arrivals(scenario, streams);
    default:
      return make_open_arrivals(scenario, streams);
  }
}

}  // namespace phoenix
