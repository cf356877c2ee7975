// Finds the nodes of one service that fail more than the others and says how long they stay out.
// Decides on counts alone: does not probe, and knows nothing of requests, pools or balancers.
//
// A node is ejected after a run of errors, or when its success rate over an interval lies below
// mean - k * stdev (population) of the nodes with enough requests. The n-th recent ejection lasts n
// times as long, up to a bound; n falls by one with every whole interval without ejection. At most
// a share of the nodes, and at least one, may be out. Source: Envoy's outlier detection.
//
// One thread at a time. record() is O(1), sweep() O(nodes). Allocates when node ids grow.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/time.h"
#include "strategies/router.h"

namespace phoenix {

// mean - stdevs * population stdev. REQUIRES: !rates.empty().
double success_rate_limit(std::span<const double> rates, double stdevs);

class OutlierFilter {
 public:
  explicit OutlierFilter(const RouterSettings& settings);

  // Starts a clean slate for the node.
  void add(NodeId node);
  void remove(NodeId node);

  // One finished attempt at a node that was added; true when its run of errors is too long.
  bool record(NodeId node, bool ok) {
    Node& n = nodes_[index(node)];
    ++n.total;
    if (ok) {
      ++n.succeeded;
      n.run = 0;
      return false;
    }
    ++n.run;
    return run_limit_ > 0 && n.run >= run_limit_ && !n.ejected;
  }
  std::uint32_t run_of_errors(NodeId node) const { return nodes_[index(node)].run; }

  // Takes the node out; false when too many of `members` nodes are out already.
  bool eject(NodeId node, std::size_t members, Time now);
  bool is_ejected(NodeId node) const { return nodes_[index(node)].ejected; }

  // Ends the interval. The nodes whose success rate is too low, worst first, ties by index; none of
  // them is ejected yet. Valid until the next call.
  struct Outlier {
    NodeId node;
    double success_rate;
  };
  std::span<const Outlier> sweep();

  // The next node whose time is over at `now`, back in again; kNoNode when there is none. Lowest
  // index first.
  NodeId take_returning(Time now);
  Time next_return() const { return next_return_; }

 private:
  struct Node {
    std::uint32_t total = 0;  // in this interval
    std::uint32_t succeeded = 0;
    std::uint32_t run = 0;        // errors in a row
    std::uint32_t ejections = 0;  // recent ones
    bool ejected = false;
    bool clean = true;  // not out since the last sweep
    Time until = kStart;
  };

  void find_outliers();
  void refresh_next_return();

  std::uint32_t run_limit_;
  double stdevs_;
  std::size_t min_nodes_;
  std::uint32_t min_requests_;
  Duration time_;
  Duration time_max_;
  double max_share_;
  std::vector<Node> nodes_;
  std::size_t ejected_ = 0;
  Time next_return_ = kNever;
  std::vector<double> rates_;
  std::vector<Outlier> outliers_;
};

}  // namespace phoenix
