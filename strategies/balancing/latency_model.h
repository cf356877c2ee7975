// Predicts how long a request would take at a node, from the answers so far. Learns online, in two
// parts, because one node's answers alone are too few and too noisy to learn everything from:
//
// - From all good answers together, the shape: what a request's class and size cost (service), and
//   what the requests ahead of it cost (queue), linear in the backlog and in the backlog beyond
//   what the node serves at once.
// - From each node's own answers, two factors: how much longer than the shape says its service and
//   its queue take. They start at 1, so a new node is taken for an ordinary one.
//
// Both are recursive least squares with forgetting, with samples weighted down in proportion to the
// time they predict, since long answers vary more. Backlog is this gateway's own requests under way
// plus what the node's last report shows beyond them. One thread at a time.
#pragma once

#include <cstddef>
#include <vector>

#include "strategies/core/recursive_least_squares.h"
#include "strategies/core/ids.h"
#include "strategies/core/load_report.h"
#include "strategies/core/time.h"

namespace phoenix {

// What is known of a request before it is sent, relative to the mean request.
struct RequestTraits {
  double kind = 0;  // its class's mean time over that of all, minus 1
  double size = 0;  // its size over its class's mean size, minus 1; times (1 + kind)
};

class LatencyModel {
 public:
  explicit LatencyModel(double forgetting) : forgetting_(forgetting) {}

  // Makes room for nodes below `n`.
  void grow(std::size_t n) {
    if (nodes_.size() < n) nodes_.resize(n);
  }

  RequestTraits traits(ClassId request_class, double size) const;

  // Seconds, > 0 once anything was learnt.
  double predict(NodeId node, const RequestTraits& traits, std::uint32_t in_flight) const;

  // Good answers teach shape and node; a failure, charged with `seconds`, only the node.
  struct Sample {
    ClassId request_class{0};
    double size = 1.0;
    std::uint32_t in_flight_when_sent = 0;
    double seconds = 0;
    bool ok = true;
  };
  void learn(NodeId node, const Sample& sample, Time now);

  // `in_flight`: this gateway's own share of what the report counts.
  void hear(NodeId node, const LoadReport& report, std::uint32_t in_flight);

  int samples(NodeId node) const { return nodes_[index(node)].samples; }
  Time updated(NodeId node) const { return nodes_[index(node)].updated; }

 private:
  // Mean of about the last `memory` samples.
  struct Average {
    double mean = 0;
    double count = 0;
    void add(double sample, double memory);
  };
  struct ClassAverages {
    Average seconds;
    Average size;
  };
  using Shape = RecursiveLeastSquares<5>;
  using Factors = RecursiveLeastSquares<2>;
  struct Node {
    Node() { factors.set_theta(Factors::Vector::Ones()); }
    Factors factors{1.0};
    double others = 0;  // requests of other gateways there
    Average in_service;
    Average cpu;
    int samples = 0;
    Time updated = kStart;
  };
  struct Parts {  // in units of the mean response time
    double service;
    double queue;
  };

  static double lanes(const Node& node);
  static double excess(double backlog, double lanes);
  Parts parts(const RequestTraits& traits, double backlog, double lanes) const;
  void learn_shape(const RequestTraits& traits, double backlog, double lanes, double seconds);

  double forgetting_;
  Average seconds_;
  std::vector<ClassAverages> classes_;
  Shape shape_;
  std::vector<Node> nodes_;
};

}  // namespace phoenix
