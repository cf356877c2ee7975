// One run of a hook: a program that is told by its environment what to do. Exit code 0 is success,
// 3 is a failure that trying again cannot mend, any other may pass. At the time-out its process
// group gets SIGTERM, and SIGKILL after a grace. On the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/net/loop.h"
#include "runtime/process/child.h"

namespace phoenix::provision {

struct HookSpec {
  std::vector<std::string> arguments;  // the program's path first
  std::vector<std::pair<std::string, std::string>> environment;
  Duration timeout = std::chrono::seconds(60);
  Duration kill_grace = std::chrono::seconds(2);
};

struct HookEnd {
  enum class Kind { kDone, kFailed, kPermanent };
  Kind kind = Kind::kFailed;
  std::string why;      // with the last line of its standard error
  std::string address;  // from the first line of output that is JSON such as {"address": "h:7001"}
};

class HookRun {
 public:
  // `done` is called once when it has ended, not after the destructor, which kills its group. It
  // may destroy the run.
  static Result<std::unique_ptr<HookRun>> start(net::Loop& loop, const HookSpec& spec,
                                                std::function<void(HookEnd)> done);

 private:
  HookRun(net::Loop& loop, const HookSpec& spec, std::function<void(HookEnd)> done);
  bool may_go_on(std::string_view line);
  void on_line(std::string_view line);
  void on_error_line(std::string_view line);
  void on_end(const ChildEnd& end);
  void give_up(const std::string& why);

  const Duration kill_grace_;
  const std::function<void(HookEnd)> done_;
  net::Timer timeout_;
  std::size_t output_bytes_ = 0;
  std::string given_up_;  // why
  std::string last_words_;
  std::string address_;
  std::unique_ptr<Child> process_;
};

}  // namespace phoenix::provision
