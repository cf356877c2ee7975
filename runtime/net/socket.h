// Sockets as the kernel knows them: owned descriptors, numeric addresses, and the few ways this
// runtime opens them. Every socket is non-blocking and closed on exec; streams send without delay
// and end where the peer neither acknowledges nor takes anything for a minute, so that machines
// that vanish without a word are noticed, also by who has nothing to say to them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "runtime/net/address.h"
#include "runtime/net/channel.h"
#include "strategies/core/result.h"

namespace phoenix::net {

// Owns a descriptor; -1 is none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// A numeric address and port.
struct Endpoint {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  Address address() const;
};

// What `address` means without asking a name server: a literal, or "localhost" (both families).
// Empty for other names.
std::vector<Endpoint> literal_endpoints(const Address& address);

Result<Descriptor> listen_on(const Endpoint& at, int backlog, bool reuse_port,
                             const ChannelSettings& settings);
// Connecting is under way when this returns; the socket becomes writable when it is decided.
Result<Descriptor> begin_connect(const Endpoint& to, const ChannelSettings& settings);

Endpoint local_endpoint(int fd);
void set_buffers(int fd, int send_bytes, int receive_bytes);
// What the kernel holds for the peer, sent or not; 0 where it does not tell.
double unacknowledged_bytes(int fd);
// What has become of begin_connect(): 0 or an error. A socket that has met itself, as a dial to a
// free local port may, counts as refused: it would hold the port against its rightful listener.
int outcome_of_connect(int fd);
std::string error_text(int error);  // for people: "connection refused"

}  // namespace phoenix::net
