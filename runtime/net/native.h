// The Asio side of a Loop. Included by the few .cc files of this folder that call Asio.
#pragma once

#include <utility>  // Asio 1.74 needs it first with g++ 12

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "runtime/net/loop.h"
#include "runtime/net/reactor.h"

namespace phoenix::net {

struct Loop::Native {
  using Executor = boost::asio::io_context::executor_type;
  using Clock = std::chrono::steady_clock;
  using Wait = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor>;
  using Descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

  Native();
  ~Native();

  void serve();        // what the reactor has, then arranges for more
  void await_ready();  // serve() when a socket is ready

  // Outlives the context, whose last handlers may own channels.
  Reactor reactor;
  boost::asio::io_context context;
  Descriptor ready;
};

}  // namespace phoenix::net
