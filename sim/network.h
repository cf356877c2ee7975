// Carries messages between gateways and nodes: how long each takes, and which are lost or held by
// faults.
//
// A message waits for the sender's network card, takes latency plus bytes over the narrowest free
// bandwidth of its SimGrid route, and waits for the receiver's card where others arrive at once.
// Bandwidth in use by SimGrid flows is taken off: a message gets what is left, or a fair share.
// Messages larger than `cluster.flow_above` are flows themselves; in flow fidelity all are.
// Latency, jitter and fault delay are added here, never in SimGrid.
//
// The wait for a receiver's card is reckoned in order of sending, which is exact where latencies
// are equal. O(1) per message while no fault touches the network and no flow is under way. One
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "scenarios/link_faults.h"
#include "scenarios/scenario.h"
#include "sim/event_queue.h"
#include "sim/flows.h"
#include "sim/platform.h"
#include "strategies/core/slab.h"

namespace phoenix::sim {

struct Message {
  EventKind arrival = EventKind::kNodeArrive;  // the event pushed when it gets there
  std::uint32_t subject = 0;
  std::uint32_t from = 0;  // endpoints: gateways first, then nodes
  std::uint32_t to = 0;
  double bytes = 0;
  std::uint64_t id = 0;      // its message number, see link_faults.h
  bool has_arrived = false;  // held at its end; only delivery is left
};

class Network {
 public:
  Network(const Scenario& scenario, const Platform& platform, const Streams& streams,
          EventQueue& agenda, Flows& flows);

  // False: the message is lost, and its subject is the caller's to clean up.
  bool send(const Message& message, Time now);

  // Asked when a message arrives: a cut or clog that began meanwhile still stops it.
  LinkFate::Kind on_arrival(const Message& message);
  bool is_disturbed() const { return faults_.any(); }

  // Messages that need a flow while the engine's clock lags behind are kept until the engine gets
  // to the date.
  bool has_pending_flows() const { return !pending_.empty(); }
  // True when any message could be a flow.
  bool may_start_flows() const { return may_start_flows_; }
  // Starts pending flows; those whose endpoint is off now are lost and returned. REQUIRES: the
  // engine's clock is at `now`.
  std::vector<Message> start_pending_flows();
  // A flow carrying a message ended: which message. False when it is lost.
  bool on_flow_ended(std::uint32_t carried, bool ok, Time now, Message& message);
  // Messages on their way from an endpoint as flows, or about to be.
  int flows_from(std::uint32_t endpoint) const { return cards_[endpoint].flows_out; }

  // Faults: `effect` ids are the plan's. end_effect returns the messages a clog had held, in order,
  // for the caller to send on: those with has_arrived are only to be delivered. affected() is what
  // the effect has hit so far. The answer of a node that dies is delivered when it has left, except
  // where it is a flow: SimGrid ends that with its sender.
  void begin_effect(const FaultEvent& event);
  void step_effect(const FaultEvent& event);
  std::vector<Message> end_effect(std::uint32_t effect);
  std::uint64_t affected(std::uint32_t effect) const { return faults_.affected(effect); }

  // Time a message of no bytes takes between two endpoints, one of them a gateway, without faults.
  Duration latency(std::uint32_t from, std::uint32_t to);
  // The same between two nodes. Asks SimGrid for the route: not for every message.
  Duration latency_between_nodes(std::uint32_t from, std::uint32_t to) const;
  std::uint32_t gateways() const { return gateways_; }
  // Bytes through the endpoint's card since the beginning, the busier direction.
  double busier_bytes(std::uint32_t endpoint) const;
  std::uint64_t lost_messages() const { return lost_; }

 private:
  struct Card {
    double sent_until = 0;      // ns: when the sending side is free
    double received_until = 0;  // ns, latency taken off
    double bytes_out = 0;
    double bytes_in = 0;
    double ns_per_byte = 0;  // of the card itself, fault factor included
    std::int64_t latency = 0;
    int flows_out = 0;
    std::uint32_t rack = 0;
    std::uint32_t up_link = 0;
    std::uint32_t down_link = 0;
  };
  struct SharedPath {
    std::vector<std::uint32_t> links;
    std::int64_t latency = 0;
    double ns_per_byte = 0;
    std::uint32_t version = 0;
  };
  SharedPath& shared_path(std::uint32_t from, std::uint32_t to);
  double ns_per_byte_now(std::uint32_t link, double configured) const;
  double path_ns_per_byte(SharedPath& path);
  void carry(const Message& message, double extra_ns, Time now);
  void apply_bandwidth();

  const Platform& platform_;
  const Cluster& cluster_;
  const Streams& streams_;
  EventQueue& agenda_;
  Flows& flows_;
  Distribution jitter_;
  bool has_jitter_;
  double flow_above_;
  bool may_start_flows_;
  std::uint32_t gateways_;
  std::vector<Card> cards_;
  std::vector<SharedPath> to_rack_;    // [gateway][rack]
  std::vector<SharedPath> from_rack_;  // [gateway][rack]
  LinkFaults faults_;
  std::map<std::uint32_t, std::vector<Message>> held_;  // by the effect that holds them
  struct Carried {
    Message message;
    std::int64_t after_ns = 0;
  };
  Slab<Carried> carried_;
  std::vector<std::uint32_t> pending_;
  std::uint64_t lost_ = 0;
};

}  // namespace phoenix::sim
