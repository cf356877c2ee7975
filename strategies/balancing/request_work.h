// How much work a request is compared to the mean one, by its class and its size, learnt online
// from answers: recursive least squares on how a class's answers compare to all and its size to its
// class's mean. Also what a key's home is worth: how answers of nodes that have the key compare to
// those of others.
//
// One thread at a time. O(1) per call; allocates when a class is new.
#pragma once

#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/recursive_least_squares.h"

namespace phoenix {

class RequestWork {
 public:
  // > 0; 1 is the mean request, and every request before anything was learnt.
  double relative(ClassId request_class, double size) const;

  // An answer that took `times` as long as its node takes for the mean request.
  void learn(ClassId request_class, double size, double times);

  // The same of a request with a key: `at_home` when the node is one of its homes.
  void learn_home(bool at_home, double times);
  // What a request at its home takes compared to one elsewhere, in [0.05, 1]; kHomeUntold until
  // both are known.
  static constexpr double kHomeUntold = 0.5;
  double home_share() const;

 private:
  // Mean of about the last `memory` samples.
  struct Average {
    double mean = 0;
    double count = 0;
    void add(double sample, double memory);
  };
  struct ClassAverages {
    Average times;
    Average size;
  };
  using Model = RecursiveLeastSquares<3>;

  bool features(ClassId request_class, double size, Model::Vector& x) const;

  Average times_;
  std::vector<ClassAverages> classes_;
  Model model_;
  Average home_, away_;
};

}  // namespace phoenix
