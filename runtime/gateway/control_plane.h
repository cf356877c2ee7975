// The control plane of a gateway process: the simulated cluster's own Controller, on what this
// gateway sees, with a provisioner to start and stop nodes.
//
// Nodes of the provisioned group are called "<group>-<number>" and keep their place by that name,
// whoever has started them; other nodes that speak frames are watched and never scaled, the first
// kOthersMax of them. A node that is given up first gets no new requests; when those under way are
// done, or its grace is over, it is stopped. Until then it can be taken back.
//
// Agents of services with [service.agents] are placed on nodes that host the service on standby,
// and moved there with their state. What runs already when the control plane begins stays where it
// is. A node whose connection is lost has lost its agents: they are started elsewhere, and what it
// still runs when it comes back is ended.
//
// Does nothing while the gateway drains. Where there are several gateways, only one of them should
// have a control plane: it judges by what that one sees. On the main loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/agents/agent_keeper.h"
#include "runtime/gateway/gateway.h"
#include "runtime/net/loop.h"
#include "runtime/provision/provisioner.h"
#include "scenarios/control_loop.h"

namespace phoenix::gateway {

class ControlPlane final : public ControlPart, private ControlWorld {
 public:
  static constexpr std::size_t kOthersMax = 256;

  // Null: the configuration asks for none. Attaches itself to the gateway, which must outlive it.
  // The error says why nodes cannot be provisioned.
  static Result<std::unique_ptr<ControlPlane>> start(net::Loop& loop, Gateway& gateway,
                                                     std::uint64_t seed);
  ~ControlPlane() override;  // nodes that are processes of this machine end with it

  Status command(const Command& command) override;
  std::shared_ptr<const ControllerStatus> status() const override;
  std::string node_name(NodeId node) const override;
  void on_node(const NodeView& node) override;
  // The end: what is under way is written down as open.
  void finish();

 private:
  enum class Stage : std::uint8_t { kAbsent, kStarting, kUp, kDraining, kStopping };
  struct Place {
    std::string name;  // of others: empty where there is none
    Stage stage = Stage::kAbsent;
    bool is_known = false;   // the directory has it, reachable or not
    std::uint64_t turn = 0;  // answers to earlier orders are stale
    Time limit = kNever;     // of starting and draining
    Time retry_stop = kNever;
    std::string failure;        // why its start has failed, while it is stopped for that
    bool is_withdrawn = false;  // drains, and gets no new requests: its agents have left
    // Where agents are placed: for orders to it, to this life of it.
    std::unique_ptr<agents::OrderLink> link;
    std::string address;
    std::uint64_t incarnation = 0;
  };

  ControlPlane(net::Loop& loop, Gateway& gateway, std::uint64_t seed);
  Result<std::unique_ptr<provision::Provisioner>> make_provisioner(std::uint64_t seed);
  ControlPlan plan(std::uint64_t seed) const;
  void begin();

  Time now() const override;
  GatewayReport take_gateway_report() override;
  Status provision(NodeId node, Duration boot_time) override;
  Status remove(NodeId node, Duration grace) override;
  Status keep(NodeId node) override;
  Status set_knob(std::string_view knob, double value) override;
  // control_agents.cc
  Status start_agent(const AgentSpec& agent, NodeId node) override;
  void stop_agent(AgentId agent) override;
  void migration_step(const MigrationOrder& order) override;
  void make_keeper();
  std::vector<ControlService> placed_services() const;
  std::vector<StandingAgent> standing() const;
  void on_host(std::size_t place, const NodeView& node);
  void lose_host(std::size_t place);
  void tell_capacity(std::size_t place, const NodeView& node);

  void arm();
  void on_due();
  void on_status(const GatewayStatus& status);
  void hear_reports(const GatewayStatus& status);
  void look_after(std::size_t place, const GatewayStatus& status);
  void log(const DecisionRow& row);
  std::string name_of(std::string_view subject) const;
  std::string with_names(std::string_view text) const;

  std::size_t place_of(const NodeView& node);
  void on_own(std::size_t place, const NodeView& node);
  void on_other(std::size_t place, const NodeView& node);
  void tell(std::size_t place, NodePhase phase);
  NodePhase phase_of(const NodeView& node) const;
  void withdraw(std::size_t place);
  void on_start_answer(std::size_t place, const Result<provision::StartedNode>& started);
  void stop(std::size_t place, Duration grace);
  void on_stopped(std::size_t place, const Status& stopped);
  void leave_empty(std::size_t place);
  bool is_listed(const std::string& name) const;

  net::Loop& loop_;
  Gateway& gateway_;
  const GatewayConfig config_;
  std::size_t own_;  // the first so many places are the group's
  std::vector<Place> places_;
  std::unique_ptr<provision::Provisioner> provisioner_;  // null: nodes are others' business
  Time begin_;  // on the loop's time line; the control plane's own begins at kStart
  net::Timer timer_;
  bool is_asking_ = false;
  GatewayReport totals_;  // as reported so far
  Histogram latency_, reported_;
  GatewayStatus seen_;  // newest
  std::unique_ptr<ControlLoop> control_;
  bool has_begun_ = false;
  std::unique_ptr<agents::AgentKeeper> agents_;  // null: none are placed
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Whether the configuration asks for a control plane.
bool wants_control(const GatewayConfig& config);

}  // namespace phoenix::gateway
