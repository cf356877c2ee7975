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

std::string text_in(const json& command, const char* key) {
  const auto found = command.find(key);
  return found != command.end() && found->is_string() ? found->get<std::string>() : "";
}

Services::What what_in(const json& command) {
  return text_in(command, "of") == "changes" ? Services::What::kChanges : Services::What::kState;
}

std::size_t offset_in(const json& command) {
  const auto found = command.find("offset");
  return found != command.end() && found->is_number_unsigned() ? found->get<std::size_t>() : 0;
}

}  // namespace

LabControl::LabControl(Services& services, Hooks hooks)
    : services_(services), hooks_(std::move(hooks)) {}

void LabControl::command(std::string_view payload, Answer answer) {
  const std::size_t line = std::min(payload.find('\n'), payload.size());
  const json command = json::parse(payload.substr(0, line), nullptr, false);
  if (!command.is_object()) return fail(answer, "a command is one JSON object");
  if (command.contains("stats")) return answer(hooks_.stats().dump());
  if (command.contains("slow")) return slow(command, answer);
  if (const auto found = command.find("end_slow"); found != command.end()) {
    if (!found->is_number_unsigned()) return fail(answer, "end_slow takes the effect's number");
    services_.end_slow(found->get<std::uint64_t>());
    return report(answer, success());
  }
  const std::string_view bytes = payload.substr(std::min(payload.size(), line + 1));
  if (move(command, bytes, answer)) return;
  fail(answer,
       "unknown command; there are slow, end_slow, stats, take, piece, put, prepare, hold, resume, "
       "forward, retire and offer");
}

// False: it is none of these.
bool LabControl::move(const json& command, std::string_view bytes, const Answer& answer) {
  const auto service_of = [&](const char* key) { return text_in(command, key); };
  if (const std::string s = service_of("take"); !s.empty()) {
    take(s, what_in(command), answer);
  } else if (const std::string of_piece = service_of("piece"); !of_piece.empty()) {
    piece(of_piece, offset_in(command), answer);
  } else if (const std::string target = service_of("put"); !target.empty()) {
    put(target, command, bytes, answer);
  } else if (const std::string held = service_of("hold"); !held.empty()) {
    services_.hold(held, [answer](const Status& done) { report(answer, done); });
  } else if (const std::string awaited = service_of("prepare"); !awaited.empty()) {
    report(answer, services_.prepare(awaited));
  } else if (const std::string resumed = service_of("resume"); !resumed.empty()) {
    leaving_.erase(resumed);
    report(answer, services_.resume(resumed));
  } else if (const std::string retired = service_of("retire"); !retired.empty()) {
    leaving_.erase(retired);
    report(answer, services_.retire(retired));
  } else if (const std::string moved = service_of("forward"); !moved.empty()) {
    report(answer, hooks_.forward(moved, text_in(command, "to")));
  } else if (const std::string offered = service_of("offer"); !offered.empty()) {
    report(answer, offer(offered, command));
  } else {
    return false;
  }
  return true;
}

Status LabControl::offer(const std::string& service, const json& command) {
  const auto weight = command.find("weight");
  const double value =
      weight != command.end() && weight->is_number() ? weight->get<double>() : -1.0;
  if (!(value >= 0) || !std::isfinite(value)) return Error{"offer takes a weight of 0 and more"};
  Status offered = services_.offer(service, value);
  if (offered) hooks_.on_offers();
  return offered;
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

void LabControl::take(const std::string& service, Services::What what, const Answer& answer) {
  services_.take(service, what, [this, service, answer](Result<std::string> state) {
    if (!state) return fail(answer, state.error());
    answer(json{{"ok", true}, {"size", state->size()}}.dump());
    leaving_[service] = std::move(*state);
  });
}

void LabControl::piece(const std::string& service, std::size_t offset, const Answer& answer) {
  const auto found = leaving_.find(service);
  if (found == leaving_.end()) return fail(answer, "nothing of this service was taken");
  const std::string& state = found->second;
  if (offset > state.size()) return fail(answer, "the offset is beyond the state's end");
  const std::string head = json{{"ok", true}, {"size", state.size()}, {"offset", offset}}.dump();
  answer(head + "\n" + state.substr(offset, kPiece));
}

void LabControl::put(const std::string& service, const json& command, std::string_view piece,
                     const Answer& answer) {
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
  report(answer, services_.put(service, what_in(command), whole));
}

}  // namespace phoenix::node
