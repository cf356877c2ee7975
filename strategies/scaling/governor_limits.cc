// The limits, in the order they apply; see governor.h.
#include <algorithm>

#include "strategies/core/units.h"
#include "strategies/scaling/governor.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

std::string left_text(Time end, Time now) {
  return short_number(to_seconds(end - now)) + " s left";
}

}  // namespace

void Governor::limit(Plan& plan, int desired, std::string_view kind, std::string_view detail) {
  plan.desired = desired;
  plan.limits += (plan.limits.empty() ? "" : ", ") + std::string(kind);
  if (!detail.empty()) plan.limits += " (" + std::string(detail) + ')';
  plan.limit_kinds += std::string(kind) + ';';
}

Governor::Plan Governor::combine(const ScalingView& view) {
  Plan plan;
  plan.current = view.capacity.supply();
  plan.desired = ScalingWish::kNone;
  int most = pool_.maximum;
  std::string unknown;
  std::string winner;
  std::string others;
  for (std::size_t i = 0; i < policies_.size(); ++i) {
    const Policy& policy = policies_[i];
    const ScalingWish& wish = policy.wish;
    if (!wish.seen.empty()) plan.seen += texts_[i].name + ": " + wish.seen + "; ";
    if (wish.blocks_scale_in) unknown += (unknown.empty() ? "" : ", ") + texts_[i].name;
    if (wish.most != ScalingWish::kNone) most = std::min(most, wish.most);
    if (wish.desired == ScalingWish::kNone) continue;
    // Who was content when asked is content with what others have made of it since.
    const int desired = wish.desired == policy.asked_at ? plan.current : wish.desired;
    const std::string told = texts_[i].name + ": " + wish.reason;
    if (desired > plan.desired) {
      // Those before wanted growth as well only where they were above the present size.
      if (plan.desired > plan.current) others = "; " + winner + others;
      winner = told;
      plan.desired = desired;
    } else if (desired > plan.current) {
      others += "; " + told;
    }
  }
  plan.reason = winner + others;
  plan.seen += nodes_text(view.capacity.ready) + " ready, " +
               std::to_string(view.capacity.provisioning) + " under way";
  if (plan.desired == ScalingWish::kNone) {
    plan.desired = plan.current;
    plan.reason = policies_.empty() ? "there is no policy" : "no policy has an opinion";
  }
  if (plan.desired < plan.current && !unknown.empty()) {
    limit(plan, plan.current, "a metric that is not known", unknown);
  }
  limit_bounds(plan, most);
  return plan;
}

void Governor::limit_bounds(Plan& plan, int most) {
  const int highest = std::max(pool_.minimum, std::min(most, pool_.maximum));
  maximum_reached_ = plan.desired > highest;
  const std::string wanted = "wanted " + std::to_string(plan.desired);
  if (plan.desired > highest) limit(plan, highest, "maximum " + std::to_string(highest), wanted);
  if (plan.desired < pool_.minimum) {
    limit(plan, pool_.minimum, "minimum " + std::to_string(pool_.minimum), wanted);
  }
  // Nodes that are long overdue are not counted on, yet may still come.
  const int room = std::max(plan.current, pool_.maximum - stale_nodes_);
  if (plan.desired > room) limit(plan, room, "maximum, with nodes that are overdue");
}

void Governor::repair_bounds(Plan& plan) {
  const bool begins = !begun_ && pool_.initial > plan.current;
  begun_ = true;
  const int floor = std::max(pool_.minimum, begins ? std::min(pool_.initial, pool_.maximum) : 0);
  const bool is_short = plan.current < floor && plan.desired < floor;
  const bool is_over = plan.current > pool_.maximum && plan.desired > pool_.maximum;
  if (!is_short && !is_over) return;
  plan.desired = is_short ? floor : pool_.maximum;
  plan.reason = (begins     ? "the pool begins with "
                 : is_short ? "no fewer than "
                            : "no more than ") +
                nodes_text(plan.desired);
  plan.limits.clear();
  plan.limit_kinds.clear();
}

void Governor::limit_rate(Plan& plan, Time now) {
  const RatePolicy grow{options_.grow_percent, options_.grow_nodes, options_.grow_period,
                        RatePolicy::kMax};
  const RatePolicy shrink{options_.shrink_percent, options_.shrink_nodes, options_.shrink_period,
                          RatePolicy::kMax};
  const int most = rate_.most(plan.current, now, grow);
  const int fewest = rate_.fewest(plan.current, now, shrink);
  const std::string wanted = "wanted " + std::to_string(plan.desired);
  if (plan.desired > most) limit(plan, most, "rate of growth", wanted);
  if (plan.desired < fewest) limit(plan, fewest, "rate of shrinking", wanted);
}

void Governor::stabilise(Plan& plan, Time now) {
  const int bounded = wishes_.bounded(plan.desired, plan.current, now, options_.stabilise_out,
                                      options_.stabilise_in);
  if (bounded == plan.desired) return;
  limit(plan, bounded, "stabilisation", "wanted " + std::to_string(plan.desired));
}

void Governor::limit_waits(Plan& plan, Time now) {
  const auto wait = [&](const std::optional<Time>& end, std::string_view kind) {
    if (plan.desired != plan.current && end && now < *end) {
      limit(plan, plan.current, kind, left_text(*end, now));
    }
  };
  wait(restart_end_, "restart");
  wait(manual_end_, "size set by hand");
  if (plan.desired > plan.current) wait(cooldown_out_end_, "cooldown after growing");
  if (plan.desired < plan.current) wait(cooldown_in_end_, "cooldown before shrinking");
}

void Governor::limit_backoff(Plan& plan, Time now) {
  if (plan.desired <= plan.current || !backoff_end_ || now >= *backoff_end_) return;
  limit(plan, plan.current, "backoff after failed starts", left_text(*backoff_end_, now));
}

void Governor::limit_flaps(Plan& plan, Time now) {
  if (plan.desired >= plan.current) return;
  if (flaps_.allows_shrinking(now, options_.reversals_per_hour)) return;
  limit(plan, plan.current, "flap budget",
        std::to_string(flaps_.spent(now)) + " reversals within an hour");
}

void Governor::limit_in_flight(Plan& plan) {
  if (plan.desired == plan.current) return;
  const int out = under_way(DecisionKind::kScaleOut);
  const int in = under_way(DecisionKind::kScaleIn);
  // Growing calls off a drain; nothing else is done over a change that is under way.
  const bool grows = plan.desired > plan.current;
  const bool waits =
      grows ? out >= options_.changes_at_once : out > 0 || in >= options_.changes_at_once;
  if (waits) limit(plan, plan.current, "change under way");
}

}  // namespace phoenix
