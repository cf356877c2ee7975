#include <cmath>

#include <nlohmann/json.hpp>

#include "analysis/compare/study_text.h"
#include "analysis/compare/warm_up.h"

namespace phoenix {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json interval_json(const statistics::Interval& interval) {
  if (!interval.is_known()) return {};
  return {number(interval.low), number(interval.high)};
}

const char* method_name(statistics::IntervalMethod method) {
  switch (method) {
    case statistics::IntervalMethod::kStudent:
      return "student";
    case statistics::IntervalMethod::kBootstrap:
      return "bootstrap";
    case statistics::IntervalMethod::kNone:
      return "none";
  }
  return "";
}

Json estimate_json(const statistics::RunEstimate& estimate, const std::vector<double>& values) {
  Json runs = Json::array();
  for (const double value : values) runs.push_back(number(value));
  return {{"runs", estimate.n},
          {"mean", number(estimate.value)},
          {"interval", interval_json(estimate.interval)},
          {"method", method_name(estimate.method)},
          {"values", std::move(runs)}};
}

Json difference_json(const BaselineDifference& one) {
  const statistics::PairedDifference& d = one.difference;
  return {{"pairs", d.n},
          {"mean", number(d.mean)},
          {"interval", interval_json(d.interval)},
          {"relative", number(d.relative)},
          {"relative_interval", interval_json(d.relative_interval)},
          {"p", number(d.student.p)},
          {"adjusted_p", number(one.adjusted_p)},
          {"wilcoxon_p", number(d.ranks.p)},
          {"cohen_dz", number(d.cohen_dz)},
          {"hedges_gz", number(d.hedges_gz)},
          {"rank_biserial", number(d.ranks.rank_biserial)},
          {"correlation", number(d.correlation)},
          {"variance_ratio", number(d.variance_ratio)},
          {"below", d.wins.below},
          {"above", d.wins.above},
          {"equal", d.wins.equal},
          {"separated", one.is_separated}};
}

Json pairs_json(const Study& study, const BlockStudy& block, CellMetric metric) {
  Json pairs = Json::array();
  for (const statistics::PairComparison& pair : block.metric(metric).pairs) {
    const auto name = [&](std::size_t cell) {
      return study.variations[block.variations[cell]].name;
    };
    pairs.push_back({{"a", name(pair.a)},
                     {"b", name(pair.b)},
                     {"mean", number(pair.difference.mean)},
                     {"interval", interval_json(pair.difference.interval)},
                     {"p", number(pair.p)},
                     {"adjusted_p", number(pair.adjusted_p)},
                     {"better", pair.better ? Json(name(*pair.better)) : Json()}});
  }
  return pairs;
}

Json ranking_json(const Study& study, const BlockStudy& block, CellMetric metric) {
  Json ranking = Json::array();
  for (const statistics::RankedCell& one : block.metric(metric).ranking) {
    ranking.push_back({{"variation", study.variations[block.variations[one.cell]].name},
                       {"first", one.first},
                       {"last", one.last},
                       {"among_best", one.is_among_best}});
  }
  return ranking;
}

Json metric_json(const Study& study, const BlockStudy& block, CellMetric metric) {
  const auto i = static_cast<std::size_t>(metric);
  const CellMetricInfo& about = info(metric);
  Json variations = Json::array();
  for (std::size_t v = 0; v < block.variations.size(); ++v) {
    const VariationStudy& one = study.variations[block.variations[v]];
    Json entry = {{"variation", one.name}};
    entry.update(estimate_json(one.estimates[i], one.values[i]));
    if (const BaselineDifference* const difference = block.against_baseline(metric, v)) {
      entry["against_baseline"] = difference_json(*difference);
    }
    variations.push_back(std::move(entry));
  }
  Json json = {{"metric", about.name},
               {"unit", unit_symbol(about.unit)},
               {"better", about.better == statistics::Better::kLower ? "lower" : "higher"},
               {"primary", study.is_primary(metric)},
               {"variations", std::move(variations)}};
  if (!block.metrics.empty()) {
    json["verdict"] = verdict_text(study, block, metric);
    json["ranking"] = ranking_json(study, block, metric);
    json["pairs"] = pairs_json(study, block, metric);
  }
  return json;
}

}  // namespace

std::string study_json(const ComparisonPlan& plan, const Study& study) {
  Json blocks = Json::array();
  for (const BlockStudy& block : study.blocks) {
    Json metrics = Json::array();
    for (std::size_t i = 0; i < kCellMetrics; ++i) {
      metrics.push_back(metric_json(study, block, static_cast<CellMetric>(i)));
    }
    blocks.push_back(
        {{"name", block.name},
         {"baseline",
          block.baseline ? Json(study.variations[block.variations[*block.baseline]].name) : Json()},
         {"metrics", std::move(metrics)}});
  }
  Json excluded = Json::array();
  for (const ExcludedRun& run : study.excluded) {
    excluded.push_back({{"run", run.cell},
                        {"variation", run.variation},
                        {"replication", run.replication},
                        {"cause", run.cause}});
  }
  const Json json = {{"scenario", plan.request().scenario_path}, {"world", plan.request().world},
                     {"replications", study.replications},       {"warm_up", warm_up_text(plan)},
                     {"confidence", study.options.confidence},   {"blocks", std::move(blocks)},
                     {"excluded", std::move(excluded)},          {"warnings", study.warnings}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace phoenix
