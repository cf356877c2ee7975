#include "strategies/routing/outlier_filter.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace phoenix {

double success_rate_limit(std::span<const double> rates, double stdevs) {
  assert(!rates.empty());
  const auto n = static_cast<double>(rates.size());
  double mean = 0;
  for (const double rate : rates) mean += rate / n;
  double variance = 0;
  for (const double rate : rates) variance += (rate - mean) * (rate - mean) / n;
  return mean - stdevs * std::sqrt(variance);
}

OutlierFilter::OutlierFilter(const RouterSettings& settings)
    : run_limit_(static_cast<std::uint32_t>(std::max(settings.consecutive_errors, 0))),
      stdevs_(settings.success_rate_stdevs),
      min_nodes_(static_cast<std::size_t>(std::max(settings.success_rate_nodes, 1))),
      min_requests_(static_cast<std::uint32_t>(std::max(settings.success_rate_requests, 1))),
      time_(settings.ejection_time),
      time_max_(settings.ejection_time_max),
      max_share_(settings.max_ejected_share) {}

void OutlierFilter::add(NodeId node) {
  if (index(node) >= nodes_.size()) {
    nodes_.resize(index(node) + 1);
    rates_.reserve(nodes_.size());
    outliers_.reserve(nodes_.size());
  }
  remove(node);
}

void OutlierFilter::remove(NodeId node) {
  Node& n = nodes_[index(node)];
  if (n.ejected) --ejected_;
  n = {};
  refresh_next_return();
}

bool OutlierFilter::eject(NodeId node, std::size_t members, Time now) {
  Node& n = nodes_[index(node)];
  assert(!n.ejected);
  const auto share = static_cast<std::size_t>(max_share_ * static_cast<double>(members) + 1e-9);
  if (ejected_ >= std::max<std::size_t>(share, 1)) return false;
  ++ejected_;
  n.ejected = true;
  n.clean = false;
  // The count stops where more of it would change nothing, so that it also falls in time.
  if (time_ * static_cast<std::int64_t>(n.ejections) < time_max_) ++n.ejections;
  n.until =
      add_saturating(now, std::min(time_ * static_cast<std::int64_t>(n.ejections), time_max_));
  next_return_ = std::min(next_return_, n.until);
  return true;
}

std::span<const OutlierFilter::Outlier> OutlierFilter::sweep() {
  outliers_.clear();
  if (stdevs_ > 0) find_outliers();
  for (Node& n : nodes_) {
    n.total = n.succeeded = 0;
    if (n.ejected) continue;
    if (n.clean && n.ejections > 0) --n.ejections;
    n.clean = true;
  }
  return outliers_;
}

void OutlierFilter::find_outliers() {
  rates_.clear();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& n = nodes_[i];
    if (n.ejected || n.total < min_requests_) continue;
    const double rate = static_cast<double>(n.succeeded) / n.total;
    rates_.push_back(rate);
    outliers_.push_back({id_at<NodeId>(i), rate});
  }
  if (rates_.size() < min_nodes_) return outliers_.clear();
  const double limit = success_rate_limit(rates_, stdevs_);
  std::erase_if(outliers_, [limit](const Outlier& o) { return o.success_rate >= limit; });
  std::sort(outliers_.begin(), outliers_.end(), [](const Outlier& a, const Outlier& b) {
    return a.success_rate != b.success_rate ? a.success_rate < b.success_rate : a.node < b.node;
  });
  for (const Outlier& o : outliers_) nodes_[index(o.node)].clean = false;
}

NodeId OutlierFilter::take_returning(Time now) {
  if (next_return_ > now) return kNoNode;
  const auto over = std::find_if(nodes_.begin(), nodes_.end(),
                                 [now](const Node& n) { return n.ejected && n.until <= now; });
  if (over == nodes_.end()) return kNoNode;
  over->ejected = false;
  over->run = 0;
  --ejected_;
  refresh_next_return();
  return id_at<NodeId>(static_cast<std::size_t>(over - nodes_.begin()));
}

void OutlierFilter::refresh_next_return() {
  next_return_ = kNever;
  for (const Node& n : nodes_) {
    if (n.ejected) next_return_ = std::min(next_return_, n.until);
  }
}

}  // namespace phoenix
