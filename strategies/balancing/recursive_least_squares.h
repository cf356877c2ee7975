// Online linear regression with forgetting, for a handful of features: recursive least squares.
// With forgetting 1 it equals ridge regression with ridge = 1 / uncertainty. O(n^2) per sample,
// O(n) per prediction, no allocation. One thread at a time.
//
// Forgetting with input that does not vary would let the uncertainty grow without bound; it is kept
// symmetric and its trace below a cap.
#pragma once

#include <algorithm>

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

  // Starts from what others have learnt.
  void set_theta(const Vector& theta) { theta_ = theta; }

  // REQUIRES: x and y finite, 0 < forgetting <= 1.
  void learn(const Vector& x, double y, double forgetting) {
    const Vector px = covariance_ * x;
    const double scale = 1.0 / (forgetting + x.dot(px));
    theta_ += px * (scale * (y - theta_.dot(x)));
    covariance_.noalias() -= (px * scale) * px.transpose();
    covariance_ = 0.5 / forgetting * (covariance_ + covariance_.transpose()).eval();
    const double trace = covariance_.trace();
    if (trace > trace_max_) covariance_ *= trace_max_ / trace;
  }

 private:
  Vector theta_;
  Matrix covariance_;
  double trace_max_;
};

}  // namespace phoenix
