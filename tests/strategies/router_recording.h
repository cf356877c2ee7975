// A Router's events and decisions written down, to be played to another Router and held against
// what that one decides. Used by the tests of both worlds: whatever carries the events, the
// decisions must be the same.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "strategies/router_driver.h"

namespace phoenix::testing {

class RouterRecording : public RouterTap {
 public:
  // One line per decision: which event led to it, and what it is.
  void on_event(const RouterEvent& event) override { events.push_back(event); }
  void on_action(const RouterAction& action) override {
    const bool sends = action.kind == RouterAction::Kind::kSend;
    std::string line = "event " + std::to_string(events.size()) + ": " +
                       (sends ? "send " : "answer ") + std::to_string(action.request) + " node " +
                       std::to_string(index(action.node)) + " attempt " +
                       std::to_string(action.attempt);
    if (action.hedge) line += " hedge";
    if (!sends) line += " " + std::string(to_text(action.reason));
    decisions.push_back(std::move(line));
  }

  std::vector<RouterEvent> events;
  std::vector<std::string> decisions;
};

// The first line in which the two differ, or "" where they are the same.
inline std::string first_difference(const RouterRecording& a, const RouterRecording& b) {
  for (std::size_t i = 0; i < a.decisions.size() || i < b.decisions.size(); ++i) {
    const std::string one = i < a.decisions.size() ? a.decisions[i] : "nothing";
    const std::string other = i < b.decisions.size() ? b.decisions[i] : "nothing";
    if (one != other) return one + " / " + other;
  }
  return "";
}

}  // namespace phoenix::testing
