// What a load source says of each request: when it was due, when it left, how and when it ended.
// Plain data; also travels as bytes to the local world that started the source (same machine, same
// build).
#pragma once

#include <cstdint>

#include "strategies/core/request.h"
#include "strategies/core/time.h"

namespace phoenix::load {

enum class OutcomeKind : std::uint8_t {
  kOffered,     // due now; numbers and sizes are known
  kAnswered,    // well or not
  kUnanswered,  // still under way when the run ended
  kEnd,         // the source has said everything
};

struct Outcome {
  std::uint64_t number = 0;  // in arrival order, from 0
  Time intended = kStart;    // latency counts from here, whatever delayed the sending
  Time sent = kStart;        // kNever: it never left, there was no room or no time
  Time answered = kNever;
  double work = 0;  // s at speed 1
  double request_bytes = 0;
  double response_bytes = 0;
  std::uint64_t key = 0;
  std::int32_t request_class = 0;
  std::int32_t gateway = -1;
  std::int32_t node = -1;
  std::uint16_t attempts = 0;
  FailureReason reason = FailureReason::kNone;
  OutcomeKind kind = OutcomeKind::kOffered;
};

static_assert(sizeof(Outcome) == 80);  // no gaps whose bytes would be anything

class OutcomeSink {
 public:
  virtual ~OutcomeSink() = default;
  virtual void on_outcome(const Outcome& outcome) = 0;
};

}  // namespace phoenix::load
