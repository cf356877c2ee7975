// A process that this one started: watched, signalled and, whatever happens, ended. It dies with
// this process, however that ends (the kernel sees to it), and with the Child that stands for it.
// It leads a process group of its own, so that what it starts in turn can be ended with it.
//
// On the loop's thread, which must be the process's main thread: to the kernel the parent is the
// thread that forked.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "runtime/net/descriptor.h"
#include "runtime/net/loop.h"
#include "strategies/core/result.h"

namespace phoenix {

struct ChildSpec {
  std::vector<std::string> arguments;                            // the program's path first
  std::vector<std::pair<std::string, std::string>> environment;  // on top of this process's own
  std::string log_path;  // standard error is appended here; empty: /dev/null
  // Where set, gets standard error line by line instead, as `on_line` gets standard output.
  std::function<void(std::string_view)> on_error_line;
  int passed = -1;  // a descriptor the child gets as number 3; stays the caller's
};

// How a process ended: its exit code, or the signal that ended it.
struct ChildEnd {
  int exit_code = -1;
  int signal = 0;
  bool is_success() const { return exit_code == 0; }
  std::string text() const;
};

class Child {
 public:
  // `on_line` gets each line of standard output, of which one over 64 KiB comes in pieces. `on_end`
  // comes once when the process has ended and its output with it, or 100 ms later where others
  // still hold its output; not after kill() or the destructor. All callbacks may destroy the child.
  static Result<std::unique_ptr<Child>> start(net::Loop& loop, const ChildSpec& spec,
                                              std::function<void(std::string_view)> on_line,
                                              std::function<void(ChildEnd)> on_end);
  ~Child();  // kill()
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool is_running() const { return pid_ > 0; }
  // To its whole group; nothing where it has ended.
  void signal(int number);
  // SIGTERM to its group, SIGKILL to what of the group outlives the process or the grace.
  void terminate(Duration grace);
  // SIGKILL to its group, and waits for the process's end; no callbacks any more.
  void kill();

 private:
  // One of its outputs, cut into lines.
  struct Output {
    std::string line;
    std::function<void(std::string_view)> on_line;
    std::unique_ptr<net::DescriptorReader> reader;
  };

  Child(net::Loop& loop, pid_t pid, std::function<void(ChildEnd)> on_end);
  void watch(int pidfd);
  void read(Output& output, int descriptor, std::function<void(std::string_view)> on_line);
  void on_bytes(Output& output, std::string_view bytes);
  void on_output_end(Output& output);
  void on_exit();
  bool has_output() const { return output_.reader != nullptr || errors_.reader != nullptr; }
  void finish();
  void forget();

  net::Loop& loop_;
  pid_t pid_;  // -1 once it has ended
  bool is_terminating_ = false;
  bool is_over_ = false;
  ChildEnd end_;
  Output output_, errors_;
  std::function<void(ChildEnd)> on_end_;
  std::unique_ptr<net::DescriptorWait> exit_;
  net::Timer kill_timer_, linger_timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The program of this name beside the running one, else the one on the path, else what the first
// would have been.
std::string sibling_program(const std::string& name);

// An executable file: the one on the path for a plain name. Empty where there is none.
std::string find_program(const std::string& name);

}  // namespace phoenix
