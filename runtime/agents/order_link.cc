#include "runtime/agents/order_link.h"

#include <algorithm>

namespace phoenix::agents {

OrderLink::OrderLink(net::Loop& loop, Settings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      redial_(loop, [this] { dial(); }),
      lost_since_(loop.now()) {
  dial();
}

OrderLink::~OrderLink() = default;

void OrderLink::dial() {
  dial_ = net::Dial::start(loop_, settings_.address, settings_.dial,
                           [this](auto channel) { on_dialled(std::move(channel)); });
}

void OrderLink::on_dialled(Result<std::unique_ptr<net::Channel>> channel) {
  if (!channel) {
    redial_.arm(loop_.now() + settings_.redial);
    if (loop_.now() - lost_since_ > settings_.patience) give_up();
    return;
  }
  wire::LinkUser& user = *this;
  link_ = std::make_unique<wire::FrameLink>(loop_, std::move(*channel), user, wire::LinkSettings{},
                                            counters_);
  wire::Hello hello;
  hello.role = settings_.role;
  hello.name = settings_.name;
  hello.token = settings_.token;
  link_->send(hello);
  while (link_ != nullptr && !waiting_.empty()) {
    Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    send(std::move(first));
  }
}

void OrderLink::ask(std::string command, OnBytes on_bytes) {
  Waiting waiting{std::move(command), std::move(on_bytes)};
  if (link_ != nullptr) return send(std::move(waiting));
  if (waiting_.size() >= kWaitingMax) {
    const OnBytes oldest = std::move(waiting_.front().on_bytes);
    waiting_.pop_front();
    if (oldest) oldest(Json(), {});
  }
  waiting_.push_back(std::move(waiting));
}

void OrderLink::send(Waiting&& waiting) {
  const std::uint64_t id = next_id_++;
  asked_.emplace(id, std::move(waiting.on_bytes));
  link_->send(wire::FrameType::kControl, id, waiting.text);
}

void OrderLink::give_up() {
  auto asked = std::move(asked_);
  auto waiting = std::move(waiting_);
  asked_.clear();
  waiting_.clear();
  for (const auto& [id, on_bytes] : asked) {
    if (on_bytes) on_bytes(Json(), {});
  }
  for (const Waiting& one : waiting) {
    if (one.on_bytes) one.on_bytes(Json(), {});
  }
}

wire::FrameError OrderLink::on_frame(wire::FrameLink&, const wire::Frame& frame) {
  if (frame.type != wire::FrameType::kControl) return wire::FrameError::kNone;
  const auto found = asked_.find(frame.id);
  if (found == asked_.end()) return wire::FrameError::kUnexpected;
  const OnBytes on_bytes = std::move(found->second);
  asked_.erase(found);
  const std::size_t line = std::min(frame.payload.find('\n'), frame.payload.size());
  const Json answer = Json::parse(frame.payload.substr(0, line), nullptr, false);
  if (answer.is_discarded()) return wire::FrameError::kBadPayload;
  if (on_bytes) on_bytes(answer, frame.payload.substr(std::min(line + 1, frame.payload.size())));
  return wire::FrameError::kNone;
}

void OrderLink::on_link_closed(wire::FrameLink&, const std::string&) {
  link_.reset();
  lost_since_ = loop_.now();
  redial_.arm(loop_.now() + settings_.redial);
  auto asked = std::move(asked_);
  asked_.clear();
  for (const auto& [id, on_bytes] : asked) {
    if (on_bytes) on_bytes(Json(), {});
  }
}

}  // namespace phoenix::agents
