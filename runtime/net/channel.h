// A byte stream between two parties, plain TCP or TLS: reads into a bounded buffer, gathers writes
// and sends them with one call per loop turn, tells its one user what happens.
//
// On its loop's thread only. The user owns the channel and may destroy it at any time, also within
// a callback: nothing is called afterwards, the socket is closed (with a reset where bytes were not
// sent). Callbacks may write, pause and close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/net/address.h"
#include "strategies/core/time.h"

namespace phoenix::net {

struct ChannelSettings {
  std::size_t read_buffer = 64 * 1024;  // bytes not consumed yet; on_bytes() must make progress at
                                        // this fill or the channel closes with kOverflow
  std::size_t write_queue = 16 * 1024 * 1024;      // bytes accepted and not sent; more is kOverflow
  std::size_t write_low = 64 * 1024;               // on_drained() below this
  Duration flush_time = std::chrono::seconds(30);  // close_gracefully() without progress
  int send_buffer = 0;                             // SO_SNDBUF, SO_RCVBUF in bytes; 0: the kernel's
  int receive_buffer = 0;
};

enum class CloseReason : std::uint8_t {
  kEnd,       // the peer will send no more; writing is still possible until the channel is gone
  kReset,     // the connection broke
  kOverflow,  // a bound of ChannelSettings was exceeded
  kTls,       // the TLS layer failed
};

class ChannelUser {
 public:
  virtual ~ChannelUser() = default;
  // All bytes not consumed yet, oldest first; returns how many are now. The view is valid during
  // the call only. Called again when more arrive (or after resume_reading()).
  virtual std::size_t on_bytes(std::string_view bytes) = 0;
  // The write queue has fallen below write_low after having been above it.
  virtual void on_drained() {}
  // At most once; nothing else follows, but on_drained() after kEnd. Unconsumed bytes are lost. The
  // socket is closed already, except after kEnd.
  virtual void on_closed(CloseReason reason, const std::string& detail) = 0;
};

class Channel {
 public:
  Channel();
  virtual ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Begins reading. `user` must outlive the channel.
  virtual void start(ChannelUser& user) = 0;
  // Copies the bytes into the queue; they leave at the end of this loop turn, or sooner.
  virtual void write(std::string_view bytes) = 0;
  // Room at the end of the queue to encode into: append to it, nothing else.
  virtual std::string& output() = 0;
  // Call after appending to output(). write() does it by itself.
  virtual void flush_soon() = 0;
  virtual std::size_t queued_bytes() const = 0;
  // Until the peer has all that is queued and `more` bytes: about, by how fast it took what waited
  // so far; 0 where the kernel takes everything at once.
  virtual Duration drain_time(std::size_t more) const = 0;

  // Backpressure: no on_bytes() until resumed. The kernel's buffer fills, then the peer's.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // Sends what is queued, then closes; lingers briefly so that the peer gets it all. No callbacks
  // any more; the user may drop the channel right after (the rest goes on by itself, as long as the
  // peer takes something within flush_time).
  static void close_gracefully(std::unique_ptr<Channel> channel);

  virtual void set_socket_buffers(int send_bytes, int receive_bytes) = 0;
  virtual Address peer() const = 0;
  // The subject of the peer's certificate in the form of RFC 2253, such as "CN=node-1"; empty
  // without TLS or certificate.
  virtual std::string peer_name() const = 0;
  virtual bool is_encrypted() const = 0;
  virtual std::uint64_t bytes_in() const = 0;  // on the wire, so with what TLS adds
  virtual std::uint64_t bytes_out() const = 0;
};

}  // namespace phoenix::net
