// A value as a linear function of the p values before it, by least squares with forgetting: the
// parts of the `ar` forecaster that are tested alone. Eigen stays in the .cc.
//
// One thread at a time. O(p^3) per value with p <= 16, no allocation after construction.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace phoenix {

inline constexpr int kArOrderMax = 16;

// Scales coefficient i (of the value i + 1 steps before) by g^(i+1), with the largest g <= 1 that
// keeps all roots of the characteristic polynomial within `radius`. Returns g; 1 where they were.
double clamp_roots(std::span<double> coefficients, double radius);

// Whether all roots lie within `radius`: step-down recursion (Schur, Cohn).
bool has_roots_within(std::span<const double> coefficients, double radius);

class ArModel {
 public:
  struct Options {
    int order = 4;
    double ridge = 1e-3;  // relative to the values' mean variance
    double forgetting = 0.999;
    double root_max = 0.98;  // for two steps ahead and more; above 1 allows explosion
  };

  explicit ArModel(const Options& options);
  ~ArModel();

  // The next value; not learnt from where `is_known` is false.
  void observe(double value, bool is_known);

  // Not bounded from below. `steps` >= 1.
  double predict(int steps) const;

  // The value `i` + 1 steps before counts coefficients()[i] in the next.
  std::span<const double> coefficients() const;
  double constant() const;  // as if nothing were clamped

 private:
  void solve();

  struct Equations;
  Options options_;
  std::vector<double> lags_;  // newest first
  std::vector<double> slopes_;
  std::vector<double> clamped_;
  double constant_ = 0;
  double clamped_constant_ = 0;
  double origin_ = 0;  // the first value; sums of squares around it lose less
  std::size_t seen_ = 0;
  std::unique_ptr<Equations> equations_;
};

}  // namespace phoenix
