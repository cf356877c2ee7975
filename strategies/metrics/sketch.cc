#include "strategies/metrics/sketch.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "strategies/core/units.h"
#include "strategies/metrics/histogram.h"
#include "strategies/metrics/rank.h"

namespace phoenix {
namespace {

void add_saturating(std::uint32_t& counter, std::uint64_t times) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  counter = static_cast<std::uint32_t>(std::min(kMost, counter + times));
}

}  // namespace

Sketch::Sketch(double error, int bins_max)
    : error_(error),
      gamma_((1 + error) / (1 - error)),
      per_log_(1 / std::log(gamma_)),
      bins_max_(bins_max) {
  assert(error > 0 && error < 0.5 && bins_max >= 2);
}

int Sketch::bin_of(double value) const {
  assert(value > 0);
  return static_cast<int>(std::ceil(std::log(value) * per_log_));
}

double Sketch::value_of(int bin) const { return 2 * std::pow(gamma_, bin) / (gamma_ + 1); }

bool Sketch::record(double value, std::uint64_t times) {
  if (!(value >= 0) || std::isinf(value)) return false;
  if (times == 0) return true;
  // What is too small for a logarithm is as good as nothing.
  if (value < std::numeric_limits<double>::min()) {
    zeros_ += times;
  } else {
    add(bin_of(value), times);
  }
  count_ += times;
  sum_ += value * static_cast<double>(times);
  if (!(value >= min_)) min_ = value;
  if (!(value <= max_)) max_ = value;
  return true;
}

void Sketch::add(int bin, std::uint64_t times) {
  const int place = bin - first_bin_;
  if (place < 0 || place >= static_cast<int>(bins_.size())) make_room(bin);
  if (bin < first_bin_) collapsed_ += times;
  add_saturating(bins_[static_cast<std::size_t>(std::max(bin - first_bin_, 0))], times);
}

// Makes `bin` one of the bins, or leaves it below the lowest of a full set.
void Sketch::make_room(int bin) {
  if (bins_.empty()) {
    first_bin_ = bin;
    bins_.assign(1, 0);
    return;
  }
  const int last = std::max(bin, first_bin_ + static_cast<int>(bins_.size()) - 1);
  const int first = std::max(std::min(bin, first_bin_), last - bins_max_ + 1);
  if (first < first_bin_) {
    bins_.insert(bins_.begin(), static_cast<std::size_t>(first_bin_ - first), 0);
  } else if (first > first_bin_) {
    const auto gone = std::min(static_cast<std::size_t>(first - first_bin_), bins_.size());
    std::uint64_t lowest = 0;
    for (std::size_t i = 0; i < gone; ++i) lowest += bins_[i];
    collapsed_ += lowest;
    bins_.erase(bins_.begin(), bins_.begin() + static_cast<std::ptrdiff_t>(gone));
    if (bins_.empty()) bins_.assign(1, 0);
    add_saturating(bins_.front(), lowest);
  }
  first_bin_ = first;
  bins_.resize(static_cast<std::size_t>(last - first + 1), 0);
}

Status Sketch::merge(const Sketch& other) {
  if (other.error_ != error_) {
    return Error{"found a sketch of error " + print_number(other.error_) +
                 "; allowed one of error " + print_number(error_)};
  }
  if (other.count_ == 0) return success();
  // Highest first, so that what must be put together is so only once.
  for (std::size_t i = other.bins_.size(); i-- > 0;) {
    if (other.bins_[i] > 0) add(other.first_bin_ + static_cast<int>(i), other.bins_[i]);
  }
  zeros_ += other.zeros_;
  count_ += other.count_;
  collapsed_ += other.collapsed_;
  sum_ += other.sum_;
  if (!(other.min_ >= min_)) min_ = other.min_;
  if (!(other.max_ <= max_)) max_ = other.max_;
  return success();
}

void Sketch::merge(const Histogram& other) {
  if (other.count() == 0) return;
  const double sum_before = sum_;
  const std::size_t last = Histogram::bucket_of(static_cast<std::uint64_t>(other.max().count()));
  for (std::size_t i = Histogram::bucket_of(static_cast<std::uint64_t>(other.min().count()));
       i <= last; ++i) {
    const std::uint64_t times = other.bucket_count(i);
    const std::uint64_t middle = Histogram::bucket_low(i) + Histogram::bucket_width(i) / 2;
    const double seconds = static_cast<double>(middle) * 1e-9;
    if (times > 0) {
      record(std::clamp(seconds, to_seconds(other.min()), to_seconds(other.max())), times);
    }
  }
  sum_ = sum_before + other.mean_seconds() * static_cast<double>(other.count());
  min_ = std::fmin(min_, to_seconds(other.min()));
  max_ = std::fmax(max_, to_seconds(other.max()));
}

void Sketch::clear() {
  bins_.clear();
  zeros_ = count_ = collapsed_ = 0;
  sum_ = 0;
  min_ = max_ = std::numeric_limits<double>::quiet_NaN();
}

double Sketch::quantile(double q) const {
  assert(q >= 0 && q <= 1);
  if (count_ == 0 || q <= 0) return min_;
  const std::uint64_t rank = nearest_rank(count_, q);
  if (rank == count_) return max_;
  if (rank <= zeros_) return min_;
  std::uint64_t seen = zeros_;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    seen += bins_[i];
    if (seen >= rank) return std::clamp(value_of(first_bin_ + static_cast<int>(i)), min_, max_);
  }
  return max_;
}

std::size_t Sketch::memory_bytes() const {
  return sizeof(*this) + bins_.capacity() * sizeof(std::uint32_t);
}

}  // namespace phoenix
