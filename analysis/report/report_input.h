// Reads what a report or a fidelity verdict is made from: a comparison, as the folder of `phoenix
// compare` or the file of `phoenix merge`, or the record of a single run, which is a comparison of
// one.
#pragma once

#include <string>

#include "analysis/compare/study.h"
#include "analysis/report/report_model.h"
#include "strategies/core/result.h"

namespace phoenix::report {

// The error names the path and what cannot be read.
Result<ComparisonData> load_report_input(const std::string& path, const StudyOptions& options);

// As above, without looking into runs.
Result<ComparisonData> load_study(const std::string& path, const StudyOptions& options);

// Thinned as ShownRun says. Tables that cannot be read are told in `missing`; the error: the run
// has no summary.
Result<ShownRun> read_shown_run(const RecordReader& record);

}  // namespace phoenix::report
