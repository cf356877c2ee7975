#include "runtime/node/forwarder.h"

#include <utility>

#include "runtime/log.h"
#include "runtime/node/node_frames.h"

namespace phoenix::node {

Forwarder::Forwarder(net::Loop& loop, Settings settings, wire::LinkCounters& counters,
                     OnAnswer on_answer)
    : loop_(loop),
      settings_(std::move(settings)),
      counters_(counters),
      on_answer_(std::move(on_answer)) {
  dial();
}

Forwarder::~Forwarder() = default;

void Forwarder::dial() {
  dial_ = net::Dial::start(loop_, settings_.to, settings_.dial,
                           [this](auto channel) { on_dialled(std::move(channel)); });
}

void Forwarder::on_dialled(Result<std::unique_ptr<net::Channel>> channel) {
  dial_.reset();
  if (!channel) {
    log_warning("cannot forward", {{"to", settings_.to.text()}, {"why", channel.error()}});
    return refuse_waiting();
  }
  wire::LinkUser& user = *this;
  link_ = std::make_unique<wire::FrameLink>(loop_, std::move(*channel), user, settings_.link,
                                            counters_);
  wire::Hello hello;
  hello.role = wire::Role::kGateway;
  hello.name = settings_.name;
  hello.token = settings_.token;
  link_->send(hello);
}

void Forwarder::send(const ReturnAddress& to, CallRequest request) {
  Waiting one{to, std::move(request)};
  if (has_hello_) return pass_on(std::move(one));
  waiting_.push_back(std::move(one));
  if (link_ == nullptr && dial_ == nullptr) dial();
}

void Forwarder::pass_on(Waiting one) {
  const std::uint64_t id = next_id_++;
  sent_[id] = {one.to, size_of(one.request)};
  link_->send(id, to_request(one.request, loop_.now()));
}

void Forwarder::refuse_waiting() {
  for (const Waiting& one : std::exchange(waiting_, {})) {
    on_answer_(one.to, size_of(one.request), {503, {}, {}, AttemptResult::kRefused});
  }
}

wire::FrameError Forwarder::on_frame(wire::FrameLink&, const wire::Frame& frame) {
  if (frame.type == wire::FrameType::kHello && !has_hello_) {
    has_hello_ = true;
    for (Waiting& one : std::exchange(waiting_, {})) pass_on(std::move(one));
    return wire::FrameError::kNone;
  }
  if (frame.type != wire::FrameType::kResponse) return wire::FrameError::kUnexpected;
  wire::Response response;
  if (!wire::decode(frame.payload, loop_.now(), response)) return wire::FrameError::kBadPayload;
  const auto found = sent_.find(frame.id);
  if (found == sent_.end()) return wire::FrameError::kUnexpected;
  const Sent sent = found->second;
  sent_.erase(found);
  on_answer_(sent.to, sent.request_bytes, to_reply(response));
  return wire::FrameError::kNone;
}

void Forwarder::on_link_closed(wire::FrameLink&, const std::string& why) {
  log_warning("forwarding broke off", {{"to", settings_.to.text()}, {"why", why}});
  link_.reset();
  has_hello_ = false;
  for (const auto& [id, sent] : std::exchange(sent_, {})) {
    on_answer_(sent.to, sent.request_bytes, {502, {}, {}, AttemptResult::kReset});
  }
  refuse_waiting();
}

}  // namespace phoenix::node
