#include "strategies/tuning/knobs.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <vector>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr double kKiB = 1024;
constexpr double kMiB = 1024 * kKiB;

using enum KnobUnit;
constexpr std::string_view kAsConfigured = "as configured";

constexpr std::array<KnobInfo, kKnobs> kInfos = {{
    {KnobId::kBatchSize, "batch_size", kCount, 1, 4096, "", 1, 64, 10,
     "frames to a node that may share one batch"},
    {KnobId::kBatchDelay, "batch_delay", kSeconds, 0, 1, "", 50e-6, 2e-3, 200e-6,
     "the longest a frame waits for company"},
    {KnobId::kCompressAbove, "compress_above", kBytes, 0, 1024 * kMiB, "never", 256, 1 * kMiB, kKiB,
     "messages above this size are compressed"},
    {KnobId::kPoolSize, "pool_size", kCount, 1, 64, "", 1, 64, 20,
     "connections per gateway thread to each node"},
    {KnobId::kHttpPoolSize, "http_pool_size", kCount, 1, 65'536, "", 1, 1024, 64,
     "connections per gateway thread to each HTTP server at most"},
    {KnobId::kSocketBuffer, "socket_buffer", kBytes, 0, 256 * kMiB, "the kernel's", 16 * kKiB,
     16 * kMiB, 64'000, "bytes buffered each way by a connection"},
    {KnobId::kDirectRouting, "direct_routing", kFlag, 0, 1, "", 0, 1, 1,
     "native clients are told which node owns a key"},
    {KnobId::kWorkers, "workers", kCount, 0, 1024, kAsConfigured, 1, 256, 4,
     "requests a node works on at once"},
    {KnobId::kQueueLength, "queue_length", kCount, 0, 1'000'000, kAsConfigured, 4, 16'384, 64,
     "requests that may wait on a node"},
    {KnobId::kMaxInFlight, "max_in_flight", kCount, 0, 10'000'000, kAsConfigured, 8, 1'000'000,
     1024, "requests a gateway has under way"},
    {KnobId::kHibernateIdle, "hibernate_idle", kSeconds, 0, 86'400, "never", 10, 3600, 300,
     "agents idle for this long give their memory back"},
}};

bool is_whole_kind(KnobUnit unit) { return unit != kSeconds; }

std::string allowed(const KnobInfo& info) {
  return print_number(info.low) + " to " + print_number(info.high);
}

Status check_value(const KnobInfo& info, double value) {
  const std::string found = std::string(info.name) + ": found " + print_number(value);
  if (!(value >= info.low && value <= info.high)) {
    return Error{found + "; allowed " + allowed(info)};
  }
  if (is_whole_kind(info.unit) && value != std::floor(value)) {
    return Error{found + "; allowed a whole number, " + allowed(info)};
  }
  return success();
}

}  // namespace

std::span<const KnobInfo> knob_list() { return kInfos; }

const KnobInfo& knob_info(KnobId id) { return kInfos[static_cast<std::size_t>(id)]; }

Result<KnobId> knob_named(std::string_view name) {
  std::vector<std::string> known;
  for (const KnobInfo& info : kInfos) {
    if (info.name == name) return info.id;
    known.emplace_back(info.name);
  }
  return Error{"unknown knob \"" + std::string(name) + "\" (known: " + join_names(known) + ")" +
               did_you_mean(name, known)};
}

double knob_value(const Knobs& knobs, KnobId id) {
  switch (id) {
    case KnobId::kBatchSize:
      return knobs.batch_size;
    case KnobId::kBatchDelay:
      return to_seconds(knobs.batch_delay);
    case KnobId::kCompressAbove:
      return static_cast<double>(knobs.compress_above);
    case KnobId::kPoolSize:
      return knobs.pool_size;
    case KnobId::kHttpPoolSize:
      return knobs.http_pool_size;
    case KnobId::kSocketBuffer:
      return knobs.socket_buffer;
    case KnobId::kDirectRouting:
      return knobs.direct_routing ? 1 : 0;
    case KnobId::kWorkers:
      return knobs.workers;
    case KnobId::kQueueLength:
      return knobs.queue_length;
    case KnobId::kMaxInFlight:
      return knobs.max_in_flight;
    case KnobId::kHibernateIdle:
      return to_seconds(knobs.hibernate_idle);
  }
  assert(false);
  return 0;
}

Status set_knob(Knobs& knobs, KnobId id, double value) {
  if (Status checked = check_value(knob_info(id), value); !checked) return checked;
  switch (id) {
    case KnobId::kBatchSize:
      knobs.batch_size = static_cast<int>(value);
      break;
    case KnobId::kBatchDelay:
      knobs.batch_delay = from_seconds(value);
      break;
    case KnobId::kCompressAbove:
      knobs.compress_above = static_cast<std::size_t>(value);
      break;
    case KnobId::kPoolSize:
      knobs.pool_size = static_cast<int>(value);
      break;
    case KnobId::kHttpPoolSize:
      knobs.http_pool_size = static_cast<int>(value);
      break;
    case KnobId::kSocketBuffer:
      knobs.socket_buffer = static_cast<int>(value);
      break;
    case KnobId::kDirectRouting:
      knobs.direct_routing = value != 0;
      break;
    case KnobId::kWorkers:
      knobs.workers = static_cast<int>(value);
      break;
    case KnobId::kQueueLength:
      knobs.queue_length = static_cast<int>(value);
      break;
    case KnobId::kMaxInFlight:
      knobs.max_in_flight = static_cast<int>(value);
      break;
    case KnobId::kHibernateIdle:
      knobs.hibernate_idle = from_seconds(value);
      break;
  }
  return success();
}

Status check_knobs(const Knobs& knobs) {
  for (const KnobInfo& info : kInfos) {
    if (Status checked = check_value(info, knob_value(knobs, info.id)); !checked) return checked;
  }
  return success();
}

double nearest_safe(KnobId id, double wanted) {
  assert(!std::isnan(wanted));
  const KnobInfo& info = knob_info(id);
  const double bounded = std::clamp(wanted, info.safe_low, info.safe_high);
  return is_whole_kind(info.unit) ? std::round(bounded) : to_seconds(from_seconds(bounded));
}

std::string print_knob(KnobId id, double value) {
  switch (knob_info(id).unit) {
    case kCount:
      return print_number(value);
    case kSeconds:
      return print_duration(from_seconds(value));
    case kBytes:
      return print_bytes(value);
    case kFlag:
      return value != 0 ? "true" : "false";
  }
  return {};
}

Result<double> parse_knob(KnobId id, std::string_view text) {
  const KnobInfo& info = knob_info(id);
  Result<double> parsed = [&]() -> Result<double> {
    switch (info.unit) {
      case kSeconds: {
        const Result<Duration> duration = parse_duration(text);
        if (!duration) return Error{duration.error()};
        return to_seconds(*duration);
      }
      case kBytes:
        return parse_bytes(text);
      case kFlag:
        if (text == "true") return 1.0;
        if (text == "false") return 0.0;
        return Error{"found \"" + std::string(text) + "\"; allowed true or false"};
      case kCount:
        break;
    }
    return parse_number(text);
  }();
  if (!parsed) return Error{std::string(info.name) + ": " + parsed.error()};
  if (Status checked = check_value(info, *parsed); !checked) return Error{checked.error()};
  return parsed;
}

}  // namespace phoenix
