#include "strategies/scaling/spending.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "strategies/scaling/hpa_rule.h"

namespace phoenix {
namespace {

constexpr double kTolerance = 0.1;
constexpr Duration kStabilised = std::chrono::minutes(5);
// Bills are remembered for half of their age: what is learnt in the first hours soon counts little,
// and in the end a week with its quiet days is balanced as a whole.
constexpr double kShortestMemory_s = 3600;
constexpr double kLongestMemory_s = 168 * 3600;
// The bill follows the cost with an elasticity of 0.03 (smooth loads) to 0.25 (noisy ones). What is
// owed at once moves the cost by kAtOnce times its share; what stays owed moves it for good, kGain
// times that share in each memory.
constexpr double kAtOnce = 8;
constexpr double kGain = 12;
constexpr double kCheapest = 1;
constexpr double kDearest = 10'000;
constexpr double kLongestBacklog_s = 300;  // of all nodes; who waits longer has gone
constexpr Duration kLongestGap = std::chrono::minutes(10);  // longer is not accounted for

}  // namespace

double ProportionalPool::busy(double load, double elapsed_s) {
  const auto ready = static_cast<double>(nodes_) - static_cast<double>(booting_.size());
  if (elapsed_s <= 0) return std::min(1.0, load / ready);
  const double work = backlog_s_ + load * elapsed_s;
  backlog_s_ = std::clamp(work - ready * elapsed_s, 0.0, kLongestBacklog_s * ready);
  return std::min(1.0, work / (ready * elapsed_s));
}

double ProportionalPool::see(Time now, const SpendingSeen& seen, double elapsed_s) {
  if (nodes_ == 0) nodes_ = std::max(1, seen.paid);
  std::erase_if(booting_, [&](Time ready_at) { return ready_at <= now; });
  const int booting = static_cast<int>(booting_.size());
  const std::vector<double> measured(static_cast<std::size_t>(nodes_ - booting),
                                     busy(seen.load, elapsed_s));
  const int proposed = hpa_proposal(measured, booting, seen.target, nodes_, kTolerance).desired;
  const int wanted = std::clamp(proposed, std::max(1, seen.minimum), std::max(1, seen.maximum));
  wishes_.record(now, wanted, kStabilised);
  const int before = nodes_;
  nodes_ = wishes_.bounded(wanted, nodes_, now, Duration{0}, kStabilised);
  nodes_ = std::max(nodes_, booting + 1);  // one that boots cannot be sent away
  for (int i = before; i < nodes_; ++i) booting_.push_back(now + seen.boot);
  return elapsed_s * nodes_ + to_seconds(seen.drain) * std::max(0, before - nodes_);
}

Spending::Spending(double miss_cost) : log_cost_(std::log(miss_cost)) {}

double Spending::memory_s() const {
  return std::clamp(age_s_ / 2, kShortestMemory_s, kLongestMemory_s);
}

// Of `bill`, or of what the rule spends in the shortest memory: a young bill says little.
double Spending::unspent_share(double bill) const {
  const double least = kShortestMemory_s * pool_.nodes();
  return least > 0 ? (allowed_ - spent_) / std::max(bill, least) : 0;
}

double Spending::miss_cost() const {
  return std::clamp(std::exp(log_cost_ + kAtOnce * unspent_share(allowed_)), kCheapest, kDearest);
}

void Spending::see(Time now, const SpendingSeen& seen) {
  const Duration elapsed = last_ == kNever ? Duration{0} : std::min(now - last_, kLongestGap);
  last_ = now;
  const double seconds = to_seconds(elapsed);
  age_s_ += seconds;
  const double kept = std::exp(-seconds / memory_s());
  spent_ = spent_ * kept + seconds * seen.paid;
  allowed_ = allowed_ * kept + pool_.see(now, seen, seconds);
  log_cost_ += kGain * seconds / memory_s() * unspent_share(memory_s() * pool_.nodes());
  log_cost_ = std::clamp(log_cost_, std::log(kCheapest), std::log(kDearest));
}

}  // namespace phoenix
