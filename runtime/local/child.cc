#include "runtime/local/child.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace phoenix::local {
namespace {

constexpr std::size_t kLineMax = 64 * 1024;

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
  int passed;
  pid_t parent;
};

// Between fork and exec only calls that are safe there.
[[noreturn]] void become(const Prepared& prepared) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(127);  // it died before the kernel knew
  ::setpgid(0, 0);  // Ctrl-C is for whoever started us; he tells us
  const int null = ::open("/dev/null", O_RDONLY);
  const int log = ::open(prepared.log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(null, STDIN_FILENO);
  ::dup2(log, STDERR_FILENO);
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

ChildEnd end_of(int status) {
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
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
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Error{"cannot make a pipe: " + std::string(std::strerror(errno))};
  }
  const std::vector<std::string> environment = environment_of(spec);
  const std::string log = spec.log_path.empty() ? "/dev/null" : spec.log_path;
  const Prepared prepared{pointers(spec.arguments),
                          pointers(environment),
                          log.c_str(),
                          ends[1],
                          spec.passed,
                          ::getpid()};
  const pid_t pid = ::fork();
  if (pid == 0) become(prepared);
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return Error{"cannot start a process: " + std::string(std::strerror(errno))};
  }
  std::unique_ptr<Child> child(new Child(pid, std::move(on_line), std::move(on_end)));
  Child* self = child.get();
  child->output_ = std::make_unique<net::DescriptorReader>(
      loop, ends[0], [self](std::string_view bytes) { self->on_bytes(bytes); },
      [self] { self->on_output_end(); });
  return child;
}

Child::Child(pid_t pid, std::function<void(std::string_view)> on_line,
             std::function<void(ChildEnd)> on_end)
    : pid_(pid), on_line_(std::move(on_line)), on_end_(std::move(on_end)) {}

Child::~Child() {
  *alive_ = false;
  kill();
}

void Child::signal(int number) {
  if (pid_ > 0) ::kill(pid_, number);  // not reaped yet, so the number is still its own
}

void Child::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait_for(pid_);
  pid_ = -1;
  output_.reset();
}

void Child::on_bytes(std::string_view bytes) {
  line_.append(bytes);
  const std::shared_ptr<bool> alive = alive_;
  for (std::size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
    const std::string line = line_.substr(0, end);
    line_.erase(0, end + 1);
    if (on_line_) on_line_(line);
    if (!*alive || pid_ <= 0) return;
  }
  if (line_.size() > kLineMax) line_.clear();
}

// Its output ends when it does, or shortly before.
void Child::on_output_end() {
  const ChildEnd end = end_of(wait_for(pid_));
  pid_ = -1;
  const std::function<void(ChildEnd)> on_end = std::move(on_end_);
  if (on_end) on_end(end);
}

std::string sibling_program(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path beside = self.parent_path() / name;
  if (!error && std::filesystem::exists(beside)) return beside.string();
  const char* path = std::getenv("PATH");
  std::string folders = path == nullptr ? "/usr/bin" : path;
  for (std::size_t at = 0; at <= folders.size();) {
    const std::size_t colon = std::min(folders.find(':', at), folders.size());
    const std::filesystem::path found =
        std::filesystem::path(folders.substr(at, colon - at)) / name;
    if (std::filesystem::exists(found, error)) return found.string();
    at = colon + 1;
  }
  return beside.string();
}

}  // namespace phoenix::local
