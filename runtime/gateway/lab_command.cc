#include "runtime/gateway/lab_command.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

namespace phoenix::gateway {
namespace {

using nlohmann::json;

constexpr std::size_t kNodesMax = 1'000'000;

constexpr std::array<std::pair<FaultAction, std::string_view>, 9> kActions{{
    {FaultAction::kDelay, "delay"},
    {FaultAction::kBandwidth, "bandwidth"},
    {FaultAction::kLoss, "loss"},
    {FaultAction::kCut, "cut"},
    {FaultAction::kClog, "clog"},
    {FaultAction::kMetricsMissing, "metrics_missing"},
    {FaultAction::kMetricsStale, "metrics_stale"},
    {FaultAction::kMetricsFrozen, "metrics_frozen"},
    {FaultAction::kMetricsWrong, "metrics_wrong"},
}};
constexpr std::array<std::pair<FaultPhase, std::string_view>, 3> kPhases{{
    {FaultPhase::kBegin, "begin"},
    {FaultPhase::kStep, "step"},
    {FaultPhase::kEnd, "end"},
}};

// Reads the fields of one object; the first that is wrong is the error.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}
  const std::string& problem() const { return problem_; }

  template <class T>
  void whole(const char* key, T& target, std::uint64_t most) {
    const json* const value = find(key);
    if (value == nullptr) return;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > most) {
      return fail(key, "a whole number, 0 to " + std::to_string(most));
    }
    target = static_cast<T>(value->get<std::uint64_t>());
  }
  void number(const char* key, double& target) {
    const json* const value = find(key);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_number()) return fail(key, "a number");
    target = value->get<double>();
  }
  void nanoseconds(const char* key, Duration& target) {
    std::uint64_t count = 0;
    whole(key, count, 1ULL << 62);
    if (find(key) != nullptr) target = Duration{static_cast<std::int64_t>(count)};
  }
  template <class T, std::size_t N>
  void choice(const char* key, T& target,
              const std::array<std::pair<T, std::string_view>, N>& options) {
    const json* const value = find(key);
    std::string names;
    for (const auto& [option, name] : options) {
      if (value != nullptr && value->is_string() && value->get<std::string>() == name) {
        target = option;
        return;
      }
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    fail(key, names);
  }
  void endpoints(const char* key, std::vector<Endpoint>& target) {
    const json* const value = find(key);
    if (value == nullptr) return;
    if (!value->is_array()) return fail(key, "an array such as [\"gateway:0\", \"node:2\"]");
    for (const json& one : *value) {
      Endpoint endpoint;
      if (!one.is_string() || !parse(one.get<std::string>(), endpoint)) {
        return fail(key, "\"gateway:N\" and \"node:N\"");
      }
      target.push_back(endpoint);
    }
  }
  template <class T>
  void list(const char* key, std::vector<T>& target, bool (json::*is_fine)() const noexcept,
            const char* allowed) {
    const json* const value = find(key);
    if (value == nullptr) return;
    if (!value->is_array() || value->size() > kNodesMax) return fail(key, allowed);
    for (const json& one : *value) {
      if (!(one.*is_fine)()) return fail(key, allowed);
      target.push_back(one.get<T>());
    }
  }
  const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  void fail(const char* key, const std::string& allowed) {
    if (!problem_.empty()) return;
    const json* const value = find(key);
    const std::string found =
        value == nullptr
            ? "none"
            : value->dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 100);
    problem_ = std::string(key) + ": found " + found + "; allowed " + allowed;
  }

 private:
  static bool parse(std::string_view text, Endpoint& endpoint) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view kind = text.substr(0, colon);
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, endpoint.number);
    endpoint.is_gateway = kind == "gateway";
    return (endpoint.is_gateway || kind == "node") && parsed.ec == std::errc{} && parsed.ptr == end;
  }

  const json& object_;
  std::string problem_;
};

Result<LabCommand> parse_fault(const json& object) {
  LabFault fault;
  FaultEvent& event = fault.event;
  Fields fields(object);
  fields.choice("phase", event.phase, kPhases);
  if (fields.find("effect") == nullptr) fields.fail("effect", "a whole number");
  fields.whole("effect", event.effect, 0xffff'ffffU);
  if (event.phase != FaultPhase::kEnd) {
    fields.choice("action", event.action, kActions);
    fields.endpoints("from", event.from);
    fields.endpoints("to", event.to);
    fields.whole("node", event.node, 0xffff'ffffU);
    fields.number("magnitude", event.magnitude);
    fields.nanoseconds("duration2_ns", event.duration2);
    fields.nanoseconds("jitter_ns", event.jitter);
    fields.whole("capacity", event.capacity, 1ULL << 62);
  }
  if (!fields.problem().empty()) return Error{"fault." + fields.problem()};
  return LabCommand{fault};
}

Result<LabCommand> parse_world(const json& object) {
  LabWorld world;
  Fields fields(object);
  fields.whole("seed", world.seed, ~0ULL);
  fields.whole("replication", world.replication, 0xffff'ffffU);
  fields.whole("gateways", world.gateways, 10'000);
  fields.whole("gateway", world.gateway, 9'999);
  fields.list("nodes", world.nodes, &json::is_string, "an array of names");
  fields.list("bandwidth", world.bandwidth, &json::is_number, "an array of bytes/s");
  if (world.gateways == 0) fields.fail("gateways", "1 to 10000");
  if (!fields.problem().empty()) return Error{"world." + fields.problem()};
  return LabCommand{world};
}

Result<LabCommand> parse_knob(const json& object) {
  Fields fields(object);
  const json* const name = fields.find("name");
  if (name == nullptr || !name->is_string()) fields.fail("name", "the name of a knob");
  if (fields.find("value") == nullptr) fields.fail("value", "a number");
  LabKnob knob;
  fields.number("value", knob.value);
  if (!fields.problem().empty()) return Error{"knob." + fields.problem()};
  const Result<KnobId> id = knob_named(name->get<std::string>());
  if (!id) return Error{id.error()};
  knob.knob = *id;
  return LabCommand{knob};
}

json endpoint_list(const std::vector<Endpoint>& endpoints) {
  json list = json::array();
  for (const Endpoint& one : endpoints) {
    list.push_back((one.is_gateway ? "gateway:" : "node:") + std::to_string(one.number));
  }
  return list;
}

}  // namespace

Result<LabCommand> parse_lab_command(std::string_view text) {
  const json command = json::parse(text, nullptr, false);
  if (!command.is_object() || command.size() != 1) {
    return Error{"a command is one JSON object with one key"};
  }
  const std::string& key = command.begin().key();
  const json& value = command.begin().value();
  if (key == "world" && value.is_object()) return parse_world(value);
  if (key == "fault" && value.is_object()) return parse_fault(value);
  if ((key == "silence" || key == "unsilence") && value.is_string()) {
    return LabCommand{LabSilence{value.get<std::string>(), key == "silence"}};
  }
  if (key == "forget" && value.is_string()) return LabCommand{LabForget{value.get<std::string>()}};
  if (key == "knob" && value.is_object()) return parse_knob(value);
  if (key == "hits" && value.is_number_unsigned()) {
    return LabCommand{LabHits{value.get<std::uint32_t>()}};
  }
  if (key == "status" && value.is_number_unsigned()) {
    return LabCommand{LabStatus{value.get<std::uint64_t>()}};
  }
  return Error{
      "unknown command; there are world, fault, silence, unsilence, forget, knob, hits and status"};
}

std::string_view lab_action_text(FaultAction action) {
  for (const auto& [known, text] : kActions) {
    if (known == action) return text;
  }
  return {};
}

std::string print_lab_fault(const FaultEvent& event) {
  json fault = {{"effect", event.effect}};
  for (const auto& [phase, text] : kPhases) {
    if (phase == event.phase) fault["phase"] = text;
  }
  if (event.phase != FaultPhase::kEnd) {
    fault["action"] = lab_action_text(event.action);
    fault["from"] = endpoint_list(event.from);
    fault["to"] = endpoint_list(event.to);
    fault["node"] = static_cast<std::uint32_t>(event.node);
    if (!std::isnan(event.magnitude)) fault["magnitude"] = event.magnitude;
    fault["duration2_ns"] = static_cast<std::uint64_t>(event.duration2.count());
    fault["jitter_ns"] = static_cast<std::uint64_t>(event.jitter.count());
    fault["capacity"] = static_cast<std::uint64_t>(event.capacity);
  }
  return json{{"fault", fault}}.dump();
}

std::string print_lab_world(const LabWorld& world) {
  json object = {{"seed", world.seed},
                 {"replication", world.replication},
                 {"gateways", world.gateways},
                 {"gateway", world.gateway},
                 {"nodes", world.nodes}};
  if (!world.bandwidth.empty()) object["bandwidth"] = world.bandwidth;
  return json{{"world", object}}.dump();
}

}  // namespace phoenix::gateway
