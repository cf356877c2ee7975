// What the faults under way do to messages between gateways and nodes: which are lost, held or
// delayed, and how much of their bandwidth links have left. The simulated network and the real
// frame shim ask exactly this class, and all chances are drawn by (effect, message number), so the
// same message meets the same fate in both worlds.
//
// Rules: cuts are or-ed, delays add, losses combine as independent chances, bandwidth factors
// multiply; what is both cut and clogged is lost. Loss and delay strike when a message is sent; a
// cut or clog also stops what was sent before it began, on arrival.
//
// One thread. Costs O(effects under way) per message; ask any() first where none is the rule. Holds
// no messages: the world keeps those that are held, in order, until their clog ends.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/fault_plan.h"
#include "strategies/core/random.h"
#include "strategies/core/time.h"

namespace phoenix {

// Message numbers: the same in every run of a seed and in both worlds, whatever strategies do
// elsewhere. `attempt` counts the tries of a request from 0; those from the 256th on share a
// number.
constexpr std::uint64_t request_number(std::uint64_t request_seq, std::uint32_t attempt) {
  return request_seq * 512 + std::uint64_t{attempt < 255 ? attempt : 255} * 2;
}
constexpr std::uint64_t answer_number(std::uint64_t request_number) { return request_number + 1; }
// Of a node's periodic report to a gateway in the `round`-th round of reports; apart from the
// above.
constexpr std::uint64_t report_number(std::uint64_t round, std::uint32_t node, std::uint32_t nodes,
                                      std::uint32_t gateway, std::uint32_t gateways) {
  return (1ULL << 63) | ((round * nodes + node) * gateways + gateway);
}
// Of a gateway's `probe`-th question for a report, whose answer has an answer_number(); apart from
// both.
constexpr std::uint64_t probe_number(std::uint64_t probe) { return (3ULL << 62) | (2 * probe); }

struct LinkFate {
  enum class Kind : std::uint8_t { kPasses, kLost, kHeld };
  Kind kind = Kind::kPasses;
  double delay_ns = 0;        // kPasses: it takes this much longer
  std::uint32_t held_by = 0;  // kHeld: until this effect ends
};

class LinkFaults {
 public:
  // Endpoints are numbered gateways first, then nodes. `streams` must outlive this.
  LinkFaults(const Streams& streams, std::uint32_t gateways, std::uint32_t nodes);

  // Whether any effect is under way.
  bool any() const { return !effects_.empty(); }

  // Fate of a message when it leaves `from`, and, if it passed, when it gets to `to`.
  LinkFate on_send(std::uint32_t from, std::uint32_t to, std::uint64_t message) {
    return fate(from, to, message, true);
  }
  LinkFate on_arrival(std::uint32_t from, std::uint32_t to, std::uint64_t message) {
    return fate(from, to, message, false);
  }

  // What is left of the bandwidth of an endpoint's own link, as a factor.
  double bandwidth_factor(std::uint32_t endpoint) const;

  // By the plan's events: kDelay, kBandwidth, kLoss, kCut, kClog. After end() the world sends on
  // what the effect had held: messages held on sending are sent anew, those held on arrival are
  // only to be delivered.
  void begin(const FaultEvent& event);
  void step(const FaultEvent& event);
  void end(std::uint32_t effect);
  static bool is_link_action(FaultAction action);

  // Messages the effect has hit so far, also after its end; by kBandwidth: those that met it.
  std::uint64_t affected(std::uint32_t effect) const;

 private:
  struct Effect {
    std::uint32_t id;
    FaultAction action;
    std::vector<std::uint8_t> from, to;  // by endpoint
    double magnitude;
    Duration delay;
    Duration jitter;
    std::int64_t room;  // messages a clog may still hold
  };

  LinkFate fate(std::uint32_t from, std::uint32_t to, std::uint64_t message, bool sending);
  std::vector<std::uint8_t> endpoint_set(const std::vector<Endpoint>& endpoints) const;

  const Streams& streams_;
  std::uint32_t gateways_;
  std::uint32_t endpoints_;
  std::vector<Effect> effects_;
  std::vector<std::uint64_t> affected_;  // by effect
};

}  // namespace phoenix
