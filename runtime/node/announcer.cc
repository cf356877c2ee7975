#include "runtime/node/announcer.h"

#include <algorithm>
#include <utility>

#include "runtime/log.h"
#include "strategies/core/units.h"

namespace phoenix::node {

Duration reconnect_pause(int attempt, Random& random) {
  constexpr Duration kFirst = std::chrono::milliseconds(100);
  constexpr Duration kLongest = std::chrono::seconds(5);
  const Duration pause = std::min(kLongest, kFirst * (1 << std::min(attempt, 10)));
  return from_seconds(to_seconds(pause) * (0.5 + 0.5 * random.uniform_positive()));
}

Announcer::Announcer(net::Loop& loop, Settings settings, MakeHello make_hello,
                     MakeReport make_report, wire::LinkCounters& counters,
                     std::uint64_t jitter_seed)
    : loop_(loop),
      settings_(std::move(settings)),
      make_hello_(std::move(make_hello)),
      make_report_(std::move(make_report)),
      counters_(counters),
      random_(jitter_seed, hash_text(settings_.gateway.text())),
      timer_(loop, [this] { on_timer(); }) {
  dial();
}

Announcer::~Announcer() = default;

void Announcer::dial() {
  dial_ = net::Dial::start(
      loop_, settings_.gateway, settings_.dial,
      [this](Result<std::unique_ptr<net::Channel>> channel) { on_dialled(std::move(channel)); });
}

void Announcer::on_dialled(Result<std::unique_ptr<net::Channel>> channel) {
  if (!channel) return come_back(channel.error());
  wire::LinkUser& user = *this;
  link_ = std::make_unique<wire::FrameLink>(loop_, std::move(*channel), user, wire::LinkSettings{},
                                            counters_);
  link_->send(make_hello_());
  timer_.arm(loop_.now() + settings_.hello_timeout);
}

void Announcer::on_timer() {
  if (link_ == nullptr) return dial();
  if (!has_hello_) come_back("the gateway did not say hello");
}

void Announcer::come_back(const std::string& why) {
  link_.reset();
  has_hello_ = false;
  if (is_closed_) return;
  const Duration pause = reconnect_pause(attempt_++, random_);
  log_warning(
      "no gateway",
      {{"gateway", settings_.gateway.text()}, {"why", why}, {"retry_in", print_duration(pause)}});
  timer_.arm(loop_.now() + pause);
}

wire::FrameError Announcer::on_frame(wire::FrameLink&, const wire::Frame& frame) {
  if (frame.type != wire::FrameType::kHello || has_hello_) return wire::FrameError::kUnexpected;
  wire::Hello hello;
  if (!wire::decode(frame.payload, hello)) return wire::FrameError::kBadPayload;
  if (hello.role != wire::Role::kGateway) return wire::FrameError::kUnexpected;
  has_hello_ = true;
  attempt_ = 0;
  timer_.disarm();
  log_info("gateway joined",
           {{"gateway", settings_.gateway.text()}, {"name", std::string(hello.name)}});
  link_->send(make_report_());
  if (is_leaving_) link_->send(wire::FrameType::kGoodbye, 0, {});
  return wire::FrameError::kNone;
}

void Announcer::on_link_closed(wire::FrameLink&, const std::string& why) { come_back(why); }

void Announcer::send(const wire::Report& report) {
  if (has_hello_) link_->send(report);
}

// Also while the first hello is not answered yet: it told of what was offered then.
void Announcer::renew() {
  if (link_ != nullptr) link_->send(make_hello_());
}

void Announcer::goodbye() {
  is_leaving_ = true;
  if (has_hello_) link_->send(wire::FrameType::kGoodbye, 0, {});
}

void Announcer::close() {
  is_closed_ = true;
  has_hello_ = false;
  dial_.reset();
  timer_.disarm();
  if (link_ != nullptr) wire::FrameLink::close_gracefully(std::move(link_));
}

}  // namespace phoenix::node
