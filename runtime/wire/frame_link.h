// A connection that speaks frames: takes a channel, hands decoded frames to its user, batches and
// compresses what is sent. A malformed frame ends the connection with a counted reason.
// Does not look into messages: who may send which, and when, is its user's to judge.
//
// On the channel's loop. The user owns the link and may destroy it within any callback; frames that
// arrived with the one being handled are dropped then. Frames up to kWholeInChannel bytes wait for
// their rest in the channel's read buffer, longer ones in the link's own memory, which grows with
// what has arrived.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/net/channel.h"
#include "runtime/net/loop.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/messages.h"

namespace phoenix::wire {

// Channels under a link need a read buffer of at least this.
inline constexpr std::size_t kWholeInChannel = 16 * 1024;
// Of what arrives from a peer that has not shown yet who it is.
inline constexpr FrameLimits kHelloLimits{256 * 1024};
// A batch is sent as soon as it holds this much; longer frames go by themselves.
inline constexpr std::size_t kBatchBytes = 64 * 1024;

struct LinkSettings {
  std::size_t batch_size = 1;  // frames per batch; 1 sends each by itself (still one write per
                               // loop turn)
  Duration batch_delay{0};     // the longest a frame waits for company, and half of it where the
                               // loop is awake anyway; 0: the end of the turn
  std::size_t compress_above = 0;  // payload (or batch) bytes; 0 is never
  FrameLimits limits{};            // of what arrives; small until the peer has shown who it is:
                                   // this much memory is its for the asking
};

// Shared by the links of one thread.
struct LinkCounters {
  std::uint64_t frames_in = 0, frames_out = 0;
  std::uint64_t batches_out = 0;
  std::uint64_t compressed_saved_bytes = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(FrameError::kCount)> errors{};
};

class FrameLink;

class LinkUser {
 public:
  virtual ~LinkUser() = default;
  // Views are valid during the call. Returning anything but kNone ends the connection with that
  // reason, as a malformed frame does (on_link_closed follows).
  virtual FrameError on_frame(FrameLink& link, const Frame& frame) = 0;
  virtual void on_link_drained(FrameLink&) {}
  // At most once; nothing else follows and what is sent is dropped.
  virtual void on_link_closed(FrameLink& link, const std::string& why) = 0;
};

class FrameLink final : private net::ChannelUser {
 public:
  FrameLink(net::Loop& loop, std::unique_ptr<net::Channel> channel, LinkUser& user,
            const LinkSettings& settings, LinkCounters& counters);
  ~FrameLink() override;

  // Encodes straight into the output. REQUIRES: within_bounds(), and the peer's limit.
  void send(const Hello& hello);
  void send(std::uint64_t id, const Request& request);
  void send(std::uint64_t id, const Response& response);
  void send(const Report& report, std::uint64_t id = 0);  // the probe's that it answers
  // kGoodbye, kControl, kProbe
  void send(FrameType type, std::uint64_t id, std::string_view payload);

  void apply(const LinkSettings& settings);  // from the next frame on
  void flush();                              // does not wait for batch_delay
  // REQUIRES: on_link_closed() has not returned.
  net::Channel& channel() { return *channel_; }
  std::size_t queued_bytes() const;             // not taken by the kernel yet
  Duration drain_time(std::size_t more) const;  // see net::Channel; 0 once closed

  // Sends what is queued, then closes. Nothing is called back any more.
  static void close_gracefully(std::unique_ptr<FrameLink> link);

 private:
  std::size_t on_bytes(std::string_view bytes) override;
  void on_drained() override;
  void on_closed(net::CloseReason reason, const std::string& detail) override;

  struct State;
  template <typename Encode>
  void send_frame(FrameType type, std::uint64_t id, Encode encode_payload);
  void gather(std::size_t begun);
  void emit(std::size_t end, std::size_t frames);
  void arm();
  void on_due();
  void end(FrameError error);
  void close(const std::string& why);

  std::shared_ptr<State> state_;  // outlives the link while one of its callbacks runs
  std::unique_ptr<net::Channel> channel_;
};

}  // namespace phoenix::wire
