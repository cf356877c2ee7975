#include "runtime/wire/node_knobs.h"

#include <nlohmann/json.hpp>

namespace phoenix::wire {
namespace {

constexpr KnobId kNodeKnobs[] = {KnobId::kWorkers, KnobId::kQueueLength, KnobId::kHibernateIdle};

}  // namespace

Knobs node_part(const Knobs& knobs) {
  Knobs part;
  part.workers = knobs.workers;
  part.queue_length = knobs.queue_length;
  part.hibernate_idle = knobs.hibernate_idle;
  return part;
}

std::string print_node_knobs(const Knobs& knobs) {
  nlohmann::json values = nlohmann::json::object();
  for (const KnobId id : kNodeKnobs) {
    values[std::string(knob_info(id).name)] = knob_value(knobs, id);
  }
  return nlohmann::json{{"knobs", values}}.dump();
}

Result<Knobs> parse_node_knobs(std::string_view text) {
  const nlohmann::json told = nlohmann::json::parse(text, nullptr, false);
  const auto values = told.is_object() ? told.find("knobs") : told.end();
  if (values == told.end() || !values->is_object()) {
    return Error{R"(found no knobs; allowed {"knobs": {NAME: NUMBER, ...}})"};
  }
  Knobs knobs;
  for (const auto& [name, value] : values->items()) {
    const Result<KnobId> id = knob_named(name);
    if (!id) return Error{id.error()};
    if (!value.is_number()) return Error{name + ": found no number; allowed one in base units"};
    if (Status set = set_knob(knobs, *id, value.get<double>()); !set) return Error{set.error()};
  }
  if (knobs == node_part(knobs)) return knobs;
  return Error{"found a knob that is a gateway's; allowed workers, queue_length, hibernate_idle"};
}

}  // namespace phoenix::wire
