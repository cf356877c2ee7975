#include "strategies/scaling/spending.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "strategies/scaling/hpa_rule.h"

namespace phoenix {
namespace {

constexpr double kTolerance = 0.1;
constexpr Duration kStabilised = std::chrono::minutes(5);
constexpr double kMemory_s = 6 * 3600;
// The bill follows the cost with an elasticity of 0.03 (smooth loads) to 0.25 (noisy ones). Ten
// overshoots on the noisy ones and buys nothing on the smooth.
constexpr double kGain = 3;
constexpr double kCheapest = 1;
constexpr double kDearest = 1000;
constexpr Duration kLongestGap = std::chrono::minutes(10);  // longer is not accounted for

}  // namespace

Spending::Spending(double miss_cost) : log_cost_(std::log(miss_cost)) {}

double Spending::miss_cost() const { return std::exp(log_cost_); }

void Spending::size_proportionally(Time now, const Seen& seen) {
  if (nodes_ == 0) nodes_ = std::max(1, seen.paid);
  const std::vector<double> busy(static_cast<std::size_t>(nodes_),
                                 std::min(1.0, seen.load / nodes_));
  const HpaProposal proposal = hpa_proposal(busy, 0, seen.target, nodes_, kTolerance);
  const int wanted =
      std::clamp(proposal.desired, std::max(1, seen.minimum), std::max(1, seen.maximum));
  wishes_.record(now, wanted, kStabilised);
  nodes_ = wishes_.bounded(wanted, nodes_, now, Duration{0}, kStabilised);
}

void Spending::see(Time now, const Seen& seen) {
  const Duration elapsed = last_ == kNever ? Duration{0} : std::min(now - last_, kLongestGap);
  last_ = now;
  size_proportionally(now, seen);
  const double seconds = to_seconds(elapsed);
  const double kept = std::exp(-seconds / kMemory_s);
  spent_ = spent_ * kept + seconds * seen.paid;
  allowed_ = allowed_ * kept + seconds * nodes_;
  // As if a memory's worth of time had passed at the allowed rate: a young bill says little.
  const double basis = kMemory_s * nodes_;
  log_cost_ += kGain * seconds / kMemory_s * (allowed_ - spent_) / basis;
  log_cost_ = std::clamp(log_cost_, std::log(kCheapest), std::log(kDearest));
}

}  // namespace phoenix
