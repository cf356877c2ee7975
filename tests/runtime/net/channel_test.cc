// Channels over both transports: every test that does not name one runs plain and over TLS.
#include "runtime/net/channel.h"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pcg_random.hpp>

#include "runtime/net/socket.h"
#include "tests/runtime/certificates.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::net {
namespace {

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

class BothTransports : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { descriptors_before_ = open_descriptors(); }
  void TearDown() override { EXPECT_EQ(open_descriptors(), descriptors_before_); }

  static ListenSettings listen(const ChannelSettings& channel = {}) {
    static const Authority authority;
    static const auto server = make_server_tls(authority.server());
    trusted() = authority.client();
    ListenSettings settings;
    settings.channel = channel;
    if (GetParam()) settings.tls = *server;
    return settings;
  }
  static DialSettings dialling(const ChannelSettings& channel = {}) {
    static const auto client = make_client_tls(trusted());
    DialSettings settings;
    settings.channel = channel;
    if (GetParam()) settings.tls = *client;
    return settings;
  }
  static Pair connected(Loop& loop, const ChannelSettings& near = {},
                        const ChannelSettings& far = {}) {
    const ListenSettings settings = listen(far);
    return Pair(loop, settings, dialling(near));
  }

 private:
  static TlsSettings& trusted() {
    static TlsSettings settings;
    return settings;
  }
  std::size_t descriptors_before_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Channel, BothTransports, testing::Bool(),
                         [](const auto& which) { return which.param ? "Tls" : "Plain"; });

TEST_P(BothTransports, EchoRandomSizesByteForByte) {
  Loop loop;
  Pair pair = connected(loop);
  pcg32 random(7);
  pair.far->consume = [&](std::string_view bytes) {
    pair.far->channel->write(bytes);
    return bytes.size();
  };
  std::string sent;
  for (int message = 0; message < 200; ++message) {
    const std::string text = pattern(1 + random() % (1U << (random() % 18)));
    pair.near->channel->write(text);
    sent += text;
    if (random() % 4 == 0) loop.run_until(loop.now());
  }
  ASSERT_TRUE(drive(loop, [&] { return pair.near->received.size() == sent.size(); }));
  EXPECT_EQ(pair.near->received, sent);
  EXPECT_EQ(pair.far->received, sent);
  EXPECT_EQ(pair.near->channel->queued_bytes(), 0U);
  EXPECT_GE(pair.far->channel->bytes_in(), sent.size());
  EXPECT_EQ(pair.far->channel->bytes_in(), pair.near->channel->bytes_out());
}

TEST_P(BothTransports, WhatIsNotConsumedIsShownAgainWithWhatFollows) {
  Loop loop;
  Pair pair = connected(loop);
  pair.far->consume = [](std::string_view bytes) { return bytes.size() / 3 * 3; };
  pair.near->channel->write("abcd");
  ASSERT_TRUE(drive(loop, [&] { return pair.far->received == "abc"; }));
  pair.near->channel->write("ef");
  ASSERT_TRUE(drive(loop, [&] { return pair.far->received == "abcdef"; }));
}

TEST_P(BothTransports, WritesOfOneTurnArriveTogether) {
  Loop loop;
  Pair pair = connected(loop);
  for (int i = 0; i < 100; ++i) pair.near->channel->write("0123456789");
  pair.near->channel->output().append("end");
  pair.near->channel->flush_soon();
  EXPECT_EQ(pair.near->channel->queued_bytes(), 1003U);
  ASSERT_TRUE(drive(loop, [&] { return pair.far->received.size() == 1003; }));
  EXPECT_EQ(pair.far->calls, 1);
}

TEST_P(BothTransports, APausedReaderHoldsTheWriterBackUntilItResumes) {
  ChannelSettings settings;
  settings.send_buffer = settings.receive_buffer = 16 * 1024;
  Loop loop;
  Pair pair = connected(loop, settings, settings);
  const std::string text = pattern(4'000'000);
  pair.far->channel->pause_reading();
  pair.near->channel->write(text);
  settle(loop);
  EXPECT_EQ(pair.far->received, "");
  EXPECT_GT(pair.near->channel->queued_bytes(), 3'000'000U);
  EXPECT_EQ(pair.near->drained, 0);
  std::size_t at_drained = text.size();
  pair.near->when_drained = [&] { at_drained = pair.near->channel->queued_bytes(); };
  pair.far->channel->resume_reading();
  ASSERT_TRUE(drive(loop, [&] { return pair.far->received.size() == text.size(); }));
  EXPECT_EQ(pair.far->received, text);
  EXPECT_EQ(pair.near->drained, 1);
  EXPECT_LE(at_drained, settings.write_low);
}

TEST_P(BothTransports, TellsHowLongItsQueueLastsOnceAReaderHoldsItBack) {
  ChannelSettings settings;
  settings.send_buffer = settings.receive_buffer = 16 * 1024;
  Loop loop;
  Pair pair = connected(loop, settings, settings);
  const Channel& near = *pair.near->channel;
  EXPECT_EQ(near.drain_time(1'000'000), Duration{0}) << "the kernel takes it";
  pair.far->channel->pause_reading();
  pair.near->channel->write(pattern(1'000'000));
  ASSERT_TRUE(drive(loop, [&] { return near.drain_time(0) > std::chrono::milliseconds(50); }));
  pair.far->channel->resume_reading();
  ASSERT_TRUE(drive(loop, [&] { return pair.far->received.size() == 1'000'000; }));
  EXPECT_EQ(near.drain_time(1'000'000), Duration{0});
}

TEST_P(BothTransports, DrainedIsToldEvenWhenOneSendTakesAll) {
  ChannelSettings settings;
  settings.write_low = 100;
  Loop loop;
  Pair pair = connected(loop, settings);
  pair.near->channel->write(pattern(101));
  ASSERT_TRUE(drive(loop, [&] { return pair.near->drained == 1; }));
  pair.near->channel->write(pattern(100));
  ASSERT_TRUE(drive(loop, [&] { return pair.far->received.size() == 201; }));
  EXPECT_EQ(pair.near->drained, 1);
}

TEST_P(BothTransports, PausingWithinACallbackKeepsTheRestForTheResume) {
  Loop loop;
  Pair pair = connected(loop);
  Party& far = *pair.far;
  far.consume = [&](std::string_view) -> std::size_t {
    far.channel->pause_reading();
    return 1;
  };
  pair.near->channel->write("abc");
  ASSERT_TRUE(drive(loop, [&] { return far.received == "a"; }));
  pair.near->channel->write("def");
  settle(loop);
  EXPECT_EQ(far.received, "a");
  far.channel->resume_reading();
  ASSERT_TRUE(drive(loop, [&] { return far.received == "ab"; }));
  far.consume = nullptr;
  far.channel->resume_reading();
  ASSERT_TRUE(drive(loop, [&] { return far.received == "abcdef"; }));
}

TEST_P(BothTransports, PausingAndResumingWithinOneCallbackShowsTheRestAgain) {
  Loop loop;
  Pair pair = connected(loop);
  Party& far = *pair.far;
  far.consume = [&](std::string_view) -> std::size_t {
    far.channel->pause_reading();
    far.channel->resume_reading();
    return 1;
  };
  pair.near->channel->write("abc");
  ASSERT_TRUE(drive(loop, [&] { return far.received == "abc"; }));
  EXPECT_EQ(far.calls, 3);
}

TEST_P(BothTransports, ALargeTransferLeavesOthersTheirTurn) {
  Loop loop;
  Pair large = connected(loop);
  Pair small = connected(loop);
  const std::string text = pattern(12'000'000);
  large.near->channel->write(text);
  small.near->channel->write("ping");
  ASSERT_TRUE(drive(loop, [&] { return small.far->received == "ping"; }));
  EXPECT_LT(large.far->received.size(), text.size());
  ASSERT_TRUE(drive(loop, [&] { return large.far->received.size() == text.size(); }));
  EXPECT_EQ(large.far->received, text);
}

TEST_P(BothTransports, AReaderThatMakesNoProgressWhenFullIsClosed) {
  ChannelSettings settings;
  settings.read_buffer = 1000;
  Loop loop;
  Pair pair = connected(loop, {}, settings);
  std::size_t most = 0;
  pair.far->consume = [&](std::string_view bytes) {
    most = std::max(most, bytes.size());
    return 0;
  };
  pair.near->channel->write(pattern(999));
  ASSERT_TRUE(drive(loop, [&] { return most == 999; }));
  EXPECT_FALSE(pair.far->closed);
  pair.near->channel->write(pattern(50'000));
  ASSERT_TRUE(drive(loop, [&] { return pair.far->closed.has_value(); }));
  EXPECT_EQ(*pair.far->closed, CloseReason::kOverflow);
  EXPECT_EQ(most, 1000U);
  ASSERT_TRUE(drive(loop, [&] { return pair.near->closed.has_value(); }));
}

TEST_P(BothTransports, AWriterBeyondItsQueueIsClosedAndThePeerSeesAReset) {
  ChannelSettings settings;
  settings.write_queue = 1000;
  Loop loop;
  Pair pair = connected(loop, settings);
  pair.near->channel->write(pattern(1001));
  pair.near->channel->write("and on");
  EXPECT_FALSE(pair.near->closed) << "not within a call of the user";
  ASSERT_TRUE(drive(loop, [&] { return pair.near->closed && pair.far->closed; }));
  EXPECT_EQ(*pair.near->closed, CloseReason::kOverflow);
  EXPECT_EQ(*pair.far->closed, CloseReason::kReset);
  EXPECT_EQ(pair.far->received, "");
}

TEST_P(BothTransports, AGracefulCloseDeliversAllThatWasQueued) {
  Loop loop;
  Pair pair = connected(loop);
  const std::string text = pattern(8'000'000);
  pair.near->channel->write(text);
  Channel::close_gracefully(std::move(pair.near->channel));
  pair.near.reset();
  ASSERT_TRUE(drive(loop, [&] { return pair.far->closed.has_value(); }));
  EXPECT_EQ(*pair.far->closed, CloseReason::kEnd);
  EXPECT_EQ(pair.far->received, text);
}

TEST_P(BothTransports, ALingeringCloseDoesNotCutOffAPeerThatStillSends) {
  Loop loop;
  Pair pair = connected(loop);
  const std::string text = pattern(2'000'000);
  pair.far->channel->write(text);
  pair.near->channel->write("refused");
  Channel::close_gracefully(std::move(pair.near->channel));
  ASSERT_TRUE(drive(loop, [&] { return pair.far->closed.has_value(); }));
  EXPECT_EQ(*pair.far->closed, CloseReason::kEnd);
  EXPECT_EQ(pair.far->received, "refused");
  ASSERT_TRUE(drive(loop, [&] { return pair.far->channel->queued_bytes() == 0; }));
}

TEST_P(BothTransports, DestroyingWithBytesUnsentResetsTheConnection) {
  Loop loop;
  Pair pair = connected(loop);
  pair.near->channel->write(pattern(1000));
  pair.near->channel.reset();
  ASSERT_TRUE(drive(loop, [&] { return pair.far->closed.has_value(); }));
  EXPECT_EQ(*pair.far->closed, CloseReason::kReset);
  EXPECT_EQ(pair.far->why, GetParam() ? pair.far->why : "connection reset by peer");
  EXPECT_EQ(pair.near->closed, std::nullopt) << "no callback after the destructor";
}

TEST_P(BothTransports, BytesSentBeforeAResetAreStillDelivered) {
  Loop loop;
  Pair pair = connected(loop);
  pair.near->channel->write("last words");
  ASSERT_TRUE(drive(loop, [&] { return pair.near->channel->queued_bytes() == 0; }));
  pair.far->channel->write(pattern(3'000'000));
  pair.near->channel->pause_reading();
  settle(loop);
  pair.near->channel.reset();
  ASSERT_TRUE(drive(loop, [&] { return pair.far->closed.has_value(); }));
  EXPECT_EQ(*pair.far->closed, CloseReason::kReset);
  EXPECT_EQ(pair.far->received, "last words");
}

TEST_P(BothTransports, MayBeDestroyedInEveryCallback) {
  Loop loop;
  {
    Pair pair = connected(loop);
    pair.far->consume = [&](std::string_view bytes) {
      pair.far->channel.reset();
      return bytes.size();
    };
    pair.near->channel->write("x");
    ASSERT_TRUE(drive(loop, [&] { return pair.near->closed.has_value(); }));
    EXPECT_EQ(pair.far->closed, std::nullopt);
  }
  {
    Pair pair = connected(loop);
    pair.near->when_drained = [&] { pair.near->channel.reset(); };
    pair.near->channel->write(pattern(1'000'000));
    ASSERT_TRUE(drive(loop, [&] { return pair.far->closed.has_value(); }));
    EXPECT_EQ(pair.near->closed, std::nullopt);
  }
  {
    Pair pair = connected(loop);
    pair.far->when_closed = [&] { pair.far->channel.reset(); };
    pair.near->channel.reset();
    ASSERT_TRUE(drive(loop, [&] { return pair.far->channel == nullptr; }));
  }
  {
    Pair pair = connected(loop);
    pair.far->consume = [&](std::string_view bytes) {
      pair.far->channel->write("bye");
      Channel::close_gracefully(std::move(pair.far->channel));
      return bytes.size();
    };
    pair.near->channel->write("x");
    ASSERT_TRUE(drive(loop, [&] { return pair.near->closed.has_value(); }));
    EXPECT_EQ(pair.near->received, "bye");
    EXPECT_EQ(*pair.near->closed, CloseReason::kEnd);
  }
}

TEST_P(BothTransports, WhatIsShownStaysReadableAfterTheUserDestroyedTheChannel) {
  Loop loop;
  Pair pair = connected(loop);
  std::string seen;
  pair.far->consume = [&](std::string_view bytes) -> std::size_t {
    if (bytes.size() < 2000) return 0;
    pair.far->channel.reset();
    seen = bytes;
    return bytes.size();
  };
  pair.near->channel->write(pattern(2000).substr(0, 1000));
  ASSERT_TRUE(drive(loop, [&] { return pair.far->calls > 0; }));
  pair.near->channel->write(pattern(2000).substr(1000));
  ASSERT_TRUE(drive(loop, [&] { return pair.far->channel == nullptr; }));
  EXPECT_EQ(seen, pattern(2000));
}

TEST_P(BothTransports, AUserMayDestroyAnotherChannelThatIsReadyInTheSameRound) {
  Loop loop;
  Pair one = connected(loop);
  Pair two = connected(loop);
  int calls = 0;
  const auto drop_other = [&](Party& other) {
    return [&](std::string_view bytes) {
      ++calls;
      other.channel.reset();
      return bytes.size();
    };
  };
  one.far->consume = drop_other(*two.far);
  two.far->consume = drop_other(*one.far);
  one.near->channel->write("x");
  two.near->channel->write("x");
  settle(loop);
  EXPECT_EQ(calls, 1);
}

TEST_P(BothTransports, TellsWhoThePeerIs) {
  Loop loop;
  Pair pair = connected(loop);
  EXPECT_EQ(pair.near->channel->peer(), pair.server.listener->local());
  EXPECT_TRUE(pair.far->channel->peer().is_loopback());
  EXPECT_EQ(pair.near->channel->is_encrypted(), GetParam());
  EXPECT_EQ(pair.near->channel->peer_name(), GetParam() ? "CN=127.0.0.1" : "");
  EXPECT_EQ(pair.far->channel->peer_name(), "");
}

TEST_P(BothTransports, AClosedChannelTakesCallsQuietly) {
  Loop loop;
  Pair pair = connected(loop);
  pair.far->channel.reset();
  ASSERT_TRUE(drive(loop, [&] { return pair.near->closed.has_value(); }));
  Channel& channel = *pair.near->channel;
  for (int i = 0; i < 3; ++i) {
    channel.write(pattern(100'000));
    channel.pause_reading();
    channel.resume_reading();
    channel.set_socket_buffers(8192, 8192);
    settle(loop);
  }
  EXPECT_EQ(channel.queued_bytes(), 0U);
  EXPECT_EQ(channel.peer(), pair.server.listener->local());
}

TEST_P(BothTransports, ALoopMayEndWhileClosedChannelsLinger) {
  Loop loop;
  Pair pair = connected(loop);
  pair.far->channel->pause_reading();
  pair.near->channel->write(pattern(8'000'000));
  Channel::close_gracefully(std::move(pair.near->channel));
  settle(loop);
}

TEST(Channel, TellsThatItDrainedAlsoAfterThePeersEnd) {
  Loop loop;
  Server server(loop);
  Endpoint at = literal_endpoints(server.listener->local()).front();
  const Descriptor client(socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect(client.get(), at.raw(), at.length), 0);
  ASSERT_EQ(shutdown(client.get(), SHUT_WR), 0);
  ASSERT_TRUE(drive(loop, [&] { return !server.accepted.empty(); }));
  Party party(server.take());
  ASSERT_TRUE(drive(loop, [&] { return party.closed.has_value(); }));
  party.channel->write(pattern(12'000'000));
  std::size_t taken = 0;
  const auto take_some = [&] {
    static char text[64 * 1024];
    const ssize_t got = recv(client.get(), text, sizeof text, MSG_DONTWAIT);
    if (got > 0) taken += static_cast<std::size_t>(got);
    return taken == 12'000'000;
  };
  ASSERT_TRUE(drive(loop, take_some));
  EXPECT_EQ(party.drained, 1);
}

// A reader that takes its time, 20 pauses that last as long as the close has in all without
// progress.
TEST_P(BothTransports, AGracefulCloseLastsAsLongAsThePeerTakesSomething) {
  ChannelSettings settings;
  settings.send_buffer = settings.receive_buffer = 16 * 1024;
  settings.flush_time = std::chrono::milliseconds(500);
  Loop loop;
  Pair pair = connected(loop, settings, settings);
  const std::string text = pattern(2'000'000);
  Party& far = *pair.far;
  far.consume = [&](std::string_view bytes) {
    if (far.received.size() / 100'000 != (far.received.size() + bytes.size()) / 100'000) {
      far.channel->pause_reading();
    }
    return bytes.size();
  };
  pair.near->channel->write(text);
  const Time begun = loop.now();
  Channel::close_gracefully(std::move(pair.near->channel));
  ASSERT_TRUE(drive(loop, [&] {
    loop.run_until(loop.now() + std::chrono::milliseconds(50));
    if (!far.closed) far.channel->resume_reading();
    return far.closed.has_value();
  }));
  EXPECT_GT(loop.now() - begun, settings.flush_time);
  EXPECT_EQ(*far.closed, CloseReason::kEnd);
  EXPECT_EQ(far.received.size(), text.size());
}

TEST_P(BothTransports, AGracefulCloseGivesUpOnAPeerThatTakesNothing) {
  ChannelSettings settings;
  settings.flush_time = std::chrono::milliseconds(50);
  Loop loop;
  Pair pair = connected(loop, settings, settings);
  pair.near->channel->pause_reading();
  pair.far->channel->write(pattern(12'000'000));
  Channel::close_gracefully(std::move(pair.far->channel));
  EXPECT_TRUE(drive(loop, [&] { return pair.server.listener->counters().open == 0; }));
  EXPECT_FALSE(pair.near->closed);
}

TEST(Channel, StillWritesAfterThePeersEnd) {
  Loop loop;
  Server server(loop);
  Endpoint at = literal_endpoints(server.listener->local()).front();
  const Descriptor client(socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect(client.get(), at.raw(), at.length), 0);
  ASSERT_EQ(send(client.get(), "question", 8, 0), 8);
  ASSERT_EQ(shutdown(client.get(), SHUT_WR), 0);
  ASSERT_TRUE(drive(loop, [&] { return !server.accepted.empty(); }));
  Party party(server.take());
  ASSERT_TRUE(drive(loop, [&] { return party.closed.has_value(); }));
  EXPECT_EQ(*party.closed, CloseReason::kEnd);
  EXPECT_EQ(party.received, "question");
  party.channel->write("answer");
  Channel::close_gracefully(std::move(party.channel));
  char text[32];
  std::string answer;
  for (ssize_t got = 1; got > 0; answer.append(text, static_cast<std::size_t>(got))) {
    got = recv(client.get(), text, sizeof text, 0);
    ASSERT_GE(got, 0);
  }
  EXPECT_EQ(answer, "answer");
  EXPECT_TRUE(drive(loop, [&] { return server.listener->counters().open == 0; }));
}

}  // namespace
}  // namespace phoenix::net
