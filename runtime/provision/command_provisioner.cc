#include "runtime/provision/command_provisioner.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "runtime/provision/hook_run.h"
#include "strategies/core/units.h"

namespace phoenix::provision {
namespace {

// A start or a stop: waits for its turn, runs the command, pauses, and again.
struct Work {
  Work(net::Loop& loop, std::string name, bool stops, std::function<void(Work&)> on_time)
      : node(std::move(name)), is_stop(stops), timer(loop, [this, on_time] { on_time(*this); }) {}

  const std::string node;
  const bool is_stop;
  Time deadline = kNever;
  Duration grace{0};
  int attempt = 0;
  bool is_last = false;  // whatever comes of this attempt
  std::string why;       // the latest attempt failed
  std::function<void(Status)> done;
  std::vector<Provisioner::StopDone> more;  // that asked for the same
  std::unique_ptr<HookRun> run;
  net::Timer timer;  // of the pause, or the deadline while it waits
};

struct Node {
  NodeRequest request;
  std::string address;
  bool is_up = false;
  std::unique_ptr<Work> start, stop;
};

Status check_settings(const CommandSettings& settings) {
  if (settings.command.empty() || settings.command.front().empty()) {
    return Error{"the provisioning command is empty: it must name a program"};
  }
  if (settings.attempts < 1) {
    return Error{"attempts must be at least 1, found " + std::to_string(settings.attempts)};
  }
  if (settings.timeout <= Duration{0} || settings.backoff < Duration{0}) {
    return Error{"the time-out must be above 0 and the backoff not below"};
  }
  return success();
}

}  // namespace

Duration backoff_after(int attempt, const CommandSettings& settings, Random& random) {
  Duration bound = std::min(settings.backoff, settings.backoff_max);
  for (int i = 1; i < attempt && bound < settings.backoff_max; ++i) {
    bound = bound > settings.backoff_max / 2 ? settings.backoff_max : 2 * bound;
  }
  return from_seconds(to_seconds(bound) * (0.5 + 0.5 * random.uniform()));
}

class CommandProvisioner::Impl {
 public:
  Impl(net::Loop& loop, CommandSettings settings, Random random)
      : loop_(loop), settings_(std::move(settings)), random_(random) {}
  ~Impl() { *alive_ = false; }

  void start(const NodeRequest& request, StartDone done) {
    if (Status fit = may_start(request); !fit) {
      return later([done = std::move(done), fit] { done(Error{fit.error()}); });
    }
    Node& node = nodes_[request.name];
    node.request = request;
    node.start = make_work(request.name, false);
    node.start->deadline = request.deadline;
    node.start->done = [this, name = request.name, done = std::move(done)](const Status& status) {
      if (!status) return done(Error{status.error()});
      const auto found = nodes_.find(name);  // gone where it was stopped in the meantime
      done(StartedNode{name, found == nodes_.end() ? "" : found->second.address});
    };
    wait_for_turn(*node.start);
  }

  void stop(const std::string& name, Duration grace, StopDone done) {
    if (Status fit = may_stop(name); !fit) {
      return later([done = std::move(done), fit] { done(fit); });
    }
    Node& node = nodes_[name];
    if (node.stop) return node.stop->more.push_back(std::move(done));
    node.request.name = name;
    node.stop = make_work(name, true);
    node.stop->grace = grace;
    node.stop->done = std::move(done);
    if (!node.start) return wait_for_turn(*node.stop);
    node.start->is_last = true;
    if (!node.start->run) finish(*node.start, Error{name + ": stopped before it was started"});
  }

  std::vector<ProvisionedNode> list() const {
    std::vector<ProvisionedNode> all;
    for (const auto& [name, node] : nodes_) {
      all.push_back({name, node.request.group, node.address, state_of(node)});
    }
    return all;
  }

 private:
  static NodeState state_of(const Node& node) {
    if (node.stop) return NodeState::kStopping;
    if (node.is_up) return NodeState::kUp;
    return node.start->attempt > 0 ? NodeState::kStarting : NodeState::kWaiting;
  }

  void later(std::function<void()> work) {
    loop_.post([alive = alive_, work = std::move(work)] {
      if (*alive) work();
    });
  }

  std::unique_ptr<Work> make_work(const std::string& name, bool is_stop) {
    return std::make_unique<Work>(loop_, name, is_stop, [this](Work& work) { on_time(work); });
  }

  Status has_room(const std::string& name) const {
    if (turns_.size() < settings_.limits.waiting) return success();
    return Error{name + ": " + std::to_string(turns_.size()) +
                 " orders are waiting already, which is the limit"};
  }

  Status may_start(const NodeRequest& request) const {
    if (Status fit = check_request(request); !fit) return fit;
    if (nodes_.contains(request.name)) {
      return Error{"a node called " + request.name + " is there already"};
    }
    return has_room(request.name);
  }

  Status may_stop(const std::string& name) const {
    if (Status fit = check_name(name); !fit) return fit;
    const auto found = nodes_.find(name);
    if (found != nodes_.end() && (found->second.stop || found->second.start)) return success();
    return has_room(name);
  }

  void wait_for_turn(Work& work) {
    turns_.push_back(&work);
    work.timer.arm(work.deadline);
    take_turns();
  }

  void take_turns() {
    while (running_ < settings_.limits.concurrent && !turns_.empty()) {
      Work& work = *turns_.front();
      turns_.pop_front();
      begin(work);
    }
  }

  void begin(Work& work) {
    work.timer.disarm();
    ++work.attempt;
    ++running_;
    HookSpec spec;
    spec.arguments = settings_.command;
    spec.timeout = std::clamp(work.deadline - loop_.now(), Duration{0}, settings_.timeout);
    spec.kill_grace = settings_.kill_grace;
    spec.environment = environment_of(work, spec.timeout);
    auto run =
        HookRun::start(loop_, spec, [this, &work](const HookEnd& end) { on_end(work, end); });
    if (!run) return on_end(work, {HookEnd::Kind::kFailed, run.error(), ""});
    work.run = std::move(*run);
  }

  std::vector<std::pair<std::string, std::string>> environment_of(const Work& work,
                                                                  Duration timeout) const {
    const Node& node = nodes_.at(work.node);
    return {{"PHOENIX_ACTION", work.is_stop ? "stop" : "start"},
            {"PHOENIX_NODE", work.node},
            {"PHOENIX_GROUP", node.request.group},
            {"PHOENIX_CORES", std::to_string(node.request.cores)},
            {"PHOENIX_GATEWAYS", join_addresses(node.request.gateways)},
            {"PHOENIX_TOKEN_FILE", settings_.token_file},
            {"PHOENIX_ADDRESS", node.address},
            {"PHOENIX_GRACE_S", print_number(to_seconds(work.grace))},
            {"PHOENIX_ATTEMPT", std::to_string(work.attempt)},
            {"PHOENIX_TIMEOUT_S", print_number(to_seconds(timeout))}};
  }

  void on_end(Work& work, const HookEnd& end) {
    --running_;
    work.run.reset();
    if (end.kind == HookEnd::Kind::kDone) {
      if (!work.is_stop) nodes_.at(work.node).address = end.address;
      finish(work, success());
    } else {
      work.why = end.why;
      after_failure(work, end.kind == HookEnd::Kind::kPermanent);
    }
    take_turns();
  }

  void after_failure(Work& work, bool is_permanent) {
    const Time next = add_saturating(loop_.now(), backoff_after(work.attempt, settings_, random_));
    const bool is_over = is_permanent || work.is_last || work.attempt >= settings_.attempts;
    if (!is_over && next < work.deadline) return work.timer.arm(next);
    finish(work, failure(work, is_permanent ? ", for good" : ""));
  }

  static Error failure(const Work& work, const std::string& how) {
    return Error{std::string(work.is_stop ? "stop" : "start") + " of " + work.node + how +
                 " (attempt " + std::to_string(work.attempt) + "): " + work.why};
  }

  // The pause is over, or the deadline has come before its turn.
  void on_time(Work& work) {
    const bool was_waiting = std::erase(turns_, &work) > 0;
    if (!was_waiting) return wait_for_turn(work);
    work.why = "the deadline passed before its turn" + (work.why.empty() ? "" : "; " + work.why);
    finish(work, failure(work, ""));
  }

  void finish(Work& work, const Status& status) {
    std::erase(turns_, &work);
    later([done = std::move(work.done), status] { done(status); });
    for (StopDone& done : work.more) later([done = std::move(done), status] { done(status); });
    if (work.is_stop) {
      end_stop(work.node, status.ok());
    } else {
      end_start(work.node, status.ok());
    }
  }

  // The name is a copy: its work ends here.
  void end_start(const std::string name, bool is_up) {
    Node& node = nodes_.at(name);
    node.start.reset();
    node.is_up = is_up;
    if (node.stop) return wait_for_turn(*node.stop);
    if (!is_up) nodes_.erase(name);
  }

  // A stop that failed of a node that was never up leaves nothing to list.
  void end_stop(const std::string name, bool is_gone) {
    Node& node = nodes_.at(name);
    node.stop.reset();
    if (is_gone || !node.is_up) nodes_.erase(name);
  }

  net::Loop& loop_;
  const CommandSettings settings_;
  Random random_;
  std::map<std::string, Node> nodes_;
  std::deque<Work*> turns_;
  std::size_t running_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

Result<std::unique_ptr<CommandProvisioner>> CommandProvisioner::create(net::Loop& loop,
                                                                       CommandSettings settings,
                                                                       Random random) {
  if (Status fit = check_settings(settings); !fit) return Error{fit.error()};
  if (settings.shell) {
    settings.command.insert(settings.command.begin(), {"/bin/sh", "-c"});
    settings.command.insert(settings.command.begin() + 3, "phoenix-hook");  // its $0
  }
  const std::string program = find_program(settings.command.front());
  if (program.empty()) {
    return Error{"cannot run " + settings.command.front() + ": no such program"};
  }
  settings.command.front() = program;
  return std::unique_ptr<CommandProvisioner>(
      new CommandProvisioner(std::make_unique<Impl>(loop, std::move(settings), random)));
}

CommandProvisioner::CommandProvisioner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CommandProvisioner::~CommandProvisioner() = default;

void CommandProvisioner::start(const NodeRequest& request, StartDone done) {
  impl_->start(request, std::move(done));
}
void CommandProvisioner::stop(const std::string& name, Duration grace, StopDone done) {
  impl_->stop(name, grace, std::move(done));
}
std::vector<ProvisionedNode> CommandProvisioner::list() const { return impl_->list(); }

}  // namespace phoenix::provision
