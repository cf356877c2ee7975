#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "analysis/diff.h"
#include "analysis/diff_text.h"
#include "analysis/diff_tolerance.h"
#include "analysis/record_reader.h"
#include "sim/cli/command_line.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp = R"(phoenix diff - two records side by side

usage: phoenix diff A.h5 B.h5 [OPTIONS]

Differences are of B from A, as shares of A. Without --tolerance the exit status is 0 whatever they
are; with it, 1 if any is larger than allowed, with a line on standard error for each.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix diff simulated.h5 local.h5
  phoenix diff simulated.h5 local.h5 --tolerance latency=15%,throughput=2%
  phoenix diff before.h5 after.h5 --tolerance p99=5%,failures=0% --json
)";

struct DiffArguments {
  std::string files[2];
  std::vector<Tolerance> tolerances;
  bool json = false;
};

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  add("tolerance", po::value<std::vector<std::string>>()->composing()->value_name("NAME=SHARE,..."),
      ("how far B may be from A; names: " + tolerance_names() + " (latency is p50 and p95)")
          .c_str());
  add("json", "print the differences as JSON");
  add("help,h", "this text");
  return options;
}

Result<std::vector<Tolerance>> tolerances_of(const po::variables_map& values) {
  if (values.count("tolerance") == 0) return std::vector<Tolerance>();
  std::string all;
  for (const std::string& text : values["tolerance"].as<std::vector<std::string>>()) {
    all += (all.empty() ? "" : ",") + text;
  }
  return parse_tolerances(all);
}

// Empty with an exit code when there is nothing to compare.
std::optional<DiffArguments> parse_arguments(const Arguments& arguments, int& code) {
  const std::optional<CommandLine> line = read_command_line(
      {"diff", kHelp, kExamples}, option_list(), arguments, 2, 2, "two records", code);
  if (!line) return std::nullopt;
  const po::variables_map& values = line->values;
  const std::vector<std::string>& files = line->files;
  const Result<std::vector<Tolerance>> tolerances = tolerances_of(values);
  if (!tolerances) {
    code = usage_error("diff", "--tolerance: " + tolerances.error());
    return std::nullopt;
  }
  return DiffArguments{{files[0], files[1]}, *tolerances, values.count("json") > 0};
}

int bad_record(const std::string& error) {
  std::cerr << "phoenix diff: " << error << "\n";
  return kBadInput;
}

void warn_if_incomplete(const RecordReader& record, const RecordIdentity& identity) {
  if (identity.complete) return;
  std::cerr << "phoenix diff: " << record.path() << " is not complete"
            << (record.is_live() ? "; its run is still writing it" : "") << "\n";
}

}  // namespace

int diff_command(const Arguments& arguments) {
  int code = kGood;
  const std::optional<DiffArguments> parsed = parse_arguments(arguments, code);
  if (!parsed) return code;
  const Result<RecordReader> a = RecordReader::open(parsed->files[0]);
  if (!a) return bad_record(a.error());
  const Result<RecordReader> b = RecordReader::open(parsed->files[1]);
  if (!b) return bad_record(b.error());
  const Result<RunDiff> diff = diff_records(*a, *b);
  if (!diff) return bad_record(diff.error());
  warn_if_incomplete(*a, diff->a);
  warn_if_incomplete(*b, diff->b);
  const std::vector<ToleranceCheck> checks = check_tolerances(*diff, parsed->tolerances);
  if (parsed->json) {
    std::cout << diff_json(*diff, checks) << "\n";
  } else {
    std::cout << diff_text(*diff, wants_colour(STDOUT_FILENO));
  }
  for (const ToleranceCheck& check : checks) {
    if (check.is_met) continue;
    std::cerr << "phoenix diff: " << miss_text(check) << "\n";
    code = kFailed;
  }
  return code;
}

}  // namespace phoenix::cli
