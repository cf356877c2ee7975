// How well a node would take a request: a score between 0 and 1, higher is better, from an online
// regression of response times per node (balancing/latency_model.h). For those who rank nodes for a
// request outside the request path; the balancer `predictive` uses the same model directly.
//
// The score is target / (target + predicted response time): 0.5 where the target would be just met.
// A node with too few answers has no score, NaN, so that it is neither best nor worst.
//
// One thread at a time. Does not know which nodes are healthy.
#pragma once

#include <cassert>
#include <limits>

#include "strategies/balancing/latency_model.h"

namespace phoenix {

struct LoadPredictorOptions {
  double target_s = 0.05;
  int samples_min = 30;       // answers of a node before it has a score
  double forgetting = 0.995;  // remembers about 200 answers of each node
};

class LoadPredictor {
 public:
  explicit LoadPredictor(const LoadPredictorOptions& options)
      : options_(options), model_(options.forgetting) {
    assert(options.target_s > 0);
  }

  struct Request {
    ClassId request_class{0};
    double size = 1.0;
  };

  void observe(NodeId node, const LatencyModel::Sample& answer, Time now) {
    model_.grow(index(node) + 1);
    known_ = known_ > index(node) ? known_ : index(node) + 1;
    model_.learn(node, answer, now);
  }

  // `in_flight`: requests that are under way to the node.
  double score(NodeId node, const Request& request, std::uint32_t in_flight) const {
    if (index(node) >= known_ || model_.samples(node) < options_.samples_min) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    const double seconds =
        model_.predict(node, model_.traits(request.request_class, request.size), in_flight);
    return options_.target_s / (options_.target_s + seconds);
  }

 private:
  LoadPredictorOptions options_;
  LatencyModel model_;
  std::size_t known_ = 0;
};

}  // namespace phoenix
