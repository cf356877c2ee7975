// Listening and dialling: where channels come from. On the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/net/address.h"
#include "runtime/net/channel.h"
#include "runtime/net/loop.h"
#include "runtime/net/tls.h"
#include "strategies/core/result.h"

namespace phoenix::net {

struct ListenSettings {
  bool reuse_port = false;  // several loops share one port, the kernel spreads connections
  int backlog = 1024;
  std::size_t connections = 10'000;  // open at once; more are closed at once and counted
  Duration handshake = std::chrono::seconds(10);  // TLS; slower peers are closed and counted
  std::shared_ptr<TlsContext> tls;                // null: plain
  ChannelSettings channel;
};

struct ListenCounters {
  std::uint64_t accepted = 0;          // taken, whether or not their handshake then succeeded
  std::uint64_t refused = 0;           // over `connections`, or no file descriptor left
  std::uint64_t handshake_failed = 0;  // logged with why, at most one each second
  std::uint64_t open = 0;              // now
};

class Listener {
 public:
  using OnAccept = std::function<void(std::unique_ptr<Channel>)>;

  // Port 0 takes a free one. The error names the address and why. Channels count as open until
  // destroyed. Running out of file descriptors pauses accepting briefly instead of spinning.
  static Result<std::unique_ptr<Listener>> open(Loop& loop, const Address& address,
                                                const ListenSettings& settings, OnAccept on_accept);
  virtual ~Listener() = default;  // stops accepting; open channels live on

  virtual Address local() const = 0;
  virtual ListenCounters counters() const = 0;
  // For connections from now on; the port itself stays as it was opened, and socket buffers that
  // were set stay so where they are 0 now.
  virtual void apply(const ListenSettings& settings) = 0;
  virtual void set_tls(std::shared_ptr<TlsContext> tls) = 0;
};

struct DialSettings {
  Duration timeout = std::chrono::seconds(5);  // name lookup, connecting and handshake together
  std::shared_ptr<TlsContext> tls;             // null: plain
  std::string server_name;                     // for TLS; empty: the context's, else the host
  ChannelSettings channel;
};

// An attempt to connect; destroying it gives up, without callback.
class Dial {
 public:
  // The error says why, e.g. "connection refused", "timed out", "certificate verify failed: ...".
  // Called once, never within start(). A TLS 1.3 server judges a client's certificate after the
  // client is through: its refusal comes as the channel's kTls.
  using OnDone = std::function<void(Result<std::unique_ptr<Channel>>)>;
  static std::unique_ptr<Dial> start(Loop& loop, const Address& address,
                                     const DialSettings& settings, OnDone on_done);
  virtual ~Dial() = default;
};

}  // namespace phoenix::net
