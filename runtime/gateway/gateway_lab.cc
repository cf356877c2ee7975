// What a lab may ask of a gateway; see lab_command.h.
#include <cmath>

#include <nlohmann/json.hpp>

#include "runtime/gateway/gateway.h"
#include "runtime/gateway/lab_command.h"

namespace phoenix::gateway {
namespace {

template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

using nlohmann::json;

json report_for_lab(const LoadReport& report) {
  const auto known = [](float share) { return std::isnan(share) ? json() : json(share); };
  return {{"measured_at_ns", report.measured_at.time_since_epoch().count()},
          {"cpu", known(report.cpu)},
          {"memory", known(report.memory)},
          {"network", known(report.network)},
          {"queue", report.queue_length},
          {"in_service", report.in_service}};
}

json status_for_lab(const GatewayStatus& status, std::uint64_t since) {
  const RouterCounters& router = status.router;
  json nodes = json::array();
  for (const NodeStatus& node : status.nodes) {
    json one = {{"node", index(node.node)},
                {"attempts", node.attempts},
                {"connections", node.connections},
                {"services", node.services.size()}};
    if (node.reported_at != kStart) one["report"] = report_for_lab(node.load);
    nodes.push_back(std::move(one));
  }
  json decisions = json::array();
  for (const Decision& decision : status.decisions) {
    if (decision.number <= since) continue;
    decisions.push_back({{"number", decision.number},
                         {"at_ns", decision.at.time_since_epoch().count()},
                         {"family", decision.family},
                         {"action", decision.action},
                         {"subject", decision.subject},
                         {"value", decision.value},
                         {"reason", decision.reason},
                         {"outcome", decision.outcome}});
  }
  return {{"ok", true},
          {"router",
           {{"requests", router.requests},
            {"attempts", router.attempts},
            {"retries", router.retries},
            {"retries_denied", router.retries_denied},
            {"late_results", router.late_results},
            {"ejections", router.ejections},
            {"panic_picks", router.panic_picks},
            {"hedges", router.hedges},
            {"hedges_won", router.hedges_won},
            {"hedges_denied", router.hedges_denied}}},
          {"nodes", std::move(nodes)},
          {"decisions", std::move(decisions)}};
}

}  // namespace

// Every thread has heard of it before the answer goes out.
Result<std::uint64_t> Gateway::obey(const LabCommand& command) {
  std::uint64_t hits = 0;
  Status status = success();
  const auto on_all = [this](const std::function<void(ShimWorld&)>& work) {
    for (const auto& thread : threads_) thread->call([&] { work(*thread->shim()); });
  };
  std::visit(
      Overload{[&](const LabWorld& world) { on_all([&](ShimWorld& shim) { shim.enter(world); }); },
               [&](const LabFault& fault) {
                 on_all([&](ShimWorld& shim) {
                   if (Status played = shim.play(fault.event); !played) status = played;
                 });
               },
               [&](const LabSilence& silence) {
                 if (silence.on) directory_.silence(silence.node);
                 on_all([&](ShimWorld& shim) { shim.set_silent(silence.node, silence.on); });
                 if (!silence.on) directory_.unsilence(silence.node, loop_.now());
                 arm_directory();
               },
               [&](const LabForget& gone) {
                 on_all([&](ShimWorld& shim) { shim.set_silent(gone.node, false); });
                 directory_.forget(gone.node);
                 arm_directory();
               },
               [&](const LabKnob& turned) { status = turn_knob(turned.knob, turned.value); },
               [&](const LabHits& asked) {
                 on_all([&](ShimWorld& shim) { hits += shim.hits(asked.effect); });
               },
               [](const LabStatus&) {}},
      command);
  if (!status) return Error{status.error()};
  return hits;
}

void Gateway::on_control(GatewayThread& from, std::uint64_t link, std::uint64_t id,
                         const std::string& text) {
  const auto answer = [&from, link, id](const json& object) {
    const std::string payload = object.dump(-1, ' ', false, json::error_handler_t::replace);
    from.post([&from, link, id, payload] { from.frames().answer_control(link, id, payload); });
  };
  const Result<LabCommand> command = parse_lab_command(text);
  if (!command) return answer({{"error", command.error()}});
  if (const auto* asked = std::get_if<LabStatus>(&*command)) {
    return status([answer, since = asked->since](const GatewayStatus& now) {
      answer(status_for_lab(now, since));
    });
  }
  const Result<std::uint64_t> done = obey(*command);
  if (!done) return answer({{"error", done.error()}});
  json object = {{"ok", true}};
  if (std::holds_alternative<LabHits>(*command)) object["hits"] = *done;
  answer(object);
}

}  // namespace phoenix::gateway
