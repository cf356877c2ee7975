#include "strategies/balancing/request_work.h"

#include <algorithm>

namespace phoenix {
namespace {

constexpr double kMemory = 10'000;  // samples
constexpr double kHomeMemory = 2'000;
constexpr double kForgetting = 0.9995;
constexpr double kSamplesMin = 100;
constexpr double kSizesMax = 20;  // mean sizes; larger ones count as this
constexpr double kRelativeMin = 0.05;
constexpr double kRelativeMax = 100;

}  // namespace

void RequestWork::Average::add(double sample, double memory) {
  count = std::min(count + 1, memory);
  mean += (sample - mean) / count;
}

bool RequestWork::features(ClassId request_class, double size, Model::Vector& x) const {
  const std::size_t i = index(request_class);
  if (i >= classes_.size() || classes_[i].times.count == 0 || times_.mean <= 0) return false;
  const double ratio = classes_[i].times.mean / times_.mean;
  x << 1.0, ratio - 1, ratio * std::clamp(size / classes_[i].size.mean - 1, -1.0, kSizesMax);
  return true;
}

double RequestWork::relative(ClassId request_class, double size) const {
  Model::Vector x;
  if (times_.count < kSamplesMin || !features(request_class, size, x)) return 1;
  return std::clamp(model_.predict(x), kRelativeMin, kRelativeMax);
}

void RequestWork::learn(ClassId request_class, double size, double times) {
  if (classes_.size() <= index(request_class)) classes_.resize(index(request_class) + 1);
  ClassAverages& averages = classes_[index(request_class)];
  averages.times.add(times, kMemory);
  averages.size.add(size, kMemory);
  times_.add(times, kMemory);
  Model::Vector x;
  if (!features(request_class, size, x)) return;
  // Long answers vary more: weighted down in proportion.
  const double weight = 1 / std::max(1 + x[1] + x[2], kRelativeMin);
  model_.learn(x * weight, times / times_.mean * weight, kForgetting);
}

void RequestWork::learn_home(bool at_home, double times) {
  (at_home ? home_ : away_).add(times, kHomeMemory);
}

double RequestWork::home_share() const {
  if (std::min(home_.count, away_.count) < kSamplesMin || away_.mean <= 0) return kHomeUntold;
  return std::clamp(home_.mean / away_.mean, kRelativeMin, 1.0);
}

}  // namespace phoenix
