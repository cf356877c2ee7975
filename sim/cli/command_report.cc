#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include <fmt/format.h>

#include "analysis/compare/results_folder.h"
#include "analysis/human_text.h"
#include "analysis/report/fidelity.h"
#include "analysis/report/page.h"
#include "analysis/report/report_input.h"
#include "sim/cli/command_line.h"
#include "sim/cli/study_options.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp = R"(phoenix report - one HTML page that says what came of it

usage: phoenix report RESULTS... -o PAGE.html [OPTIONS]

RESULTS is the folder of `phoenix compare -o`, the file of `phoenix merge -o`, or the record of a
run. The page opens offline, in light
and dark, on a phone, and prints: the verdict first, then charts with their data, then everything
needed to do it again. Two inputs from different worlds are held against each other.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix report results -o report.html
  phoenix report all.h5 -o report.html
  phoenix report run.h5 -o run.html
  phoenix report simulated local -o fidelity.html --margin 10%

exit status: 0 good, 1 the page could not be written, 2 usage or bad input
)";

struct ReportArguments {
  std::vector<std::string> inputs;
  std::string output;
  StudyOptions study;
  double margin_share = statistics::kDefaultMarginShare;
};

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  add("output,o", po::value<std::string>()->value_name("PAGE.html"), "where to write it");
  add_study_options(options);
  add("margin", po::value<std::string>()->value_name("SHARE"),
      "of two worlds: how far apart is still equivalent, of the real side's mean (10%)");
  add("help,h", "this text");
  return options;
}

Result<ReportArguments> arguments_of(const CommandLine& line) {
  ReportArguments arguments;
  arguments.inputs = line.files;
  arguments.output = line.text("output");
  if (arguments.output.empty()) return Error{"takes -o PAGE.html, where to write the page"};
  Result<StudyOptions> study = read_study_options(line);
  if (!study) return Error{study.error()};
  arguments.study = std::move(*study);
  if (line.has("margin")) {
    const Result<double> share = parse_share(line, "margin");
    if (!share) return Error{share.error()};
    arguments.margin_share = *share;
  }
  return arguments;
}

int fail(int code, const std::string& why) {
  std::cerr << "phoenix report: " << why << "\n";
  return code;
}

// A page is made anew as often as one likes; anything else may be all that there is of a result.
Status check_output(const std::string& path) {
  constexpr std::string_view kPage = "<!DOCTYPE html>";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return success();
  std::ifstream file(path, std::ios::binary);
  std::string begin(kPage.size(), '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<std::size_t>(file.gcount()));
  if (begin.empty() || begin == kPage) return success();
  return Error{
      fmt::format("--output: found {}, which is no page; allowed a new file, or a page to "
                  "replace",
                  path)};
}

int write_report(const ReportArguments& arguments) {
  if (const Status sound = check_output(arguments.output); !sound) {
    return fail(kBadInput, sound.error());
  }
  std::vector<report::ComparisonData> comparisons;
  for (const std::string& path : arguments.inputs) {
    Result<report::ComparisonData> data = report::load_report_input(path, arguments.study);
    if (!data) return fail(kBadInput, data.error());
    comparisons.push_back(std::move(*data));
  }
  std::optional<report::Fidelity> fidelity;
  if (comparisons.size() == 2 && comparisons[0].world() != comparisons[1].world()) {
    Result<report::Fidelity> made =
        report::make_fidelity(comparisons[0].side(), comparisons[1].side(), arguments.margin_share);
    if (!made) return fail(kBadInput, made.error());
    fidelity = std::move(*made);
  }
  const std::string page = report::page_html(comparisons, fidelity);
  if (const Status written = write_whole_file(arguments.output, page); !written) {
    return fail(kFailed, written.error());
  }
  fmt::print("{}: {} kB\n", arguments.output, human_count((page.size() + 999) / 1000));
  return kGood;
}

}  // namespace

int report_command(const Arguments& given) {
  int code = kGood;
  const std::optional<CommandLine> line =
      read_command_line({"report", kHelp, kExamples}, option_list(), given, 1, report::kInputsMax,
                        "one to eight results", code);
  if (!line) return code;
  const Result<ReportArguments> arguments = arguments_of(*line);
  return arguments ? write_report(*arguments) : usage_error("report", arguments.error());
}

}  // namespace phoenix::cli
