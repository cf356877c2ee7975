// What operators and the control plane may ask of a running gateway. Called on the main loop;
// answers come later on the main loop. Implemented by Gateway; the admin server and its tests know
// only this.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/gateway/status.h"
#include "strategies/controller.h"
#include "strategies/core/result.h"

namespace phoenix::gateway {

class GatewayControl {
 public:
  virtual ~GatewayControl() = default;

  // A consistent-enough picture: each thread's own is exact, they are taken one after another.
  virtual void status(std::function<void(const GatewayStatus&)> done) = 0;

  // Errors say what was found and what is allowed; nothing has changed then.
  // To the control plane: scale_to, add_policy and the rest.
  virtual Status command(const Command& command) = 0;
  virtual Status set_balancer(const std::string& service, const std::string& text) = 0;
  virtual Status set_knobs(const Knobs& knobs) = 0;
  virtual Status set_weight(const std::string& node, const std::string& service, double weight) = 0;
  virtual Status drain_node(const std::string& node) = 0;
  virtual Status undrain_node(const std::string& node) = 0;
  virtual Status reload() = 0;
  virtual const std::string& token() const = 0;  // empty: changes are refused
};

struct NodeView;

// The control plane beside a gateway, as the gateway sees it. On the main loop.
class ControlPart {
 public:
  virtual ~ControlPart() = default;
  virtual Status command(const Command& command) = 0;
  virtual std::shared_ptr<const ControllerStatus> status() const = 0;
  // Of a node in that status; empty where there is none any more.
  virtual std::string node_name(NodeId node) const = 0;
  // As the directory publishes it; may come from within calls of the control plane's own.
  virtual void on_node(const NodeView& node) = 0;
};

// Every answered request that the recorder samples, and what else goes into a record; see
// recorder.h. Called on worker threads: must never block.
struct AnsweredRequest {
  std::uint64_t number = 0;
  Time arrived = kStart, answered = kStart;
  double request_bytes = 0, response_bytes = 0;
  std::uint64_t key = 0;
  ClassId request_class{0};
  NodeId node = kNoNode;
  int attempts = 0;
  int thread = 0;
  FailureReason reason = FailureReason::kNone;
};

class AnswerTap {
 public:
  virtual ~AnswerTap() = default;
  virtual void on_answer(const AnsweredRequest& request) = 0;
  // What it has to say for itself; on the main loop.
  virtual void add_to(GatewayStatus&) const {}
};

}  // namespace phoenix::gateway
