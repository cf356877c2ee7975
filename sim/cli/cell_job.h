// One cell of a comparison, played in this process: the run, its record, and the result kept of it.
#pragma once

#include <cstdint>

#include "analysis/compare/results_folder.h"

namespace phoenix::cli {

enum class KeptRecords { kNone, kFirst, kAll };  // kFirst: of the first replication

// The exit code; what went wrong is told on stderr. REQUIRES: the first run of this process.
int play_cell(const ResultsFolder& folder, std::uint64_t cell, KeptRecords kept);

}  // namespace phoenix::cli
