#include <iostream>

#include "analysis/compare/comparison_file.h"
#include "sim/cli/command_line.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp =
    R"(phoenix merge - join the runs of a comparison that were played in several places

usage: phoenix merge RESULTS... -o ALL.h5

RESULTS are folders of `phoenix compare -o`, or files that were merged before. All must be of one
experiment; a run that two of them have, or that failed, is refused.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix merge results more-results -o all.h5
  phoenix report all.h5 -o report.html
)";

int fail(const std::string& why) {
  std::cerr << "phoenix merge: " << why << "\n";
  return kBadInput;
}

}  // namespace

int merge_command(const Arguments& arguments) {
  po::options_description options("options");
  auto add = options.add_options();
  add("output,o", po::value<std::string>()->value_name("ALL.h5"), "the file to write");
  add("help,h", "this text");
  int code = kGood;
  const std::optional<CommandLine> line =
      read_command_line({"merge", kHelp, kExamples}, options, arguments, 1, SIZE_MAX,
                        "results folders or merged files", code);
  if (!line) return code;
  if (line->text("output").empty()) return usage_error("merge", "--output is needed");
  std::vector<Comparison> parts;
  for (const std::string& path : line->files) {
    Result<Comparison> part = load_comparison(path);
    if (!part) return fail(part.error());
    parts.push_back(std::move(*part));
  }
  const Result<Comparison> merged = merge_comparisons(std::move(parts));
  if (!merged) return fail(merged.error());
  if (const Status written = write_comparison(line->text("output"), *merged); !written) {
    std::cerr << "phoenix merge: " << written.error() << "\n";
    return kFailed;
  }
  std::cout << merged->results.size() << " runs of " << merged->plan.cells_max() << " in "
            << line->text("output") << "\n";
  return kGood;
}

}  // namespace phoenix::cli
