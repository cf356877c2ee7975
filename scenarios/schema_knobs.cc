// The [knobs] table: what a tuner may turn, as it stands at the beginning of a run.
#include "scenarios/schema.h"
#include "scenarios/schema_values.h"

namespace phoenix::schema {
namespace {

// The value in base units, within the knob's hard bounds.
Result<double> knob_in(const KnobInfo& knob, const TomlNode& node) {
  switch (knob.unit) {
    case KnobUnit::kCount: {
      const auto low = static_cast<std::int64_t>(knob.low);
      const Result<std::int64_t> count = integer(low, static_cast<std::int64_t>(knob.high))(node);
      if (!count) return Error{count.error()};
      return static_cast<double>(*count);
    }
    case KnobUnit::kSeconds: {
      const Result<Duration> time =
          duration({from_seconds(knob.low), from_seconds(knob.high)})(node);
      if (!time) return Error{time.error()};
      return to_seconds(*time);
    }
    case KnobUnit::kBytes:
      return bytes(between(knob.low, knob.high))(node);
    case KnobUnit::kFlag: {
      const Result<bool> is_on = flag()(node);
      if (!is_on) return Error{is_on.error()};
      return *is_on ? 1.0 : 0.0;
    }
  }
  return wrong(node, "a knob of a known unit");
}

}  // namespace

void read_knobs(Section& s, Knobs& knobs) {
  for (const KnobInfo& knob : knob_list()) {
    double value = knob_value(knobs, knob.id);
    s.field(knob.name, value, [&](const TomlNode& node) -> Result<double> {
      Result<double> read = knob_in(knob, node);
      if (!read) return read;
      const Status taken = set_knob(knobs, knob.id, *read);
      if (!taken) return Error{taken.error()};
      return read;
    });
  }
}

}  // namespace phoenix::schema
