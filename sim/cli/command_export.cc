#include <iostream>

#include "analysis/compare/csv_export.h"
#include "sim/cli/command_line.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp =
    R"(phoenix export - a comparison or a run's record as CSV files, one a table

usage: phoenix export RESULTS --csv DIR

RESULTS is a folder of `phoenix compare -o`, a file of `phoenix merge`, or the record of a run.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix export all.h5 --csv tables
  phoenix export out.h5 --csv tables
)";

int fail(const std::string& why) {
  std::cerr << "phoenix export: " << why << "\n";
  return kBadInput;
}

Result<std::vector<std::string>> export_to(const std::string& path, const std::string& folder) {
  if (!is_comparison(path)) {
    const Result<RecordReader> record = RecordReader::open(path);
    if (!record) return Error{record.error()};
    return export_record(*record, folder);
  }
  const Result<Comparison> comparison = load_comparison(path);
  if (!comparison) return Error{comparison.error()};
  const Result<Study> study = make_study(comparison->plan, comparison->results,
                                         replications_of(*comparison), StudyOptions{});
  if (!study) return Error{study.error()};
  return export_comparison(*comparison, *study, folder);
}

}  // namespace

int export_command(const Arguments& arguments) {
  po::options_description options("options");
  auto add = options.add_options();
  add("csv", po::value<std::string>()->value_name("DIR"), "the folder to write to");
  add("help,h", "this text");
  int code = kGood;
  const std::optional<CommandLine> line = read_command_line(
      {"export", kHelp, kExamples}, options, arguments, 1, 1, "one comparison or record", code);
  if (!line) return code;
  if (line->text("csv").empty()) return usage_error("export", "--csv is needed");
  const auto files = export_to(line->files.front(), line->text("csv"));
  if (!files) return fail(files.error());
  for (const std::string& file : *files) std::cout << file << "\n";
  return kGood;
}

}  // namespace phoenix::cli
