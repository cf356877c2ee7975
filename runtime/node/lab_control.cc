#include "runtime/node/lab_control.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

namespace phoenix::node {
namespace {

using nlohmann::json;

constexpr std::size_t kPiece = 4 * 1024 * 1024;
constexpr std::size_t kStateMax = 1024 * 1024 * 1024;

void fail(const LabControl::Answer& answer, const std::string& why) {
  answer(json{{"error", why}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

void report(const LabControl::Answer& answer, const Status& status) {
  if (!status) return fail(answer, status.error());
  answer(json{{"ok", true}}.dump());
}

std::size_t offset_in(const json& command) {
  const auto found = command.find("offset");
  return found != command.end() && found->is_number_unsigned() ? found->get<std::size_t>() : 0;
}

}  // namespace

LabControl::LabControl(Services& services, Stats stats)
    : services_(services), stats_(std::move(stats)) {}

void LabControl::command(std::string_view payload, Answer answer) {
  const std::size_t line = std::min(payload.find('\n'), payload.size());
  const json command = json::parse(payload.substr(0, line), nullptr, false);
  if (!command.is_object()) return fail(answer, "a command is one JSON object");
  const auto text = [&](const char* key) {
    const auto found = command.find(key);
    return found != command.end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (command.contains("stats")) return answer(stats_().dump());
  if (command.contains("slow")) return slow(command, answer);
  if (const auto found = command.find("end_slow"); found != command.end()) {
    if (!found->is_number_unsigned()) return fail(answer, "end_slow takes the effect's number");
    services_.end_slow(found->get<std::uint64_t>());
    return report(answer, success());
  }
  if (const std::string service = text("snapshot"); !service.empty()) {
    return snapshot(service, offset_in(command), std::move(answer));
  }
  if (!text("restore").empty()) {
    return restore(command, payload.substr(std::min(payload.size(), line + 1)), answer);
  }
  if (const std::string service = text("resume"); !service.empty()) {
    leaving_.erase(service);
    return report(answer, services_.resume(service));
  }
  fail(answer, "unknown command; there are slow, end_slow, stats, snapshot, restore and resume");
}

void LabControl::slow(const json& command, const Answer& answer) {
  const json& slow = command["slow"];
  const bool nested = slow.is_object();
  const json effect = nested ? slow.value("effect", json()) : slow;
  const json factor = (nested ? slow : command).value("factor", json());
  if (!effect.is_number_unsigned() || !factor.is_number() || !(factor.get<double>() >= 0) ||
      !std::isfinite(factor.get<double>())) {
    return fail(answer, "slow takes an effect's number and a factor of 0 and more");
  }
  services_.slow(effect.get<std::uint64_t>(), factor.get<double>());
  report(answer, success());
}

void LabControl::snapshot(const std::string& service, std::size_t offset, Answer answer) {
  const auto send = [this, service, answer](std::size_t from) {
    const std::string& state = leaving_[service];
    if (from > state.size()) return fail(answer, "the offset is beyond the state's end");
    const std::string head = json{{"ok", true}, {"size", state.size()}, {"offset", from}}.dump();
    answer(head + "\n" + state.substr(from, kPiece));
  };
  if (offset > 0) {
    if (!leaving_.contains(service)) return fail(answer, "no snapshot of this service is open");
    return send(offset);
  }
  services_.snapshot(service, [this, service, answer, send](Result<std::string> state) {
    if (!state) return fail(answer, state.error());
    leaving_[service] = std::move(*state);
    send(0);
  });
}

void LabControl::restore(const json& command, std::string_view piece, const Answer& answer) {
  const std::string service = command["restore"].get<std::string>();
  if (const Status hosted = services_.check_hosted(service); !hosted) {
    return fail(answer, hosted.error());
  }
  const auto size = command.find("size");
  const std::size_t offset = offset_in(command);
  const std::size_t total =
      size != command.end() && size->is_number_unsigned() ? size->get<std::size_t>() : piece.size();
  if (offset == 0) arriving_.erase(service);
  std::string& state = arriving_[service];
  if (offset != state.size() || total > kStateMax || state.size() + piece.size() > total) {
    arriving_.erase(service);
    return fail(answer, "pieces of a state come in order, up to its size, at most 1 GiB in all");
  }
  state += piece;
  if (state.size() < total) return report(answer, success());
  const std::string whole = std::move(state);
  arriving_.erase(service);
  report(answer, services_.restore(service, whole));
}

}  // namespace phoenix::node
