// Links over real connections on loopback, at both ends: closing gracefully loses nothing, and a
// peer that does not read bounds what is queued for it.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/net/connect.h"
#include "runtime/net/loop.h"
#include "runtime/wire/frame_link.h"

namespace phoenix::wire {
namespace {

struct Party final : LinkUser {
  FrameError on_frame(FrameLink&, const Frame& frame) override {
    ids.push_back(frame.id);
    bytes += frame.payload.size();
    return FrameError::kNone;
  }
  void on_link_closed(FrameLink&, const std::string& why) override { closed.push_back(why); }
  std::vector<std::uint64_t> ids;
  std::size_t bytes = 0;
  std::vector<std::string> closed;
};

class FrameLinkSocketTest : public testing::Test {
 protected:
  // Both ends of one connection, each with its link.
  void connect(const LinkSettings& settings, const net::ChannelSettings& channel = {}) {
    net::ListenSettings listening;
    listening.channel = channel;
    auto opened = net::Listener::open(loop, {"127.0.0.1", 0}, listening, [&](auto accepted) {
      far_link =
          std::make_unique<FrameLink>(loop, std::move(accepted), far, settings, far_counters);
    });
    ASSERT_TRUE(opened);
    listener = std::move(*opened);
    net::DialSettings dialling;
    dialling.channel = channel;
    dial = net::Dial::start(loop, listener->local(), dialling, [&](auto dialled) {
      ASSERT_TRUE(dialled);
      near_link =
          std::make_unique<FrameLink>(loop, std::move(*dialled), near, settings, near_counters);
    });
    run_until([&] { return near_link && far_link; });
  }
  void run_until(const std::function<bool()>& condition) {
    const Time limit = loop.now() + std::chrono::seconds(20);
    while (!condition() && loop.now() < limit) {
      loop.run_until(loop.now() + std::chrono::milliseconds(1));
    }
    ASSERT_TRUE(condition());
  }

  net::Loop loop;
  Party near, far;
  LinkCounters near_counters, far_counters;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<net::Dial> dial;
  std::unique_ptr<FrameLink> near_link, far_link;
};

TEST_F(FrameLinkSocketTest, ClosingGracefullySendsEverythingFirst) {
  connect({.batch_size = 8, .batch_delay = std::chrono::hours(1), .compress_above = 100'000});
  std::vector<std::uint64_t> sent;
  std::size_t bytes = 0;
  for (std::uint64_t id = 0; id < 501; ++id) {
    const std::string payload(id * 37 % 9'000, 'x');
    near_link->send(FrameType::kControl, id, payload);
    sent.push_back(id);
    bytes += payload.size();
  }
  FrameLink::close_gracefully(std::move(near_link));
  run_until([&] { return !far.closed.empty(); });
  EXPECT_EQ(far.ids, sent);
  EXPECT_EQ(far.bytes, bytes);
  EXPECT_EQ(far.closed.size(), 1U);
  EXPECT_TRUE(near.closed.empty());
  EXPECT_EQ(far_counters.frames_in, 501U);
  EXPECT_EQ(near_counters.frames_out, 501U);
}

TEST_F(FrameLinkSocketTest, GarbageFromThePeerClosesBothEnds) {
  connect({});
  near_link->channel().write("GET / HTTP/1.1\r\n\r\n");
  run_until([&] { return !near.closed.empty() && !far.closed.empty(); });
  EXPECT_EQ(far_counters.errors[static_cast<std::size_t>(FrameError::kBadMagic)], 1U);
  EXPECT_EQ(near.closed.size(), 1U);
}

TEST_F(FrameLinkSocketTest, APeerThatDoesNotReadIsCutOffAtTheWriteQueuesBound) {
  constexpr std::size_t kFrame = 32 * 1024;
  constexpr std::size_t kBound = 256 * 1024;
  connect({}, {.write_queue = kBound});
  far_link->channel().pause_reading();
  // The kernel takes some megabytes; whoever goes on sending is stopped long before 128.
  std::size_t most = 0;
  for (int i = 0; i < 4096 && near.closed.empty(); ++i) {
    near_link->send(FrameType::kControl, 1, std::string(kFrame, 'x'));
    most = std::max(most, near_link->queued_bytes());
    loop.run_until(loop.now() + std::chrono::milliseconds(1));
  }
  ASSERT_EQ(near.closed.size(), 1U);
  EXPECT_LE(most, kBound + kFrame + kHeaderBytes);
}

}  // namespace
}  // namespace phoenix::wire
