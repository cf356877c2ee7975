// Nodes as processes of this machine: the default where nothing else is configured. They end with
// this process. What they log goes to this process's standard error.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/net/loop.h"
#include "runtime/provision/provisioner.h"

namespace phoenix::provision {

struct ProcessSettings {
  std::string program;  // empty: the phoenix-node beside the running program, or on the path
  // For every node, such as {"--service", "api=http:127.0.0.1:8080"}; what the request says (name,
  // cores, gateways), --listen and --token-file are added.
  std::vector<std::string> arguments;
  std::string listen = "127.0.0.1:0";
  std::string token_file;  // empty: none
  Duration ready_within = std::chrono::seconds(20);
  ProvisionLimits limits;
};

class ProcessProvisioner final : public Provisioner {
 public:
  // A node that had started and then ended by itself; it is no longer listed.
  using OnLost = std::function<void(const std::string& name, const std::string& why)>;

  // The error says why the program cannot be run.
  static Result<std::unique_ptr<ProcessProvisioner>> create(net::Loop& loop,
                                                            ProcessSettings settings,
                                                            OnLost on_lost);
  ~ProcessProvisioner() override;  // SIGKILL to every node

  // Done when the node listens.
  void start(const NodeRequest& request, StartDone done) override;
  // SIGTERM, on which a node drains, and SIGKILL after the grace. Unknown names are errors.
  void stop(const std::string& name, Duration grace, StopDone done) override;
  std::vector<ProvisionedNode> list() const override;

 private:
  class Impl;
  explicit ProcessProvisioner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace phoenix::provision
