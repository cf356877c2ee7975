// The arithmetic of Knative's autoscaler, apart from its memory.
#pragma once

namespace phoenix {

struct KpaWant {
  int stable = 0;
  int panic = 0;
  bool panics = false;  // panic / ready reaches the threshold
};

// `stable` and `panic` are averages over the long and the short window, `target` is what one node
// takes. Both wants stay within [ready / max_down, ready * max_up].
KpaWant kpa_want(double stable, double panic, double target, int ready, double threshold,
                 double max_down, double max_up);

// Room for a sudden burst; negative: there is too little of it.
int excess_burst_capacity(int ready, double node_capacity, double burst, double panic);

}  // namespace phoenix
