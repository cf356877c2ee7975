#include "runtime/gateway/http_ingress.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "runtime/gateway/http_session.h"

namespace phoenix::gateway {
namespace {

// Often enough that no timeout is overrun by much more than a quarter.
Duration sweep_interval(const HttpLimits& limits) {
  const Duration shortest = std::min(
      {limits.head_timeout, limits.body_timeout, limits.write_timeout, limits.idle_timeout});
  return std::clamp<Duration>(shortest / 4, std::chrono::milliseconds(5), std::chrono::seconds(1));
}

std::string date_text(std::time_t at) {
  std::tm utc{};
  gmtime_r(&at, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

}  // namespace

struct HttpIngress::State final : SessionOwner {
  explicit State(RequestSink& to)
      : requests(to),
        sweep(to.loop(), [this] { on_sweep(); }),
        reaper(to.loop(), [this] { reap(); }) {}

  RequestSink& sink() override { return requests; }

  std::string_view date() override {
    const std::time_t now = std::time(nullptr);
    if (now != dated) {
      dated = now;
      date_now = date_text(now);
    }
    return date_now;
  }

  void on_over(HttpSession& session) override {
    over.push_back(&session);
    reaper.arm(requests.loop().now());
  }

  void arm_sweep() {
    if (sessions.empty() || sweep.armed() != kNever) return;
    sweep.arm(requests.loop().now() + sweep_interval(requests.config().http_limits));
  }

  void on_sweep() {
    const Time now = requests.loop().now();
    for (const auto& session : sessions) session->check_times(now);
    arm_sweep();
  }

  void reap() {
    for (HttpSession* const session : std::exchange(over, {})) {
      const std::size_t place = session->place;
      sessions.back()->place = place;
      std::swap(sessions[place], sessions.back());
      sessions.pop_back();
    }
  }

  RequestSink& requests;
  std::vector<std::unique_ptr<HttpSession>> sessions;
  std::vector<HttpSession*> over;  // to be destroyed
  std::time_t dated = 0;
  std::string date_now;
  net::Timer sweep;
  net::Timer reaper;
};

HttpIngress::HttpIngress(RequestSink& sink) : state_(std::make_unique<State>(sink)) {}
HttpIngress::~HttpIngress() = default;

void HttpIngress::adopt(std::unique_ptr<net::Channel> channel) {
  auto session = std::make_unique<HttpSession>(*state_, std::move(channel));
  session->place = state_->sessions.size();
  state_->sessions.push_back(std::move(session));
  state_->sessions.back()->start();
  state_->arm_sweep();
}

void HttpIngress::apply(const Knobs& knobs) {
  if (knobs.socket_buffer == 0) return;
  for (const auto& session : state_->sessions) session->set_socket_buffers(knobs.socket_buffer);
}

void HttpIngress::drain() {
  for (const auto& session : state_->sessions) session->close_when_idle();
}

std::size_t HttpIngress::connections() const {
  return state_->sessions.size() - state_->over.size();
}

}  // namespace phoenix::gateway
