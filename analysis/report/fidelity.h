// Whether two worlds say the same of the same experiment, typically the simulated and the real
// one: is each number equivalent within a margin, do both rank the strategies alike, and which
// number disagrees most. What `phoenix diff` and the report print.
//
// Variations are matched by name, runs by replication: both worlds play the same arrivals, sizes
// and faults, so that the differences of pairs are what is judged (TOST, see `equivalence.h`). All
// of several numbers are equivalent where each is: that needs no adjustment (Berger 1982).
//
// Differences are B - A. Pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/compare/cell_result.h"
#include "analysis/compare/plan.h"
#include "analysis/compare/study.h"
#include "analysis/statistics/equivalence.h"
#include "analysis/statistics/rank_agreement.h"

namespace phoenix::report {

inline constexpr std::array kFidelityMetrics = {CellMetric::kP50, CellMetric::kP95,
                                                CellMetric::kP99, CellMetric::kThroughput};

struct FidelitySide {
  std::string path, world;
  const ComparisonPlan* plan = nullptr;  // lives longer than the call
  const Study* study = nullptr;
};

struct FidelityMetric {
  CellMetric metric{};
  double mean_a = statistics::kUnknown, mean_b = statistics::kUnknown;  // of pairs
  double relative = statistics::kUnknown;  // (b - a) / reference; NaN where the reference is 0
  statistics::Equivalence equivalence;
  statistics::EquivalenceVerdict verdict() const { return equivalence.verdict; }
};

struct VariationFidelity {
  std::string name;
  std::string short_name;    // values without their keys: "p2c, 8"
  std::size_t a = 0, b = 0;  // variations of both sides
  std::array<FidelityMetric, kFidelityMetrics.size()> metrics;
};

// How both sides rank the variations of a block that both have.
struct RankFidelity {
  std::string block;
  CellMetric metric{};
  std::vector<std::string> names;  // what the winners are indices of
  statistics::RankAgreement agreement;
  statistics::KendallTau by_means;  // where a single run each tells nobody apart
};

struct Fidelity {
  std::string path_a, path_b, world_a, world_b;
  bool is_b_reference = false;  // the real side, whose means the margins are shares of; else A
  double margin_share = statistics::kDefaultMarginShare;
  std::vector<VariationFidelity> variations;
  std::vector<std::string> only_a, only_b;  // variations without a partner
  std::vector<RankFidelity> ranks;
  bool is_same_scenario = true;

  // Of all variations on this metric, and of everything: equivalent where all are, different where
  // one is, else undecided.
  statistics::EquivalenceVerdict verdict(std::size_t metric) const;
  statistics::EquivalenceVerdict verdict() const;
  std::size_t runs_max() const;  // of a variation

  struct Worst {
    std::size_t variation = 0, metric = 0;
  };
  // The largest relative difference; nothing where none is known.
  std::optional<Worst> worst() const;
};

// The error: no variation is in both, or a margin that is not above 0 and finite.
Result<Fidelity> make_fidelity(const FidelitySide& a, const FidelitySide& b, double margin_share);

// "Equivalent within 10 % ..., undecided ...": sentences without markup.
std::vector<std::string> fidelity_sentences(const Fidelity& fidelity);

// For the terminal, with tables; ends in a newline.
std::string fidelity_text(const Fidelity& fidelity, bool colour);

// One object in a stable order of stable keys, null where a number is not known.
nlohmann::ordered_json fidelity_json(const Fidelity& fidelity);

// The section of the page.
std::string fidelity_html(const Fidelity& fidelity);

}  // namespace phoenix::report
