// Jobs in processes of their own: all are done, whoever dies.
#include "analysis/compare/process_pool.h"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/record_fixtures.h"

namespace phoenix {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ProcessPoolTest : public testing::Test {
 protected:
  // Runs jobs 0 to count - 1.
  bool run(int at_a_time, std::uint64_t count, const ProcessPool::Job& job) {
    std::uint64_t next = 0;
    ProcessPool pool(at_a_time, job, [this](const JobEnd& end) { ends_[end.job] = end; });
    return pool.run(
        [&](std::uint64_t& number) {
          number = next;
          return next++ < count;
        },
        stop_, [this] { ++waits_; });
  }

  std::string mark(std::uint64_t job) const { return folder_.file(std::to_string(job)); }

  const TempFolder folder_;
  std::map<std::uint64_t, JobEnd> ends_;
  std::atomic<bool> stop_{false};
  int waits_ = 0;
};

TEST_F(ProcessPoolTest, DoesEveryJobOnceHoweverManyAtATime) {
  for (const int at_a_time : {1, 3, 50}) {
    ends_.clear();
    const auto job = [&](std::uint64_t number) {
      const std::string path = mark(number) + "-" + std::to_string(at_a_time);
      return ::open(path.c_str(), O_CREAT | O_EXCL, 0600) >= 0 ? 0 : 1;
    };
    EXPECT_TRUE(run(at_a_time, 20, job));
    ASSERT_EQ(ends_.size(), 20U);
    for (const auto& [number, end] : ends_) EXPECT_TRUE(end.ok) << end.why;
  }
}

TEST_F(ProcessPoolTest, ACrashIsTriedOnceMoreAndTakesNobodyWithIt) {
  const auto job = [&](std::uint64_t number) -> int {
    if (number == 2) {
      std::cerr << "about to die\n" << std::flush;
      ::raise(SIGKILL);
    }
    if (number == 3) {
      std::cout << "not heard\n";
      std::cerr << "cannot\n";
      return 5;
    }
    // Dies at the first attempt, not at the second.
    if (number == 4 && ::open(mark(4).c_str(), O_CREAT | O_EXCL, 0600) >= 0) ::raise(SIGSEGV);
    return 0;
  };
  EXPECT_TRUE(run(2, 6, job));
  ASSERT_EQ(ends_.size(), 6U);
  EXPECT_FALSE(ends_[2].ok);
  EXPECT_THAT(ends_[2].why, StartsWith("killed by signal 9"));
  EXPECT_THAT(ends_[2].why, HasSubstr("about to die"));
  EXPECT_FALSE(ends_[3].ok);
  EXPECT_EQ(ends_[3].why, "ended with code 5: cannot");
  for (const std::uint64_t good : {0, 1, 4, 5}) EXPECT_TRUE(ends_[good].ok) << good;
}

TEST_F(ProcessPoolTest, AnExceptionEndsItsOwnProcessOnly) {
  const std::string given_up = mark(99);
  struct Owner {
    std::string path;
    ~Owner() { ::close(::open(path.c_str(), O_CREAT, 0600)); }
  };
  const auto job = [&](std::uint64_t number) -> int {
    if (number == 1) throw std::runtime_error("no such column");
    if (number == 2) throw 7;
    return 0;
  };
  try {
    const Owner owner{given_up};
    EXPECT_TRUE(run(2, 4, job));
    EXPECT_NE(::access(given_up.c_str(), F_OK), 0)
        << "what the parent holds is given up in a child";
  } catch (...) {
    ::_exit(1);  // a child that would go on with the tests
  }
  ASSERT_EQ(ends_.size(), 4U);
  EXPECT_EQ(ends_[1].why, "ended with code 1: no such column");
  EXPECT_EQ(ends_[2].why, "ended with code 1: ended by an exception of an unknown type");
  EXPECT_TRUE(ends_[0].ok && ends_[3].ok);
}

// As few as `more` files beside those that are open.
class FewFiles {
 public:
  explicit FewFiles(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    std::vector<int> free;
    for (rlim_t i = 0; i < more; ++i) free.push_back(::dup(STDERR_FILENO));
    for (const int fd : free) ::close(fd);
    const rlimit few = {static_cast<rlim_t>(free.back()) + 1, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

#ifdef __SANITIZE_ADDRESS__
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

TEST_F(ProcessPoolTest, AJobWithoutAProcessWaitsForARunningOneToEnd) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer of virtual calls opens descriptors itself";
  const FewFiles room_for_three(6);
  const auto job = [](std::uint64_t) -> int {
    ::usleep(20'000);
    return ::open("/dev/null", O_RDONLY) >= 0 ? 0 : 1;
  };
  EXPECT_TRUE(run(50, 20, job));
  ASSERT_EQ(ends_.size(), 20U);
  for (const auto& [number, end] : ends_) EXPECT_TRUE(end.ok) << number << ": " << end.why;
}

TEST_F(ProcessPoolTest, AJobWithoutAProcessFailsWhenNoneRuns) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer of virtual calls opens descriptors itself";
  const FewFiles room_for_none(1);
  EXPECT_TRUE(run(2, 2, [](std::uint64_t) { return 0; }));
  ASSERT_EQ(ends_.size(), 2U);
  EXPECT_THAT(ends_[0].why, HasSubstr("Too many open files"));
}

TEST_F(ProcessPoolTest, StopsWithoutWaitingForWhatRuns) {
  const auto job = [&](std::uint64_t number) -> int {
    if (number == 0) return 0;
    for (;;) ::pause();
  };
  std::uint64_t next = 0;
  ProcessPool pool(2, job, [this](const JobEnd& end) {
    ends_[end.job] = end;
    stop_ = true;
  });
  EXPECT_FALSE(pool.run(
      [&](std::uint64_t& number) {
        number = next++;
        return true;
      },
      stop_, [] {}));
  EXPECT_EQ(ends_.size(), 1U);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
}

TEST_F(ProcessPoolTest, ChildrenDieWithTheirParent) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    run(2, 2, [&](std::uint64_t) -> int {
      const pid_t own = ::getpid();
      if (::write(ends[1], &own, sizeof own) != sizeof own) return 1;
      for (;;) ::pause();
    });
    ::_exit(0);
  }
  ::close(ends[1]);
  // Killed before both are there, it would have no children to take along.
  pid_t children[2] = {};
  for (pid_t& child : children) ASSERT_EQ(::read(ends[0], &child, sizeof child), sizeof child);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  // The pipe ends when the last process that holds its other side is gone.
  pollfd end = {ends[0], POLLIN, 0};
  EXPECT_EQ(::poll(&end, 1, 10'000), 1) << "they are still there";
  EXPECT_EQ(end.revents & POLLHUP, POLLHUP);
  if (HasFailure()) {
    for (const pid_t child : children) ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
}

}  // namespace
}  // namespace phoenix
