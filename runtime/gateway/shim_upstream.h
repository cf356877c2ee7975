// One node's upstream with a lab's faults on the way: what ShimWorld wraps around the real one.
// Internal to the shim; on the worker's loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/gateway/attempt_table.h"
#include "runtime/gateway/shim.h"

namespace phoenix::gateway {

class ShimUpstream final : public Upstream, private UpstreamUser {
 public:
  ShimUpstream(ShimWorld& world, const NodeView& node, UpstreamUser& user, bool is_silent);
  ~ShimUpstream() override;

  void set_inner(std::unique_ptr<Upstream> inner) { inner_ = std::move(inner); }
  UpstreamUser& inner_user() { return *this; }
  const std::string& name() const { return name_; }
  void set_silent(bool is_silent);

  void send(AttemptId attempt, const Request& request, std::string_view service,
            std::string_view request_class, Duration time_left) override;
  void forget(AttemptId attempt) override;
  bool probe(std::uint64_t probe) override;
  void resume(AttemptId attempt) override { inner_->resume(attempt); }
  void apply(const Knobs& knobs) override { inner_->apply(knobs); }
  void move(const net::Address& address, std::uint64_t incarnation) override {
    inner_->move(address, incarnation);
  }
  std::size_t connections() const override { return inner_->connections(); }
  std::uint64_t dials_failed() const override { return inner_->dials_failed(); }
  std::size_t under_way() const override { return flights_.size(); }

 private:
  struct Sent;
  struct Answer;
  void on_attempt(AttemptId attempt, AttemptResult result, const AttemptReply* reply) override;
  bool on_attempt_body(AttemptId attempt, std::string_view piece, bool last) override;
  void on_attempt_broken(AttemptId attempt) override;
  void on_node_report(NodeId node, const wire::Report& report) override;
  void on_piggybacked(NodeId node, const LoadReport& report) override;
  void on_probe_answered(NodeId node, std::uint64_t probe, const LoadReport& report) override;
  void on_reachable(NodeId node, bool reachable) override;

  void forward(const Sent& sent);
  void finish(AttemptId attempt, AttemptResult result, const AttemptReply* reply);
  void hand_over_report(std::uint64_t number, LoadReport report);

  ShimWorld& world_;
  NodeId id_;
  std::string name_;
  UpstreamUser& user_;
  bool is_silent_;
  bool is_reachable_ = false;                // of the real one
  bool is_told_reachable_ = false;           // to the user
  AttemptTable<std::uint64_t> flights_;      // message numbers of what the user waits for
  std::optional<LoadReport> brought_along_;  // by the answer that is being handed over
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Upstream> inner_;
};

}  // namespace phoenix::gateway
