#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/study_text.h"
#include "analysis/report/fidelity.h"
#include "analysis/report/selection.h"
#include "analysis/text_table.h"

namespace phoenix::report {
namespace {

using Json = nlohmann::ordered_json;  // writes NaN and infinity as null
using statistics::EquivalenceVerdict;

std::string metrics_with(const Fidelity& fidelity, EquivalenceVerdict verdict) {
  std::string names;
  for (std::size_t m = 0; m < kFidelityMetrics.size(); ++m) {
    if (fidelity.verdict(m) != verdict) continue;
    names += (names.empty() ? "" : ", ") + std::string(info(kFidelityMetrics[m]).name);
  }
  return names;
}

std::string margin_text(const Fidelity& fidelity) {
  return fmt::format("{:.4g} % of {}", fidelity.margin_share * 100,
                     fidelity.is_b_reference ? "B, the real side" : "A");
}

std::string verdict_sentence(const Fidelity& fidelity) {
  std::string sentence;
  for (const EquivalenceVerdict verdict :
       {EquivalenceVerdict::kDifferent, EquivalenceVerdict::kUndecided,
        EquivalenceVerdict::kEquivalent}) {
    const std::string names = metrics_with(fidelity, verdict);
    if (names.empty()) continue;
    sentence += fmt::format("{}{}: {}", sentence.empty() ? "" : "; ", to_text(verdict), names);
  }
  sentence =
      fmt::format("{} within {} ({}).",
                  fidelity.verdict() == EquivalenceVerdict::kEquivalent  ? "Equivalent"
                  : fidelity.verdict() == EquivalenceVerdict::kDifferent ? "Different, or not all"
                                                                         : "Not decided whether",
                  margin_text(fidelity), sentence);
  return sentence;
}

std::string worst_sentence(const Fidelity& fidelity) {
  const auto worst = fidelity.worst();
  if (!worst) return "No number is known on both sides.";
  const VariationFidelity& variation = fidelity.variations[worst->variation];
  const FidelityMetric& metric = variation.metrics[worst->metric];
  const std::string where =
      fidelity.variations.size() > 1 ? fmt::format(" of {}", variation.name) : "";
  return fmt::format("{}{} disagrees most: {} against {}, {}.", info(metric.metric).name, where,
                     metric_text(metric.metric, metric.mean_a),
                     metric_text(metric.metric, metric.mean_b), relative_text(metric.relative));
}

std::string tau_text(const RankFidelity& rank) {
  if (std::isfinite(rank.agreement.tau)) return fmt::format("{:.2f}", rank.agreement.tau);
  return std::isfinite(rank.by_means.tau) ? fmt::format("{:.2f} by means alone", rank.by_means.tau)
                                          : "not known";
}

std::string winner_text(const RankFidelity& rank, const std::optional<std::size_t>& winner) {
  return winner ? rank.names[*winner] : "none";
}

std::string rank_sentence(const Fidelity& fidelity) {
  const auto by_p99 = std::ranges::find(fidelity.ranks, CellMetric::kP99, &RankFidelity::metric);
  if (by_p99 == fidelity.ranks.end()) return "";
  return fmt::format("By p99 the worlds {} the same winner; Kendall's tau of the ranking: {}.",
                     by_p99->agreement.has_same_winner() ? "name" : "do not name",
                     tau_text(*by_p99));
}

std::string side_text(const std::string& path, const std::string& world) {
  return fmt::format("{} ({})", path, world_name(world));
}

TextStyle style_of(EquivalenceVerdict verdict) {
  switch (verdict) {
    case EquivalenceVerdict::kEquivalent:
      return TextStyle::kGood;
    case EquivalenceVerdict::kDifferent:
      return TextStyle::kBad;
    case EquivalenceVerdict::kUndecided:
      return TextStyle::kFair;
  }
  return TextStyle::kPlain;
}

std::string share_interval(const FidelityMetric& one, double reference) {
  if (!one.equivalence.interval.is_known()) return "-";
  return fmt::format("{} to {}", relative_text(one.equivalence.interval.low / reference),
                     relative_text(one.equivalence.interval.high / reference));
}

std::string metrics_table(const Fidelity& fidelity, bool colour) {
  TextTable table("lkrrrrrk",
                  {"Fidelity", "", "A", "B", "difference", "90 % interval", "pairs", "verdict"});
  for (const VariationFidelity& variation : fidelity.variations) {
    for (const FidelityMetric& one : variation.metrics) {
      const double reference = std::abs(fidelity.is_b_reference ? one.mean_b : one.mean_a);
      table.add({&one == &variation.metrics.front() ? variation.short_name : "",
                 info(one.metric).name, metric_text(one.metric, one.mean_a),
                 metric_text(one.metric, one.mean_b), relative_text(one.relative),
                 share_interval(one, reference), std::to_string(one.equivalence.n_a),
                 TextCell(std::string(to_text(one.verdict())), style_of(one.verdict()))});
    }
  }
  return table.print(colour);
}

std::string ranks_table(const Fidelity& fidelity, bool colour) {
  if (fidelity.ranks.empty()) return "";
  TextTable table("llrllr", {"Ranking", "", "tau", "best in A", "best in B", "same"});
  for (const RankFidelity& rank : fidelity.ranks) {
    table.add({rank.block, info(rank.metric).name, tau_text(rank),
               winner_text(rank, rank.agreement.winner_a),
               winner_text(rank, rank.agreement.winner_b),
               rank.agreement.has_same_winner() ? "yes" : "no"});
  }
  return "\n" + table.print(colour);
}

Json metric_json(const FidelityMetric& one) {
  const statistics::Equivalence& e = one.equivalence;
  return {{"a", one.mean_a},
          {"b", one.mean_b},
          {"difference", e.mean},
          {"relative", one.relative},
          {"pairs", e.n_a},
          {"dropped", e.dropped},
          {"margin", e.margin},
          {"p", e.p},
          {"interval_90", {e.interval.low, e.interval.high}},
          {"interval_95", {e.difference_interval.low, e.difference_interval.high}},
          {"verdict", to_text(one.verdict())}};
}

Json variation_json(const VariationFidelity& variation) {
  Json metrics = Json::object();
  for (const FidelityMetric& one : variation.metrics) {
    metrics[info(one.metric).name] = metric_json(one);
  }
  return {{"name", variation.name}, {"metrics", std::move(metrics)}};
}

Json rank_json(const RankFidelity& rank) {
  const auto winner = [&](const std::optional<std::size_t>& one) {
    return one ? Json(rank.names[*one]) : Json();
  };
  return {{"group", rank.block},
          {"metric", info(rank.metric).name},
          {"tau", rank.agreement.tau},
          {"tau_of_means", rank.by_means.tau},
          {"winner_a", winner(rank.agreement.winner_a)},
          {"winner_b", winner(rank.agreement.winner_b)},
          {"same_winner", rank.agreement.has_same_winner()}};
}

Json worst_json(const Fidelity& fidelity) {
  const auto worst = fidelity.worst();
  if (!worst) return nullptr;
  const VariationFidelity& variation = fidelity.variations[worst->variation];
  const FidelityMetric& metric = variation.metrics[worst->metric];
  return {{"variation", variation.name},
          {"metric", info(metric.metric).name},
          {"relative", metric.relative}};
}

}  // namespace

std::vector<std::string> fidelity_sentences(const Fidelity& fidelity) {
  std::vector<std::string> sentences;
  if (fidelity.runs_max() < 2) {
    sentences.push_back(
        "Undecided: one run each. Differences of two runs are differences, and no verdict.");
  } else {
    sentences.push_back(verdict_sentence(fidelity));
  }
  sentences.push_back(worst_sentence(fidelity));
  if (const std::string rank = rank_sentence(fidelity); !rank.empty()) sentences.push_back(rank);
  if (!fidelity.is_same_scenario) {
    sentences.push_back(
        "The scenarios, their overrides or the warm-up that is deleted are not the same: "
        "differences are not of the worlds alone.");
  }
  if (const std::size_t alone = fidelity.only_a.size() + fidelity.only_b.size(); alone > 0) {
    sentences.push_back(
        fmt::format("Left out: {} variation{} of one side only.", alone, alone == 1 ? "" : "s"));
  }
  return sentences;
}

std::string fidelity_text(const Fidelity& fidelity, bool colour) {
  std::string text = fmt::format("A: {}\nB: {}\n", side_text(fidelity.path_a, fidelity.world_a),
                                 side_text(fidelity.path_b, fidelity.world_b));
  for (const std::string& sentence : fidelity_sentences(fidelity)) text += sentence + "\n";
  return text + "\n" + metrics_table(fidelity, colour) + ranks_table(fidelity, colour);
}

nlohmann::ordered_json fidelity_json(const Fidelity& fidelity) {
  Json variations = Json::array();
  for (const VariationFidelity& one : fidelity.variations)
    variations.push_back(variation_json(one));
  Json ranks = Json::array();
  for (const RankFidelity& one : fidelity.ranks) ranks.push_back(rank_json(one));
  Json verdicts = Json::object();
  for (std::size_t m = 0; m < kFidelityMetrics.size(); ++m) {
    verdicts[info(kFidelityMetrics[m]).name] = to_text(fidelity.verdict(m));
  }
  return {{"a", {{"path", fidelity.path_a}, {"world", fidelity.world_a}}},
          {"b", {{"path", fidelity.path_b}, {"world", fidelity.world_b}}},
          {"same_scenario", fidelity.is_same_scenario},
          {"margin", fidelity.margin_share},
          {"margin_of", fidelity.is_b_reference ? "b" : "a"},
          {"verdict", to_text(fidelity.verdict())},
          {"verdicts", std::move(verdicts)},
          {"disagrees_most", worst_json(fidelity)},
          {"variations", std::move(variations)},
          {"rankings", std::move(ranks)},
          {"only_a", fidelity.only_a},
          {"only_b", fidelity.only_b}};
}

}  // namespace phoenix::report
