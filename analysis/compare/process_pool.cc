#include "analysis/compare/process_pool.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace phoenix {
namespace {

constexpr off_t kToldMax = 2000;  // bytes of stderr that are kept, from its end
constexpr int kWaitMs = 100;

struct Attempt {
  std::uint64_t job = 0;
  bool is_retry = false;
};

struct Child {
  Attempt attempt;
  pid_t pid = -1;
  int ended = -1;  // pidfd
  int told = -1;   // memory file of its stderr
};

// An exception must not leave a child through the parent's frames, copies of which it has: their
// destructors would kill its siblings and give up the parent's locks and folders.
int exit_code_of(const ProcessPool::Job& job, std::uint64_t number) {
  try {
    return job(number);
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << "\n";
  } catch (...) {
    std::cerr << "ended by an exception of an unknown type\n";
  }
  return 1;
}

[[noreturn]] void become(const ProcessPool::Job& job, std::uint64_t number, int told,
                         pid_t parent) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  // Ctrl-C reaches the whole group; who decides is the parent.
  for (const int signal : {SIGINT, SIGHUP}) ::signal(signal, SIG_IGN);
  ::signal(SIGTERM, SIG_DFL);
  const int nowhere = ::open("/dev/null", O_RDWR);
  ::dup2(nowhere, STDIN_FILENO);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(told, STDERR_FILENO);
  for (const int copied : {nowhere, told}) {
    if (copied > STDERR_FILENO) ::close(copied);
  }
  const int code = exit_code_of(job, number);
  std::fflush(nullptr);
  ::_exit(code);
}

std::string last_words(int told) {
  const off_t end = ::lseek(told, 0, SEEK_END);
  const off_t begin = end > kToldMax ? end - kToldMax : 0;
  std::string text(static_cast<std::size_t>(end > 0 ? end - begin : 0), '\0');
  const ssize_t got = ::pread(told, text.data(), text.size(), begin);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string describe(int status, const std::string& words) {
  const std::string how =
      WIFSIGNALED(status)
          ? fmt::format("killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)))
          : fmt::format("ended with code {}", WEXITSTATUS(status));
  return words.empty() ? how : how + ": " + words;
}

class Children {
 public:
  explicit Children(const ProcessPool::Job& job) : job_(job) {}
  ~Children() {
    for (const Child& child : running_) {
      ::kill(child.pid, SIGKILL);
      reap(child);
    }
  }

  std::size_t count() const { return running_.size(); }

  // Empty, or why there is no process.
  std::string start(const Attempt& attempt) {
    Child child{attempt, -1, -1, ::memfd_create("stderr", MFD_CLOEXEC)};
    if (child.told < 0) return fmt::format("no memory file: {}", std::strerror(errno));
    std::fflush(nullptr);
    const pid_t parent = ::getpid();
    child.pid = ::fork();
    if (child.pid == 0) {
      forget_siblings();
      become(job_, attempt.job, child.told, parent);
    }
    if (child.pid > 0) child.ended = static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0));
    if (child.pid < 0 || child.ended < 0) {
      const std::string why = fmt::format("no process: {}", std::strerror(errno));
      if (child.pid > 0) ::kill(child.pid, SIGKILL);
      reap(child);
      return why;
    }
    running_.push_back(child);
    return "";
  }

  // Those that ended within a short time.
  template <typename OnEnd>
  void wait(OnEnd on_end) {
    std::vector<pollfd> ends;
    for (const Child& child : running_) ends.push_back({child.ended, POLLIN, 0});
    if (::poll(ends.data(), ends.size(), kWaitMs) <= 0) return;
    for (std::size_t i = ends.size(); i-- > 0;) {
      if (ends[i].revents == 0) continue;
      const Child child = running_[i];
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      const std::string words = last_words(child.told);
      const int status = reap(child);
      const bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      on_end(child, ok, ok ? "" : describe(status, words));
    }
  }

 private:
  // A job may open as many files as if it were the first.
  void forget_siblings() const {
    for (const Child& child : running_) {
      ::close(child.ended);
      ::close(child.told);
    }
  }

  static int reap(const Child& child) {
    int status = 0;
    if (child.pid > 0) {
      while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
      }
    }
    for (const int fd : {child.ended, child.told}) {
      if (fd >= 0) ::close(fd);
    }
    return status;
  }

  const ProcessPool::Job& job_;
  std::vector<Child> running_;
};

}  // namespace

ProcessPool::ProcessPool(int jobs, Job job, OnEnd on_end)
    : jobs_(jobs), job_(std::move(job)), on_end_(std::move(on_end)) {}

bool ProcessPool::run(const Next& next, const std::atomic<bool>& stop,
                      const std::function<void()>& on_wait) {
  Children children(job_);
  std::vector<Attempt> again;
  const auto take = [&](Attempt& one) {
    if (again.empty()) {
      one.is_retry = false;
      return next(one.job);
    }
    one = again.back();
    again.pop_back();
    return true;
  };
  while (!stop) {
    Attempt one;
    while (!stop && children.count() < static_cast<std::size_t>(jobs_) && take(one)) {
      const std::string why = children.start(one);
      if (why.empty()) continue;
      if (children.count() > 0) {
        // Processes, files or memory are short; there are more of them when one has ended.
        again.push_back(one);
        break;
      }
      on_end_({one.job, false, why});
    }
    if (children.count() == 0) return !stop;
    children.wait([&](const Child& child, bool ok, const std::string& why) {
      if (ok || child.attempt.is_retry) {
        on_end_({child.attempt.job, ok, why});
      } else {
        again.push_back({child.attempt.job, true});
      }
    });
    on_wait();
  }
  return false;
}

}  // namespace phoenix
