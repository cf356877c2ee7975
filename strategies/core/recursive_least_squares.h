// Online linear regression with forgetting, for a handful of features: recursive least squares.
// With forgetting 1 it equals ridge regression with ridge = 1 / uncertainty. O(n^2) per sample,
// O(n) per prediction, no allocation. One thread at a time.
//
// Forgetting with input that does not vary would let the uncertainty grow without bound. Its trace
// is capped by P - c P P, which takes from the directions nothing is learnt about and leaves the
// others as they are; scaling all of P instead would slowly stop all learning (idea: Salgado,
// Goodwin, Middleton 1988). P is kept symmetric.
#pragma once

#include <algorithm>
#include <cmath>

#include <Eigen/Core>

namespace phoenix {

template <int kFeatures>
class RecursiveLeastSquares {
 public:
  using Vector = Eigen::Matrix<double, kFeatures, 1>;
  using Matrix = Eigen::Matrix<double, kFeatures, kFeatures>;

  explicit RecursiveLeastSquares(double uncertainty = 100.0)
      : theta_(Vector::Zero()),
        covariance_(Matrix::Identity() * uncertainty),
        trace_max_(10 * uncertainty * kFeatures) {}

  const Vector& theta() const { return theta_; }
  const Matrix& covariance() const { return covariance_; }
  double predict(const Vector& x) const { return theta_.dot(x); }

  // How far the prediction may be off, in standard deviations of a single sample: large for input
  // unlike any that was learnt from. predict() plus or minus a multiple of it is the bound that
  // LinUCB chooses by (Li, Chu, Langford, Schapire 2010).
  double uncertainty(const Vector& x) const {
    return std::sqrt(std::max(0.0, x.dot(covariance_ * x)));
  }

  // Starts from what others have learnt.
  void set_theta(const Vector& theta) { theta_ = theta; }

  // For a feature `slope` that counts from an origin, beside the constant feature: the origin moves
  // by `distance`, and what was learnt stays the same function.
  void shift_slope(int slope, int constant, double distance) {
    theta_[constant] += distance * theta_[slope];
    covariance_.row(constant) += distance * covariance_.row(slope);
    covariance_.col(constant) += distance * covariance_.col(slope);
  }

  // REQUIRES: x and y finite, 0 < forgetting <= 1.
  void learn(const Vector& x, double y, double forgetting) {
    const Vector px = covariance_ * x;
    const double scale = 1.0 / (forgetting + x.dot(px));
    theta_ += px * (scale * (y - theta_.dot(x)));
    covariance_.noalias() -= (px * scale) * px.transpose();
    const double excess = covariance_.trace() / forgetting - trace_max_;
    if (excess > 0) {
      const double cut = excess * forgetting / covariance_.squaredNorm();
      covariance_ -= cut * (covariance_ * covariance_).eval();
    }
    covariance_ = 0.5 / forgetting * (covariance_ + covariance_.transpose()).eval();
  }

 private:
  Vector theta_;
  Matrix covariance_;
  double trace_max_;
};

}  // namespace phoenix
