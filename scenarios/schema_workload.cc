#include <algorithm>
#include <cmath>

#include "scenarios/schema.h"
#include "scenarios/schema_values.h"
#include "strategies/core/units.h"

namespace phoenix::schema {
namespace {

using Kind = ArrivalKind;

const std::vector<std::pair<std::string, Kind>> kKinds = {
    {"constant", Kind::kConstant}, {"poisson", Kind::kPoisson},
    {"diurnal", Kind::kDiurnal},   {"flash_crowd", Kind::kFlashCrowd},
    {"mmpp", Kind::kMmpp},         {"closed", Kind::kClosed},
    {"trace", Kind::kTrace},
};

constexpr double kRateMax = 1e9;

Result<RatePoint> rate_point(const TomlNode& node) {
  if (node.kind != TomlNode::Kind::kArray || node.items.size() != 2) {
    return wrong(node, R"(points such as ["60 s", "2000 /s"])");
  }
  const Result<Duration> at = duration(kNotNegative)(node.items[0]);
  if (!at) return Error{at.error()};
  const Result<double> per_second = rate(at_least(0, kRateMax))(node.items[1]);
  if (!per_second) return Error{per_second.error()};
  return RatePoint{*at, *per_second};
}

Result<std::vector<RatePoint>> rate_points(const TomlNode& node) {
  if (node.kind != TomlNode::Kind::kArray) {
    const Result<double> level = rate(at_least(0, kRateMax))(node);
    if (!level) return Error{level.error()};
    return std::vector{RatePoint{Duration{0}, *level}};
  }
  if (node.items.empty()) return Error{"found no points; allowed at least one"};
  std::vector<RatePoint> points;
  for (const TomlNode& item : node.items) {
    const Result<RatePoint> point = rate_point(item);
    if (!point) return Error{point.error()};
    if (!points.empty() && point->at <= points.back().at) {
      return Error{"found " + print_duration(point->at) + " after " +
                   print_duration(points.back().at) + "; allowed points whose times rise"};
    }
    points.push_back(*point);
  }
  return points;
}

Result<KeySettings> key_settings(const TomlNode& node) {
  const Call call = split_call(node.text);
  if (call.name == "none" && call.arguments.empty()) return KeySettings{};
  KeySettings keys;
  const bool is_zipf = call.name == "zipf" && call.arguments.size() == 2;
  const bool is_uniform = call.name == "uniform" && call.arguments.size() == 1;
  const Error complaint =
      wrong(node,
            "\"none\", \"uniform(COUNT)\" or \"zipf(COUNT, EXPONENT)\", with 1 to 1000000000 keys "
            "and an exponent of 0 to 10");
  if (!is_zipf && !is_uniform) return complaint;
  const Result<double> count = parse_number(call.arguments[0]);
  if (!count || !(*count >= 1 && *count <= 1e9) || *count != std::floor(*count)) return complaint;
  keys.kind = is_zipf ? KeySettings::Kind::kZipf : KeySettings::Kind::kUniform;
  keys.count = static_cast<std::uint64_t>(*count);
  if (is_uniform) return keys;
  const Result<double> exponent = parse_number(call.arguments[1]);
  if (!exponent || !(*exponent >= 0 && *exponent <= 10)) return complaint;
  keys.exponent = *exponent;
  return keys;
}

using WorkColumns = std::vector<std::pair<std::string, Duration>>;

Result<WorkColumns> work_columns(const TomlNode& node) {
  if (node.kind != TomlNode::Kind::kTable) {
    return wrong(node, R"(work per unit of each column, such as { tokens = "8 ms" })");
  }
  WorkColumns columns;
  for (const TomlEntry& entry : node.entries) {
    const Result<Duration> factor = duration(kNotNegative)(entry.value);
    if (!factor) return Error{entry.key + ": " + factor.error()};
    columns.emplace_back(entry.key, *factor);
  }
  return columns;
}

void read_trace(Section& s, TraceSettings& trace) {
  s.required("file", trace.file, readable_file(s.reader().folder()));
  s.field("format", trace.format, choice<std::string>({{"csv", "csv"}, {"jsonl", "jsonl"}}));
  s.field("time", trace.time_column, name());
  s.field("time_unit", trace.time_unit, duration(kPositive));
  s.field("time_scale", trace.time_scale, number(above(0, 1e9)));
  s.field("class", trace.class_column, name());
  s.field("key", trace.key_column, name());
  s.field("size", trace.size_column, name());
  s.field("work_base", trace.work_base, duration(kNotNegative));
  s.field("work", trace.work_columns, work_columns);
  s.field("count", trace.count_column, name());
  s.field("interval", trace.interval, duration(kPositive));
  s.field("repeat", trace.repeat, flag());
}

// Reads keys that only some arrivals use, and refuses them with the others.
class ArrivalKeys {
 public:
  ArrivalKeys(Section& section, Kind kind) : section_(section), kind_(kind) {}

  template <class T, class Parse>
  void field(std::initializer_list<Kind> users, std::string_view key, T& target,
             const Parse& parse) {
    if (check(users, key)) section_.field(key, target, parse);
  }

  // False where the key was written and is no use.
  bool check(std::initializer_list<Kind> users, std::string_view key) {
    const TomlNode* node = section_.take(key);
    if (node == nullptr || std::ranges::find(users, kind_) != users.end()) return true;
    std::string allowed;
    for (const Kind user : users) {
      allowed += (allowed.empty() ? "\"" : " or \"") + name_of(user) + "\"";
    }
    section_.reader().report(
        node->at, section_.path_of(key),
        "found with arrivals = \"" + name_of(kind_) + "\"; allowed with arrivals = " + allowed);
    return false;
  }

 private:
  static const std::string& name_of(Kind kind) {
    return std::ranges::find(kKinds, kind, &std::pair<std::string, Kind>::second)->first;
  }

  Section& section_;
  Kind kind_;
};

}  // namespace

void read_workload(Section& s, Workload& workload) {
  s.field("arrivals", workload.arrivals, choice(kKinds));
  s.field("keys", workload.keys, key_settings);
  ArrivalKeys keys(s, workload.arrivals);
  keys.field({Kind::kConstant, Kind::kPoisson, Kind::kDiurnal, Kind::kFlashCrowd, Kind::kMmpp},
             "rate", workload.rate, rate_points);
  keys.field({Kind::kDiurnal}, "period", workload.period, duration(kPositive));
  keys.field({Kind::kDiurnal}, "amplitude", workload.amplitude, number(between(0, 1)));
  keys.field({Kind::kDiurnal}, "peak", workload.peak, duration(kNotNegative));
  keys.field({Kind::kFlashCrowd}, "start", workload.crowd_start, duration(kNotNegative));
  keys.field({Kind::kFlashCrowd}, "ramp", workload.crowd_ramp, duration(kNotNegative));
  keys.field({Kind::kFlashCrowd}, "hold", workload.crowd_hold, duration(kNotNegative));
  keys.field({Kind::kFlashCrowd}, "decay", workload.crowd_decay, duration(kNotNegative));
  keys.field({Kind::kFlashCrowd}, "factor", workload.crowd_factor, number(above(0, 1e6)));
  keys.field({Kind::kMmpp}, "burst_factor", workload.burst_factor, number(above(0, 1e6)));
  keys.field({Kind::kMmpp}, "burst_mean", workload.burst_mean, duration(kPositive));
  keys.field({Kind::kMmpp}, "calm_mean", workload.calm_mean, duration(kPositive));
  keys.field({Kind::kClosed}, "users", workload.users, integer(1, 10'000'000));
  keys.field({Kind::kClosed}, "think_time", workload.think_time,
             distribution(Distribution::Unit::kSeconds, s.reader().folder()));
  if (keys.check({Kind::kTrace}, "trace")) {
    s.table("trace", [&](Section& t) { read_trace(t, workload.trace); });
  }
}

}  // namespace phoenix::schema
