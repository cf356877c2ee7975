// What a lab may ask of a node over kControl frames (role kLab, --lab only), each answered by one
// kControl frame with the same id. A payload is one JSON object; where bytes come with it, a
// newline and the bytes follow.
//
//   {"slow": EFFECT, "factor": F}   or {"slow": {"effect": EFFECT, "factor": F}}; 0 is a stall
//   {"end_slow": EFFECT}
//   {"stats": true}                 -> totals, see NodeStatus
//   {"snapshot": SERVICE, "offset": N}  -> {"size": TOTAL, "offset": N} newline bytes. Offset 0
//       holds the service (it refuses requests), waits for what is under way and takes the state
//   {"restore": SERVICE, "offset": N, "size": TOTAL} newline bytes; applied with the last piece
//   {"resume": SERVICE}             takes requests again where the move is called off
//
// Answers hold "ok": true or "error": why. On the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "runtime/node/services.h"

namespace phoenix::node {

class LabControl {
 public:
  using Answer = std::function<void(const std::string& payload)>;
  using Stats = std::function<nlohmann::json()>;

  LabControl(Services& services, Stats stats);

  // `answer` is called once, perhaps later; never after the services are gone.
  void command(std::string_view payload, Answer answer);

 private:
  void slow(const nlohmann::json& command, const Answer& answer);
  void snapshot(const std::string& service, std::size_t offset, Answer answer);
  void restore(const nlohmann::json& command, std::string_view piece, const Answer& answer);

  Services& services_;
  Stats stats_;
  std::map<std::string, std::string> leaving_;   // states taken, by service, until resumed
  std::map<std::string, std::string> arriving_;  // pieces so far
};

}  // namespace phoenix::node
