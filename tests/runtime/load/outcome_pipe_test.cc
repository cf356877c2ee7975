#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "runtime/load/tally.h"
#include "runtime/net/descriptor.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::load {
namespace {

class OutcomePipeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0);
    pipe_ = std::make_unique<OutcomePipe>(loop_, ends_[1]);
  }
  void TearDown() override {
    close_reader();
    ::close(ends_[1]);
  }
  void close_reader() {
    reader_.reset();
    if (ends_[0] >= 0) ::close(std::exchange(ends_[0], -1));
  }
  void read() {
    reader_ = std::make_unique<net::DescriptorReader>(
        loop_, std::exchange(ends_[0], -1), [this](std::string_view bytes) { got_ += bytes; },
        [] {});
  }
  void write(std::uint64_t first, std::uint64_t count) {
    Outcome outcome;
    for (outcome.number = first; outcome.number < first + count; ++outcome.number) {
      pipe_->on_outcome(outcome);
    }
  }
  void expect_all(std::uint64_t count) {
    ASSERT_EQ(got_.size(), count * sizeof(Outcome));
    for (std::uint64_t i = 0; i < count; ++i) {
      Outcome outcome;
      std::memcpy(&outcome, got_.data() + i * sizeof outcome, sizeof outcome);
      ASSERT_EQ(outcome.number, i);
    }
  }

  net::Loop loop_;
  int ends_[2] = {-1, -1};
  std::unique_ptr<OutcomePipe> pipe_;
  std::unique_ptr<net::DescriptorReader> reader_;
  std::string got_;
};

// 16 MB are more than any socket buffer takes: on_outcome() returns all the same.
TEST_F(OutcomePipeTest, NeverWaitsForItsReader) {
  constexpr std::uint64_t kMany = 200'000;
  write(0, kMany / 2);
  net::settle(loop_);
  write(kMany / 2, kMany / 2);
  read();
  ASSERT_TRUE(net::drive(loop_, [&] { return got_.size() >= kMany * sizeof(Outcome); }));
  expect_all(kMany);
}

TEST_F(OutcomePipeTest, KeepsOrderWhileTheReaderIsSlow) {
  read();
  std::uint64_t written = 0;
  for (int i = 0; i < 50; ++i) {
    write(written, 2'000);
    written += 2'000;
    loop_.run_until(loop_.now() + std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(net::drive(loop_, [&] { return got_.size() >= written * sizeof(Outcome); }));
  expect_all(written);
}

TEST_F(OutcomePipeTest, DrainsWhatIsLeft) {
  write(0, 100);
  EXPECT_TRUE(pipe_->drain());
  read();
  ASSERT_TRUE(net::drive(loop_, [&] { return got_.size() >= 100 * sizeof(Outcome); }));
  expect_all(100);
}

TEST_F(OutcomePipeTest, SaysWhenNobodyReadsAnyMore) {
  ::signal(SIGPIPE, SIG_IGN);
  close_reader();
  write(0, 1);
  EXPECT_FALSE(pipe_->drain());
}

}  // namespace
}  // namespace phoenix::load
