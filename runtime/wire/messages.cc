#include "runtime/wire/messages.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "runtime/wire/bytes.h"

namespace phoenix::wire {
namespace {

constexpr std::size_t kOfferBytes = 1 + sizeof(double);  // with an empty name
constexpr std::size_t kLoadBytes = 4 * 10;
constexpr std::uint8_t kRepeatable = 1;
constexpr std::uint8_t kHasKey = 2;
constexpr std::uint8_t kHasReport = 1;

bool is_name(std::string_view text) { return text.size() <= kMaxName; }
bool is_block(std::string_view text) { return text.size() <= kMaxBlock; }
bool is_amount(double value) { return std::isfinite(value) && value >= 0; }
bool is_known_amount(float value) { return std::isnan(value) || is_amount(value); }
bool is_sane(const LoadReport& load) {
  return is_known_amount(load.cpu) && is_known_amount(load.memory) &&
         is_known_amount(load.network) && is_known_amount(load.latency) &&
         is_known_amount(load.service_time) && is_known_amount(load.rate) &&
         is_known_amount(load.error_rate);
}
bool is_sane(Role role) { return role >= Role::kClient && role <= Role::kOperator; }
bool is_sane_status(unsigned status) { return status == 0 || (status >= 100 && status <= 999); }

// Room for `size` more bytes; the caller fills it.
char* extend(std::string& payload, std::size_t size) {
  const std::size_t at = payload.size();
  payload.resize(at + size);
  return payload.data() + at;
}

char* store_name(char* at, std::string_view name) {
  return store_bytes(store(at, static_cast<std::uint8_t>(name.size())), name);
}

char* store_load(char* at, const LoadReport& load, Time now) {
  constexpr std::int64_t kOldest = std::numeric_limits<std::uint32_t>::max();
  const std::int64_t age_us = (now - load.measured_at).count() / 1000;
  at = store(at, static_cast<std::uint32_t>(std::clamp<std::int64_t>(age_us, 0, kOldest)));
  at = store(at, load.cpu);
  at = store(at, load.memory);
  at = store(at, load.network);
  at = store(at, load.queue_length);
  at = store(at, load.in_service);
  at = store(at, load.latency);
  at = store(at, load.service_time);
  at = store(at, load.rate);
  return store(at, load.error_rate);
}

LoadReport read_load(Reader& reader, Time now) {
  LoadReport load;
  load.measured_at = now - std::chrono::microseconds(reader.number<std::uint32_t>());
  load.cpu = reader.number<float>();
  load.memory = reader.number<float>();
  load.network = reader.number<float>();
  load.queue_length = reader.number<std::uint32_t>();
  load.in_service = reader.number<std::uint32_t>();
  load.latency = reader.number<float>();
  load.service_time = reader.number<float>();
  load.rate = reader.number<float>();
  load.error_rate = reader.number<float>();
  return load;
}

}  // namespace

bool within_bounds(const Hello& hello) {
  const auto is_good = [](const Offer& offer) {
    return is_name(offer.service) && is_amount(offer.weight);
  };
  return is_sane(hello.role) && is_name(hello.name) && is_name(hello.token) &&
         is_name(hello.address) && is_name(hello.zone) && is_amount(hello.memory_bytes) &&
         hello.offers.size() <= kMaxOffers && hello.standby.size() <= kMaxOffers &&
         std::all_of(hello.offers.begin(), hello.offers.end(), is_good) &&
         std::all_of(hello.standby.begin(), hello.standby.end(), is_name);
}

bool within_bounds(const Request& request) {
  return is_name(request.service) && is_name(request.request_class) && is_name(request.method) &&
         is_block(request.target) && is_block(request.headers) && is_amount(request.size) &&
         request.size > 0;
}

bool within_bounds(const Response& response) {
  return response.result < AttemptResult::kTimeout && response.reason < FailureReason::kCount &&
         is_sane_status(response.status) && is_name(response.direct) &&
         is_block(response.headers) && (!response.has_report || is_sane(response.report));
}

bool within_bounds(const Report& report) {
  const NodeTotals& totals = report.totals;
  return is_sane(report.load) && is_amount(totals.busy_core_ns) && is_amount(totals.bytes) &&
         is_amount(totals.memory_bytes);
}

void encode(const Hello& hello, std::string& payload) {
  assert(within_bounds(hello));
  std::size_t size = 1 + 4 + 8 + 2 + 8 + 2 + 2;
  size += hello.name.size() + hello.token.size() + hello.address.size() + hello.zone.size();
  for (const Offer& offer : hello.offers) size += kOfferBytes + offer.service.size();
  for (const std::string_view service : hello.standby) size += 1 + service.size();
  char* at = extend(payload, size);
  at = store(at, hello.role);
  at = store_name(at, hello.name);
  at = store_name(at, hello.token);
  at = store_name(at, hello.address);
  at = store(at, hello.incarnation);
  at = store(at, hello.cores);
  at = store_name(at, hello.zone);
  at = store(at, hello.memory_bytes);
  at = store(at, static_cast<std::uint16_t>(hello.offers.size()));
  for (const Offer& offer : hello.offers) {
    at = store_name(at, offer.service);
    at = store(at, offer.weight);
  }
  at = store(at, static_cast<std::uint16_t>(hello.standby.size()));
  for (const std::string_view service : hello.standby) at = store_name(at, service);
}

void encode(const Request& request, std::string& payload) {
  assert(within_bounds(request));
  constexpr std::size_t kFixed = 1 + 4 + 8 + 8 + 8 + 3 + 2 * 4;
  char* at = extend(payload, kFixed + request.service.size() + request.request_class.size() +
                                 request.method.size() + request.target.size() +
                                 request.headers.size() + request.body.size());
  const int flags = (request.repeatable ? kRepeatable : 0) | (request.has_key ? kHasKey : 0);
  at = store(at, static_cast<std::uint8_t>(flags));
  at = store(at, request.time_left_us);
  at = store(at, request.key);
  at = store(at, request.size);
  at = store(at, request.number);
  at = store_name(at, request.service);
  at = store_name(at, request.request_class);
  at = store_name(at, request.method);
  at = store(at, static_cast<std::uint32_t>(request.target.size()));
  at = store(at, static_cast<std::uint32_t>(request.headers.size()));
  at = store_bytes(at, request.target);
  at = store_bytes(at, request.headers);
  store_bytes(at, request.body);
}

void encode(const Response& response, Time now, std::string& payload) {
  assert(within_bounds(response));
  constexpr std::size_t kFixed = 1 + 1 + 1 + 2 + 4 + 1 + 1 + 4;
  char* at =
      extend(payload, kFixed + (response.has_report ? kLoadBytes : 0) + response.direct.size() +
                          response.headers.size() + response.body.size());
  at = store(at, response.has_report ? kHasReport : std::uint8_t{0});
  at = store(at, response.result);
  at = store(at, response.reason);
  at = store(at, response.status);
  at = store(at, response.node);
  at = store(at, response.attempts);
  if (response.has_report) at = store_load(at, response.report, now);
  at = store_name(at, response.direct);
  at = store(at, static_cast<std::uint32_t>(response.headers.size()));
  at = store_bytes(at, response.headers);
  store_bytes(at, response.body);
}

void encode(const Report& report, Time now, std::string& payload) {
  assert(within_bounds(report));
  char* at = extend(payload, kLoadBytes + 5 * 8);
  at = store_load(at, report.load, now);
  at = store(at, report.totals.completed);
  at = store(at, report.totals.refused);
  at = store(at, report.totals.busy_core_ns);
  at = store(at, report.totals.bytes);
  store(at, report.totals.memory_bytes);
}

bool decode(std::string_view payload, Hello& hello) {
  Reader reader(payload);
  hello.role = reader.number<Role>();
  hello.name = reader.name();
  hello.token = reader.name();
  hello.address = reader.name();
  hello.incarnation = reader.number<std::uint64_t>();
  hello.cores = reader.number<std::uint16_t>();
  hello.zone = reader.name();
  hello.memory_bytes = reader.number<double>();
  const std::size_t offers = reader.number<std::uint16_t>();
  hello.offers.clear();
  hello.offers.reserve(std::min(offers, reader.left() / kOfferBytes));
  for (std::size_t i = 0; i < offers && reader.ok(); ++i) {
    const std::string_view service = reader.name();
    hello.offers.push_back({service, reader.number<double>()});
  }
  const std::size_t standby = reader.number<std::uint16_t>();
  hello.standby.clear();
  hello.standby.reserve(std::min(standby, reader.left()));
  for (std::size_t i = 0; i < standby && reader.ok(); ++i) hello.standby.push_back(reader.name());
  return reader.at_end() && within_bounds(hello);
}

bool decode(std::string_view payload, Request& request) {
  Reader reader(payload);
  const auto flags = reader.number<std::uint8_t>();
  reader.require(flags <= (kRepeatable | kHasKey));
  request.repeatable = (flags & kRepeatable) != 0;
  request.has_key = (flags & kHasKey) != 0;
  request.time_left_us = reader.number<std::uint32_t>();
  request.key = reader.number<std::uint64_t>();
  request.size = reader.number<double>();
  request.number = reader.number<std::uint64_t>();
  request.service = reader.name();
  request.request_class = reader.name();
  request.method = reader.name();
  const auto target = reader.number<std::uint32_t>();
  const auto headers = reader.number<std::uint32_t>();
  request.target = reader.text(target);
  request.headers = reader.text(headers);
  request.body = reader.rest();
  return reader.at_end() && within_bounds(request);
}

bool decode(std::string_view payload, Time now, Response& response) {
  Reader reader(payload);
  const auto flags = reader.number<std::uint8_t>();
  reader.require(flags <= kHasReport);
  response.has_report = flags == kHasReport;
  response.result = reader.number<AttemptResult>();
  response.reason = reader.number<FailureReason>();
  response.status = reader.number<std::uint16_t>();
  response.node = reader.number<std::uint32_t>();
  response.attempts = reader.number<std::uint8_t>();
  response.report = response.has_report ? read_load(reader, now) : LoadReport{};
  response.direct = reader.name();
  response.headers = reader.text(reader.number<std::uint32_t>());
  response.body = reader.rest();
  return reader.at_end() && within_bounds(response);
}

bool decode(std::string_view payload, Time now, Report& report) {
  Reader reader(payload);
  report.load = read_load(reader, now);
  report.totals.completed = reader.number<std::uint64_t>();
  report.totals.refused = reader.number<std::uint64_t>();
  report.totals.busy_core_ns = reader.number<double>();
  report.totals.bytes = reader.number<double>();
  report.totals.memory_bytes = reader.number<double>();
  return reader.at_end() && within_bounds(report);
}

}  // namespace phoenix::wire
