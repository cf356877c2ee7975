// What a lab may ask of a gateway; see lab_command.h.
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
               [&](const LabHits& asked) {
                 on_all([&](ShimWorld& shim) { hits += shim.hits(asked.effect); });
               }},
      command);
  if (!status) return Error{status.error()};
  return hits;
}

void Gateway::on_control(GatewayThread& from, std::uint64_t link, std::uint64_t id,
                         const std::string& text) {
  const Result<LabCommand> command = parse_lab_command(text);
  const Result<std::uint64_t> done = command ? obey(*command) : Error{command.error()};
  nlohmann::json answer;
  if (!done) {
    answer["error"] = done.error();
  } else {
    answer["ok"] = true;
    if (std::holds_alternative<LabHits>(*command)) answer["hits"] = *done;
  }
  const std::string payload = answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  from.post([&from, link, id, payload] { from.frames().answer_control(link, id, payload); });
}

}  // namespace phoenix::gateway
