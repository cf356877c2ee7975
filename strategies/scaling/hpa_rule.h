// The proportional rule of Kubernetes' HPA v2, apart from its memory.
#pragma once

#include <span>

namespace phoenix {

struct HpaProposal {
  static constexpr int kUnknown = -1;
  int desired = kUnknown;  // kUnknown: not one ready node has the metric
  double ratio = 0;        // of the measured nodes, metric over target
  double corrected = 0;    // with what is missing and not ready filled in
};

// `values` are the metric of the ready nodes, NaN where it is missing; `unready` more are not
// ready. When shrinking a missing one counts as being on target, when growing missing and unready
// ones count 0; if that turns the direction or leaves the ratio within `tolerance` of 1, or shows
// more nodes to shrink to, nothing changes. O(values).
HpaProposal hpa_proposal(std::span<const double> values, int unready, double target, int current,
                         double tolerance);

}  // namespace phoenix
