// A gateway process: one worker per thread behind shared ports, and the directory, reloads,
// draining and operators' wishes on the main loop.
//
// Threads share nothing but posts: workers tell the main loop of nodes and notices, the main loop
// tells workers of membership, configuration and knobs.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/gateway/control.h"
#include "runtime/gateway/directory.h"
#include "runtime/gateway/gateway_thread.h"
#include "runtime/gateway/lab_command.h"
#include "runtime/net/connect.h"
#include "runtime/net/loop.h"

namespace phoenix::gateway {

struct GatewayOptions {
  std::uint64_t seed = 0;                               // of balancers' choices
  AnswerTap* tap = nullptr;                             // must outlive the gateway
  std::function<void()> on_reloaded;                    // config() is another now; may be empty
  std::function<net::ListenCounters()> admin_listener;  // for status(); may be empty
};

// How many threads will serve: as configured, or one per core.
int thread_count(const GatewayConfig& config);

class Gateway final : public GatewayControl {
 public:
  // Listens and serves, on threads of its own. The error says which address, or which file, and
  // why. REQUIRES: the configuration came from parse_gateway_config(), or would pass it.
  static Result<std::unique_ptr<Gateway>> start(net::Loop& loop, GatewayConfig config,
                                                GatewayOptions options);
  ~Gateway() override;  // at once: what is under way is not answered
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Where it really listens; nothing where that listener is off.
  std::optional<net::Address> http() const { return http_; }
  std::optional<net::Address> frames() const { return frames_; }
  const GatewayConfig& config() const { return *config_; }
  std::shared_ptr<net::TlsContext> server_tls() const { return tls_.server; }  // null: plain
  std::shared_ptr<net::TlsContext> frames_tls() const { return tls_.frames; }  // towards nodes
  bool is_draining() const { return on_drained_ != nullptr; }

  // Stops accepting, answers what is under way (up to drain_grace), then calls `done` with how many
  // requests were left. Once.
  void drain(std::function<void(std::size_t left)> done);

  // Null: none. Told of every node that is known, and from then on of every change.
  void attach(ControlPart* control);
  // For the control plane.
  Status set_draining(const std::string& node, bool is_draining);
  void forget_node(const std::string& node);  // see Directory::forget()
  // One of the gateway's knobs, in base units; nodes are told theirs.
  Status turn_knob(KnobId id, double value);
  void note(Decision decision);  // its number is given here

  void status(std::function<void(const GatewayStatus&)> done) override;
  Status command(const Command& command) override;
  Status set_balancer(const std::string& service, const std::string& text) override;
  Status set_knobs(const Knobs& knobs) override;
  Status set_weight(const std::string& node, const std::string& service, double weight) override;
  Status drain_node(const std::string& node) override;
  Status undrain_node(const std::string& node) override;
  Status reload() override;
  const std::string& token() const override { return config_->token; }

 private:
  friend class GatewayThread;
  Gateway(net::Loop& loop, GatewayConfig config, GatewayOptions options);

  Status open_threads();
  Result<TlsContexts> make_tls(const GatewayConfig& config) const;
  Status adopt(GatewayConfig config);
  void spread(std::shared_ptr<const GatewayConfig> config, TlsContexts tls);
  Status open_listeners(const GatewayConfig& config, const TlsContexts& tls);
  using Listen = Result<net::Address> (GatewayThread::*)(const GatewayConfig&, const std::string&,
                                                         const TlsContexts&);
  Result<net::Address> listen_on_all(const GatewayConfig& config, std::string address,
                                     const TlsContexts& tls, Listen listen);
  void publish(const NodeView& node);
  void arm_directory();
  void decide(std::string family, std::string action, std::string subject, std::string reason,
              double value, Time at);
  void poll_drained();
  GatewayStatus merge(const std::vector<ThreadStatus>& shares) const;

  // Called by threads, to run here.
  void post(std::function<void()> work);
  void on_announce(GatewayThread& from, std::uint64_t link, const Announcement& announcement);
  void on_report(std::uint64_t link, const wire::Report& report);
  void on_goodbye(std::uint64_t link);
  void on_node_gone(std::uint64_t link);
  void on_control(GatewayThread& from, std::uint64_t link, std::uint64_t id,
                  const std::string& text);
  void apply_knobs(const Knobs& knobs);
  Result<std::uint64_t> obey(const LabCommand& command);
  void on_notices(const std::vector<RouterNotice>& notices);

  net::Loop& loop_;
  GatewayOptions options_;
  std::shared_ptr<const GatewayConfig> config_;
  std::shared_ptr<const Catalog> catalog_;
  TlsContexts tls_;
  Directory directory_;
  net::Timer directory_timer_;
  net::Timer drain_timer_;
  std::function<void(std::size_t)> on_drained_;
  Time drain_until_ = kNever;
  int idle_polls_ = 0;
  std::size_t given_up_ = 0;  // when the time for draining was over
  Time started_;
  std::optional<net::Address> http_, frames_;
  std::uint64_t reloads_ = 0, reloads_failed_ = 0;
  std::uint64_t decisions_made_ = 0;
  std::deque<Decision> decisions_;
  ControlPart* control_ = nullptr;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<std::unique_ptr<GatewayThread>> threads_;
};

}  // namespace phoenix::gateway
