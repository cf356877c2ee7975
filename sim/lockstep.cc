#include "sim/lockstep.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "strategies/core/units.h"

namespace phoenix::sim {
namespace {

constexpr std::size_t kBlock = 4096;  // events

bool write_all(int fd, const void* data, std::size_t bytes) {
  const auto* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(fd, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

// A child process that plays one job and streams its events through a pipe.
class Player {
 public:
  static Result<Player> launch(const EventJob& job) {
    int ends[2];
    if (::pipe(ends) != 0) return Error{fmt::format("no pipe: {}", std::strerror(errno))};
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) return Error{fmt::format("no process: {}", std::strerror(errno))};
    if (pid == 0) {
      ::close(ends[0]);
      play(job, ends[1]);
    }
    ::close(ends[1]);
    return Player(pid, ends[0]);
  }

  Player(Player&& other) noexcept
      : pid_(other.pid_), fd_(other.fd_), block_(std::move(other.block_)), at_(other.at_) {
    other.pid_ = -1;
    other.fd_ = -1;
  }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;
  Player& operator=(Player&&) = delete;
  ~Player() { finish(); }

  std::optional<PlayedEvent> next() {
    if (at_ == block_.size() && !refill()) return std::nullopt;
    return block_[at_++];
  }

  // True when the child ended well. Closes the pipe first, so one that still writes ends too.
  bool finish() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    if (pid_ < 0) return true;
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  Player(pid_t pid, int fd) : pid_(pid), fd_(fd) {}

  [[noreturn]] static void play(const EventJob& job, int fd) noexcept {
    std::vector<PlayedEvent> block;
    block.reserve(kBlock);
    const auto flush = [&] {
      if (!write_all(fd, block.data(), block.size() * sizeof(PlayedEvent))) ::_exit(0);
      block.clear();
    };
    job([&](const PlayedEvent& event) {
      block.push_back(event);
      if (block.size() == kBlock) flush();
    });
    flush();
    ::_exit(0);
  }

  bool refill() {
    block_.resize(kBlock);
    auto* data = reinterpret_cast<char*>(block_.data());
    std::size_t have = 0;
    while (have < kBlock * sizeof(PlayedEvent)) {
      const ssize_t n = ::read(fd_, data + have, kBlock * sizeof(PlayedEvent) - have);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      have += static_cast<std::size_t>(n);
    }
    block_.resize(have / sizeof(PlayedEvent));
    at_ = 0;
    return !block_.empty();
  }

  pid_t pid_;
  int fd_;
  std::vector<PlayedEvent> block_;
  std::size_t at_ = 0;
};

Error died() { return Error{"a run of the two died before its end"}; }

}  // namespace

Result<LockstepResult> lockstep(const EventJob& first, const EventJob& second) {
  Result<Player> a = Player::launch(first);
  if (!a) return Error{a.error()};
  Result<Player> b = Player::launch(second);
  if (!b) return Error{b.error()};
  LockstepResult result;
  for (;;) {
    result.first = a->next();
    result.second = b->next();
    if (!result.first && !result.second) break;
    if (!result.first && !a->finish()) return died();
    if (!result.second && !b->finish()) return died();
    if (!result.first || !result.second || *result.first != *result.second) return result;
    ++result.events;
    result.digest = mix_event(result.digest, *result.first);
  }
  if (!a->finish() || !b->finish()) return died();
  result.equal = true;
  return result;
}

std::string describe(const PlayedEvent& event) {
  static constexpr const char* kNames[] = {"arrival, request",
                                           "read by gateway, request",
                                           "at the node, job",
                                           "service ends, node",
                                           "answer at gateway, job",
                                           "answer read by gateway, job",
                                           "router wakes, gateway",
                                           "reports due, node",
                                           "report arrives, report",
                                           "membership change, change",
                                           "interval ends, sample",
                                           "SimGrid activity ends, activity",
                                           "node starts, node",
                                           "drain limit, node",
                                           "fault, event",
                                           "bulk transfer, transfer",
                                           "agent is up, agent",
                                           "move step ends, step",
                                           "control tick, date",
                                           "message departs, job",
                                           "batch due, node",
                                           "connection due, node",
                                           "answer departs, job",
                                           "agent ready, job",
                                           "agents hibernate, node",
                                           "direct deadline, request",
                                           "probe at the node, report",
                                           "probe read by gateway, report"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(EventKind::kProbeRead) + 1);
  return fmt::format("{}: {} {}", print_duration(Duration{event.at}), kNames[event.kind],
                     event.subject);
}

}  // namespace phoenix::sim
