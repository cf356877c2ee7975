// What frames carry: plain structs with encode (append to a payload) and decode (false when the
// bytes are not exactly one such message). Texts are views into what was decoded.
//
// Every field is bounded: names 255 bytes, target and header block 64 KiB each, body by the frame.
// Numbers must make sense: sizes above 0 and finite, weights and totals finite and not negative,
// utilisations the same or NaN. Senders make sure of all that (within_bounds()), receivers check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/load_report.h"
#include "strategies/core/request.h"

namespace phoenix::wire {

enum class Role : std::uint8_t {
  kClient = 1,   // sends requests, gets responses
  kNode = 2,     // announces where it serves what, sends reports
  kGateway = 3,  // towards a node: sends requests
  kLab = 4,      // may send kControl: faults, figures, agents; only where a lab is allowed
  kOperator = 5  // towards a node: may send kControl about agents of its standby services
};

struct Offer {
  std::string_view service{};
  double weight = 1;
};

inline constexpr std::size_t kMaxName = 255;         // names, methods, addresses, tokens
inline constexpr std::size_t kMaxBlock = 64 * 1024;  // targets, header blocks
inline constexpr std::size_t kMaxOffers = 65'535;    // and standby services

// First frame of either side.
struct Hello {
  Role role{};
  std::string_view name{};        // of the party, unique among its kind: "web-3"
  std::string_view token{};       // shared secret; empty where none is asked for
  std::string_view address{};     // node: where it takes requests, as gateways reach it
  std::uint64_t incarnation = 0;  // node: differs each time it starts
  std::uint16_t cores = 0;        // node
  std::string_view zone{};        // node: what it shares short ways with; empty: nobody said
  double memory_bytes = 0;        // node: what it may use; 0: it does not know
  std::vector<Offer> offers{};    // node
  std::vector<std::string_view> standby{};  // node: services that agents may come to
};

struct Request {
  std::string_view service{};
  std::string_view request_class{};  // empty: the service's first
  std::uint32_t time_left_us = 0;    // until the answer is worthless; 0: no deadline
  bool repeatable = true;
  bool has_key = false;
  std::uint64_t key = 0;
  double size = 1;             // RequestInfo::size
  std::uint64_t number = 0;    // the client's number of it: identity for per-message chances
  std::string_view method{};   // HTTP: "GET"; native: empty
  std::string_view target{};   // HTTP: "/a?b=c"
  std::string_view headers{};  // HTTP: end-to-end header lines, each ended by CRLF
  std::string_view body{};
};

// What a node counts since it started, beside its LoadReport.
struct NodeTotals {
  std::uint64_t completed = 0;
  std::uint64_t refused = 0;
  double busy_core_ns = 0;
  double bytes = 0;         // through its sockets, the busier direction
  double memory_bytes = 0;  // now
};

struct Response {
  AttemptResult result = AttemptResult::kOk;    // of a node; never kTimeout
  FailureReason reason = FailureReason::kNone;  // of a gateway to its client
  std::uint16_t status = 200;                   // HTTP status, 100 to 999; 0 is none
  std::uint32_t node = ~0U;                     // gateway to client: who served it last
  std::uint8_t attempts = 0;                    // gateway to client
  std::string_view direct{};  // gateway to client with direct routing: address of the key's owner
  bool has_report = false;    // node to gateway: piggy-backed
  LoadReport report{};        // measured_at travels as age in us, so clocks need not agree
  std::string_view headers{};
  std::string_view body{};
};

struct Report {
  LoadReport load{};
  NodeTotals totals{};
};

bool within_bounds(const Hello& hello);
bool within_bounds(const Request& request);
bool within_bounds(const Response& response);
bool within_bounds(const Report& report);

// REQUIRES of all: within_bounds().
void encode(const Hello& hello, std::string& payload);
void encode(const Request& request, std::string& payload);
// `now` turns LoadReport::measured_at into an age, and back. Ages stop at 71 minutes.
void encode(const Response& response, Time now, std::string& payload);
void encode(const Report& report, Time now, std::string& payload);

// False leaves the message half filled.
[[nodiscard]] bool decode(std::string_view payload, Hello& hello);
[[nodiscard]] bool decode(std::string_view payload, Request& request);
[[nodiscard]] bool decode(std::string_view payload, Time now, Response& response);
[[nodiscard]] bool decode(std::string_view payload, Time now, Report& report);

}  // namespace phoenix::wire
