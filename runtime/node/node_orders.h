// What a node may be ordered to do over kControl frames, each answered by one kControl frame with
// the same id. A payload is one JSON object; where bytes come with it, a newline and the bytes
// follow.
//
// Of a lab (role kLab, --lab only):
//   {"slow": EFFECT, "factor": F}   or {"slow": {"effect": EFFECT, "factor": F}}; 0 is a stall
//   {"end_slow": EFFECT}
//   {"stats": true}                 -> totals, see NodeStatus
// Of a lab, and of a control plane (role kOperator) about services hosted on standby, see Services:
//
//   {"take": SERVICE, "of": "state" or "changes"}  -> {"size": TOTAL}; takes it, and serves on
//   {"piece": SERVICE, "offset": N}       -> {"size": TOTAL, "offset": N} newline bytes, of what
//       was taken last
//   {"put": SERVICE, "of": "state" or "changes", "offset": N, "size": TOTAL} newline bytes; in
//       order, loaded with the last piece
//   {"prepare": SERVICE}   an agent is to come
//   {"hold": SERVICE}      requests wait; answered when nothing is in service any more
//   {"resume": SERVICE}    serves, first what waits
//   {"forward": SERVICE, "to": "HOST:PORT"}  what waits, and what still comes, goes there
//   {"retire": SERVICE}    the agent lives elsewhere
//   {"offer": SERVICE, "weight": W}       what gateways are told; 0 is not offered
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

class NodeOrders {
 public:
  using Answer = std::function<void(const std::string& payload)>;
  using Stats = std::function<nlohmann::json()>;

  // What the node itself does for it.
  struct Hooks {
    Stats stats;
    std::function<void()> on_offers;  // they have changed
    std::function<Status(const std::string& service, const std::string& address)> forward;
  };

  NodeOrders(Services& services, Hooks hooks);

  // `answer` is called once, perhaps later; never after the services are gone.
  void of_lab(std::string_view payload, Answer answer);
  void of_operator(std::string_view payload, Answer answer);

 private:
  void slow(const nlohmann::json& command, const Answer& answer);
  struct Order;
  bool move(const Order& order, const Answer& answer);
  void take(const std::string& service, Services::What what, const Answer& answer);
  void piece(const std::string& service, std::size_t offset, const Answer& answer);
  void put(const std::string& service, const nlohmann::json& command, std::string_view piece,
           const Answer& answer);
  Status offer(const std::string& service, const nlohmann::json& command);

  Services& services_;
  Hooks hooks_;
  std::map<std::string, std::string>
      leaving_;  // what was taken, by service, until it retires or resumes
  std::map<std::string, std::string> arriving_;  // pieces so far
};

}  // namespace phoenix::node
