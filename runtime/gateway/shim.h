// A lab's faults at the frame layer of one worker: between the worker and each node's upstream,
// what is sent and what comes back is lost, held, delayed or let through, as LinkFaults and
// ReportFaults decide for the simulated network.
//
// Only there where the configuration says `lab = true`. On the worker's loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/gateway/directory.h"
#include "runtime/gateway/exchange.h"
#include "runtime/gateway/lab_command.h"
#include "runtime/net/loop.h"
#include "scenarios/link_faults.h"
#include "scenarios/report_faults.h"

namespace phoenix::gateway {

class ShimUpstream;

inline constexpr double kReportBytes = 256;  // as the simulated network takes one to be

class ShimWorld {
 public:
  // `thread` counts gateways on from the lab world's own number.
  ShimWorld(net::Loop& loop, int thread);

  // Faults begin anew in this world.
  void enter(const LabWorld& world);
  // The error says what is missing.
  Status play(const FaultEvent& event);
  void set_silent(const std::string& node, bool is_silent);
  std::uint64_t hits(std::uint32_t effect) const;

  // Wraps the upstream that `make` makes for the user it is given.
  std::unique_ptr<Upstream> wrap(
      const NodeView& node, UpstreamUser& user,
      const std::function<std::unique_ptr<Upstream>(UpstreamUser&)>& make);

  // A node's periodic report on its way to this gateway.
  void carry_report(const std::string& node, wire::Report report,
                    std::function<void(const wire::Report&)> deliver);

 private:
  friend class ShimUpstream;
  struct Faults {
    Faults(const LabWorld& lab, std::uint32_t gateway_number);
    LabWorld world;
    Streams streams;
    LinkFaults links;
    ReportFaults reports;
    std::uint32_t gateway;
    std::map<std::string, std::uint32_t> numbers;   // of nodes
    std::vector<double> sent_until_ns;              // by endpoint, while its bandwidth is cut
    std::map<std::uint32_t, std::uint64_t> rounds;  // of reports, by node
  };
  struct Message {
    std::uint32_t from = 0, to = 0;
    std::uint64_t number = 0;
    double bytes = 0;
    std::function<void()> deliver;
    bool has_arrived = false;
  };
  // The node's number in the lab's world; nothing where it is not of it.
  std::optional<std::uint32_t> number_of(const std::string& node) const;
  bool disturbs_links() const { return faults_ && faults_->links.any(); }
  void send(Message message);
  void arrive(Message message);
  void later(Duration delay, std::function<void()> work);
  void deliver_due();
  void end(std::uint32_t effect);
  double bandwidth_delay_ns(const Message& message);

  net::Loop& loop_;
  int thread_;
  net::Timer timer_;
  std::unique_ptr<Faults> faults_;
  std::multimap<Time, std::function<void()>> due_;
  std::map<std::uint32_t, std::deque<Message>> held_;  // by the effect that holds them
  std::set<std::string> silent_;
  std::set<ShimUpstream*> upstreams_;
};

}  // namespace phoenix::gateway
