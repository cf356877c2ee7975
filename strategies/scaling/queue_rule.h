// The formulas of the queue rule, apart from where its numbers come from.
#pragma once

namespace phoenix {

// How long what waits will take at the present pace. 0 where nothing waits; infinite where nothing
// is done.
double queue_wait_s(double length, double done_per_s);

// How many times the present pace works the queue off within `target_wait_s` and keeps up with what
// comes in beyond it (NaN: not known, left out). At least 1; infinite where nothing is done.
double queue_factor(double length, double done_per_s, double arrivals_per_s, double target_wait_s);

}  // namespace phoenix
