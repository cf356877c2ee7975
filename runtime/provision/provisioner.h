// How scale-out and scale-in are carried out: starts and stops nodes, and knows which ones it has.
// Whether a started node serves is for membership to say: it announces itself to the gateways.
//
// Every call is answered once, from the loop, never from within the call; answers may call the
// provisioner again, and destroy it. A provisioner that is destroyed answers nothing any more and
// lets go of what is under way. At most `concurrent` operations run at once, further ones wait for
// their turn, and beyond `waiting` of these a call is refused. On the loop's thread, which must be
// the process's main thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "runtime/net/address.h"
#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix::provision {

struct NodeRequest {
  std::string name;  // unique among the nodes; letters, digits, '-', '_' and '.'
  std::string group;
  int cores = 0;  // 0: as the provisioner or the engine behind it sees fit
  std::vector<net::Address> gateways;
  Time deadline = kNever;  // the start has failed when it is not done by then
};

struct StartedNode {
  std::string name;
  std::string address;  // HOST:PORT; empty where only the node itself knows
};

enum class NodeState { kWaiting, kStarting, kUp, kStopping };

struct ProvisionedNode {
  std::string name, group, address;
  NodeState state = NodeState::kWaiting;
};

struct ProvisionLimits {
  std::size_t concurrent = 4;
  std::size_t waiting = 1'000;
};

class Provisioner {
 public:
  using StartDone = std::function<void(Result<StartedNode>)>;
  using StopDone = std::function<void(Status)>;

  virtual ~Provisioner() = default;

  virtual void start(const NodeRequest& request, StartDone done) = 0;
  // Ends the node, politely for as long as `grace`. A start of it that is under way is broken off
  // or comes to its end first; a second stop is answered with the first.
  virtual void stop(const std::string& name, Duration grace, StopDone done) = 0;
  // In order of names; without those whose start has failed.
  virtual std::vector<ProvisionedNode> list() const = 0;
};

// The error says what of the request cannot be used; also of a name alone.
Status check_request(const NodeRequest& request);
Status check_name(const std::string& name);

// "127.0.0.1:7100,127.0.0.1:7101"
std::string join_addresses(const std::vector<net::Address>& addresses);

}  // namespace phoenix::provision
