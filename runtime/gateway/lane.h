// One Router with the loop around it, as a worker drives it, and what it has been told of every
// node. A reload that changes limits or services opens a new lane for new requests; the old one
// lives until its last request is answered.
//
// On the worker's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/gateway/catalog.h"
#include "runtime/gateway/directory.h"
#include "runtime/net/loop.h"
#include "strategies/router_driver.h"

namespace phoenix::gateway {

class Lane;

// What a lane asks of its worker.
class LaneUser {
 public:
  virtual ~LaneUser() = default;
  virtual void carry_send(Lane& lane, const RouterAction& action) = 0;
  virtual void carry_answer(Lane& lane, const RouterAction& action) = 0;
  virtual void carry_probe(NodeId node) = 0;
  virtual void on_lane_due(Lane& lane) = 0;
};

class Lane {
 public:
  Lane(net::Loop& loop, LaneUser& user, const RouterSettings& settings, const Catalog& catalog,
       const Surroundings& surroundings, Random random, RouterTap* tap);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  struct Port {
    Lane* lane;
    void send(const RouterAction& action) const { lane->user_.carry_send(*lane, action); }
    void answer(const RouterAction& action) const { lane->user_.carry_answer(*lane, action); }
    void probe(const RouterAction& action) const { lane->user_.carry_probe(action.node); }
    void arm(Time date) const { lane->timer_.arm(date); }
  };
  RouterDriver<Port>& driver() { return *driver_; }
  const Router& router() const { return driver_->router(); }

  // Tells the Router what is new about a node: the difference to what it was told before.
  // `is_reachable`: the worker could send to it.
  void tell(const NodeView& node, bool is_reachable, const Catalog& catalog, Time now);
  // All nodes known from now on are taken to be warm (they served before this lane was opened).
  void take_as_warm() { takes_as_warm_ = true; }
  void end_warm() { takes_as_warm_ = false; }

 private:
  struct Mark {
    std::vector<std::pair<ServiceId, double>> joined;
    MembershipChange::Kind mode = MembershipChange::Kind::kUp;
    std::uint64_t incarnation = 0;
    ZoneId zone = kNoZone;
  };
  void tell_offers(const NodeView& node, const Catalog& catalog, Mark& mark, Time now);
  void tell_mode(const NodeView& node, bool is_reachable, Mark& mark, Time now);
  void leave(NodeId node, Mark& mark, Time now);

  LaneUser& user_;
  std::size_t services_;  // that its Router knows; a later catalog may have more
  net::Timer timer_;
  std::unique_ptr<RouterDriver<Port>> driver_;
  std::vector<Mark> marks_;  // by NodeId
  bool takes_as_warm_ = false;
};

}  // namespace phoenix::gateway
