// A process of the local world: started, watched, signalled and, whatever happens, ended. It dies
// with this process, however that ends (the kernel sees to it), and with the Child that stands for
// it.
//
// On the loop's thread, which must be the process's main thread.
#pragma once

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

namespace phoenix::local {

struct ChildSpec {
  std::vector<std::string> arguments;                            // the program's path first
  std::vector<std::pair<std::string, std::string>> environment;  // on top of this process's own
  std::string log_path;  // standard error is appended here; empty: /dev/null
  int passed = -1;       // a descriptor the child gets as number 3; stays the caller's
};

// How a process ended: its exit code, or the signal that ended it.
struct ChildEnd {
  int exit_code = -1;
  int signal = 0;
  std::string text() const;
};

class Child {
 public:
  // `on_line` gets each line of standard output; `on_end` comes once, not after kill() or the
  // destructor. Both may destroy the child.
  static Result<std::unique_ptr<Child>> start(net::Loop& loop, const ChildSpec& spec,
                                              std::function<void(std::string_view)> on_line,
                                              std::function<void(ChildEnd)> on_end);
  ~Child();  // kill()
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool is_running() const { return pid_ > 0; }
  void signal(int number);  // nothing where it has ended
  void kill();              // SIGKILL, and waits for the end; no callbacks any more

 private:
  Child(pid_t pid, std::function<void(std::string_view)> on_line,
        std::function<void(ChildEnd)> on_end);
  void on_bytes(std::string_view bytes);
  void on_output_end();

  pid_t pid_;
  std::string line_;
  std::function<void(std::string_view)> on_line_;
  std::function<void(ChildEnd)> on_end_;
  std::unique_ptr<net::DescriptorReader> output_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The program of this name beside the running one, else the one on the path.
std::string sibling_program(const std::string& name);

}  // namespace phoenix::local
