#include "runtime/wire/frame_link.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace phoenix::wire {
namespace {

// Memory kept for the next frames; one large frame shall not cost a quiet link for ever.
constexpr std::size_t kScratchKept = 64 * 1024;
constexpr std::size_t kGatheredKept = 2 * kBatchBytes;
constexpr int kAwakeShare = 2;  // of the delay

std::string describe(net::CloseReason reason, const std::string& detail) {
  switch (reason) {
    case net::CloseReason::kEnd:
      return "the peer closed the connection";
    case net::CloseReason::kReset:
      return "the connection broke: " + detail;
    case net::CloseReason::kOverflow:
      return "too much is queued: " + detail;
    case net::CloseReason::kTls:
      return "TLS failed: " + detail;
  }
  assert(false);
  return detail;
}

}  // namespace

struct FrameLink::State {
  State(FrameLink& owner, net::Loop& its_loop, LinkUser& its_user, const LinkSettings& with,
        LinkCounters& counts)
      : link(&owner), loop(its_loop), user(its_user), settings(with), counters(counts) {}

  bool is_open() const { return link != nullptr && !is_closed; }
  Duration early() const { return settings.batch_delay / kAwakeShare; }

  // All frames in `bytes`, as far as they are whole; returns how many bytes that was. Stops when
  // the link closes.
  std::size_t take_frames(std::string_view bytes);
  FrameError take_batch(std::string_view payload);
  FrameError deliver(const Frame& frame);
  std::size_t assemble(std::string_view bytes);

  FrameLink* link;  // null once destroyed
  net::Loop& loop;
  LinkUser& user;
  LinkSettings settings;
  LinkCounters& counters;
  bool is_closed = false;

  std::string partial;  // the beginning of a frame too long for the channel's buffer
  std::string scratch;

  std::string gathered;  // whole frames, waiting for company
  std::size_t gathered_frames = 0;
  Time due = kNever;
  bool is_posted = false;
  std::unique_ptr<net::Timer> timer;
};

std::size_t FrameLink::State::take_frames(std::string_view bytes) {
  std::size_t consumed = 0;
  while (is_open() && consumed < bytes.size()) {
    const Decoded decoded = decode_frame(bytes.substr(consumed), settings.limits, scratch);
    FrameError error = decoded.error;
    if (error == FrameError::kNone) {
      if (decoded.consumed == 0) break;
      consumed += decoded.consumed;
      error = decoded.frame.type == FrameType::kBatch ? take_batch(decoded.frame.payload)
                                                      : deliver(decoded.frame);
    }
    if (error != FrameError::kNone && is_open()) link->end(error);
  }
  return consumed;
}

FrameError FrameLink::State::take_batch(std::string_view payload) {
  while (is_open() && !payload.empty()) {
    const Decoded decoded = decode_batched(payload, settings.limits);
    if (decoded.error != FrameError::kNone) return decoded.error;
    payload.remove_prefix(decoded.consumed);
    if (const FrameError error = deliver(decoded.frame); error != FrameError::kNone) return error;
  }
  return FrameError::kNone;
}

FrameError FrameLink::State::deliver(const Frame& frame) {
  ++counters.frames_in;
  return user.on_frame(*link, frame);
}

std::size_t FrameLink::State::assemble(std::string_view bytes) {
  // The header is whole: only such frames are moved here.
  const std::size_t missing = frame_size(partial) - partial.size();
  const std::size_t taken = std::min(missing, bytes.size());
  partial.append(bytes.substr(0, taken));
  if (taken == missing) {
    const std::string whole = std::exchange(partial, {});
    take_frames(whole);
  }
  return taken;
}

FrameLink::FrameLink(net::Loop& loop, std::unique_ptr<net::Channel> channel, LinkUser& user,
                     const LinkSettings& settings, LinkCounters& counters)
    : state_(std::make_shared<State>(*this, loop, user, settings, counters)),
      channel_(std::move(channel)) {
  assert(settings.batch_size >= 1);
  channel_->start(*this);
}

FrameLink::~FrameLink() {
  state_->link = nullptr;
  state_->timer.reset();
}

template <typename Encode>
void FrameLink::send_frame(FrameType type, std::uint64_t id, Encode encode_payload) {
  State& state = *state_;
  if (state.is_closed) return;
  ++state.counters.frames_out;
  const bool is_gathering = state.settings.batch_size > 1;
  std::string& out = is_gathering ? state.gathered : channel_->output();
  const std::size_t begun = begin_frame(out, type, id);
  encode_payload(out);
  if (is_gathering) {
    end_frame(out, begun, 0);
    gather(begun);
  } else {
    state.counters.compressed_saved_bytes += end_frame(out, begun, state.settings.compress_above);
    channel_->flush_soon();
  }
}

void FrameLink::send(const Hello& hello) {
  send_frame(FrameType::kHello, 0, [&](std::string& out) { encode(hello, out); });
}

void FrameLink::send(std::uint64_t id, const Request& request) {
  send_frame(FrameType::kRequest, id, [&](std::string& out) { encode(request, out); });
}

void FrameLink::send(std::uint64_t id, const Response& response) {
  const Time now = response.has_report ? state_->loop.now() : kStart;
  send_frame(FrameType::kResponse, id, [&](std::string& out) { encode(response, now, out); });
}

void FrameLink::send(const Report& report, std::uint64_t id) {
  const Time now = state_->loop.now();
  send_frame(FrameType::kReport, id, [&](std::string& out) { encode(report, now, out); });
}

void FrameLink::send(FrameType type, std::uint64_t id, std::string_view payload) {
  assert(type != FrameType::kBatch);
  send_frame(type, id, [&](std::string& out) { out.append(payload); });
}

// The frame at `begun` has joined those gathered.
void FrameLink::gather(std::size_t begun) {
  State& state = *state_;
  const std::size_t most = std::min(kBatchBytes, state.settings.limits.payload);
  if (begun > 0 && state.gathered.size() > most) {
    emit(begun, std::exchange(state.gathered_frames, 0));
  }
  ++state.gathered_frames;
  if (state.gathered_frames >= state.settings.batch_size || state.gathered.size() > most) {
    flush();
  } else if (state.gathered_frames == 1) {
    arm();
  }
}

// Moves the first `end` bytes gathered, which are `frames` frames, to the channel's output.
void FrameLink::emit(std::size_t end, std::size_t frames) {
  State& state = *state_;
  const std::string_view bytes = std::string_view(state.gathered).substr(0, end);
  std::string& out = channel_->output();
  std::size_t begun = out.size();
  if (frames > 1) {
    ++state.counters.batches_out;
    begun = begin_frame(out, FrameType::kBatch, 0);
  }
  out.append(bytes);
  // A lonely frame is ended once more, now that it may be compressed.
  state.counters.compressed_saved_bytes += end_frame(out, begun, state.settings.compress_above);
  state.gathered.erase(0, end);
  if (state.gathered.empty() && state.gathered.capacity() > kGatheredKept) state.gathered = {};
}

void FrameLink::arm() {
  State& state = *state_;
  if (state.settings.batch_delay == Duration{0}) {
    if (std::exchange(state.is_posted, true)) return;
    state.loop.post([weak = std::weak_ptr<State>(state_)] {
      const std::shared_ptr<State> alive = weak.lock();
      if (!alive) return;
      alive->is_posted = false;
      if (alive->link != nullptr) alive->link->flush();
    });
    return;
  }
  state.due = state.loop.now() + state.settings.batch_delay;
  if (!state.timer) {
    state.timer = std::make_unique<net::Timer>(state.loop, [this] { on_due(); });
  }
  // Left armed by flush(): a timer that fires in vain is cheaper than one set for each batch.
  if (state.timer->armed() > state.due) state.timer->arm(state.due, state.early());
}

void FrameLink::on_due() {
  State& state = *state_;
  if (state.gathered_frames == 0) return;
  if (state.loop.now() < state.due - state.early()) {
    state.timer->arm(state.due, state.early());
  } else {
    flush();
  }
}

void FrameLink::flush() {
  State& state = *state_;
  if (state.is_closed || state.gathered_frames == 0) return;
  emit(state.gathered.size(), std::exchange(state.gathered_frames, 0));
  channel_->flush_soon();
}

void FrameLink::apply(const LinkSettings& settings) {
  assert(settings.batch_size >= 1);
  state_->settings = settings;
  flush();
}

std::size_t FrameLink::queued_bytes() const {
  return state_->is_closed ? 0 : channel_->queued_bytes() + state_->gathered.size();
}

Duration FrameLink::drain_time(std::size_t more) const {
  return state_->is_closed ? Duration{0} : channel_->drain_time(state_->gathered.size() + more);
}

void FrameLink::close_gracefully(std::unique_ptr<FrameLink> link) {
  State& state = *link->state_;
  if (std::exchange(state.is_closed, true)) return;
  if (state.gathered_frames > 0) link->emit(state.gathered.size(), state.gathered_frames);
  link->channel_->flush_soon();
  net::Channel::close_gracefully(std::move(link->channel_));
}

std::size_t FrameLink::on_bytes(std::string_view bytes) {
  const std::shared_ptr<State> state = state_;
  std::size_t consumed = state->partial.empty() ? 0 : state->assemble(bytes);
  if (state->is_open()) consumed += state->take_frames(bytes.substr(consumed));
  if (!state->is_open()) return bytes.size();
  const std::string_view rest = bytes.substr(consumed);
  if (frame_size(rest) > kWholeInChannel) {
    state->partial = rest;
    consumed = bytes.size();
  }
  if (state->scratch.size() > kScratchKept) state->scratch = {};
  return consumed;
}

void FrameLink::on_drained() { state_->user.on_link_drained(*this); }

void FrameLink::on_closed(net::CloseReason reason, const std::string& detail) {
  if (!state_->is_closed) close(describe(reason, detail));
}

void FrameLink::end(FrameError error) {
  ++state_->counters.errors[static_cast<std::size_t>(error)];
  close("bad frame: " + std::string(to_text(error)));
}

void FrameLink::close(const std::string& why) {
  const std::shared_ptr<State> state = state_;
  state->is_closed = true;
  state->user.on_link_closed(*this, why);
  if (state->link != nullptr) channel_.reset();
}

}  // namespace phoenix::wire
