#include "runtime/node/work_queue.h"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "runtime/log.h"

namespace phoenix::node {
namespace {

struct Lane {
  LaneSettings settings;
  int at_once = 0, queue = 0;  // as they are in force
  std::deque<Call> waiting;
  std::uint32_t in_service = 0;
  std::uint64_t expired = 0;

  bool may_start() const {
    return !waiting.empty() && in_service < static_cast<std::uint32_t>(at_once);
  }
  void limit(int workers, int room) {
    at_once = workers > 0 && !settings.is_fifo ? workers : settings.at_once;
    queue = room > 0 ? room : settings.queue;
  }
};

}  // namespace

struct WorkQueue::State : std::enable_shared_from_this<State> {
  State(std::vector<LaneSettings> settings, Clock the_clock) : clock(std::move(the_clock)) {
    for (LaneSettings& lane : settings) {
      lanes.emplace_back().settings = lane;
      lanes.back().limit(0, 0);
    }
  }

  bool submit(std::size_t lane, Call& call);
  bool is_full() const { return workers > 0 && in_service >= static_cast<std::uint32_t>(workers); }
  void start_threads(int wanted);
  void work();
  void leave(std::size_t lane);
  std::optional<std::pair<Call, std::size_t>> take(std::unique_lock<std::mutex>& lock);
  void serve(std::size_t lane, Call call, Time began);
  void count_busy(int change, Time now);

  Clock clock;
  mutable std::mutex mutex;
  std::condition_variable work_to_do;
  std::deque<Lane> lanes;
  int workers = 0;               // in all lanes; 0: no bound
  std::uint32_t in_service = 0;  // likewise
  std::size_t turn = 0;          // the lane that is looked at first
  bool stopping = false;
  int busy_threads = 0;
  double busy_ns = 0;  // up to busy_since
  Time busy_since = kStart;
  std::vector<std::thread> threads;
};

namespace {

// Frees the place in service when the handler answers, and says how long that took.
class Served final : public Call::Sink {
 public:
  Served(Call call, std::function<Duration()> leave)
      : call_(std::move(call)), leave_(std::move(leave)) {}
  const CallRequest& request() const override { return call_.request(); }
  void answer(CallReply reply) override {
    reply.service = leave_();
    call_.answer(std::move(reply));
  }

 private:
  Call call_;
  std::function<Duration()> leave_;
};

}  // namespace

bool WorkQueue::State::submit(std::size_t lane, Call& call) {
  {
    const std::lock_guard lock(mutex);
    Lane& place = lanes[lane];
    const std::size_t room = static_cast<std::size_t>(place.at_once + place.queue);
    if (place.waiting.size() + place.in_service >= room) return false;
    place.waiting.push_back(std::move(call));
  }
  work_to_do.notify_one();
  return true;
}

std::optional<std::pair<Call, std::size_t>> WorkQueue::State::take(
    std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (stopping) return std::nullopt;
    for (std::size_t i = 0; i < lanes.size() && !is_full(); ++i) {
      const std::size_t lane = (turn + i) % lanes.size();
      if (!lanes[lane].may_start()) continue;
      turn = (lane + 1) % lanes.size();
      Call call = std::move(lanes[lane].waiting.front());
      lanes[lane].waiting.pop_front();
      ++lanes[lane].in_service;
      ++in_service;
      return std::pair(std::move(call), lane);
    }
    work_to_do.wait(lock);
  }
}

void WorkQueue::State::work() {
  for (;;) {
    std::unique_lock lock(mutex);
    auto taken = take(lock);
    if (!taken) return;
    auto& [call, lane] = *taken;
    const Time began = clock();
    if (call.request().deadline < began) {
      ++lanes[lane].expired;
      --lanes[lane].in_service;
      --in_service;
      lock.unlock();
      call.answer({504, {}, {}, AttemptResult::kRefused});
      continue;
    }
    count_busy(+1, began);
    lock.unlock();
    serve(lane, std::move(call), began);
    lock.lock();
    count_busy(-1, clock());
  }
}

void WorkQueue::State::serve(std::size_t lane, Call call, Time began) {
  auto leave_lane = [state = shared_from_this(), lane, began] {
    state->leave(lane);
    return state->clock() - began;
  };
  lanes[lane].settings.handler->handle(
      Call(std::make_unique<Served>(std::move(call), std::move(leave_lane))));
}

void WorkQueue::State::leave(std::size_t lane) {
  {
    const std::lock_guard lock(mutex);
    assert(lanes[lane].in_service > 0);
    --lanes[lane].in_service;
    --in_service;
  }
  work_to_do.notify_one();
}

void WorkQueue::State::count_busy(int change, Time now) {
  busy_ns += static_cast<double>((now - busy_since).count()) * busy_threads;
  busy_since = now;
  busy_threads += change;
}

WorkQueue::WorkQueue(int threads, std::vector<LaneSettings> lanes, Clock clock)
    : state_(std::make_shared<State>(std::move(lanes), std::move(clock))) {
  state_->start_threads(threads);
}

// No more than calls can be in service. Those that cannot be had are missed, not fatal, as long as
// there is one.
void WorkQueue::State::start_threads(int wanted) {
  int useful = 0;
  {
    const std::lock_guard lock(mutex);
    for (const Lane& lane : lanes) useful += lane.at_once;
  }
  const auto enough = static_cast<std::size_t>(std::min(wanted, useful));
  while (threads.size() < enough) {
    try {
      threads.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      if (threads.empty()) throw;
      log_warning("too few threads", {{"wanted", std::to_string(enough)},
                                      {"there_are", std::to_string(threads.size())},
                                      {"why", error.what()}});
      return;
    }
  }
}

void WorkQueue::set_limits(int workers, int queue) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->workers = workers;
    for (Lane& lane : state_->lanes) lane.limit(workers, queue);
  }
  state_->start_threads(workers);
  state_->work_to_do.notify_all();
}

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work_to_do.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
  std::vector<std::deque<Call>> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    for (Lane& lane : state_->lanes) dropped.push_back(std::move(lane.waiting));
  }
}

bool WorkQueue::submit(std::size_t lane, Call& call) { return state_->submit(lane, call); }

LaneLoad WorkQueue::load(std::size_t lane) const {
  const std::lock_guard lock(state_->mutex);
  const Lane& place = state_->lanes[lane];
  return {static_cast<std::uint32_t>(place.waiting.size()), place.in_service, place.expired};
}

double WorkQueue::busy_ns() const {
  const std::lock_guard lock(state_->mutex);
  state_->count_busy(0, state_->clock());
  return state_->busy_ns;
}

}  // namespace phoenix::node
