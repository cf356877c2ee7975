#include <algorithm>
#include <chrono>
#include <cmath>

#include "strategies/scaling/fleet_plan.h"
#include "strategies/scaling/forecast_need.h"
#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"
#include "strategies/scaling/spending.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct PredictiveOptions {
  double quantile = 0.9;
  double buffer = 0.2;
  double extra = 0.1;
  Duration horizon = seconds(3600);
  Duration interval = seconds(300);
  double utilization = 0;
  double present_utilization = 0;
  double cap = 4;
  Duration drain = seconds(60);
  double miss_cost = 0;
  Duration stop_cost = seconds(30);
  double budget = 0;

  void visit(SettingVisitor& v) {
    v.number(
        "quantile", quantile, 0.5, 0.999,
        "of the load to plan for: cost of a missing node over that of a missing and an idle one");
    v.number("buffer", buffer, 0, 0.9, "changes nothing while the need is this close");
    v.number("extra", extra, 0, 10, "share of nodes on top of the need");
    v.duration("horizon", horizon, seconds(1), hours(48),
               "shrinks only to what the load asks for at any time within this");
    v.duration("interval", interval, seconds(1), hours(24), "how often it looks");
    v.number("utilization", utilization, 0, 1, "of the nodes to plan for; 0: the cluster's target");
    v.number("present_utilization", present_utilization, 0, 1,
             "what the load of the moment may bring the nodes to; 0: no more than is planned for");
    v.number("cap", cap, 1, 1000, "no forecast counts above this many times the recent peak");
    v.duration("drain", drain, seconds(1), hours(1), "in which what waits is to be worked off");
    v.number("miss_cost", miss_cost, 0, 1e6,
             "seconds of a node that a second of overload is worth; 0: plans for the quantile");
    v.duration("stop_cost", stop_cost, Duration{0}, hours(1),
               "time that a node is paid for on its way out, by miss_cost and budget");
    v.number("budget", budget, 0, 1,
             "finds miss_cost so as to spend what nodes in proportion to this utilization would; "
             "0: as it is");
  }
};

struct Need {
  int nodes = 0;
  double rate = 0;
  bool is_known = false;
};

// Plans for the highest quantile until a node asked for now could serve, and shrinks only as far as
// the whole horizon allows; or, where a miss has its price, what is cheapest. Never below what the
// load of the moment needs; with a forecast that is not to be trusted it goes by that alone and
// says so.
class Predictive : public Scaler {
 public:
  explicit Predictive(PredictiveOptions options)
      : options_(options), spending_(std::max(1.0, options.miss_cost)) {}

  Duration interval() const override { return options_.interval; }

  ScalingWish wish(const ScalingView& view) override {
    const double rate = view.metrics->latest(metric::kArrivalRate).value;
    if (!std::isnan(rate)) peak_.see(view.now, rate);
    if (!(model_of(view).capacity_per_s > 0)) return unknown_wish("predictive", "node capacity");
    const Need present = present_need(rate, view);
    ScalingWish wish;
    wish.blocks_scale_in = !present.is_known;
    wish.seen = std::string(metric::kArrivalRate) + ' ' + short_number(rate);
    if (plays_along() && present.is_known) account(rate, view);
    if (!is_trusted(view)) return reactive(present, view, wish);
    return plans_by_worth() ? worthwhile(present, view, wish) : planned(present, view, wish);
  }

 private:
  ScalingWish reactive(const Need& present, const ScalingView& view, ScalingWish& wish) {
    wish.seen += ", forecast not trusted";
    if (view.forecast != nullptr) wish.seen += " (" + view.forecast->trust_reason() + ')';
    if (!present.is_known) {
      ScalingWish unknown = unknown_wish("predictive", metric::kArrivalRate);
      unknown.seen = wish.seen;
      return unknown;
    }
    // One rule at a time: where the proportional one is played along it is the one to fall back to.
    wish.desired =
        plays_along() ? std::max(present.nodes, spending_.proportional_nodes()) : present.nodes;
    wish.reason =
        "predictive: no forecast to trust, present load needs " + nodes_text(wish.desired);
    return wish;
  }

  ScalingWish planned(const Need& present, const ScalingView& view, ScalingWish& wish) {
    const int current = view.capacity.supply();
    const Duration lead = view.boot_time + view.decision_delay;
    const Need soon = forecast_need(lead, view);
    const Need later = forecast_need(std::max(lead, options_.horizon), view);
    if (!soon.is_known || !later.is_known) return reactive(present, view, wish);
    wish.seen += ", forecast " + short_number(soon.rate) + " within " +
                 short_number(to_seconds(lead)) + " s, " + short_number(later.rate) + " later";
    wish.desired = current;
    wish.reason = "predictive: the forecast needs " + nodes_text(soon.nodes);
    if (soon.nodes > current * (1 + options_.buffer)) {
      wish.desired = with_extra(soon.nodes);
    } else if (later.nodes < current * (1 - options_.buffer)) {
      wish.desired = std::min(current, with_extra(later.nodes));
      wish.reason = "predictive: the forecast needs no more than " + nodes_text(later.nodes);
    }
    if (present.nodes > wish.desired) {
      wish.desired = present.nodes;
      wish.reason = "predictive: present load needs " + nodes_text(present.nodes);
    }
    return wish;
  }

  bool plays_along() const { return options_.budget > 0; }
  bool plans_by_worth() const { return options_.miss_cost > 0 || plays_along(); }

  void account(double rate, const ScalingView& view) {
    SpendingSeen seen;
    seen.paid = view.capacity.supply() + view.capacity.draining;
    seen.load = rate / model_of(view).capacity_per_s;
    seen.target = options_.budget;
    seen.boot = usual_boot(view);
    seen.drain = options_.stop_cost;
    seen.minimum = view.minimum;
    seen.maximum = view.maximum;
    spending_.see(view.now, seen);
  }

  ScalingWish worthwhile(const Need& present, const ScalingView& view, ScalingWish& wish) {
    const Duration boot = usual_boot(view);
    const double miss_cost = plays_along() ? spending_.miss_cost() : options_.miss_cost;
    ForecastSpan span{view.forecast_step,
                      std::min(view.forecast_age, view.forecast_step - Duration{1})};
    if (peak_.value() > 0) span.most_load = options_.cap * peak_.value();
    const PlannedPool pool{view.capacity.ready,
                           view.capacity.provisioning,
                           view.capacity.draining,
                           present.nodes,
                           std::max(present.nodes, view.maximum),
                           rate_per_node(model_of(view))};
    wish.desired = planned_nodes(*view.forecast, span, pool,
                                 {miss_cost, boot, view.boot_time, options_.stop_cost});
    const Duration serves = view.forecast_age + boot;  // from the end of the newest known step
    const auto first = static_cast<int>(serves / view.forecast_step) + 1;
    wish.seen += ", forecast " + short_number(view.forecast->mean(first)) + " within " +
                 short_number(to_seconds(boot)) + " s, a miss worth " + short_number(miss_cost) +
                 " s of a node";
    wish.reason = "predictive: " + nodes_text(wish.desired) + " are worth their price";
    return wish;
  }

  static Duration usual_boot(const ScalingView& view) {
    return view.boot_usual > Duration{0} ? view.boot_usual : view.boot_time;
  }

  int with_extra(int nodes) const { return ceil_nodes(nodes * (1 + options_.extra)); }

  Need forecast_need(Duration span, const ScalingView& view) const {
    double rate = highest_quantile(*view.forecast, view.forecast_step, view.forecast_age + span,
                                   options_.quantile);
    Need need;
    if (std::isnan(rate)) return need;
    if (peak_.value() > 0) rate = std::min(rate, options_.cap * peak_.value());
    return nodes_for(rate, view);
  }

  static bool is_trusted(const ScalingView& view) {
    return view.forecast != nullptr && view.forecast_step > Duration{0} &&
           view.forecast->is_trusted();
  }

  // What waits counts as load that has to be worked off beside what comes.
  Need present_need(double rate, const ScalingView& view) const {
    if (std::isnan(rate)) return {};
    const double waiting = view.metrics->latest(metric::kQueueLength).value;
    Need need = nodes_for(rate, view);
    if (is_trusted(view)) {
      NodeModel busy = model_of(view);
      if (plans_by_worth()) need.nodes = ceil_nodes(rate / rate_per_node(busy));
      if (options_.present_utilization > 0) {
        busy.target_utilization = options_.present_utilization;
        const int cooler = nodes_for_rate(rate, busy);
        need.nodes = plans_by_worth() ? std::max(need.nodes, cooler) : cooler;
      }
    }
    if (waiting > 0) {
      NodeModel full = model_of(view);
      full.target_utilization = 1;
      const double work = rate + waiting / to_seconds(options_.drain);
      need.nodes = std::max(need.nodes, nodes_for_rate(work, full));
    }
    return need;
  }

  Need nodes_for(double rate, const ScalingView& view) const {
    const NodeModel node = model_of(view);
    return {std::max(nodes_for_rate(rate, node), nodes_for_response(rate, node, view.maximum)),
            rate, true};
  }

  // Where nobody told a node's capacity it is what a node does at its present utilization.
  NodeModel model_of(const ScalingView& view) const {
    NodeModel node;
    node.capacity_per_s = view.node_capacity_per_s;
    if (std::isnan(node.capacity_per_s)) {
      const double done = view.metrics->latest(metric::kThroughput).value;
      const double cpu = view.metrics->latest(metric::kCpu).value;
      if (cpu > 0.05 && view.capacity.ready > 0) {
        node.capacity_per_s = done / (cpu * view.capacity.ready);
      }
    }
    node.cores = std::max(view.cores_per_node, 1);
    node.target_utilization =
        options_.utilization > 0 ? options_.utilization : view.target_utilization;
    node.target_p95_s = to_seconds(view.target_response_p95);
    return node;
  }

  PredictiveOptions options_;
  RecentPeak peak_;
  Spending spending_;
};

}  // namespace

ScalerEntry predictive_scaler() {
  return strategy_entry<Scaler, Predictive, PredictiveOptions>(
      "predictive", "nodes for a quantile of the forecast load, in time for them to boot");
}

}  // namespace phoenix
