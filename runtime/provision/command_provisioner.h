// Nodes from any engine, through a command of the operator's: a script that calls a cloud,
// Kubernetes, Slurm or a hypervisor. It is told what to do by its environment:
//
//   PHOENIX_ACTION      start or stop
//   PHOENIX_NODE        the node's name: to be passed on to `phoenix-node --name`
//   PHOENIX_GROUP       the group it belongs to
//   PHOENIX_CORES       how many it should have; 0 leaves it to the engine
//   PHOENIX_GATEWAYS    HOST:PORT,HOST:PORT: one `--gateway` for each
//   PHOENIX_TOKEN_FILE  the file with the shared secret; empty where there is none
//   PHOENIX_ADDRESS     stop: HOST:PORT as the start has told it; else empty
//   PHOENIX_GRACE_S     stop: seconds in which the node may finish what is under way; else 0
//   PHOENIX_ATTEMPT     1 at first
//   PHOENIX_TIMEOUT_S   seconds until the command is ended
//
// Exit code 0: the engine has accepted the order; the node itself may still boot. Exit code 3: it
// never will. Any other code, or the time-out: the command is run again, after a pause that doubles
// up to a cap and of which a random half is kept. So it must be able to meet a node that is there
// (or gone) already. It may print {"address": "HOST:PORT"} on a line of its own; the last line of
// its standard error becomes part of the error. Standard input is empty. A command that writes more
// than 1 MiB is ended. What it leaves in the background is left alone when it ends by itself.
//
// A node that is lost is to be stopped as well: that is how the engine, and list(), forget it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/net/loop.h"
#include "runtime/provision/provisioner.h"
#include "strategies/core/random.h"

namespace phoenix::provision {

struct CommandSettings {
  std::vector<std::string> command;  // program and arguments
  bool shell = false;                // the first is a text for /bin/sh, the others its $1, $2...
  std::string token_file;
  Duration timeout = std::chrono::seconds(60);  // of each attempt
  Duration kill_grace = std::chrono::seconds(2);
  int attempts = 4;
  Duration backoff = std::chrono::seconds(1);
  Duration backoff_max = std::chrono::seconds(30);
  ProvisionLimits limits;
};

class CommandProvisioner final : public Provisioner {
 public:
  // `random` is for the pauses. The error says what of the settings cannot be used.
  static Result<std::unique_ptr<CommandProvisioner>> create(net::Loop& loop,
                                                            CommandSettings settings,
                                                            Random random);
  ~CommandProvisioner() override;  // kills the commands under way

  // Done when the command has succeeded; at the deadline a command under way is ended, which may
  // take `kill_grace` more.
  void start(const NodeRequest& request, StartDone done) override;
  // Also of nodes that this provisioner has not started, for it may have been restarted since. Of
  // one whose start is under way: that start is not tried again, and the stop follows it.
  void stop(const std::string& name, Duration grace, StopDone done) override;
  std::vector<ProvisionedNode> list() const override;

 private:
  class Impl;
  explicit CommandProvisioner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The pause before attempt `attempt` + 1: backoff * 2^(attempt - 1), at most `backoff_max`, times
// a random number in [0.5, 1).
Duration backoff_after(int attempt, const CommandSettings& settings, Random& random);

}  // namespace phoenix::provision
