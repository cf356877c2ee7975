#include "runtime/net/descriptor.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "runtime/net/reactor.h"

namespace phoenix::net {
namespace {

constexpr int kPiecesPerRound = 4;  // then the others of the loop get their turn

}  // namespace

class DescriptorReader::State final : public Pollable {
 public:
  State(Loop& loop, int descriptor, std::function<void(std::string_view)> on_bytes,
        std::function<void()> on_end)
      : reactor_(reactor_of(loop)),
        descriptor_(descriptor),
        on_bytes_(std::move(on_bytes)),
        on_end_(std::move(on_end)) {
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    reactor_.add(descriptor, *this);
  }

  void close() {
    if (!descriptor_) return;
    reactor_.remove(descriptor_.get(), *this);
    descriptor_.reset();
  }

  void on_ready(std::uint32_t) override {
    for (int pieces = 0; descriptor_; ++pieces) {
      if (pieces == kPiecesPerRound) return reactor_.again(*this);
      const std::span<char> into = reactor_.received();
      const ssize_t got = ::read(descriptor_.get(), into.data(), into.size());
      if (got > 0) {
        on_bytes_({into.data(), static_cast<std::size_t>(got)});
      } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close();
        on_end_();
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

 private:
  Reactor& reactor_;
  Descriptor descriptor_;
  std::function<void(std::string_view)> on_bytes_;
  std::function<void()> on_end_;
};

DescriptorReader::DescriptorReader(Loop& loop, int descriptor,
                                   std::function<void(std::string_view)> on_bytes,
                                   std::function<void()> on_end)
    : state_(new State(loop, descriptor, std::move(on_bytes), std::move(on_end))) {}

DescriptorReader::~DescriptorReader() { state_->close(); }

class DescriptorWait::State final : public Pollable {
 public:
  State(Loop& loop, int descriptor, std::function<void()> on_ready)
      : reactor_(reactor_of(loop)), descriptor_(descriptor), on_ready_(std::move(on_ready)) {
    reactor_.add(descriptor, *this);
  }

  void close() {
    reactor_.remove(descriptor_.get(), *this);
    descriptor_.reset();
  }

  void on_ready(std::uint32_t) override {
    if (descriptor_) on_ready_();
  }

 private:
  Reactor& reactor_;
  Descriptor descriptor_;
  std::function<void()> on_ready_;
};

DescriptorWait::DescriptorWait(Loop& loop, int descriptor, std::function<void()> on_ready)
    : state_(new State(loop, descriptor, std::move(on_ready))) {}

DescriptorWait::~DescriptorWait() { state_->close(); }

}  // namespace phoenix::net
