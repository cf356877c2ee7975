// Random messages and frames, from a seed; texts and numbers favour the edges of what is allowed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>

#include "runtime/wire/frame.h"
#include "runtime/wire/messages.h"
#include "strategies/core/random.h"

namespace phoenix::wire::samples {

class Samples {
 public:
  explicit Samples(std::uint64_t seed) : random_(seed) {}

  // Views into texts this object keeps.
  std::string_view text(std::size_t most) {
    constexpr std::size_t kShort = 12;
    std::size_t length = random_.below(std::min(most, kShort) + 1);
    if (one_in(16)) length = most;
    if (one_in(16)) length = random_.below(most + 1);
    std::string& made = texts_.emplace_back(length, '\0');
    for (char& c : made) c = static_cast<char>(random_.below(256));
    return made;
  }

  std::uint64_t number() {
    if (one_in(8)) return 0;
    if (one_in(8)) return std::numeric_limits<std::uint64_t>::max();
    return random_() >> random_.below(64);
  }
  template <typename T>
  T number_as() {
    return static_cast<T>(number());
  }
  double amount() {
    if (one_in(8)) return 0;
    if (one_in(8)) return std::numeric_limits<double>::max();
    return random_.uniform() * 1e6;
  }
  float share() {
    if (one_in(4)) return LoadReport::kUnknown;
    return one_in(4) ? 1.0F : static_cast<float>(random_.uniform());
  }
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  std::uint64_t below(std::uint64_t n) { return random_.below(n); }

  LoadReport load(Time now) {
    LoadReport load;
    load.measured_at = now - std::chrono::microseconds(number_as<std::uint32_t>());
    load.cpu = share();
    load.memory = share();
    load.network = share();
    load.queue_length = number_as<std::uint32_t>();
    load.in_service = number_as<std::uint32_t>();
    load.latency = share();
    load.service_time = share();
    load.rate = one_in(4) ? LoadReport::kUnknown : number_as<std::uint16_t>();
    load.error_rate = share();
    return load;
  }

  Hello hello() {
    Hello hello;
    hello.role = static_cast<Role>(1 + below(5));
    hello.name = text(kMaxName);
    hello.token = text(kMaxName);
    hello.address = text(kMaxName);
    hello.incarnation = number();
    hello.cores = number_as<std::uint16_t>();
    hello.zone = text(kMaxName);
    hello.offers.resize(below(5));
    for (Offer& offer : hello.offers) offer = {text(kMaxName), amount()};
    hello.memory_bytes = amount();
    hello.standby.resize(below(4));
    for (std::string_view& service : hello.standby) service = text(kMaxName);
    return hello;
  }

  Request request() {
    Request request;
    request.service = text(kMaxName);
    request.request_class = text(kMaxName);
    request.time_left_us = number_as<std::uint32_t>();
    request.repeatable = one_in(2);
    request.has_key = one_in(2);
    request.key = number();
    request.size = amount() + std::numeric_limits<double>::denorm_min();
    request.number = number();
    request.method = text(kMaxName);
    request.target = text(kMaxBlock);
    request.headers = text(kMaxBlock);
    request.body = text(100'000);
    return request;
  }

  Response response(Time now) {
    Response response;
    response.result = static_cast<AttemptResult>(below(6));
    response.reason =
        static_cast<FailureReason>(below(static_cast<std::uint64_t>(FailureReason::kCount)));
    response.status = static_cast<std::uint16_t>(one_in(4) ? 0 : 100 + below(900));
    response.node = number_as<std::uint32_t>();
    response.attempts = number_as<std::uint8_t>();
    response.direct = text(kMaxName);
    response.has_report = one_in(2);
    if (response.has_report) response.report = load(now);
    response.headers = text(kMaxBlock);
    response.body = text(100'000);
    return response;
  }

  Report report(Time now) {
    Report report;
    report.load = load(now);
    report.totals = {number(), number(), amount(), amount(), amount()};
    return report;
  }

  // A message's payload, of the type that carries it.
  std::string payload(FrameType type, Time now) {
    std::string made;
    switch (type) {
      case FrameType::kHello:
        encode(hello(), made);
        break;
      case FrameType::kRequest:
        encode(request(), made);
        break;
      case FrameType::kResponse:
        encode(response(now), now, made);
        break;
      case FrameType::kReport:
        encode(report(now), now, made);
        break;
      default:
        made = text(300);
    }
    return made;
  }

  FrameType type() { return static_cast<FrameType>(1 + below(6)); }  // all but kBatch and kProbe

 private:
  Random random_;
  std::deque<std::string> texts_;
};

// Compresses well.
inline std::string dull_text(std::size_t length) {
  constexpr std::string_view kWord = "the same again, ";
  std::string made;
  while (made.size() < length) made += kWord;
  made.resize(length);
  return made;
}

}  // namespace phoenix::wire::samples
