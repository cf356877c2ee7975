// What a request costs at each node, learnt online from what nodes report and from how long their
// answers take: the numbers behind the predictive balancer.
//
// A node's price for one more request is
//     overhead + cost * (requests there + 1)
// - cost: seconds of the whole node's work a request takes, its CPU use over its answers a second,
//   as it reports them. Few answers prove little: cost is drawn towards the fleet's mean (divided
//   by the weight the operator gave) as if that many more had been seen. Where nodes report no
//   rates, response time over the root of the requests there takes that place: a full root would
//   hold whatever shares there are, none would call every busy node slow.
// - overhead: what answers take longer than cost explains (a long way, failures charged with their
//   penalty), the mean over some seconds minus two standard errors. A doubt speaks for the node, as
//   in LinUCB, so that chance alone marks nobody and a doubtful node is tried.
// - requests there: this gateway's own, and those of others by the node's newest report, which
//   fade to their average as it ages.
//
// One thread at a time. O(1) per call, no allocation but in grow().
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/load_report.h"
#include "strategies/core/time.h"

namespace phoenix {

struct NodeCostSettings {
  Duration memory = std::chrono::seconds(5);        // of costs
  Duration late_memory = std::chrono::seconds(10);  // of overheads
  double prior = 50;                                // answers the fleet's mean counts for
  double doubt = 2;                                 // standard errors
};

class NodeCosts {
 public:
  explicit NodeCosts(NodeCostSettings settings) : settings_(settings) {}

  void grow(std::size_t n) {
    if (nodes_.size() < n) nodes_.resize(n);
  }
  // The operator's weight: what the node is taken for before it is known.
  void set_weight(NodeId node, double weight) { at(node).weight = weight; }

  // `in_flight`: this gateway's own share of what the report counts.
  void hear(NodeId node, const LoadReport& report, std::uint32_t in_flight, Time now);
  // An answer, or a failure charged with `seconds`; `work` is what the request weighed compared to
  // the mean one.
  void learn(NodeId node, double seconds, double work, std::uint32_t in_flight_when_sent, bool ok,
             Time now);
  // What such an answer should take: the request's work at the speed it gets beside the others.
  double expected(NodeId node, double work, std::uint32_t in_flight_when_sent) const;
  // The node refused one because it was full. Where its reports show it to be busy, that is all
  // there is to it; otherwise it counts like a failure.
  bool is_known_busy(NodeId node, std::uint32_t in_flight) const;

  // Seconds, > 0.
  double price(NodeId node, std::uint32_t in_flight, Time now) const;
  // What the mean request would take there: as the price, but that a node with cores to spare is as
  // quick as an idle one.
  double answer_time(NodeId node, std::uint32_t in_flight, Time now) const;

  double cost(NodeId node) const;
  // Fades while the node has no requests of this gateway, so that it is tried again.
  double overhead(NodeId node, std::uint32_t in_flight, Time now) const;
  double others(NodeId node, Time now) const;
  int samples(NodeId node) const { return nodes_[index(node)].samples; }
  // After this, a report says little about the present.
  Duration report_life() const { return report_life_; }

 private:
  // Of the last `memory`, older ones faded.
  struct Sums {
    double busy = 0;  // seconds of the node
    double answers = 0;
    Time updated = kStart;
  };
  struct Node {
    double weight = 1;
    Sums sums;
    float last_cpu = -1;  // of the newest report: rates change once an interval
    float last_rate = -1;
    double lanes_busy = 0, lanes_cpu = 0;
    double late_mean = 0, late_square = 0, late_count = 0;
    Time late_updated = kStart;
    double others = 0, others_mean = 0;
    Time heard = kStart;
    bool reports_rates = false;
    int samples = 0;
  };

  Node& at(NodeId node) { return nodes_[index(node)]; }
  void add_cost(Node& node, double busy, double answers, Time now);
  double lanes(const Node& node) const;
  double cost(const Node& node) const;

  NodeCostSettings settings_;
  Duration report_life_ = std::chrono::milliseconds(20);
  double seconds_mean_ = 0;  // of good answers
  double fleet_busy_ = 0;
  double fleet_answers_ = 0;
  std::vector<Node> nodes_;
};

}  // namespace phoenix
