#include "runtime/node/node_orders.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

namespace phoenix::node {
namespace {

using nlohmann::json;

constexpr std::size_t kPiece = 4 * 1024 * 1024;
constexpr std::size_t kStateMax = 1024 * 1024 * 1024;

void fail(const NodeOrders::Answer& answer, const std::string& why) {
  answer(json{{"error", why}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

void report(const NodeOrders::Answer& answer, const Status& status) {
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

NodeOrders::NodeOrders(Services& services, Hooks hooks)
    : services_(services), hooks_(std::move(hooks)) {}

// A payload taken apart: which service it is about, if any, and the bytes behind it.
struct NodeOrders::Order {
  explicit Order(std::string_view payload) {
    const std::size_t line = std::min(payload.find('\n'), payload.size());
    command = json::parse(payload.substr(0, line), nullptr, false);
    bytes = payload.substr(std::min(payload.size(), line + 1));
    for (const char* known :
         {"take", "piece", "hold", "put", "prepare", "resume", "retire", "forward", "offer"}) {
      service = text_in(command, known);
      if (service.empty()) continue;
      verb = known;
      break;
    }
  }

  json command;
  std::string_view verb;  // about an agent; else empty
  std::string service;
  std::string_view bytes;
};

void NodeOrders::of_operator(std::string_view payload, Answer answer) {
  const Order order(payload);
  if (order.verb.empty()) {
    return fail(
        answer,
        "unknown command; there are take, piece, put, prepare, hold, resume, forward, retire "
        "and offer");
  }
  if (!services_.is_standby(order.service)) {
    return fail(answer, "`" + order.service + "` is not hosted here on standby");
  }
  move(order, answer);
}

void NodeOrders::of_lab(std::string_view payload, Answer answer) {
  const Order order(payload);
  const json& command = order.command;
  if (!command.is_object()) return fail(answer, "a command is one JSON object");
  if (command.contains("stats")) return answer(hooks_.stats().dump());
  if (command.contains("slow")) return slow(command, answer);
  if (const auto found = command.find("end_slow"); found != command.end()) {
    if (!found->is_number_unsigned()) return fail(answer, "end_slow takes the effect's number");
    services_.end_slow(found->get<std::uint64_t>());
    return report(answer, success());
  }
  if (move(order, answer)) return;
  fail(answer,
       "unknown command; there are slow, end_slow, stats, take, piece, put, prepare, hold, resume, "
       "forward, retire and offer");
}

// False: it is not about an agent.
bool NodeOrders::move(const Order& order, const Answer& answer) {
  const std::string& service = order.service;
  if (order.verb == "take") {
    take(service, what_in(order.command), answer);
  } else if (order.verb == "piece") {
    piece(service, offset_in(order.command), answer);
  } else if (order.verb == "put") {
    put(service, order.command, order.bytes, answer);
  } else if (order.verb == "hold") {
    services_.hold(service, [answer](const Status& done) { report(answer, done); });
  } else if (order.verb == "prepare") {
    report(answer, services_.prepare(service));
  } else if (order.verb == "resume") {
    leaving_.erase(service);
    report(answer, services_.resume(service));
  } else if (order.verb == "retire") {
    leaving_.erase(service);
    report(answer, services_.retire(service));
  } else if (order.verb == "forward") {
    report(answer, hooks_.forward(service, text_in(order.command, "to")));
  } else if (order.verb == "offer") {
    report(answer, offer(service, order.command));
  }
  return !order.verb.empty();
}

Status NodeOrders::offer(const std::string& service, const json& command) {
  const auto weight = command.find("weight");
  const double value =
      weight != command.end() && weight->is_number() ? weight->get<double>() : -1.0;
  if (!(value >= 0) || !std::isfinite(value)) return Error{"offer takes a weight of 0 and more"};
  Status offered = services_.offer(service, value);
  if (offered) hooks_.on_offers();
  return offered;
}

void NodeOrders::slow(const json& command, const Answer& answer) {
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

void NodeOrders::take(const std::string& service, Services::What what, const Answer& answer) {
  services_.take(service, what, [this, service, answer](Result<std::string> state) {
    if (!state) return fail(answer, state.error());
    answer(json{{"ok", true}, {"size", state->size()}}.dump());
    leaving_[service] = std::move(*state);
  });
}

void NodeOrders::piece(const std::string& service, std::size_t offset, const Answer& answer) {
  const auto found = leaving_.find(service);
  if (found == leaving_.end()) return fail(answer, "nothing of this service was taken");
  const std::string& state = found->second;
  if (offset > state.size()) return fail(answer, "the offset is beyond the state's end");
  const std::string head = json{{"ok", true}, {"size", state.size()}, {"offset", offset}}.dump();
  answer(head + "\n" + state.substr(offset, kPiece));
}

void NodeOrders::put(const std::string& service, const json& command, std::string_view piece,
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
