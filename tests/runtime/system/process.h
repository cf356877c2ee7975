// Programs that a test starts: in a process group of their own, killed with the test whatever
// happens to it, never left as zombies. Their standard output comes by pipe, standard error goes to
// a file.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace phoenix::system_test {

using Clock = std::chrono::steady_clock;

// Polls until `condition` holds; false where it never did.
inline bool await(const std::function<bool()>& condition,
                  std::chrono::milliseconds at_most = std::chrono::seconds(10)) {
  const auto until = Clock::now() + at_most;
  while (!condition()) {
    if (Clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "phoenix-system-XXXXXX";
    path_ = mkdtemp(pattern.data());
    std::filesystem::permissions(path_, std::filesystem::perms(0755));  // nginx's own user reads it
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }

 private:
  std::string path_;
};

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Empty where Debian's package is not installed.
inline std::string find_program(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/bin/"}) {
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  }
  return {};
}

class Process {
 public:
  Process() = default;
  explicit Process(std::vector<std::string> arguments, const std::string& errors = "/dev/null") {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(::open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644), STDERR_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::setpgid(pid_, pid_);
    ::close(ends[1]);
    out_ = ends[0];
  }
  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), out_(std::exchange(other.out_, -1)) {}
  Process& operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(out_, other.out_);
    return *this;
  }
  ~Process() {
    kill();
    if (out_ >= 0) ::close(out_);
  }

  pid_t pid() const { return pid_; }
  bool is_running() const { return pid_ > 0; }
  void signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
  }
  // The whole group, and waits for its leader.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  // The exit code; minus the signal that ended it; -1000 where it did not end in time.
  int await_end(std::chrono::milliseconds at_most = std::chrono::seconds(20)) {
    int status = 0;
    if (!await([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, at_most)) return -1000;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // What it prints up to a line's end, or to the end of all.
  std::string read_line(std::chrono::milliseconds at_most = std::chrono::seconds(10)) {
    return read('\n', at_most);
  }
  std::string read_all(std::chrono::milliseconds at_most = std::chrono::seconds(60)) {
    return read(-1, at_most);
  }

 private:
  std::string read(int last, std::chrono::milliseconds at_most) {
    const auto until = Clock::now() + at_most;
    std::string text;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
      pollfd ready{out_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return text;
      char bytes[64 * 1024];
      const ssize_t got = ::read(out_, bytes, last < 0 ? sizeof bytes : 1);
      if (got <= 0 || (last >= 0 && bytes[0] == last)) return text;
      text.append(bytes, static_cast<std::size_t>(got));
    }
  }

  pid_t pid_ = -1;
  int out_ = -1;
};

struct Ended {
  int code = -1;
  std::string out;
};

inline Ended run(std::vector<std::string> arguments) {
  Process process(std::move(arguments));
  Ended ended;
  ended.out = process.read_all();
  ended.code = process.await_end();
  return ended;
}

// What the kernel says of a process.
inline std::size_t open_descriptors(pid_t pid) {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kKeepsWhatWasFreed = true;
#else
inline constexpr bool kKeepsWhatWasFreed = false;
#endif

// 0 where it says nothing of what the process needs.
inline long resident_kib(pid_t pid) {
  if (kKeepsWhatWasFreed) return 0;
  std::istringstream lines(contents("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("VmRSS:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}

// Children of this process that nobody has waited for.
inline bool has_children() {
  return ::waitpid(-1, nullptr, WNOHANG | __WALL) >= 0 || errno != ECHILD;
}

}  // namespace phoenix::system_test
