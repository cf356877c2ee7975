// Produces the requests of a scenario: when they arrive, of which class, with which work, sizes and
// key. Both worlds drive their load from this one source, so the same seed gives the same requests
// in both.
//
// Draws are keyed by purpose ("arrivals", "classes", "service/<class>", "keys", ...) and taken in
// arrival order, so no strategy or fault can shift them. One thread at a time. Memory is O(1), plus
// the users of a closed loop and one line of a trace file. next() never allocates after warm-up,
// except to read JSON lines.
//
// A varying rate is followed exactly: evenly spaced arrivals come where the integrated rate reaches
// 1, 2, 3..., Poisson arrivals are the inhomogeneous process. A trace is read twice, first to check
// all of it; if it changes after that, the process ends with a message. With a key column, keys are
// hashes of its text (of JSON arrays: of the whole array's text). A repeated trace starts over one
// mean gap after its last row, or at its last interval's end.
#pragma once

#include <cstdint>
#include <memory>

#include "scenarios/scenario.h"
#include "strategies/core/ids.h"
#include "strategies/core/random.h"
#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

struct Arrival {
  Time at = kStart;
  ClassId request_class{0};
  double work = 0;  // seconds at speed 1
  double request_bytes = 0;
  double response_bytes = 0;
  double size = 1;  // what the gateway sees of the work: a trace's size column, else request bytes
                    // (1 where those are 0)
  std::uint64_t key = 0;  // hashed; meaningless without has_key
  bool has_key = false;
  std::uint32_t user = 0;  // closed loop: whose request it is
};

class ArrivalSource {
 public:
  virtual ~ArrivalSource() = default;

  // When the next request arrives; kNever when none is known (an open loop is then over, a closed
  // loop may go on after on_answer()). Never at or past the scenario's duration. O(1).
  virtual Time next_at() const = 0;

  // Takes the next request. REQUIRES: next_at() != kNever.
  virtual Arrival next() = 0;

  // Closed loop: the user's request was answered (well or not), the next one follows after the
  // think time. next_at() may fall. REQUIRES: `now` never goes back.
  virtual void on_answer(std::uint32_t user, Time now) {
    static_cast<void>(user);
    static_cast<void>(now);
  }

  // Closed loops: whether on_answer() is needed.
  virtual bool is_closed() const { return false; }
};

// The error names the trace file, line and column when it cannot be read. REQUIRES: a scenario as
// the parser lets through.
Result<std::unique_ptr<ArrivalSource>> make_arrivals(const Scenario& scenario,
                                                     const Streams& streams);

}  // namespace phoenix
