#include "runtime/admin/commands.h"

#include <array>
#include <string>

#include "runtime/admin/members.h"
#include "strategies/control/status.h"

namespace phoenix::admin {
namespace {

using Kind = Command::Kind;

Command scale_to(Members& members) {
  Command command;
  command.kind = Kind::kScaleTo;
  int nodes = 0;
  members.whole("nodes", nodes, true);
  members.text("group", command.subject);
  command.value = nodes;
  return command;
}

Command rebalance_now(Members& members) {
  Command command;
  command.kind = Kind::kRebalanceNow;
  members.text("rebalancer", command.text);
  return command;
}

Command add_policy(Members& members) {
  Command command;
  command.kind = Kind::kAddPolicy;
  members.text("name", command.subject, true);
  members.text("policy", command.text, true);
  return command;
}

template <Kind kKind>
Command named(Members& members) {
  Command command;
  command.kind = kKind;
  members.text("name", command.subject, true);
  return command;
}

template <Kind kKind>
Command plain(Members&) {
  Command command;
  command.kind = kKind;
  return command;
}

Command set_knob(Members& members) {
  Command command;
  command.kind = Kind::kSetKnob;
  members.text("knob", command.subject, true);
  members.quantity("value", command.value);
  return command;
}

std::vector<Command> update_targets(Members& members) {
  std::vector<Command> commands;
  for (const std::string& target : members.keys()) {
    Command& command = commands.emplace_back();
    command.kind = Kind::kUpdateTarget;
    command.subject = target;
    members.quantity(target, command.value);
  }
  return commands;
}

struct Call {
  std::string_view name;
  Command (*read)(Members&);  // null: update_targets
};

constexpr std::array<Call, 9> kCalls{{
    {"scale_to", scale_to},
    {"evaluate_scaling", plain<Kind::kEvaluateScaling>},
    {"update_targets", nullptr},
    {"optimize_now", plain<Kind::kOptimizeNow>},
    {"rebalance_now", rebalance_now},
    {"add_policy", add_policy},
    {"remove_policy", named<Kind::kRemovePolicy>},
    {"event", named<Kind::kEvent>},
    {"set_knob", set_knob},
}};

const Call* find_call(std::string_view name) {
  const auto found = std::ranges::find(kCalls, name, &Call::name);
  return found == kCalls.end() ? nullptr : &*found;
}

}  // namespace

bool is_control_call(std::string_view name) { return find_call(name) != nullptr; }

Result<std::vector<Command>> control_commands(std::string_view name, std::string_view body) {
  const Call& call = *find_call(name);
  Members members(body.empty() ? "{}" : body);
  std::vector<Command> commands;
  if (call.read == nullptr) {
    commands = update_targets(members);
  } else {
    commands.push_back(call.read(members));
  }
  if (Status read = members.finish(); !read) return Error{read.error()};
  if (commands.empty()) return Error{"found no target; allowed one or more"};
  return commands;
}

Status carry_out(const std::vector<Command>& commands, const ControllerStatus* status,
                 gateway::GatewayControl& control) {
  for (const Command& command : commands) {
    Status taken = control.command(command);
    if (taken) continue;
    if (&command == &commands.front() || status == nullptr) return taken;
    for (const TargetStatus& before : status->performance.targets) {
      Command back;
      back.kind = Kind::kUpdateTarget;
      back.subject = before.reading.name;
      back.value = before.reading.target;
      static_cast<void>(control.command(back));
    }
    return taken;
  }
  return success();
}

}  // namespace phoenix::admin
