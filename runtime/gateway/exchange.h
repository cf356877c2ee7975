// The seam inside a gateway thread: ingress hands over whole requests and gets exactly one reply
// for each, upstreams carry attempts to nodes and say how they ended. The Worker stands between,
// with the Router.
//
// Everything here runs on the worker's loop. Bodies of requests are whole and bounded (so that they
// can be sent again), replies may come in pieces with backpressure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/gateway/config.h"
#include "runtime/wire/messages.h"
#include "strategies/core/ids.h"
#include "strategies/core/load_report.h"
#include "strategies/core/request.h"
#include "strategies/core/time.h"

namespace phoenix::gateway {

// One accepted request.
struct Request {
  ServiceId service{0};
  ClassId request_class{0};  // among all classes of all services, in order of the configuration
  std::string method, target, headers, body;  // see http/message.h
  std::uint64_t key = 0;
  bool has_key = false;
  bool repeatable = true;
  double size = 1;
  std::uint64_t number = 0;    // the client's own number of it; 0: the worker gives one
  std::uint32_t attempts = 0;  // set by the worker: tries begun before the one being sent
  Time arrived = kStart;
  Time deadline = kNever;
};

// What HTTP calls a failure of the gateway's own; 200 where there is none.
int status_of(FailureReason reason);

// The one answer. Views are valid during the call.
struct Reply {
  FailureReason reason = FailureReason::kNone;
  bool from_node =
      false;         // status, headers and body are the node's; else the gateway's own failure
  int status = 200;  // own failures: see status_of()
  std::string_view headers;
  std::string_view body;             // the first piece where `more` is set
  bool more = false;                 // on_reply_body() follows
  std::int64_t content_length = -1;  // of the whole body where it is known
  NodeId node = kNoNode;
  int attempts = 0;
  std::string_view direct;  // address of the key's owner, with direct routing
};

// An ingress connection, or anything else that wants an answer.
class Client {
 public:
  virtual ~Client() = default;
  // Exactly once per accepted request, perhaps before accept() has returned. `tag` is the client's.
  virtual void on_reply(std::uint64_t tag, const Reply& reply) = 0;
  // After a reply with `more`. `last`: nothing follows. False asks for a pause until
  // Worker::resume_reply().
  virtual bool on_reply_body(std::uint64_t tag, std::string_view piece, bool last) = 0;
  // The node broke off in the middle of the body; nothing follows.
  virtual void on_reply_broken(std::uint64_t tag) = 0;
};

// Of one node as one worker reaches it.
struct AttemptReply {
  int status = 200;
  std::string_view headers;
  std::string_view body;
  bool more = false;
  std::int64_t content_length = -1;
};

// What upstreams tell the worker.
class UpstreamUser {
 public:
  virtual ~UpstreamUser() = default;
  // Exactly once per send(), never within it. `reply` is null where the node said nothing that a
  // client could see. kRefused: certainly not carried out (never sent, or the node said so);
  // kReset: perhaps carried out.
  virtual void on_attempt(AttemptId attempt, AttemptResult result, const AttemptReply* reply) = 0;
  // After a reply with `more`; false asks for a pause until Upstream::resume().
  virtual bool on_attempt_body(AttemptId attempt, std::string_view piece, bool last) = 0;
  virtual void on_attempt_broken(AttemptId attempt) = 0;
  virtual void on_node_report(NodeId node, const wire::Report& report) = 0;
  virtual void on_piggybacked(NodeId node, const LoadReport& report) = 0;
  // At most once per probe(), never within it; for those that probe.
  virtual void on_probe_answered(NodeId node, std::uint64_t probe, const LoadReport& report) {
    static_cast<void>(node);
    static_cast<void>(probe);
    static_cast<void>(report);
  }
  // Whether at least one connection to the node stands (or, for HTTP, it can be expected to).
  virtual void on_reachable(NodeId node, bool reachable) = 0;
};

// REQUIRES of all: on the worker's loop.
class Upstream {
 public:
  virtual ~Upstream() = default;  // attempts under way end without a word
  // `request` lives at least until on_attempt() or forget(); towards nodes that speak frames only
  // during the call. `time_left` is passed on; max: none.
  virtual void send(AttemptId attempt, const Request& request, std::string_view service,
                    std::string_view request_class, Duration time_left) = 0;
  // Nobody waits for this attempt any more: no callback for it. HTTP closes that connection, frames
  // let the late response pass by. Attempts that have ended, or never were, are ignored.
  virtual void forget(AttemptId attempt) = 0;
  virtual void resume(AttemptId attempt) = 0;
  virtual void apply(const Knobs& knobs) = 0;
  // Asks the node how busy it is; `probe` is the caller's number of it. False: not asked, since
  // there is no way, too many such questions are open already, or, of HTTP servers, nobody answers.
  virtual bool probe(std::uint64_t probe) {
    static_cast<void>(probe);
    return false;
  }
  // The node came back as a new incarnation, perhaps elsewhere. Attempts at the old one end.
  virtual void move(const net::Address& address, std::uint64_t incarnation) {
    static_cast<void>(address);
    static_cast<void>(incarnation);
  }
  virtual std::size_t connections() const = 0;
  // Connections that did not come about: nobody there, no TLS, no or an unfit hello; health checks
  // that failed, too.
  virtual std::uint64_t dials_failed() const { return 0; }
  virtual std::size_t under_way() const = 0;
};

}  // namespace phoenix::gateway
