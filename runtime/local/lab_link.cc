#include "runtime/local/lab_link.h"

#include <algorithm>

namespace phoenix::local {
namespace {

constexpr Duration kRedial = std::chrono::milliseconds(20);

}  // namespace

LabLink::LabLink(net::Loop& loop, const net::Address& address, std::string token)
    : loop_(loop), address_(address), token_(std::move(token)), redial_(loop, [this] { dial(); }) {
  dial();
}

LabLink::~LabLink() = default;

void LabLink::dial() {
  dial_ = net::Dial::start(loop_, address_, {},
                           [this](auto channel) { on_dialled(std::move(channel)); });
}

void LabLink::on_dialled(Result<std::unique_ptr<net::Channel>> channel) {
  if (!channel) return redial_.arm(loop_.now() + kRedial);
  wire::LinkUser& user = *this;
  link_ = std::make_unique<wire::FrameLink>(loop_, std::move(*channel), user, wire::LinkSettings{},
                                            counters_);
  wire::Hello hello;
  hello.role = wire::Role::kLab;
  hello.name = "local";
  hello.token = token_;
  link_->send(hello);
  while (link_ != nullptr && !waiting_.empty()) {
    Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    send(std::move(first));
  }
}

void LabLink::ask(std::string command, OnBytes on_bytes) {
  Waiting waiting{std::move(command), std::move(on_bytes)};
  if (link_ != nullptr) return send(std::move(waiting));
  if (waiting_.size() >= kWaitingMax) {
    const OnBytes oldest = std::move(waiting_.front().on_bytes);
    waiting_.pop_front();
    if (oldest) oldest(Json(), {});
  }
  waiting_.push_back(std::move(waiting));
}

void LabLink::send(Waiting&& waiting) {
  const std::uint64_t id = next_id_++;
  asked_.emplace(id, std::move(waiting.on_bytes));
  link_->send(wire::FrameType::kControl, id, waiting.text);
}

void LabLink::give_up() {
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

wire::FrameError LabLink::on_frame(wire::FrameLink&, const wire::Frame& frame) {
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

void LabLink::on_link_closed(wire::FrameLink&, const std::string&) {
  link_.reset();
  redial_.arm(loop_.now() + kRedial);
  auto asked = std::move(asked_);
  asked_.clear();
  for (const auto& [id, on_bytes] : asked) {
    if (on_bytes) on_bytes(Json(), {});
  }
}

}  // namespace phoenix::local
