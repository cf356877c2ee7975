// What a comparison plays: every combination of the varied keys, each a number of times. Pure data;
// made once from the command line, stored beside the results, read back by whoever resumes, runs a
// single cell on another machine, merges or reports.
//
// A cell is one run. Replication r of every variation has the same arrivals, sizes and faults
// (common random numbers: streams are keyed by seed and replication, unless the seed is what is
// varied), so that differences within a
// replication come from what is varied. Cell K is variation K mod V of replication K div V: more
// replications add cells at the end and renumber none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/scenario.h"
#include "strategies/core/result.h"

namespace phoenix {

// One varied key with its values, as they would follow `--set`.
struct Axis {
  std::string key;
  std::vector<std::string> values;
};

// Key and value pairs; a variation matches where it has all of them.
using Condition = std::vector<std::pair<std::string, std::string>>;

// Stop when the half-width of every difference to the baseline is at most `relative` of the
// baseline's mean (of the mean itself where there is only one variation): precision, never
// significance. `statistics`: start with 10 replications, go on in blocks of 5.
struct PrecisionGoal {
  double relative = 0.05;
  std::string metric = "p99";
  std::uint32_t replications_max = 100;
};
inline constexpr std::uint32_t kPrecisionStart = 10;
inline constexpr std::uint32_t kPrecisionBlock = 5;

// Variations that are compared with each other: those that differ in the axes of the baseline only.
// `--vary balancer=p2c,prequal --vary count=8,16` compares balancers at 8 and again at 16.
struct Block {
  std::string name;                     // "cluster.group.web.count=8"; "" where there is but one
  std::vector<std::size_t> variations;  // in the order of the plan
  std::optional<std::size_t> baseline;  // none where conditions left it out
};

struct Variation {
  std::string name;                    // "balancer=p2c, cluster.group.web.count=8"
  std::string name_in_block;           // "balancer=p2c": without what its block is named after
  std::vector<std::string> values;     // one for each axis
  std::vector<std::string> overrides;  // KEY=VALUE, those of all variations first
};

// What pilot runs said about the beginning of runs; see warm_up.h.
struct WarmUpRule {
  double seconds = 0;  // deleted from every run
  bool is_run_too_short = false;
};

struct PlanRequest {
  std::string scenario_path, scenario_text;
  std::vector<std::string> overrides;  // of all variations
  std::vector<Axis> axes;
  std::vector<Condition> only;  // variations that match none of them are left out, if there are any
  std::vector<Condition> exclude;  // those that match one are left out
  std::uint32_t replications = 10;
  std::optional<PrecisionGoal> precision;
  // What others are compared with: the value of one or more axes; empty: the first axis's first.
  Condition baseline;
  std::string world = "sim";  // or "local"
  std::optional<WarmUpRule> warm_up;
};

inline constexpr std::size_t kVariationsMax = 10'000;
inline constexpr std::uint64_t kCellsMax = 1'000'000;

class ComparisonPlan {
 public:
  // The error says which variation is bad input, with the parser's words, one problem a line.
  static Result<ComparisonPlan> make(PlanRequest request);
  // Of runs that are played already: the parser is not asked, whose files may have gone since.
  static Result<ComparisonPlan> of_played(PlanRequest request);
  static Result<ComparisonPlan> from_json(std::string_view text);
  std::string to_json() const;  // equal plans give equal bytes

  const PlanRequest& request() const { return request_; }
  const std::vector<Variation>& variations() const { return variations_; }
  const std::vector<Block>& blocks() const { return blocks_; }
  // Whether runs of one replication share arrivals, sizes and faults: not where the seed is varied.
  bool shares_random_numbers() const;
  // As many as may be run: `replications`, or the most that a precision goal allows.
  std::uint32_t replications_max() const;
  std::uint64_t cells_max() const;

  std::size_t variation_of(std::uint64_t cell) const { return cell % variations_.size(); }
  std::uint32_t replication_of(std::uint64_t cell) const {
    return static_cast<std::uint32_t>(cell / variations_.size());
  }
  std::uint64_t cell_of(std::size_t variation, std::uint32_t replication) const {
    return replication * variations_.size() + variation;
  }

  // REQUIRES: cell < cells_max(). The parser has seen it when the plan was made; files it reads may
  // have gone since.
  Result<Scenario> scenario(std::uint64_t cell) const;
  // What a person types to play that run alone.
  std::string command(std::uint64_t cell) const;

  // The same with a warm-up, which every command then names.
  ComparisonPlan with_warm_up(const WarmUpRule& rule) const;

  // Same scenario, axes, conditions and world: cells mean the same runs. Replications may differ.
  bool is_same_experiment(const ComparisonPlan& other) const;

 private:
  ComparisonPlan() = default;
  Status lay_out();
  Status check() const;
  void make_variations();
  void make_blocks();

  PlanRequest request_;
  std::vector<Variation> variations_;
  std::vector<Block> blocks_;
};

// "KEY=A,B[x=1, y=2],C": commas inside brackets or quotes belong to a value.
Result<Axis> parse_axis(std::string_view text);
// "KEY=VALUE,KEY=VALUE".
Result<Condition> parse_condition(std::string_view text);

}  // namespace phoenix
