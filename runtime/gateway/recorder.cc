#include "runtime/gateway/recorder.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/gateway/answer_ring.h"
#include "runtime/gateway/live_record.h"
#include "runtime/log.h"
#include "strategies/core/random.h"

namespace phoenix::gateway {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kDrainEvery = std::chrono::milliseconds(50);
constexpr auto kFlushEvery = std::chrono::seconds(1);
constexpr std::size_t kPicturesWaiting = 16;

// A request is recorded when its scattered number is below this; all of them at the top.
std::uint64_t threshold_of(double sample) {
  return sample >= 1 ? ~0ULL : static_cast<std::uint64_t>(sample * 0x1.0p64);
}

}  // namespace

struct Recorder::State {
  // What the writer thread is to do next.
  struct Order {
    std::deque<std::shared_ptr<const GatewayStatus>> pictures;
    std::shared_ptr<const GatewayConfig> config;
    bool is_last = false;
    bool completes = false;  // the file, at the end
  };

  State(net::Loop& on, const GatewayConfig& config, int threads, std::uint64_t run_seed)
      : loop(on),
        salt(Streams(run_seed).at("record", 0, 0)),
        threshold(threshold_of(config.record.sample)),
        interval(config.record.interval),
        timer(on, [this] { take_picture(); }),
        seed(run_seed) {
    order.config = std::make_shared<const GatewayConfig>(config);
    for (int i = 0; i < threads; ++i) {
      rings.push_back(std::make_unique<AnswerRing>(config.record.buffer));
    }
    writer = std::thread([this] { write(); });
  }

  // On the main loop.

  void take_picture() {
    const Time due = loop.now();
    ask([this, due](const GatewayStatus& status) {
      hand_over(status);
      timer.arm(std::max(loop.now(), due + interval));
    });
  }

  void ask(std::function<void(const GatewayStatus&)> then) {
    gateway->status(
        [self = std::weak_ptr<bool>(alive), then = std::move(then)](const GatewayStatus& status) {
          if (!self.expired()) then(status);
        });
  }

  void hand_over(const GatewayStatus& status) {
    auto picture = std::make_shared<const GatewayStatus>(status);
    const std::lock_guard lock(mutex);
    // A later one tells all that this one would, in a longer interval.
    if (order.pictures.size() == kPicturesWaiting) order.pictures.pop_back();
    order.pictures.push_back(std::move(picture));
    wake.notify_one();
  }

  void stop(bool completes) {
    if (!writer.joinable()) return;
    {
      const std::lock_guard lock(mutex);
      order.is_last = true;
      order.completes = completes;
    }
    wake.notify_one();
    writer.join();
  }

  // On the writer thread.

  Order next_order() {
    std::unique_lock lock(mutex);
    wake.wait_for(lock, kDrainEvery, [&] { return !order.pictures.empty() || order.is_last; });
    Order taken = order;
    order.pictures.clear();
    return taken;
  }

  void write() {
    LiveRecord record(seed);
    Clock::time_point flushed = Clock::now();
    for (bool is_last = false; !is_last;) {
      const Order todo = next_order();
      is_last = todo.is_last;
      if (record.has_begun()) drain(record);
      for (const auto& picture : todo.pictures) record.on_status(picture, *todo.config);
      if (is_last && record.has_begun()) drain(record);
      if (is_last && todo.completes) record.finish(*todo.config);
      if (Clock::now() - flushed >= kFlushEvery) {
        record.flush();
        flushed = Clock::now();
      }
      publish(record);
    }
  }

  void drain(LiveRecord& record) {
    for (const auto& ring : rings) {
      ring->drain([&](const AnsweredRequest& request) { record.on_answer(request); });
    }
  }

  void publish(const LiveRecord& record) {
    const std::lock_guard lock(mutex);
    written = record.written();
    dropped = record.dropped();
    error = record.error();
  }

  net::Loop& loop;
  const std::uint64_t salt;
  std::atomic<std::uint64_t> threshold;
  std::atomic<std::uint64_t> overflowed{0};        // rows that found their ring full
  std::vector<std::unique_ptr<AnswerRing>> rings;  // by thread

  Duration interval;
  GatewayControl* gateway = nullptr;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  net::Timer timer;

  std::mutex mutex;
  std::condition_variable wake;
  Order order;
  std::uint64_t written = 0, dropped = 0;
  std::string error;

  const std::uint64_t seed;
  std::thread writer;
};

Recorder::Recorder(net::Loop& loop, const GatewayConfig& config, int threads, std::uint64_t seed)
    : state_(std::make_unique<State>(loop, config, threads, seed)) {}

Recorder::~Recorder() { state_->stop(false); }

void Recorder::watch(GatewayControl& gateway) {
  state_->gateway = &gateway;
  state_->take_picture();
}

void Recorder::apply(const GatewayConfig& config) {
  GatewayConfig next = config;
  const std::lock_guard lock(state_->mutex);
  if (next.record.path.empty()) next.record.path = state_->order.config->record.path;
  state_->threshold = threshold_of(next.record.sample);
  state_->interval = next.record.interval;
  state_->order.config = std::make_shared<const GatewayConfig>(std::move(next));
}

void Recorder::finish(std::function<void()> done) {
  state_->timer.disarm();
  state_->ask([state = state_.get(), done = std::move(done)](const GatewayStatus& status) {
    state->timer.disarm();
    state->hand_over(status);
    state->stop(true);
    done();
  });
}

void Recorder::on_answer(const AnsweredRequest& request) {
  State& state = *state_;
  if (mix64(state.salt ^ request.number) > state.threshold.load(std::memory_order_relaxed)) return;
  if (!state.rings[static_cast<std::size_t>(request.thread)]->push(request)) {
    state.overflowed.fetch_add(1, std::memory_order_relaxed);
  }
}

void Recorder::add_to(GatewayStatus& status) const {
  const std::lock_guard lock(state_->mutex);
  status.records_written = state_->written;
  status.records_dropped = state_->dropped + state_->overflowed;
  status.record_error = state_->error;
}

}  // namespace phoenix::gateway
