// Who belongs to the cluster: the HTTP servers of the configuration, and the nodes that announce
// themselves. One per gateway process, on its main loop; every change is published as the whole new
// view of one node.
//
// A node keeps its number as long as it is known: a name that comes back (restarted, reconnected)
// is the same node with a new incarnation. One that says goodbye leaves when its connection ends;
// one that just disappears is down, and forgotten after a while. Numbers of those that left are
// given out again, so that tables stay as small as the cluster.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/gateway/config.h"
#include "runtime/gateway/status.h"
#include "runtime/gateway/zone_list.h"
#include "runtime/wire/messages.h"
#include "strategies/core/result.h"

namespace phoenix::gateway {

struct ServiceOffer {
  std::string service;
  double weight = 1;
  friend bool operator==(const ServiceOffer&, const ServiceOffer&) = default;
};

// One node as all threads are told of it.
struct NodeView {
  NodeId id = kNoNode;
  std::string name;
  std::string address;
  Protocol protocol = Protocol::kFrames;
  NodeState state = NodeState::kUp;
  std::uint64_t incarnation = 0;
  int cores = 0;
  std::string zone;                  // empty: nobody said
  ZoneId zone_id = kNoZone;          // see zone_list.h
  std::vector<ServiceOffer> offers;  // weights as they are in force
  double memory_bytes = 0;           // 0: it does not know
  std::vector<std::string> standby;  // services that agents may come to
  bool has_left = false;             // the number may be another's from now on
};

// A node's Hello, kept beyond its frame.
struct Announcement {
  std::string name;
  std::string address;
  std::uint64_t incarnation = 0;
  int cores = 0;
  std::string zone;
  std::vector<ServiceOffer> offers;
  double memory_bytes = 0;
  std::vector<std::string> standby = {};
};

class Directory {
 public:
  using Publish = std::function<void(const NodeView&)>;
  // `zones`: those that are numbered from the beginning.
  Directory(Duration forget_after, int max_nodes, ZoneList zones, Publish publish);

  // The servers and bounds of a configuration; servers it no longer names leave.
  void apply(const GatewayConfig& config);

  // A connection, named by `link`, announces a node, and none else. The incarnation that
  // was announced last wins.
  Result<NodeId> announce(std::uint64_t link, const Announcement& announcement);
  void goodbye(std::uint64_t link);
  void closed(std::uint64_t link, Time now);
  // Null where there is none.
  const NodeView* node_at(std::uint64_t link) const;  // that this connection announces
  const NodeView* find(NodeId id) const;

  // By operators; the error lists what is known.
  Status drain(const std::string& name);
  Status undrain(const std::string& name);
  Status set_weight(const std::string& name, const std::string& service, double weight);

  // A node that is down and will not come back leaves now, instead of when its time is over.
  // Nothing where it is up, or unknown.
  void forget(const std::string& name);

  // By the lab: the end of this node's connections goes unnoticed.
  void silence(const std::string& name);
  void unsilence(const std::string& name, Time now);

  // When the next node is forgotten.
  Time next_wake() const;
  void on_wake(Time now);

  // Everything known, in rising id.
  std::vector<NodeView> nodes() const;

 private:
  struct Entry {
    NodeView view;
    std::set<std::uint64_t> links;  // that announce this incarnation
    std::map<std::string, double> weights;
    bool said_goodbye = false;
    bool is_drained = false;  // by an operator
    bool is_down = false;
    Time forget_at = kNever;
  };

  Result<Entry*> find(const std::string& name);
  Entry* entry_of(std::uint64_t link);
  Entry& add(const std::string& name, Protocol protocol);
  void remove(NodeId id);
  void mark_down(Entry& entry, Time now);
  void set_zone(Entry& entry, const std::string& zone);
  void set_offers(Entry& entry, std::vector<ServiceOffer> offers);
  void publish(Entry& entry);

  Duration forget_after_;
  std::size_t max_nodes_;
  ZoneList zones_;
  Publish publish_;
  std::map<std::uint32_t, Entry> entries_;  // by id
  std::map<std::string, NodeId> by_name_;
  std::map<std::uint64_t, NodeId> by_link_;
  std::map<std::string, NodeId> reserved_;  // numbers of expected nodes, theirs for good
  std::set<std::uint32_t> free_;
  std::uint32_t next_id_ = 0;
  std::set<std::string> silent_;
};

}  // namespace phoenix::gateway
