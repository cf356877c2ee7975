// Plays the missing runs of a comparison, as many at a time as asked for, until there are as many
// replications as planned, or as are precise enough.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "analysis/compare/results_folder.h"
#include "analysis/compare/study.h"
#include "sim/cli/cell_job.h"
#include "strategies/core/result.h"

namespace phoenix::cli {

struct ComparisonOptions {
  int jobs = 1;
  KeptRecords kept = KeptRecords::kFirst;
};

// Plays the pilot runs where the plan needs them, and keeps what they say; waits where another
// process does so. The error, also: stopped, or a pilot run failed.
Status settle_warm_up(ResultsFolder& folder, const ComparisonOptions& options,
                      const std::atomic<bool>& stop);

struct ComparisonEnd {
  std::uint32_t replications = 0;  // that were played
  bool is_stopped = false;
  bool is_precise = true;  // as the plan asks for, if it does
  std::string lost;        // of a precise plan: a variation whose runs all failed, which ended it
};

// The error: another process plays them, or results cannot be read or kept. Runs that fail are
// results, too, and are not played again before the next call. Progress goes to stderr.
Result<ComparisonEnd> play_comparison(const ResultsFolder& folder, const ComparisonOptions& options,
                                      const StudyOptions& study, const std::atomic<bool>& stop);

}  // namespace phoenix::cli
