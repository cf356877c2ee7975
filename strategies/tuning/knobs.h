// What a tuner may turn while traffic flows: one plain struct that the simulated and the real world
// both obey, and for every knob its name, unit, bounds and meaning. A kSetKnob decision names a
// knob by this name and carries its value as a number in base units (seconds, bytes, 0 or 1).
//
// Hard bounds say what a world accepts; the safe range inside them is where tuners search. Plain
// data and pure functions; nothing allocates but texts and errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

struct Knobs {
  // Network.
  int batch_size = 1;  // frames to a node that may share one batch
  Duration batch_delay = std::chrono::microseconds(200);  // the longest one waits for company
  std::size_t compress_above = 0;                         // bytes; 0 is never
  int pool_size = 2;            // connections per gateway thread to each node (frames) ...
  int http_pool_size = 64;      // ... and to each HTTP server at most
  int socket_buffer = 0;        // bytes each way; 0: the kernel's
  bool direct_routing = false;  // tell native clients which node owns a key
  // Memory and CPU. 0 leaves each as the node or router was configured.
  int workers = 0;             // requests a node works on at once
  int queue_length = 0;        // requests that may wait on a node
  int max_in_flight = 0;       // requests a gateway has under way; more wait or are refused
  Duration hibernate_idle{0};  // agents idle for this long give their memory back; 0 is never
  bool operator==(const Knobs&) const = default;
};

enum class KnobId : std::uint8_t {
  kBatchSize,
  kBatchDelay,
  kCompressAbove,
  kPoolSize,
  kHttpPoolSize,
  kSocketBuffer,
  kDirectRouting,
  kWorkers,
  kQueueLength,
  kMaxInFlight,
  kHibernateIdle,
};
inline constexpr std::size_t kKnobs = 11;

enum class KnobUnit : std::uint8_t { kCount, kSeconds, kBytes, kFlag };

struct KnobInfo {
  KnobId id;
  std::string_view name;
  KnobUnit unit;
  double low, high;            // hard, inclusive
  std::string_view zero;       // what 0 means where it is no amount; "" where it has no such sense
  double safe_low, safe_high;  // where tuners search; 0 of a knob with `zero` is safe besides
  double first;                // what a tuner tries first instead of such a 0
  std::string_view help;
};

// Every knob, in the order of KnobId.
std::span<const KnobInfo> knob_list();
const KnobInfo& knob_info(KnobId id);
// The error lists the known names and the nearest.
Result<KnobId> knob_named(std::string_view name);

double knob_value(const Knobs& knobs, KnobId id);
// Refuses what is out of the hard bounds, not finite or, for counts and bytes, not whole; `knobs`
// stays as it was then.
Status set_knob(Knobs& knobs, KnobId id, double value);
Status check_knobs(const Knobs& knobs);

// The value nearest to `wanted` in the safe range that the knob can take; for tuners, whose
// arithmetic knows no bounds. REQUIRES: wanted is not NaN.
double nearest_safe(KnobId id, double wanted);

// "200 us", "4 KiB", "true", "16"; what is printed parses back to the same value.
std::string print_knob(KnobId id, double value);
Result<double> parse_knob(KnobId id, std::string_view text);

}  // namespace phoenix
