#include "runtime/process/child.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // glibc 2.36 forgets to say so itself
#include <sys/pidfd.h>
}

namespace phoenix {
namespace {

constexpr std::size_t kLineMax = 64 * 1024;
constexpr Duration kOutputLinger = std::chrono::milliseconds(100);

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_of(const ChildSpec& spec) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  for (const auto& [name, value] : spec.environment) {
    const std::string prefix = name + "=";
    std::erase_if(all, [&](const std::string& entry) { return entry.starts_with(prefix); });
    all.push_back(prefix + value);
  }
  return all;
}

struct Prepared {
  std::vector<char*> arguments, environment;
  const char* log;
  int output;
  int errors;  // -1: the log
  int passed;
  pid_t parent;
};

// Between fork and exec only calls that are safe there.
[[noreturn]] void become(const Prepared& prepared) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(127);  // it died before the kernel knew
  ::setpgid(0, 0);  // Ctrl-C is for whoever started us; he tells us
  const int null = ::open("/dev/null", O_RDONLY);
  const int errors = prepared.errors >= 0
                         ? prepared.errors
                         : ::open(prepared.log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(null, STDIN_FILENO);
  ::dup2(errors, STDERR_FILENO);
  int passed = prepared.passed;
  if (passed >= 0) passed = ::fcntl(passed, F_DUPFD, 10);
  ::dup2(prepared.output, STDOUT_FILENO);
  if (passed >= 0) ::dup2(passed, 3);
  ::close_range(passed >= 0 ? 4 : 3, ~0U, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
  const char* why = std::strerror(errno);
  static_cast<void>(!::write(STDERR_FILENO, why, std::strlen(why)));
  ::_exit(127);
}

// Two ends of a pipe; closes what it still has.
struct Pipe {
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  bool open() { return ::pipe2(ends, O_CLOEXEC) == 0; }
  int release_reader() { return std::exchange(ends[0], -1); }

  int ends[2] = {-1, -1};
};

Error cannot(const char* what) {
  return Error{std::string("cannot ") + what + ": " + std::strerror(errno)};
}

ChildEnd end_of(int status) {
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

// Leaves it to be waited for, so that its number stays its own.
bool has_ended(pid_t pid) {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::string ChildEnd::text() const {
  if (signal != 0) return "ended by signal " + std::to_string(signal);
  return "ended with exit code " + std::to_string(exit_code);
}

Result<std::unique_ptr<Child>> Child::start(net::Loop& loop, const ChildSpec& spec,
                                            std::function<void(std::string_view)> on_line,
                                            std::function<void(ChildEnd)> on_end) {
  Pipe output, errors;
  if (!output.open() || (spec.on_error_line && !errors.open())) return cannot("make a pipe");
  const std::vector<std::string> environment = environment_of(spec);
  const std::string log = spec.log_path.empty() ? "/dev/null" : spec.log_path;
  const Prepared prepared{
      pointers(spec.arguments), pointers(environment), log.c_str(), output.ends[1],
      errors.ends[1],           spec.passed,           ::getpid()};
  const pid_t pid = ::fork();
  if (pid == 0) become(prepared);
  if (pid < 0) return cannot("start a process");
  ::setpgid(pid, pid);  // the child does so too; now it has happened, whoever was first
  std::unique_ptr<Child> child(new Child(loop, pid, std::move(on_end)));
  const int pidfd = ::pidfd_open(pid, 0);
  if (pidfd < 0) return cannot("watch a process");
  child->watch(pidfd);
  child->read(child->output_, output.release_reader(), std::move(on_line));
  if (spec.on_error_line) {
    child->read(child->errors_, errors.release_reader(), spec.on_error_line);
  }
  return child;
}

Child::Child(net::Loop& loop, pid_t pid, std::function<void(ChildEnd)> on_end)
    : loop_(loop),
      pid_(pid),
      on_end_(std::move(on_end)),
      kill_timer_(loop, [this] { signal(SIGKILL); }),
      linger_timer_(loop, [this] { finish(); }) {}

Child::~Child() {
  *alive_ = false;
  kill();
}

void Child::watch(int pidfd) {
  exit_ = std::make_unique<net::DescriptorWait>(loop_, pidfd, [this] { on_exit(); });
}

void Child::read(Output& output, int descriptor, std::function<void(std::string_view)> on_line) {
  output.on_line = std::move(on_line);
  output.reader = std::make_unique<net::DescriptorReader>(
      loop_, descriptor, [this, &output](std::string_view bytes) { on_bytes(output, bytes); },
      [this, &output] { on_output_end(output); });
}

void Child::signal(int number) {
  if (pid_ > 0) ::kill(-pid_, number);  // not reaped yet, so the number is still its own
}

void Child::terminate(Duration grace) {
  if (!is_running()) return;
  is_terminating_ = true;
  signal(SIGTERM);
  signal(SIGCONT);  // a stopped process does not see the first
  kill_timer_.arm(add_saturating(loop_.now(), grace));
}

void Child::kill() {
  is_over_ = true;
  if (pid_ > 0) {
    signal(SIGKILL);
    wait_for(pid_);
    pid_ = -1;
  }
  forget();
}

void Child::on_bytes(Output& output, std::string_view bytes) {
  output.line.append(bytes);
  const std::shared_ptr<bool> alive = alive_;
  for (;;) {
    const std::size_t end = output.line.find('\n');
    const bool is_whole = end != std::string::npos;
    if (!is_whole && output.line.size() < kLineMax) return;
    const std::string line = output.line.substr(0, end);
    output.line.erase(0, is_whole ? end + 1 : end);
    if (output.on_line) output.on_line(line);
    if (!*alive || is_over_) return;
  }
}

void Child::on_output_end(Output& output) {
  const std::shared_ptr<bool> alive = alive_;
  output.reader.reset();
  if (!output.line.empty() && output.on_line) output.on_line(std::exchange(output.line, {}));
  if (*alive && !is_over_ && !is_running() && !has_output()) finish();
}

void Child::on_exit() {
  if (!has_ended(pid_)) return;
  if (is_terminating_) signal(SIGKILL);  // to the rest of its group
  exit_.reset();
  end_ = end_of(wait_for(pid_));
  pid_ = -1;
  if (!has_output()) return finish();
  linger_timer_.arm(loop_.now() + kOutputLinger);
}

void Child::finish() {
  is_over_ = true;
  forget();
  const std::function<void(ChildEnd)> on_end = std::move(on_end_);
  if (on_end) on_end(end_);
}

void Child::forget() {
  exit_.reset();
  output_.reader.reset();
  errors_.reader.reset();
  kill_timer_.disarm();
  linger_timer_.disarm();
}

std::string find_program(const std::string& name) {
  const auto is_program = [](const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const char* path = std::getenv("PATH");
  const std::string folders = path == nullptr ? "/usr/bin:/bin" : path;
  for (std::size_t at = 0; at <= folders.size();) {
    const std::size_t colon = std::min(folders.find(':', at), folders.size());
    const std::filesystem::path found =
        std::filesystem::path(folders.substr(at, colon - at)) / name;
    if (is_program(found)) return found.string();
    at = colon + 1;
  }
  return "";
}

std::string sibling_program(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string beside = (self.parent_path() / name).string();
  const std::string found = find_program(beside);
  if (!found.empty()) return found;
  const std::string on_path = find_program(name);
  return on_path.empty() ? beside : on_path;
}

}  // namespace phoenix
