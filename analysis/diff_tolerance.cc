#include "analysis/diff_tolerance.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace phoenix {
namespace {

struct Name {
  const char* name;
  const char* metrics[2];
};

constexpr Name kNames[] = {{"latency", {"latency_p50", "latency_p95"}},
                           {"mean", {"latency_mean"}},
                           {"p50", {"latency_p50"}},
                           {"p90", {"latency_p90"}},
                           {"p95", {"latency_p95"}},
                           {"p99", {"latency_p99"}},
                           {"p99.9", {"latency_p999"}},
                           {"max", {"latency_max"}},
                           {"throughput", {"throughput"}},
                           {"availability", {"availability"}},
                           {"offered", {"offered"}},
                           {"completed", {"completed"}},
                           {"failures", {"failed"}},
                           {"attempts", {"attempts"}},
                           {"retries", {"retries"}},
                           {"hedges", {"hedges"}},
                           {"ejections", {"ejections"}}};

const Name* find_name(std::string_view name) {
  const auto* it = std::find_if(std::begin(kNames), std::end(kNames),
                                [name](const Name& known) { return name == known.name; });
  return it == std::end(kNames) ? nullptr : it;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

std::optional<double> share_of(std::string_view text) {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text = trimmed(text.substr(0, text.size() - 1));
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value) || value < 0) return std::nullopt;
  return is_percent ? value / 100 : value;
}

Result<Tolerance> parse_one(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return Error{fmt::format("found '{}' where NAME=SHARE belongs, as in latency=15%", text)};
  }
  const std::string name(trimmed(text.substr(0, equals)));
  const std::string_view share = trimmed(text.substr(equals + 1));
  if (find_name(name) == nullptr) {
    return Error{fmt::format("found '{}', which is none of {}", name, tolerance_names())};
  }
  const std::optional<double> allowed = share_of(share);
  if (!allowed) {
    return Error{fmt::format("{}: found '{}' where a share of at least 0 belongs, as 15% or 0.15",
                             name, share)};
  }
  return Tolerance{name, *allowed};
}

bool is_within(const DiffMetric& metric, double allowed) {
  constexpr double kRounding = 1e-9;  // 0.115 is within 15 % of 0.1
  if (metric.is_same()) return true;
  return metric.a != 0 && std::abs(metric.b - metric.a) <=
                              std::abs(metric.a) * (allowed + kRounding * (1 + allowed));
}

}  // namespace

std::string tolerance_names() {
  std::string names;
  for (const Name& known : kNames) {
    if (!names.empty()) names += ", ";
    names += known.name;
  }
  return names;
}

Result<std::vector<Tolerance>> parse_tolerances(std::string_view text) {
  std::vector<Tolerance> tolerances;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const Result<Tolerance> tolerance = parse_one(trimmed(text.substr(at, comma - at)));
    if (!tolerance) return Error{tolerance.error()};
    for (const Tolerance& earlier : tolerances) {
      if (earlier.name == tolerance->name) {
        return Error{fmt::format("found '{}' twice; each name may come once", earlier.name)};
      }
    }
    tolerances.push_back(*tolerance);
    at = comma + 1;
  }
  return tolerances;
}

std::vector<ToleranceCheck> check_tolerances(const RunDiff& diff,
                                             const std::vector<Tolerance>& tolerances) {
  std::vector<ToleranceCheck> checks;
  for (const Tolerance& tolerance : tolerances) {
    const Name* name = find_name(tolerance.name);
    assert(name != nullptr);
    for (const char* metric_name : name->metrics) {
      if (metric_name == nullptr) continue;
      const DiffMetric* metric = diff.total.find(metric_name);
      if (metric == nullptr) metric = diff.counters.find(metric_name);
      assert(metric != nullptr);
      checks.push_back(
          {tolerance.name, *metric, tolerance.allowed, is_within(*metric, tolerance.allowed)});
    }
  }
  return checks;
}

}  // namespace phoenix
