#include "runtime/provision/process_provisioner.h"

#include <deque>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "runtime/process/child.h"

namespace phoenix::provision {
namespace {

struct Node {
  NodeRequest request;
  NodeState state = NodeState::kWaiting;
  std::string address, last_words;
  Provisioner::StartDone on_started;
  std::vector<Provisioner::StopDone> on_stopped;
  std::unique_ptr<Child> process;
  std::unique_ptr<net::Timer> deadline;
};

void pass_on(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

}  // namespace

class ProcessProvisioner::Impl {
 public:
  Impl(net::Loop& loop, ProcessSettings settings, OnLost on_lost)
      : loop_(loop), settings_(std::move(settings)), on_lost_(std::move(on_lost)) {}
  ~Impl() { *alive_ = false; }

  void start(const NodeRequest& request, StartDone done) {
    if (Status fit = may_start(request); !fit) {
      return later([done = std::move(done), fit] { done(Error{fit.error()}); });
    }
    Node& node = nodes_[request.name];
    node.request = request;
    node.on_started = std::move(done);
    node.deadline =
        std::make_unique<net::Timer>(loop_, [this, name = request.name] { on_late(name); });
    node.deadline->arm(request.deadline);
    turns_.push_back(request.name);
    take_turns();
  }

  void stop(const std::string& name, Duration grace, StopDone done) {
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) {
      return later([done = std::move(done), name] { done(Error{"no node is called " + name}); });
    }
    Node& node = found->second;
    if (node.state == NodeState::kWaiting) {
      later([done = std::move(done)] { done(success()); });
      return fail_start(name, "stopped before it was started");
    }
    node.on_stopped.push_back(std::move(done));
    if (node.state == NodeState::kStopping) return;
    if (node.state == NodeState::kStarting)
      answer_start(node, Error{name + ": stopped while it started"});
    node.state = NodeState::kStopping;
    node.process->terminate(grace);
    take_turns();
  }

  std::vector<ProvisionedNode> list() const {
    std::vector<ProvisionedNode> all;
    for (const auto& [name, node] : nodes_) {
      all.push_back({name, node.request.group, node.address, node.state});
    }
    return all;
  }

 private:
  void later(std::function<void()> work) {
    loop_.post([alive = alive_, work = std::move(work)] {
      if (*alive) work();
    });
  }

  Status may_start(const NodeRequest& request) const {
    if (Status fit = check_request(request); !fit) return fit;
    if (nodes_.contains(request.name)) {
      return Error{"a node called " + request.name + " is there already"};
    }
    if (turns_.size() >= settings_.limits.waiting) {
      return Error{request.name + ": " + std::to_string(turns_.size()) +
                   " starts are waiting already, which is the limit"};
    }
    return success();
  }

  void take_turns() {
    while (starting_ < settings_.limits.concurrent && !turns_.empty()) {
      const std::string name = turns_.front();
      turns_.pop_front();
      launch(name, nodes_.at(name));
    }
  }

  void launch(const std::string& name, Node& node) {
    ChildSpec spec;
    spec.arguments = arguments_of(node.request);
    spec.on_error_line = [&node](std::string_view line) {
      pass_on(line);
      if (!line.empty()) node.last_words = line;
    };
    auto process = Child::start(
        loop_, spec, [this, &node](std::string_view line) { on_line(node, line); },
        [this, name](const ChildEnd& end) { on_end(name, end); });
    if (!process) return fail_start(name, process.error());
    node.process = std::move(*process);
    node.state = NodeState::kStarting;
    ++starting_;
    node.deadline->arm(
        std::min(node.request.deadline, add_saturating(loop_.now(), settings_.ready_within)));
  }

  std::vector<std::string> arguments_of(const NodeRequest& request) const {
    std::vector<std::string> all = {settings_.program, "--name", request.name, "--listen",
                                    settings_.listen};
    if (request.cores > 0) all.insert(all.end(), {"--cores", std::to_string(request.cores)});
    for (const net::Address& gateway : request.gateways) {
      all.insert(all.end(), {"--gateway", gateway.text()});
    }
    if (!settings_.token_file.empty()) {
      all.insert(all.end(), {"--token-file", settings_.token_file});
    }
    all.insert(all.end(), settings_.arguments.begin(), settings_.arguments.end());
    return all;
  }

  // A node says where it listens, on one line of JSON, once it does.
  void on_line(Node& node, std::string_view line) {
    if (node.state != NodeState::kStarting) return;
    const nlohmann::json ready = nlohmann::json::parse(line, nullptr, false);
    if (!ready.is_object() || !ready.contains("listen") || !ready["listen"].is_string()) return;
    node.address = ready["listen"].get<std::string>();
    answer_start(node, StartedNode{node.request.name, node.address});
    node.state = NodeState::kUp;
    take_turns();
  }

  void on_end(const std::string& name, const ChildEnd& end) {
    Node& node = nodes_.at(name);
    std::string why = end.text();
    if (!node.last_words.empty()) why += ": " + node.last_words;
    if (node.state == NodeState::kStarting) return fail_start(name, why);
    if (node.state == NodeState::kStopping) {
      for (StopDone& done : node.on_stopped) later([done = std::move(done)] { done(success()); });
    } else if (on_lost_) {
      later([this, name, why] { on_lost_(name, why); });
    }
    nodes_.erase(name);
  }

  void on_late(const std::string& name) {
    const bool is_waiting = nodes_.at(name).state == NodeState::kWaiting;
    fail_start(name, is_waiting ? "the deadline passed before its turn" : "not ready in time");
  }

  // Answers, and ends the process where there is one.
  void fail_start(const std::string& name, const std::string& why) {
    std::erase(turns_, name);
    answer_start(nodes_.at(name), Error{name + ": " + why});
    nodes_.erase(name);
    take_turns();
  }

  void answer_start(Node& node, Result<StartedNode> result) {
    if (node.state == NodeState::kStarting) --starting_;
    node.deadline->disarm();
    later([done = std::move(node.on_started), result = std::move(result)] { done(result); });
  }

  net::Loop& loop_;
  const ProcessSettings settings_;
  const OnLost on_lost_;
  std::map<std::string, Node> nodes_;
  std::deque<std::string> turns_;
  std::size_t starting_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

Result<std::unique_ptr<ProcessProvisioner>> ProcessProvisioner::create(net::Loop& loop,
                                                                       ProcessSettings settings,
                                                                       OnLost on_lost) {
  const std::string wanted =
      settings.program.empty() ? sibling_program("phoenix-node") : settings.program;
  settings.program = find_program(wanted);
  if (settings.program.empty()) return Error{"cannot run " + wanted + ": no such program"};
  return std::unique_ptr<ProcessProvisioner>(new ProcessProvisioner(
      std::make_unique<Impl>(loop, std::move(settings), std::move(on_lost))));
}

ProcessProvisioner::ProcessProvisioner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ProcessProvisioner::~ProcessProvisioner() = default;

void ProcessProvisioner::start(const NodeRequest& request, StartDone done) {
  impl_->start(request, std::move(done));
}
void ProcessProvisioner::stop(const std::string& name, Duration grace, StopDone done) {
  impl_->stop(name, grace, std::move(done));
}
std::vector<ProvisionedNode> ProcessProvisioner::list() const { return impl_->list(); }

}  // namespace phoenix::provision
