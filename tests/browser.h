// Headless Chromium, for tests of pages. Tests skip themselves where it is not installed.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace phoenix::testing {

inline bool has_chromium() { return std::system("command -v chromium >/dev/null 2>&1") == 0; }

// The browser and all its helpers end with this: they are this process's to bury. What it prints
// goes to `output`, what it complains about to `output`.err.
class Browser {
 public:
  Browser(const std::string& url, const std::string& output, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"chromium",
                                      "--headless",
                                      "--no-sandbox",
                                      "--disable-gpu",
                                      "--disable-quic",
                                      "--disable-dev-shm-usage",
                                      "--no-first-run",
                                      "--disable-background-networking",
                                      "--disable-component-update",
                                      "--disable-sync",
                                      "--user-data-dir=" + folder_ + "/profile"};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back(url);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    process_ = fork();
    if (process_ != 0) return;
    setpgid(0, 0);
    dup2(open(output.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644), STDOUT_FILENO);
    dup2(open((output + ".err").c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644), STDERR_FILENO);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execvp("chromium", arguments.data());
    _exit(127);
  }
  ~Browser() {
    if (process_ > 0) kill(-process_, SIGKILL);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (waitpid(-1, nullptr, WNOHANG) >= 0 && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::yield();
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  bool has_ended() {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid != 0;
  }
  // Until it has: with --dump-dom or --screenshot it ends by itself.
  void await_end() {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT);
  }

 private:
  static std::string make_folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "phoenix-page-XXXXXX";
    return mkdtemp(pattern.data());
  }
  std::string folder_ = make_folder();
  pid_t process_ = -1;
};

}  // namespace phoenix::testing
