#include "strategies/placement/migration_model.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>
#include <vector>

#include "strategies/core/settings.h"

namespace phoenix {
namespace {

constexpr MigrationMethod kMethods[] = {MigrationMethod::kLive, MigrationMethod::kCheckpoint,
                                        MigrationMethod::kCold};

double known_or_zero(double value) { return std::isnan(value) ? 0 : value; }

}  // namespace

Result<MigrationMethod> migration_method(std::string_view name) {
  std::vector<std::string> known;
  for (const MigrationMethod method : kMethods) {
    if (to_text(method) == name) return method;
    known.emplace_back(to_text(method));
  }
  return unknown_strategy("migration method", name, known);
}

PreCopy pre_copy(const AgentState& state, double bandwidth, const MigrationMeans& means) {
  assert(bandwidth > 0 && state.bytes >= 0 && state.dirty_rate >= 0);
  PreCopy copy;
  const double dirty_share = state.dirty_rate / bandwidth;
  copy.rest_bytes = state.bytes;
  while (copy.rest_bytes > means.rest_bytes && copy.rounds < means.rounds_max &&
         copy.sent_bytes <= means.sent_share_max * state.bytes) {
    copy.sent_bytes += copy.rest_bytes;
    copy.rest_bytes *= dirty_share;
    ++copy.rounds;
  }
  copy.converges = copy.rest_bytes <= means.rest_bytes;
  copy.sent_bytes += copy.rest_bytes;
  return copy;
}

MigrationEstimate estimate(MigrationMethod method, const AgentState& state,
                           const MigrationMeans& means, int sharing) {
  assert(sharing >= 1);
  const double bandwidth = means.bandwidth / sharing;
  const AgentState known{known_or_zero(state.bytes), known_or_zero(state.dirty_rate)};
  MigrationEstimate result;
  result.method = method;
  if (method == MigrationMethod::kCold) {
    result.duration = result.downtime = means.stop + means.start + means.warm_up;
    return result;
  }
  const Duration pause = means.freeze + means.switch_over;
  if (method == MigrationMethod::kLive) {
    const PreCopy copy = pre_copy(known, bandwidth, means);
    result.bytes = copy.sent_bytes;
    result.rounds = copy.rounds;
    result.duration = from_seconds(copy.sent_bytes / bandwidth) + pause;
    result.downtime = from_seconds(copy.rest_bytes / bandwidth) + pause;
    return result;
  }
  const double parts[] = {known.bytes / means.write_bandwidth, known.bytes / bandwidth,
                          known.bytes / means.read_bandwidth};
  const double transfer =
      means.is_pipelined ? *std::max_element(parts, parts + 3) : parts[0] + parts[1] + parts[2];
  result.bytes = known.bytes;
  result.duration = result.downtime = from_seconds(transfer) + pause;
  return result;
}

MigrationMethod choose_method(const AgentState& state, const MigrationMeans& means, int sharing) {
  if (!std::isfinite(state.bytes) || !std::isfinite(state.dirty_rate)) {
    return MigrationMethod::kCheckpoint;
  }
  const PreCopy copy = pre_copy(state, means.bandwidth / sharing, means);
  const Duration live = estimate(MigrationMethod::kLive, state, means, sharing).downtime;
  const Duration stored = estimate(MigrationMethod::kCheckpoint, state, means, sharing).downtime;
  return copy.converges && live <= stored ? MigrationMethod::kLive : MigrationMethod::kCheckpoint;
}

}  // namespace phoenix
