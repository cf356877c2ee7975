// Links over a channel without sockets: what arrives is handed over in order, what is sent is
// gathered as asked, and every way to end ends once and cleanly.
#include "runtime/wire/frame_link.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/net/loop.h"
#include "tests/fuzz/frame_property.h"
#include "tests/runtime/wire/fake_channel.h"
#include "tests/runtime/wire/samples.h"

namespace phoenix::wire {
namespace {

using samples::dull_text;
using samples::Samples;

struct Seen {
  FrameType type{};
  std::uint64_t id = 0;
  std::string payload;
  bool operator==(const Seen&) const = default;
};

std::string frame_of(const Seen& frame, std::size_t compress_above = 0) {
  std::string bytes;
  append_frame(bytes, frame.type, frame.id, frame.payload, compress_above);
  return bytes;
}

std::string batch_of(const std::vector<Seen>& frames, std::size_t compress_above = 0) {
  std::string inside;
  for (const Seen& frame : frames) inside += frame_of(frame);
  return frame_of({FrameType::kBatch, 0, inside}, compress_above);
}

std::vector<Seen> control_frames(std::size_t count) {
  std::vector<Seen> frames;
  for (std::size_t i = 0; i < count; ++i) {
    frames.push_back({FrameType::kControl, i, "payload " + std::to_string(i)});
  }
  return frames;
}

struct Party final : LinkUser {
  FrameError on_frame(FrameLink& link, const Frame& frame) override {
    got.push_back({frame.type, frame.id, std::string(frame.payload)});
    return reaction ? reaction(link, frame) : FrameError::kNone;
  }
  void on_link_drained(FrameLink&) override { ++drained; }
  void on_link_closed(FrameLink& link, const std::string& why) override {
    closed.push_back(why);
    peer_when_closed = link.channel().peer().host;  // still there to be named in a log
    if (on_closed) on_closed();
  }
  std::vector<Seen> got;
  std::vector<std::string> closed;
  std::string peer_when_closed;
  int drained = 0;
  std::function<FrameError(FrameLink&, const Frame&)> reaction;
  std::function<void()> on_closed;
};

class FrameLinkTest : public testing::Test {
 protected:
  void open(const LinkSettings& settings = {}) {
    peer = std::make_shared<FakeChannel::Peer>();
    link = std::make_unique<FrameLink>(loop, std::make_unique<FakeChannel>(peer), party, settings,
                                       counters);
  }
  void send(const std::vector<Seen>& frames) {
    for (const Seen& frame : frames) link->send(frame.type, frame.id, frame.payload);
  }
  std::uint64_t errors(FrameError error) const {
    return counters.errors[static_cast<std::size_t>(error)];
  }
  // Lets the loop run until something was sent; ten seconds are a failure.
  void await_sent() {
    const Time limit = loop.now() + std::chrono::seconds(10);
    while (peer->sent.empty() && loop.now() < limit) {
      loop.run_until(loop.now() + std::chrono::milliseconds(1));
    }
  }

  net::Loop loop;
  Party party;
  LinkCounters counters;
  std::shared_ptr<FakeChannel::Peer> peer;
  std::unique_ptr<FrameLink> link;
};

TEST_F(FrameLinkTest, MessagesArriveAtTheOtherEnd) {
  open();
  Hello hello{.role = Role::kNode, .name = "web-1", .address = "127.0.0.1:7001"};
  hello.offers = {{"api", 2}};
  link->send(hello);
  link->send(5, Request{.service = "api", .body = "question"});
  link->send(5, Response{.status = 201, .body = "answer"});
  link->send(Report{.load = {.measured_at = loop.now(), .cpu = 0.25F}});
  link->send(FrameType::kGoodbye, 0, "");
  peer->arrive(peer->take_sent());  // to itself

  ASSERT_EQ(party.got.size(), 5U);
  Hello got_hello;
  Request request;
  Response response;
  Report report;
  ASSERT_TRUE(decode(party.got[0].payload, got_hello));
  EXPECT_EQ(got_hello.name, "web-1");
  EXPECT_EQ(got_hello.offers.at(0).service, "api");
  ASSERT_TRUE(decode(party.got[1].payload, request));
  EXPECT_EQ(party.got[1].id, 5U);
  EXPECT_EQ(request.body, "question");
  ASSERT_TRUE(decode(party.got[2].payload, loop.now(), response));
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "answer");
  ASSERT_TRUE(decode(party.got[3].payload, loop.now(), report));
  EXPECT_EQ(report.load.cpu, 0.25F);
  EXPECT_EQ(party.got[4], (Seen{FrameType::kGoodbye, 0, ""}));
  EXPECT_EQ(counters.frames_out, 5U);
  EXPECT_EQ(counters.frames_in, 5U);
  EXPECT_EQ(counters.batches_out, 0U);
}

TEST_F(FrameLinkTest, AnySplitOfTheStreamGivesTheSameFrames) {
  Samples random(31);
  std::vector<Seen> sent = control_frames(40);
  sent[7].payload = std::string(kWholeInChannel - kHeaderBytes, 'a');  // waits in the channel
  sent[8].payload = std::string(kWholeInChannel, 'b');                 // waits in the link
  sent[9].payload = std::string(200'000, 'c');
  sent[20].payload = dull_text(300'000);
  std::string stream;
  for (std::size_t i = 0; i < sent.size();) {
    const std::size_t n = std::min<std::size_t>(1 + random.below(4), sent.size() - i);
    const std::vector<Seen> some(sent.begin() + static_cast<std::ptrdiff_t>(i),
                                 sent.begin() + static_cast<std::ptrdiff_t>(i + n));
    stream += n > 1 ? batch_of(some, random.below(2)) : frame_of(some[0], random.below(2));
    i += n;
  }
  for (const std::uint64_t longest : {13ULL, 1'000ULL, 60'000ULL, 10'000'000ULL}) {
    open();
    party.got.clear();
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece = 1 + random.below(longest);
      peer->arrive(std::string_view(stream).substr(at, piece));
      at += piece;
      ASSERT_LE(peer->inbox.size(), kWholeInChannel);
    }
    EXPECT_TRUE(peer->inbox.empty());
    EXPECT_EQ(party.got, sent);
  }
  EXPECT_TRUE(party.closed.empty());
}

TEST_F(FrameLinkTest, AlonePerFrameThereIsNoBatchAndNoWaiting) {
  open({.batch_size = 1});
  const std::vector<Seen> frames = control_frames(3);
  send(frames);
  EXPECT_EQ(peer->sent, frame_of(frames[0]) + frame_of(frames[1]) + frame_of(frames[2]));
  EXPECT_EQ(peer->flushes, 3);
}

TEST_F(FrameLinkTest, AFullBatchLeavesAtOnce) {
  open({.batch_size = 3, .batch_delay = std::chrono::hours(1)});
  const std::vector<Seen> frames = control_frames(3);
  send({frames[0], frames[1]});
  EXPECT_EQ(peer->sent, "");
  EXPECT_GT(link->queued_bytes(), 0U);
  send({frames[2]});
  EXPECT_EQ(peer->sent, batch_of(frames));
  EXPECT_EQ(counters.batches_out, 1U);
  EXPECT_EQ(counters.frames_out, 3U);
}

TEST_F(FrameLinkTest, ABatchThatDoesNotFillLeavesInTheSecondHalfOfItsDelay) {
  open({.batch_size = 10, .batch_delay = std::chrono::milliseconds(4)});
  for (int round = 0; round < 3; ++round) {
    const std::vector<Seen> frames = control_frames(4);
    const Time sent_at = loop.now();
    send(frames);
    await_sent();
    EXPECT_EQ(peer->take_sent(), batch_of(frames)) << round;
    EXPECT_GE(loop.now() - sent_at, std::chrono::milliseconds(2));
  }
}

TEST_F(FrameLinkTest, ABatchThatHasWaitedHalfItsDelayLeavesWhenTheLoopIsAwake) {
  open({.batch_size = 10, .batch_delay = std::chrono::milliseconds(200)});
  const std::vector<Seen> frames = control_frames(4);
  send(frames);
  ASSERT_EQ(peer->sent, "");
  loop.run_until(loop.now() + std::chrono::milliseconds(100));
  EXPECT_EQ(peer->take_sent(), batch_of(frames));
}

TEST_F(FrameLinkTest, TheDelayCountsFromTheFirstFrameOfEachBatch) {
  open({.batch_size = 2, .batch_delay = std::chrono::milliseconds(40)});
  const std::vector<Seen> frames = control_frames(3);
  const Time first_sent = loop.now();
  send({frames[0], frames[1]});  // a full batch; the timer of its delay runs on
  EXPECT_EQ(peer->take_sent(), batch_of({frames[0], frames[1]}));
  while (loop.now() < first_sent + std::chrono::milliseconds(10)) {
  }
  const Time second_sent = loop.now();
  send({frames[2]});
  await_sent();
  EXPECT_EQ(peer->sent, frame_of(frames[2]));
  EXPECT_GE(loop.now() - second_sent, std::chrono::milliseconds(20));
}

TEST_F(FrameLinkTest, WithoutDelayABatchLeavesAtTheEndOfTheTurn) {
  open({.batch_size = 10, .batch_delay = Duration{0}});
  const std::vector<Seen> frames = control_frames(4);
  loop.post([&] { send({frames[0], frames[1]}); });
  loop.post([&] { send({frames[2], frames[3]}); });
  await_sent();
  EXPECT_EQ(peer->take_sent(), batch_of(frames));
  send({frames[0]});
  await_sent();
  EXPECT_EQ(peer->sent, frame_of(frames[0]));  // a batch of one is a frame
}

TEST_F(FrameLinkTest, FlushDoesNotWait) {
  open({.batch_size = 10, .batch_delay = std::chrono::hours(1)});
  send(control_frames(2));
  link->flush();
  EXPECT_EQ(peer->take_sent(), batch_of(control_frames(2)));
  link->flush();
  EXPECT_EQ(peer->sent, "");
}

TEST_F(FrameLinkTest, NewSettingsSendWhatWasGatheredUnderTheOld) {
  open({.batch_size = 10, .batch_delay = std::chrono::hours(1)});
  const std::vector<Seen> frames = control_frames(3);
  send({frames[0], frames[1]});
  link->apply({.batch_size = 1});
  send({frames[2]});
  EXPECT_EQ(peer->sent, batch_of({frames[0], frames[1]}) + frame_of(frames[2]));
}

TEST_F(FrameLinkTest, ABatchIsCompressedAsAWholeAndALonelyFrameByItself) {
  open({.batch_size = 2, .batch_delay = std::chrono::hours(1), .compress_above = 500});
  const Seen dull{FrameType::kControl, 1, dull_text(300)};
  send({dull, dull});  // each below, together above
  const std::string batch = peer->take_sent();
  EXPECT_EQ(batch, batch_of({dull, dull}, 1));
  EXPECT_EQ(counters.compressed_saved_bytes, batch_of({dull, dull}).size() - batch.size());
  const Seen longer{FrameType::kControl, 2, dull_text(600)};
  send({longer});
  link->flush();
  EXPECT_EQ(peer->sent, frame_of(longer, 1));
  peer->take_sent();
  send({dull});
  link->flush();
  EXPECT_EQ(peer->sent, frame_of(dull));
}

TEST_F(FrameLinkTest, LongFramesNeitherWaitNorOverfillABatchNorOvertake) {
  const std::vector<std::size_t> lengths = {
      10, 20, kBatchBytes, 30, kBatchBytes / 2, kBatchBytes / 2, 40, 1'000'000, 50};
  open({.batch_size = 100, .batch_delay = std::chrono::hours(1)});
  std::vector<Seen> frames;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    frames.push_back({FrameType::kControl, i, std::string(lengths[i], 'x')});
  }
  send(frames);
  link->flush();
  std::string_view left = peer->sent;
  std::string scratch;
  while (!left.empty()) {
    const Decoded decoded = decode_frame(left, {}, scratch);
    ASSERT_EQ(decoded.error, FrameError::kNone);
    if (decoded.frame.type == FrameType::kBatch) {
      EXPECT_LE(decoded.frame.payload.size(), kBatchBytes);
    }
    left.remove_prefix(decoded.consumed);
  }
  peer->arrive(peer->take_sent());
  EXPECT_EQ(party.got, frames);
}

TEST_F(FrameLinkTest, AMalformedFrameEndsTheConnectionOnceAndIsCounted) {
  const Seen fine{FrameType::kControl, 1, "fine"};
  std::string flipped = frame_of(fine);
  flipped.back() ^= 1;
  const std::vector<std::pair<std::string, FrameError>> cases = {
      {"GET / HTTP/1.1\r\n\r\n", FrameError::kBadMagic},
      {flipped, FrameError::kBadChecksum},
      {std::string("P\x04\x02\x00\xff\xff\xff\xff", 8), FrameError::kTooLong},
      {batch_of({{FrameType::kBatch, 0, frame_of(fine)}}), FrameError::kBadBatch},
      {frame_of({FrameType::kBatch, 0, frame_of(fine) + "P"}), FrameError::kBadBatch},
      {frame_of({FrameType::kBatch, 0, frame_of(fine) + flipped}), FrameError::kBadChecksum}};
  for (const auto& [bytes, error] : cases) {
    open();
    party = {};
    counters = {};
    peer->arrive(frame_of(fine) + bytes + frame_of({FrameType::kControl, 2, "too late"}));
    ASSERT_EQ(party.closed.size(), 1U) << to_text(error);
    EXPECT_NE(party.closed[0].find(to_text(error)), std::string::npos) << party.closed[0];
    EXPECT_EQ(party.peer_when_closed, "192.0.2.1");
    EXPECT_EQ(errors(error), 1U) << to_text(error);
    EXPECT_FALSE(peer->is_alive);
    ASSERT_FALSE(party.got.empty());
    EXPECT_EQ(party.got.front(), fine);
    EXPECT_EQ(party.got.back(), fine);
    link->send(FrameType::kControl, 1, "dropped");
    link->flush();
    EXPECT_EQ(link->queued_bytes(), 0U);
  }
}

TEST_F(FrameLinkTest, AFrameTheUserRefusesEndsTheConnectionLikewise) {
  open();
  party.reaction = [](FrameLink&, const Frame& frame) {
    return frame.id == 2 ? FrameError::kUnexpected : FrameError::kNone;
  };
  peer->arrive(batch_of(control_frames(5)));
  EXPECT_EQ(party.got.size(), 3U);
  EXPECT_EQ(errors(FrameError::kUnexpected), 1U);
  ASSERT_EQ(party.closed.size(), 1U);
  EXPECT_NE(party.closed[0].find("unexpected"), std::string::npos);
  EXPECT_FALSE(peer->is_alive);
}

TEST_F(FrameLinkTest, MayBeDestroyedWithinAnyFrame) {
  const std::string frames = frame_of(control_frames(1)[0]) + batch_of(control_frames(4), 1) +
                             frame_of({FrameType::kControl, 9, std::string(100'000, 'x')});
  for (std::size_t last = 1; last <= 6; ++last) {
    open();
    party = {};
    party.reaction = [&](FrameLink&, const Frame&) {
      if (party.got.size() < last) return FrameError::kNone;
      link.reset();
      return last % 2 == 0 ? FrameError::kUnexpected : FrameError::kNone;  // nobody is left to tell
    };
    peer->arrive(std::string_view(frames).substr(0, frames.size() / 2));
    peer->arrive(std::string_view(frames).substr(frames.size() / 2));
    EXPECT_EQ(party.got.size(), last);
    EXPECT_TRUE(party.closed.empty());
    EXPECT_FALSE(peer->is_alive);
  }
}

TEST_F(FrameLinkTest, MayBeDestroyedWhenToldOfItsEnd) {
  party.on_closed = [&] { link.reset(); };
  open();
  peer->arrive(frame_of(control_frames(1)[0]) + "garbage");
  EXPECT_EQ(party.closed.size(), 1U);
  EXPECT_FALSE(peer->is_alive);
  open();
  peer->user->on_closed(net::CloseReason::kReset, "Connection reset by peer");
  EXPECT_EQ(party.closed.size(), 2U);
  EXPECT_NE(party.closed[1].find("Connection reset by peer"), std::string::npos);
  EXPECT_FALSE(peer->is_alive);
}

TEST_F(FrameLinkTest, DestroyedWithABatchGatheredItIsNotCalledByTheLoop) {
  for (const Duration delay : {Duration{0}, Duration{std::chrono::milliseconds(1)}}) {
    open({.batch_size = 10, .batch_delay = delay});
    send(control_frames(2));
    link.reset();
    loop.run_until(loop.now() + std::chrono::milliseconds(3));
    EXPECT_EQ(peer->sent, "");
  }
}

TEST_F(FrameLinkTest, AnswersMayBeSentWithinAFrame) {
  open({.batch_size = 4, .batch_delay = std::chrono::hours(1)});
  party.reaction = [](FrameLink& from, const Frame& frame) {
    from.send(FrameType::kControl, frame.id, frame.payload);
    return FrameError::kNone;
  };
  peer->arrive(batch_of(control_frames(4)));
  EXPECT_EQ(peer->sent, batch_of(control_frames(4)));
}

TEST_F(FrameLinkTest, DrainingIsPassedOn) {
  open();
  peer->user->on_drained();
  EXPECT_EQ(party.drained, 1);
}

TEST_F(FrameLinkTest, LimitsMayGrowOnceThePeerIsKnown) {
  const Seen longer{FrameType::kControl, 2, std::string(5000, 'x')};
  open({.limits = {.payload = 1000}});
  party.reaction = [](FrameLink& from, const Frame&) {
    from.apply({.limits = {.payload = 10'000}});
    return FrameError::kNone;
  };
  peer->arrive(frame_of(control_frames(1)[0]) + frame_of(longer));
  EXPECT_EQ(party.got.back(), longer);
  open({.limits = {.payload = 1000}});
  peer->arrive(frame_of(longer));
  EXPECT_EQ(errors(FrameError::kTooLong), 1U);
}

TEST_F(FrameLinkTest, NothingOfALongFrameIsKeptBeyondItsEnd) {
  // A length below the limit is believed only as far as bytes have come.
  open();
  std::string long_frame = frame_of({FrameType::kControl, 1, std::string(1'000'000, 'x')});
  peer->arrive(long_frame.substr(0, 500));
  EXPECT_TRUE(peer->inbox.empty());
  peer->arrive(long_frame.substr(500) + "P");
  EXPECT_EQ(party.got.size(), 1U);
  EXPECT_EQ(peer->inbox, "P");
}

}  // namespace
}  // namespace phoenix::wire
