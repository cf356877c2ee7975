#include "runtime/net/descriptor.h"

#include <array>

#include <boost/asio/buffer.hpp>

#include "runtime/net/native.h"

namespace phoenix::net {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

struct DescriptorReader::State {
  State(Loop& loop, int descriptor) : stream(loop.native().context, descriptor) {}

  void read(const std::shared_ptr<State>& self) {
    stream.async_read_some(boost::asio::buffer(buffer),
                           [self](const boost::system::error_code& error, std::size_t size) {
                             self->on_read(self, error, size);
                           });
  }

  void on_read(const std::shared_ptr<State>& self, const boost::system::error_code& error,
               std::size_t size) {
    if (is_closed) return;
    if (error) {
      is_closed = true;
      return on_end();
    }
    on_bytes({buffer.data(), size});
    if (!is_closed) read(self);
  }

  Loop::Native::Descriptor stream;
  std::array<char, kPiece> buffer{};
  std::function<void(std::string_view)> on_bytes;
  std::function<void()> on_end;
  bool is_closed = false;
};

DescriptorReader::DescriptorReader(Loop& loop, int descriptor,
                                   std::function<void(std::string_view)> on_bytes,
                                   std::function<void()> on_end)
    : state_(std::make_shared<State>(loop, descriptor)) {
  state_->on_bytes = std::move(on_bytes);
  state_->on_end = std::move(on_end);
  state_->read(state_);
}

DescriptorReader::~DescriptorReader() {
  state_->is_closed = true;
  boost::system::error_code ignored;
  state_->stream.close(ignored);
}

struct DescriptorWait::State {
  State(Loop& loop, int descriptor, std::function<void()> call)
      : stream(loop.native().context, descriptor), on_ready(std::move(call)) {}

  void wait(const std::shared_ptr<State>& self) {
    stream.async_wait(Loop::Native::Descriptor::wait_read,
                      [self](const boost::system::error_code& error) {
                        if (error || self->is_closed) return;
                        self->on_ready();
                        if (!self->is_closed) self->wait(self);
                      });
  }

  Loop::Native::Descriptor stream;
  std::function<void()> on_ready;
  bool is_closed = false;
};

DescriptorWait::DescriptorWait(Loop& loop, int descriptor, std::function<void()> on_ready)
    : state_(std::make_shared<State>(loop, descriptor, std::move(on_ready))) {
  state_->wait(state_);
}

DescriptorWait::~DescriptorWait() {
  state_->is_closed = true;
  boost::system::error_code ignored;
  state_->stream.close(ignored);
}

}  // namespace phoenix::net
