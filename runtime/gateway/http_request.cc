#include "runtime/gateway/http_request.h"

#include <algorithm>
#include <charconv>

#include "runtime/http/message.h"
#include "runtime/http/render.h"
#include "strategies/core/random.h"

namespace phoenix::gateway {
namespace {

using http::append_line;
using http::equals_ignoring_case;

std::string_view value_of(std::string_view line) {
  return http::trimmed(line.substr(line.find(':') + 1));
}

// Zero where it is not a positive number of milliseconds.
std::int64_t timeout_of(std::string_view value) {
  constexpr std::int64_t kLongest = 1'000'000'000;
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
  const bool is_whole = error == std::errc() && end == value.data() + value.size();
  return is_whole && ms > 0 ? std::min(ms, kLongest) : 0;
}

struct Found {
  std::int64_t timeout_ms = 0;
  bool idempotency_key = false;
  bool forwarded_for = false, forwarded_proto = false, forwarded_host = false;
};

// Notes what a header tells; true: it goes no further.
bool take_header(std::string_view name, std::string_view line, bool trusted, Found& found) {
  const char first = static_cast<char>(name.empty() ? '\0' : name.front() | 0x20);
  if (first == 'i') {
    found.idempotency_key |= equals_ignoring_case(name, "Idempotency-Key");
    return false;
  }
  if (first == 'f') return !trusted && equals_ignoring_case(name, "Forwarded");
  if (first != 'x') return false;
  if (equals_ignoring_case(name, "X-Request-Timeout-Ms")) {
    found.timeout_ms = timeout_of(value_of(line));
    return true;
  }
  bool* const seen = equals_ignoring_case(name, "X-Forwarded-For")     ? &found.forwarded_for
                     : equals_ignoring_case(name, "X-Forwarded-Proto") ? &found.forwarded_proto
                     : equals_ignoring_case(name, "X-Forwarded-Host")  ? &found.forwarded_host
                                                                       : nullptr;
  if (seen == nullptr) return false;
  *seen = true;
  return !trusted;
}

// Servers read the first such header, so the list stays one.
void extend_forwarded_for(std::string& block, std::string_view address) {
  std::size_t end = 0;
  std::string_view rest = block, line, name;
  while (!rest.empty()) {
    const bool good = http::take_line(rest, line, name);
    if (good && equals_ignoring_case(name, "X-Forwarded-For")) {
      end = static_cast<std::size_t>(line.data() + line.size() - block.data());
    }
  }
  block.insert(end, std::string(", ").append(address));
}

void add_forwarding(std::string& block, std::string_view host, const HttpPeer& peer, bool trusted,
                    const Found& found) {
  if (trusted && found.forwarded_for) {
    extend_forwarded_for(block, peer.address);
  } else {
    append_line(block, "X-Forwarded-For", peer.address);
  }
  if (!trusted || !found.forwarded_proto) {
    append_line(block, "X-Forwarded-Proto", peer.is_encrypted ? "https" : "http");
  }
  if ((!trusted || !found.forwarded_host) && !host.empty()) {
    append_line(block, "X-Forwarded-Host", host);
  }
}

std::string_view key_setting(ServiceId service, const RequestSink& sink) {
  for (const ServiceConfig& config : sink.config().services) {
    if (config.key.empty()) continue;
    ServiceId id{0};
    ClassId first{0};
    if (sink.find_service(config.name, {}, id, first) && id == service) return config.key;
  }
  return {};
}

}  // namespace

void prepare(Request& request, std::string_view host, const HttpPeer& peer,
             const RequestSink& sink) {
  const GatewayConfig& config = sink.config();
  Found found;
  http::remove_lines(request.headers, [&](std::string_view name, std::string_view line) {
    return take_header(name, line, config.trust_forwarded, found);
  });
  if (config.forwarded_for) {
    add_forwarding(request.headers, host, peer, config.trust_forwarded, found);
  }
  request.repeatable = http::is_idempotent(request.method) || found.idempotency_key;
  Duration allowed = sink.class_deadline(request.request_class);
  if (found.timeout_ms > 0) {
    allowed = std::min<Duration>(allowed, std::chrono::milliseconds(found.timeout_ms));
  }
  request.deadline = add_saturating(request.arrived, allowed);
}

void set_key(Request& request, const HttpPeer& peer, const RequestSink& sink) {
  const std::string_view setting = key_setting(request.service, sink);
  if (setting.empty()) return;
  const std::string_view target = request.target;
  std::optional<std::string_view> text;
  if (setting == "path") {
    text = target.substr(0, target.find('?'));
  } else if (setting == "client") {
    text = peer.address;
  } else {
    constexpr std::string_view kHeader = "header:";
    text = http::find_header(request.headers, setting.substr(kHeader.size()));
  }
  request.has_key = text.has_value();
  if (text) request.key = hash_text(*text);
}

}  // namespace phoenix::gateway
