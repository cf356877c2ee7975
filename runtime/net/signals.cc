#include "runtime/net/signals.h"

#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace phoenix::net {
namespace {

constinit std::array<std::atomic<int>, 65> pipe_of_signal{};  // descriptor + 1; 0: none

// A full pipe drops the signal: as many of them are about to be handled.
extern "C" void phoenix_note_signal(int signal) {
  const int saved = errno;
  const auto number = static_cast<unsigned char>(signal);
  const int into = pipe_of_signal[static_cast<std::size_t>(signal)].load();
  if (into > 0) static_cast<void>(!::write(into - 1, &number, 1));
  errno = saved;
}

}  // namespace

class SignalPipe::Reader final : public Pollable {
 public:
  Reader(Descriptor from, std::function<void(int)> handler)
      : from_(std::move(from)), handler_(std::move(handler)) {}

  int descriptor() const { return from_.get(); }
  void on_ready(std::uint32_t) override {
    unsigned char number = 0;
    while (::read(from_.get(), &number, 1) == 1) handler_(number);
  }

 private:
  Descriptor from_;
  std::function<void(int)> handler_;
};

SignalPipe::SignalPipe(Reactor& reactor, std::initializer_list<int> signals,
                       std::function<void(int)> handler)
    : signals_(signals) {
  int ends[2] = {-1, -1};
  [[maybe_unused]] const int failed = ::pipe2(ends, O_NONBLOCK | O_CLOEXEC);
  assert(failed == 0);
  into_ = Descriptor(ends[1]);
  reader_ = new Reader(Descriptor(ends[0]), std::move(handler));
  reactor.add(reader_->descriptor(), *reader_);
  struct sigaction action {};
  action.sa_handler = phoenix_note_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : signals_) {
    [[maybe_unused]] const int before =
        pipe_of_signal[static_cast<std::size_t>(signal)].exchange(into_.get() + 1);
    assert(before == 0);
    ::sigaction(signal, &action, nullptr);
  }
}

SignalPipe::~SignalPipe() {
  for (const int signal : signals_) {
    ::signal(signal, SIG_DFL);
    pipe_of_signal[static_cast<std::size_t>(signal)] = 0;
  }
}

}  // namespace phoenix::net
