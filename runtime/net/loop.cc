#include "runtime/net/loop.h"

#include <cassert>
#include <ctime>

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/prctl.h>

#include "runtime/net/native.h"

namespace phoenix::net {
namespace {

namespace asio = boost::asio;

using SignalSet = asio::basic_signal_set<Loop::Native::Executor>;

void await_signal(const std::shared_ptr<SignalSet>& set,
                  const std::shared_ptr<std::function<void(int)>>& handler) {
  set->async_wait([set, handler](const boost::system::error_code& error, int signal) {
    if (error) return;
    await_signal(set, handler);
    (*handler)(signal);
  });
}

Loop::Native::Clock::time_point steady(Epoch epoch, Time at) {
  return Loop::Native::Clock::time_point(
      add_saturating(at, Duration{epoch.monotonic_ns}).time_since_epoch());
}

}  // namespace

Epoch Epoch::now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return {now.tv_sec * 1'000'000'000 + now.tv_nsec};
}

Time Epoch::time() const { return Time{Duration{now().monotonic_ns - monotonic_ns}}; }

// Locks where other threads may post, none around the loop's own descriptors.
Loop::Native::Native()
    : reactor([this] { asio::post(context, [this] { serve(); }); }),
      context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      ready(context, reactor.descriptor()) {
  await_ready();
}

Loop::Native::~Native() {
  reactor.clear();
  ready.release();
}

void Loop::Native::serve() {
  if (reactor.serve()) asio::post(context, [this] { serve(); });
}

void Loop::Native::await_ready() {
  ready.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    serve();
    await_ready();
  });
}

Reactor& reactor_of(Loop& loop) { return loop.native().reactor; }

Loop::Loop(Epoch epoch) : epoch_(epoch), native_(std::make_unique<Native>()) {}
Loop::~Loop() = default;

void Loop::run() {
  prctl(PR_SET_TIMERSLACK, 1UL);
  native_->context.run();
  native_->context.restart();
}

bool Loop::run_until(Time until) {
  native_->context.run_until(steady(epoch_, until));
  const bool stopped = native_->context.stopped();
  native_->context.restart();
  return !stopped;
}

void Loop::stop() { native_->context.stop(); }

void Loop::post(std::function<void()> work) { asio::post(native_->context, std::move(work)); }

void Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
  auto set = std::make_shared<SignalSet>(native_->context);
  for (const int signal : signals) {
    boost::system::error_code error;
    set->add(signal, error);
    assert(!error);
  }
  await_signal(set, std::make_shared<std::function<void(int)>>(std::move(handler)));
}

// One wait of Asio at a time, for the armed date or an earlier one; `round` tells it from those
// that were replaced while their completion was already queued.
struct Timer::State : std::enable_shared_from_this<Timer::State> {
  State(Loop& on, std::function<void()> call)
      : loop(on), callback(std::move(call)), wait(on.native().context) {}

  void await(Time until) {
    waiting = until;
    wait.expires_at(steady(loop.epoch(), until));
    wait.async_wait([self = shared_from_this(), mine = ++round](const auto& error) {
      if (!error && mine == self->round) self->elapsed();
    });
  }

  void elapsed() {
    waiting = kNever;
    if (at == kNever) return;
    if (at > loop.now()) return await(at);
    at = kNever;
    callback();
  }

  Loop& loop;
  std::function<void()> callback;
  Loop::Native::Wait wait;
  Time at = kNever;
  Time waiting = kNever;
  std::uint64_t round = 0;
};

Timer::Timer(Loop& loop, std::function<void()> callback)
    : state_(std::make_shared<State>(loop, std::move(callback))) {}

Timer::~Timer() {
  ++state_->round;
  state_->wait.cancel();
}

void Timer::arm(Time at) {
  state_->at = at;
  if (at < state_->waiting) state_->await(at);
}

Time Timer::armed() const { return state_->at; }

}  // namespace phoenix::net
