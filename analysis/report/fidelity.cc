#include "analysis/report/fidelity.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "analysis/statistics/sample.h"

namespace phoenix::report {
namespace {

using statistics::EquivalenceVerdict;

EquivalenceVerdict joined(EquivalenceVerdict all, EquivalenceVerdict one) {
  using enum EquivalenceVerdict;
  if (all == kDifferent || one == kDifferent) return kDifferent;
  return all == kUndecided || one == kUndecided ? kUndecided : kEquivalent;
}

bool is_real(const std::string& world) { return world != "sim"; }

const std::vector<double>& values_of(const FidelitySide& side, std::size_t variation,
                                     CellMetric metric) {
  return side.study->variations[variation].values[static_cast<std::size_t>(metric)];
}

FidelityMetric compare_metric(const FidelitySide& a, const FidelitySide& b,
                              const VariationFidelity& pair, CellMetric metric,
                              const Fidelity& fidelity) {
  FidelityMetric one;
  one.metric = metric;
  const std::vector<double>& values_a = values_of(a, pair.a, metric);
  const std::vector<double>& values_b = values_of(b, pair.b, metric);
  const statistics::Pairs pairs = statistics::complete_pairs(values_b, values_a);
  one.equivalence.n_a = one.equivalence.n_b = pairs.size();
  one.equivalence.dropped = pairs.dropped;
  if (pairs.size() == 0) return one;
  one.mean_a = statistics::mean_of(pairs.b);
  one.mean_b = statistics::mean_of(pairs.a);
  const double reference = std::abs(fidelity.is_b_reference ? one.mean_b : one.mean_a);
  one.equivalence.mean = one.mean_b - one.mean_a;
  if (!(reference > 0)) return one;
  one.relative = one.equivalence.mean / reference;
  const Result<statistics::Equivalence> judged =
      statistics::equivalence_of_pairs(values_b, values_a, fidelity.margin_share * reference);
  if (judged) one.equivalence = *judged;
  return one;
}

std::optional<std::size_t> find_variation(const ComparisonPlan& plan, const std::string& name) {
  const auto& all = plan.variations();
  const auto at = std::ranges::find(all, name, &Variation::name);
  if (at == all.end()) return std::nullopt;
  return static_cast<std::size_t>(at - all.begin());
}

std::string values_text(const Variation& variation) {
  return variation.values.empty() ? variation.name
                                  : fmt::format("{}", fmt::join(variation.values, ", "));
}

// Where each side has a single variation they belong together, whatever they are called.
void match_variations(const FidelitySide& a, const FidelitySide& b, Fidelity& fidelity) {
  const auto& of_a = a.plan->variations();
  const auto& of_b = b.plan->variations();
  if (of_a.size() == 1 && of_b.size() == 1) {
    fidelity.variations.push_back({of_a[0].name, values_text(of_a[0]), 0, 0, {}});
    return;
  }
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if (const auto other = find_variation(*b.plan, of_a[i].name)) {
      fidelity.variations.push_back({of_a[i].name, values_text(of_a[i]), i, *other, {}});
    } else {
      fidelity.only_a.push_back(of_a[i].name);
    }
  }
  for (const Variation& variation : of_b) {
    if (!find_variation(*a.plan, variation.name)) fidelity.only_b.push_back(variation.name);
  }
}

statistics::MetricComparison compare_within(const FidelitySide& side,
                                            const std::vector<std::size_t>& variations,
                                            CellMetric metric) {
  statistics::MetricCells cells;
  cells.better = info(metric).better;
  for (const std::size_t variation : variations) {
    cells.cells.emplace_back(values_of(side, variation, metric));
  }
  auto compared =
      statistics::compare_cells(std::span(&cells, 1), {side.study->options.confidence, {}});
  assert(compared.ok());  // two cells or more, and a confidence that made a study
  return std::move(compared->front());
}

std::vector<double> means_of(const statistics::MetricComparison& comparison) {
  std::vector<double> means;
  for (const statistics::MeanEstimate& one : comparison.means) means.push_back(one.mean);
  return means;
}

void rank_block(const FidelitySide& a, const FidelitySide& b, const Block& block,
                Fidelity& fidelity) {
  std::vector<std::size_t> of_a;
  std::vector<std::size_t> of_b;
  std::vector<std::string> names;
  for (const VariationFidelity& pair : fidelity.variations) {
    if (std::ranges::find(block.variations, pair.a) == block.variations.end()) continue;
    of_a.push_back(pair.a);
    of_b.push_back(pair.b);
    names.push_back(pair.name);
  }
  if (names.size() < 2) return;
  for (const CellMetric metric : kFidelityMetrics) {
    const auto ranked_a = compare_within(a, of_a, metric);
    const auto ranked_b = compare_within(b, of_b, metric);
    fidelity.ranks.push_back({block.name, metric, names,
                              statistics::rank_agreement(ranked_a, ranked_b),
                              statistics::kendall_tau(means_of(ranked_a), means_of(ranked_b))});
  }
}

double deleted_s(const PlanRequest& request) {
  return request.warm_up ? request.warm_up->seconds : 0;
}

bool is_same_scenario(const PlanRequest& a, const PlanRequest& b) {
  return a.scenario_text == b.scenario_text && a.overrides == b.overrides &&
         deleted_s(a) == deleted_s(b);
}

}  // namespace

EquivalenceVerdict Fidelity::verdict(std::size_t metric) const {
  EquivalenceVerdict all = EquivalenceVerdict::kEquivalent;
  for (const VariationFidelity& one : variations) {
    all = joined(all, one.metrics[metric].verdict());
  }
  return all;
}

EquivalenceVerdict Fidelity::verdict() const {
  EquivalenceVerdict all = EquivalenceVerdict::kEquivalent;
  for (std::size_t m = 0; m < kFidelityMetrics.size(); ++m) all = joined(all, verdict(m));
  return all;
}

std::size_t Fidelity::runs_max() const {
  std::size_t runs = 0;
  for (const VariationFidelity& one : variations) {
    for (const FidelityMetric& metric : one.metrics) {
      runs = std::max(runs, metric.equivalence.n_a);
    }
  }
  return runs;
}

std::optional<Fidelity::Worst> Fidelity::worst() const {
  std::optional<Worst> worst;
  double largest = -1;
  for (std::size_t v = 0; v < variations.size(); ++v) {
    for (std::size_t m = 0; m < kFidelityMetrics.size(); ++m) {
      const double size = std::abs(variations[v].metrics[m].relative);
      if (!(size > largest)) continue;
      largest = size;
      worst = Worst{v, m};
    }
  }
  return worst;
}

Result<Fidelity> make_fidelity(const FidelitySide& a, const FidelitySide& b, double margin_share) {
  if (!(margin_share > 0) || std::isinf(margin_share)) {
    return Error{fmt::format("margin = {}: must be above 0 and finite", margin_share)};
  }
  Fidelity fidelity;
  fidelity.path_a = a.path;
  fidelity.path_b = b.path;
  fidelity.world_a = a.world;
  fidelity.world_b = b.world;
  fidelity.is_b_reference = is_real(b.world) && !is_real(a.world);
  fidelity.margin_share = margin_share;
  fidelity.is_same_scenario = is_same_scenario(a.plan->request(), b.plan->request());
  match_variations(a, b, fidelity);
  if (fidelity.variations.empty()) {
    return Error{fmt::format("{} and {} have no variation in common", a.path, b.path)};
  }
  for (VariationFidelity& pair : fidelity.variations) {
    for (std::size_t m = 0; m < kFidelityMetrics.size(); ++m) {
      pair.metrics[m] = compare_metric(a, b, pair, kFidelityMetrics[m], fidelity);
    }
  }
  for (const Block& block : a.plan->blocks()) rank_block(a, b, block, fidelity);
  return fidelity;
}

}  // namespace phoenix::report
