// What arithmetic says about knobs, apart from who turns them: sizes and thresholds from measured
// rates, times and speeds. Units are seconds, bytes, per second. Pure functions; where something
// they need is unknown (NaN) or makes no sense they answer NaN, "cannot tell".
#pragma once

#include <limits>

namespace phoenix {

// What a world measures of its network and nodes, for the formulas; NaN is unknown.
struct TuningFacts {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  double link_bandwidth = kUnknown;     // bytes per second from a gateway to a node
  double round_trip = kUnknown;         // seconds
  double node_rate = kUnknown;          // requests per second from one gateway thread to one node
  double connection_hold = kUnknown;    // seconds a request holds a connection
  double compression_ratio = kUnknown;  // size before / size after
  double compress_speed = 700e6;        // bytes per second of one core; LZ4's order
  double decompress_speed = 4000e6;
  double message_overhead = 2e-6;       // seconds it costs to compress a message of any size
  double hop_time = kUnknown;           // seconds that the way through the dispatcher costs
  double stale_owner_share = kUnknown;  // of directly sent requests, those that miss the owner
  double owner_miss_cost = kUnknown;    // seconds
  double cores = kUnknown;              // of a node
  double waiting_share = kUnknown;      // of service time, waiting for something else than a core
  double service_time = kUnknown;       // seconds of a request on a free node
};

// Mean wait of a message until a batch is full, with Poisson arrivals: (batch - 1) / (2 rate).
// 10 at 1000/s: 4.5 ms; at 100/s 45 ms.
double batch_fill_wait(double batch, double rate);
// The largest batch that fills within `limit` in the mean, at least 1.
double batch_for(double rate, double limit);

// Bandwidth times round trip: 125 MB/s and 0.5 ms are 62,500 bytes. What a socket must buffer to
// keep the link busy; never below `least`.
double buffer_for(double bandwidth, double round_trip, double least = 64'000);

// Little's law with head-room, rounded up: 200/s of 0.05 s at 1.5 are 15.
double pool_for(double rate, double hold, double headroom = 1.5);

// Seconds that a compressed byte saves on the link, less those it costs in the codec:
// (1 - 1 / ratio) / bandwidth - (1 / compress + 1 / decompress). At ratio 2, 700 and 4000 MB/s a
// megabyte costs 1.68 ms; at 125 MB/s it saves 4 ms, at 1250 MB/s 0.4 ms: not worth it.
double compression_gain(double ratio, double bandwidth, double compress, double decompress);
// The size from which on the gain pays for a message's overhead; infinity where there is no gain.
double compress_above_for(double gain_per_byte, double overhead);

// Seconds that a request saves in the mean: hop - stale share * miss cost.
double direct_routing_gain(double hop, double stale_share, double miss_cost);

// Threads that keep all cores busy though each waits for a share of its time: cores / (1 - share).
double workers_for(double cores, double waiting_share);
// Requests that may wait on a node so that the last of them is still answered in time:
// (target - service) * workers / service. 50 ms of 5 ms work on 4 workers: 36.
double queue_for(double target_response, double service_time, double workers);
// Requests under way by Little's law when all are answered in just the target's time.
double in_flight_for(double throughput, double target_response);

// How long an agent may idle before it is put to sleep under memory pressure: `longest` at the
// warning level, `shortest` at the critical one, geometric between; infinity below the warning.
// 0.85 -> 3600 s, 0.9 -> 190 s, 0.95 -> 10 s.
double hibernate_after(double memory, double warning = 0.85, double critical = 0.95,
                       double longest = 3600, double shortest = 10);

}  // namespace phoenix
