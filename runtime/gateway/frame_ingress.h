// Frames towards the gateway: the connections of native clients (requests in, responses out), of
// nodes that announce themselves, and of a lab. One per worker, on its loop.
//
// The first frame of a connection is a Hello with the right token within a few seconds, answered by
// the gateway's own; then come only the frames of that role. Whoever does otherwise is disconnected
// and counted. A client may have kFrameRequestsMax requests under way on a connection, with
// kFrameBytesMax in them and in answers that are being gathered; those beyond are refused at once.
// What a client does not read is bounded: reading stops, then answers become errors.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "runtime/gateway/worker.h"
#include "runtime/wire/frame_link.h"

namespace phoenix::gateway {

inline constexpr std::size_t kFrameRequestsMax = 65'536;
inline constexpr std::size_t kFrameBytesMax = 128 * 1024 * 1024;

// Where connections that are not clients' lead: to the directory and the lab, on another thread.
// Links are named by a number that no other link of the process has.
class PeerEvents {
 public:
  virtual ~PeerEvents() = default;
  virtual void on_announce(std::uint64_t link, Announcement announcement) = 0;
  virtual void on_report(std::uint64_t link, const wire::Report& report) = 0;
  virtual void on_goodbye(std::uint64_t link) = 0;
  virtual void on_node_gone(std::uint64_t link) = 0;
  // Answered by FrameIngress::answer_control() on the ingress's loop.
  virtual void on_control(std::uint64_t link, std::uint64_t id, std::string command) = 0;
};

class FrameIngress {
 public:
  // All must outlive the ingress.
  FrameIngress(RequestSink& sink, PeerEvents& peers, wire::LinkCounters& counters, int thread);
  ~FrameIngress();  // closes all connections; leaves their exchanges
  FrameIngress(const FrameIngress&) = delete;
  FrameIngress& operator=(const FrameIngress&) = delete;

  void adopt(std::unique_ptr<net::Channel> channel);
  void answer_control(std::uint64_t link, std::uint64_t id, const std::string& payload);
  // Ends a node's connection: it may not join.
  void refuse(std::uint64_t link, const std::string& why);
  void apply(const Knobs& knobs);
  // Closes the clients that wait for nothing. Call it again for those that do.
  void drain();

  std::size_t clients() const;  // connections of native clients
  // Connections ended by the gateway, by why: "wrong_token", "wrong_role", "no_hello", ...
  const std::map<std::string, std::uint64_t>& refused() const;

 private:
  class Connection;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phoenix::gateway
