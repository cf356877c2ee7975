#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "strategies/scaling/change_rate.h"
#include "strategies/scaling/hpa_rule.h"
#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"
#include "strategies/scaling/stabiliser.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::array<std::string_view, 3> kSelects = {"max", "min", "disabled"};

struct HpaOptions {
  double cpu = 0.75;
  double memory = 0;
  double in_flight = 0;
  double tolerance = 0.1;
  Duration interval = seconds(15);
  Duration stabilise_out{0};
  Duration stabilise_in = seconds(300);
  RatePolicy out{100, 4, seconds(15), RatePolicy::kMax};
  RatePolicy in{100, 0, seconds(15), RatePolicy::kMax};

  void visit(SettingVisitor& v) {
    v.number("cpu", cpu, 0, 1e6, "target of the nodes' cpu share; 0: not looked at");
    v.number("memory", memory, 0, 1e6, "target of their memory share; 0: not looked at");
    v.number("in_flight", in_flight, 0, 1e9, "target of their open requests; 0: not looked at");
    v.number("tolerance", tolerance, 0, 1, "a ratio this close to 1 changes nothing");
    v.duration("interval", interval, seconds(1), hours(1), "how often it looks");
    v.duration("stabilise_out", stabilise_out, Duration{0}, hours(1),
               "grows to the least that was wished for in this time");
    v.duration("stabilise_in", stabilise_in, Duration{0}, hours(1),
               "shrinks to the most that was wished for in this time");
    v.integer("out_percent", out.percent, 0, 100000, "grows by at most this in a period");
    v.integer("out_nodes", out.nodes, 0, kMostNodes, "or by this many nodes");
    v.duration("out_period", out.period, seconds(1), seconds(1800), "the period of growth");
    v.choice("out_select", out.select, kSelects, "which of percent and nodes counts");
    v.integer("in_percent", in.percent, 0, 100, "shrinks by at most this in a period");
    v.integer("in_nodes", in.nodes, 0, kMostNodes, "or by this many nodes");
    v.duration("in_period", in.period, seconds(1), seconds(1800), "the period of shrinking");
    v.choice("in_select", in.select, kSelects, "which of percent and nodes counts");
  }

  Status check() const {
    if (cpu == 0 && memory == 0 && in_flight == 0) {
      return Error{"at least one of cpu, memory and in_flight needs a target"};
    }
    return success();
  }
};

struct Metric {
  std::string_view name;
  double target;
  double ScalingNode::*of_node;
  std::string_view of_cluster;  // the mean, where single nodes are not known; empty: none
};

// Source: Kubernetes' horizontal pod autoscaler v2, with its defaults.
class Hpa : public Scaler {
 public:
  explicit Hpa(HpaOptions options) : options_(options) {}

  Duration interval() const override { return options_.interval; }

  ScalingWish wish(const ScalingView& view) override {
    const int current = view.capacity.supply();
    if (last_supply_ >= 0) changes_.record(view.now, current - last_supply_);
    last_supply_ = current;
    ScalingWish wish;
    if (current == 0) {
      wish.reason = "hpa: off without nodes";
      return wish;
    }
    const Metric metrics[] = {{"cpu", options_.cpu, &ScalingNode::cpu, metric::kCpu},
                              {"memory", options_.memory, &ScalingNode::memory, metric::kMemory},
                              {"in_flight", options_.in_flight, &ScalingNode::in_flight, {}}};
    int proposed = ScalingWish::kNone;
    for (const Metric& metric : metrics) {
      if (metric.target > 0) proposed = std::max(proposed, propose(metric, view, current, wish));
    }
    if (proposed == ScalingWish::kNone) return unknown_wish("hpa", "every metric");
    if (proposed < current && wish.blocks_scale_in) proposed = current;
    proposed = std::clamp(proposed, std::min(view.minimum, view.maximum), view.maximum);
    wish.desired = limit_rate(stabilise(proposed, current, view.now), current, view.now);
    return wish;
  }

 private:
  int propose(const Metric& metric, const ScalingView& view, int current, ScalingWish& wish) {
    int unready = collect(metric, view);
    const HpaProposal proposal =
        hpa_proposal(values_, unready, metric.target, current, options_.tolerance);
    wish.seen += (wish.seen.empty() ? "" : ", ") + std::string(metric.name);
    if (proposal.desired == HpaProposal::kUnknown) {
      wish.seen += " unknown";
      wish.blocks_scale_in = true;
      return ScalingWish::kNone;
    }
    wish.seen += " ratio " + short_number(proposal.ratio);
    if (proposal.corrected != proposal.ratio) {
      wish.seen += " corrected " + short_number(proposal.corrected);
    }
    if (wish.reason.empty() || proposal.desired > best_) {
      best_ = proposal.desired;
      wish.reason = "hpa: " + std::string(metric.name) + " is " + short_number(proposal.ratio) +
                    " times its target " + short_number(metric.target);
    }
    return proposal.desired;
  }

  // Fills `values_`; returns how many nodes are not ready.
  int collect(const Metric& metric, const ScalingView& view) {
    values_.clear();
    if (view.nodes.empty()) {
      const double mean =
          metric.of_cluster.empty() ? std::nan("") : view.metrics->latest(metric.of_cluster).value;
      values_.assign(static_cast<std::size_t>(view.capacity.ready), mean);
      return view.capacity.provisioning;
    }
    int unready = 0;
    for (const ScalingNode& node : view.nodes) {
      if (node.is_draining) continue;
      if (node.is_ready) {
        values_.push_back(node.*metric.of_node);
      } else {
        ++unready;
      }
    }
    return unready;
  }

  int stabilise(int proposed, int current, Time now) {
    wishes_.record(now, proposed, std::max(options_.stabilise_in, options_.stabilise_out));
    return wishes_.bounded(proposed, current, now, options_.stabilise_out, options_.stabilise_in);
  }

  int limit_rate(int desired, int current, Time now) const {
    if (desired > current) return std::min(desired, changes_.most(current, now, options_.out));
    return std::max(desired, changes_.fewest(current, now, options_.in));
  }

  HpaOptions options_;
  std::vector<double> values_;
  Stabiliser wishes_;
  ChangeRate changes_;
  int last_supply_ = -1;
  int best_ = 0;
};

}  // namespace

HpaProposal hpa_proposal(std::span<const double> values, int unready, double target, int current,
                         double tolerance) {
  const auto is_missing = [](double value) { return std::isnan(value); };
  const auto missing = std::count_if(values.begin(), values.end(), is_missing);
  const auto measured = static_cast<double>(values.size()) - static_cast<double>(missing);
  HpaProposal proposal;
  if (measured == 0) return proposal;
  double sum = 0;
  for (const double value : values) sum += std::isnan(value) ? 0 : value;
  const auto is_tolerated = [&](double ratio) { return std::abs(ratio - 1) <= tolerance + 1e-9; };
  proposal.ratio = proposal.corrected = sum / measured / target;
  const bool grows = proposal.ratio > 1;
  const int ignored = grows ? unready : 0;
  if (missing == 0 && ignored == 0) {
    proposal.desired =
        is_tolerated(proposal.ratio) ? current : ceil_nodes(proposal.ratio * measured);
    return proposal;
  }
  const double filled = grows ? 0 : target * static_cast<double>(missing);
  const double counted = static_cast<double>(values.size()) + ignored;
  proposal.corrected = (sum + filled) / counted / target;
  const bool turned = grows ? proposal.corrected < 1 : proposal.corrected > 1;
  const int desired = ceil_nodes(proposal.corrected * counted);
  const bool contradicts = grows ? desired < current : desired > current;
  proposal.desired = turned || contradicts || is_tolerated(proposal.corrected) ? current : desired;
  return proposal;
}

ScalerEntry hpa_scaler() {
  return strategy_entry<Scaler, Hpa, HpaOptions>(
      "hpa", "Kubernetes' horizontal autoscaler: nodes in proportion to metric over target");
}

}  // namespace phoenix
