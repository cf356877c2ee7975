// Requests say in their body how much work they are. Waiting mode answers when the modelled cores
// would have done it; burning mode spends that much CPU time of a real thread.
#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include <time.h>

#include "runtime/node/handler_makers.h"
#include "runtime/node/synthetic_body.h"

namespace phoenix::node {
namespace {

constexpr std::string_view kModes[] = {"wait", "burn"};
constexpr std::uint32_t kResponseMax = 8 * 1024 * 1024;
constexpr double kWorkMax = 3.6e12;  // an hour, in ns

struct SyntheticOptions {
  int mode = 0;
  Duration work{0};
  int response = 0;
  double memory = 0;
  int cache_keys = 0;
  Duration miss_work{0};
  ThreadOptions threads;
  void visit(SettingVisitor& v) {
    v.choice("mode", mode, kModes, "wait: modelled cores and timers; burn: real CPU time");
    v.duration("work", work, Duration{0}, std::chrono::hours(1), "of requests with an empty body");
    v.integer("response", response, 0, static_cast<int>(kResponseMax),
              "bytes answered to requests with an empty body");
    v.number("memory", memory, 0, 1e15, "bytes resident on the node, for its report");
    v.integer("cache_keys", cache_keys, 0, 10'000'000,
              "wait: keys remembered, least recently used forgotten first");
    v.duration("miss_work", miss_work, Duration{0}, std::chrono::hours(1),
               "wait: added for a request whose key is not remembered");
    threads.visit(v);
  }
};

CallReply bad_request(std::string why) {
  return {400, "Content-Type: text/plain\r\n", std::move(why), AttemptResult::kOk};
}

class Synthetic : public Handler {
 public:
  explicit Synthetic(const SyntheticOptions& options) : options_(options) {}

  void handle(Call call) final {
    SyntheticBody work{static_cast<std::uint64_t>(options_.work.count()),
                       static_cast<std::uint32_t>(options_.response), 0};
    const std::string& body = call.request().body;
    if (!body.empty()) {
      const std::optional<SyntheticBody> decoded = decode_synthetic(body);
      if (!decoded) {
        return call.answer(bad_request("found a body of " + std::to_string(body.size()) +
                                       " bytes, allowed are none, or " +
                                       std::to_string(kSyntheticBytesMin) + " and more\n"));
      }
      work = *decoded;
    }
    if (work.response_bytes > kResponseMax || static_cast<double>(work.work_ns) > kWorkMax) {
      return call.answer(bad_request("at most 1 h of work and 8 MiB of response are allowed\n"));
    }
    serve(work, std::move(call));
  }

 private:
  virtual void serve(const SyntheticBody& work, Call call) = 0;

  SyntheticOptions options_;
};

class Waiting final : public Synthetic {
 public:
  Waiting(const SyntheticOptions& options, SyntheticCores& cores)
      : Synthetic(options),
        cores_(cores),
        service_(cores.add_service(options.threads.queue, options.memory, options.cache_keys,
                                   static_cast<double>(options.miss_work.count()))) {}

 private:
  void serve(const SyntheticBody& work, Call call) override {
    cores_.submit(service_, static_cast<double>(work.work_ns), work.memory_kib * 1024.0,
                  work.response_bytes, std::move(call));
  }

  SyntheticCores& cores_;
  std::uint16_t service_;
};

double thread_cpu_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

// Some microseconds of arithmetic that no compiler can leave out.
void spin_a_little() {
  volatile std::uint64_t x = 88172645463325252ULL;
  for (int i = 0; i < 1000; ++i) x = x ^ (x << 13) ^ (x >> 7);
}

class Burning final : public Synthetic {
 public:
  Burning(const SyntheticOptions& options, double speed, const Slowdowns& slowdowns)
      : Synthetic(options), speed_(speed), slowdowns_(slowdowns) {}

 private:
  void serve(const SyntheticBody& work, Call call) override {
    auto left = static_cast<double>(work.work_ns);
    for (double before = thread_cpu_ns(); left > 0;) {
      const double factor = slowdowns_.factor();
      if (factor > 0) {
        spin_a_little();
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      const double now = thread_cpu_ns();
      left -= (now - before) * speed_ * factor;
      before = now;
    }
    CallReply reply;
    append_filler(work.response_bytes, reply.body);
    call.answer(std::move(reply));
  }

  double speed_;
  const Slowdowns& slowdowns_;
};

}  // namespace

Result<MadeHandler> make_synthetic(const SettingsText& text, const HandlerContext& context) {
  SyntheticOptions options;
  options.threads = {context.cores, context.queue};
  const VisitFunction visit = [&](SettingVisitor& v) { options.visit(v); };
  if (Status applied = apply_settings(text, visit); !applied) return Error{applied.error()};
  MadeHandler made;
  made.text = print_settings(text.name, visit);
  made.at_once = options.threads.at_once;
  made.is_fifo = is_fifo(text, options.threads);
  made.queue = options.threads.queue;
  if (kModes[options.mode] == "wait") {
    made.handler = std::make_unique<Waiting>(options, context.synthetic_cores);
    made.is_modelled = true;
  } else {
    made.handler = std::make_unique<Burning>(options, context.speed, context.slowdowns);
    made.place = Place::kThreads;
  }
  return made;
}

std::vector<SettingInfo> synthetic_settings() {
  SyntheticOptions options;
  return list_settings([&](SettingVisitor& v) { options.visit(v); });
}

}  // namespace phoenix::node
