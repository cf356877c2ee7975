// How long moving an agent takes and how long it serves nothing meanwhile, by method. Rebalancers
// weigh moves with it, the controller picks a method with it, and both worlds are judged by it.
//
// Pure functions. Sizes in bytes, rates in bytes per second. Formulas: textbook pre-copy (Clark et
// al., NSDI 2005), stop rules as in Xen.
#pragma once

#include <string_view>

#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

enum class MigrationMethod : std::uint8_t {
  kLive,        // copy while it serves, then freeze for the rest
  kCheckpoint,  // freeze, write the state, move it, read it
  kCold,        // stop, start anew at the target; state that is not stored is lost
};

constexpr std::string_view to_text(MigrationMethod method) {
  constexpr std::string_view kNames[] = {"live", "checkpoint", "cold"};
  return kNames[static_cast<std::size_t>(method)];
}

// The error lists the known names.
Result<MigrationMethod> migration_method(std::string_view name);

// What a cluster moves agents with. Defaults give the design document's 10 s of a cold move; a
// checkpoint takes its 5 s at 400 MB of state.
struct MigrationMeans {
  double bandwidth = 125e6;        // of the link all moves share
  double write_bandwidth = 200e6;  // of the store checkpoints go to
  double read_bandwidth = 400e6;
  bool is_pipelined = false;  // writing, moving and reading overlap
  Duration freeze = std::chrono::milliseconds(5);
  Duration switch_over = std::chrono::milliseconds(5);  // of the route
  Duration stop = std::chrono::seconds(1);
  Duration start = std::chrono::seconds(4);
  Duration warm_up = std::chrono::seconds(5);
  double rest_bytes = 5e6;  // small enough to freeze for
  int rounds_max = 30;
  double sent_share_max = 3;  // of the state, before giving up
};

// NaN is not known.
struct AgentState {
  double bytes = 0;
  double dirty_rate = 0;  // how fast what was copied changes again
};

struct PreCopy {
  int rounds = 0;          // copy rounds before the freeze
  double rest_bytes = 0;   // sent during it
  double sent_bytes = 0;   // all, with the rest
  bool converges = false;  // the rest became small enough
};
// Round i sends bytes * (dirty_rate / bandwidth)^i.
// REQUIRES: known values, bandwidth > 0.
PreCopy pre_copy(const AgentState& state, double bandwidth, const MigrationMeans& means);

struct MigrationEstimate {
  MigrationMethod method = MigrationMethod::kLive;
  Duration duration{0};
  Duration downtime{0};
  double bytes = 0;  // over the link
  int rounds = 0;
};

// `sharing` >= 1 moves share the bandwidth evenly, this one among them. An unknown state counts as
// empty, an unknown dirty rate as nothing changing: choose_method() does not pick live then.
MigrationEstimate estimate(MigrationMethod method, const AgentState& state,
                           const MigrationMeans& means, int sharing = 1);

// Live where it converges with less downtime than a checkpoint, else checkpoint, also where the
// dirty rate or the size is not known. Never cold: that loses state, and has to be asked for.
MigrationMethod choose_method(const AgentState& state, const MigrationMeans& means,
                              int sharing = 1);

}  // namespace phoenix
