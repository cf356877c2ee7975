// Comparisons and records as CSV files, for spreadsheets and other programs: one file a table, a
// header line, RFC 4180 quoting, numbers that read back to the same bits, nothing for what is not
// known.
//
// One thread of the process at a time (HDF5).
#pragma once

#include <string>
#include <vector>

#include "analysis/compare/comparison_file.h"
#include "analysis/compare/study.h"
#include "analysis/record_reader.h"
#include "strategies/core/result.h"

namespace phoenix {

// runs.csv, differences.csv (to the baseline) and histograms.csv into the folder, which is made if
// it is not there. The names of the files.
Result<std::vector<std::string>> export_comparison(const Comparison& comparison, const Study& study,
                                                   const std::string& folder);

// A file for each table of the record.
Result<std::vector<std::string>> export_record(const RecordReader& record,
                                               const std::string& folder);

// Quoted where it has to be.
std::string csv_field(const std::string& text);

}  // namespace phoenix
