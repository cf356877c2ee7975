#include <map>

#include "scenarios/schema.h"
#include "scenarios/schema_values.h"
#include "strategies/core/units.h"

namespace phoenix::schema {
namespace {

std::string join_items(const TomlNode& array, std::string_view separator) {
  std::string joined;
  for (const TomlNode& item : array.items) {
    if (!joined.empty()) joined += separator;
    joined += item.kind == TomlNode::Kind::kArray    ? join_items(item, ", ")
              : item.kind == TomlNode::Kind::kString ? item.text
                                                     : describe(item);
  }
  return joined;
}

// Which parameters a kind takes, and in which unit, is check_fault()'s to know: numbers are kept as
// numbers, everything else as text. An array of arrays is a list of groups.
void read_parameter(Section& s, const TomlEntry& entry, FaultSpec& fault) {
  const TomlNode& value = entry.value;
  switch (value.kind) {
    case TomlNode::Kind::kInteger:
    case TomlNode::Kind::kFloat:
      fault.numbers.emplace_back(entry.key, value.number);
      return;
    case TomlNode::Kind::kString:
      fault.texts.emplace_back(entry.key, value.text);
      return;
    case TomlNode::Kind::kArray: {
      const bool has_groups = !value.items.empty() && value.items[0].kind == TomlNode::Kind::kArray;
      fault.texts.emplace_back(entry.key, join_items(value, has_groups ? " | " : ", "));
      return;
    }
    default:
      s.reader().report(value.at, s.path_of(entry.key),
                        wrong(value, "a number, text or an array").message);
  }
}

}  // namespace

void read_fault(Section& s, FaultSpec& fault) {
  s.field("id", fault.id, name());
  s.required("kind", fault.kind, text());
  s.field("target", fault.target, text());
  s.field("start", fault.start, duration(kNotNegative));
  s.field("duration", fault.duration, duration_or_inf(kNotNegative));
  fault.has_duration = s.take("duration") != nullptr;
  s.field("ramp", fault.ramp, duration(kNotNegative));
  s.field("probability", fault.probability, number(between(0, 1)));
  s.field("every", fault.every, duration(kNotNegative));
  s.field("count", fault.count, integer(0, 1'000'000));
  s.field("jitter", fault.jitter, duration(kNotNegative));
  s.field("max_unavailable", fault.max_unavailable, integer(-1, 1'000'000));
  s.field("stream", fault.stream, name());
  s.field("allow_unsupported", fault.allow_unsupported, flag());
  for (const TomlEntry* entry : s.take_rest()) read_parameter(s, *entry, fault);
}

void name_faults(std::vector<FaultSpec>& faults) {
  std::map<std::string, int> seen_kinds;
  for (FaultSpec& fault : faults) {
    const int ordinal = ++seen_kinds[fault.kind];
    if (!fault.id.empty() || fault.kind.empty()) continue;
    fault.id = fault.kind + "-" + std::to_string(ordinal);
  }
}

}  // namespace phoenix::schema
