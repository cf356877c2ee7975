#include <algorithm>
#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "analysis/compare/comparison_file.h"
#include "analysis/diff.h"
#include "analysis/diff_text.h"
#include "analysis/diff_tolerance.h"
#include "analysis/record_reader.h"
#include "analysis/report/fidelity.h"
#include "analysis/report/report_input.h"
#include "sim/cli/command_line.h"
#include "sim/cli/study_options.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp = R"(phoenix diff - two records, or two comparisons, side by side

usage: phoenix diff A.h5 B.h5 [OPTIONS]
       phoenix diff RESULTS-A RESULTS-B [OPTIONS]

Of records, differences are of B from A, as shares of A. Two comparisons (folders of `phoenix
compare`, files of `phoenix merge`), typically of both worlds, are judged over all their runs: is
each number equivalent within a margin, are strategies ranked alike, and what disagrees most.

Without --tolerance and --margin the exit status is 0 whatever the differences are; with them it is
1 if one is larger than allowed, or equivalence within the margin is not shown.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix diff simulated.h5 local.h5
  phoenix diff simulated.h5 local.h5 --tolerance latency=15%,throughput=2%
  phoenix diff before.h5 after.h5 --tolerance p99=5%,failures=0% --json
  phoenix diff simulated local --margin 10%
)";

struct DiffArguments {
  std::string files[2];
  std::vector<Tolerance> tolerances;
  std::optional<double> margin_share;
  bool json = false;
};

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  add("tolerance", po::value<std::vector<std::string>>()->composing()->value_name("NAME=SHARE,..."),
      ("how far B may be from A; names: " + tolerance_names() + " (latency is p50 and p95)")
          .c_str());
  add("margin", po::value<std::string>()->value_name("SHARE"),
      "how far apart is still equivalent, as a share of the real side's mean (10%)");
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
  const Result<std::vector<Tolerance>> tolerances = tolerances_of(line->values);
  if (!tolerances) {
    code = usage_error("diff", "--tolerance: " + tolerances.error());
    return std::nullopt;
  }
  DiffArguments parsed{{line->files[0], line->files[1]}, *tolerances, {}, line->has("json")};
  if (line->has("margin")) {
    const Result<double> share = parse_share(*line, "margin");
    if (!share) {
      code = usage_error("diff", share.error());
      return std::nullopt;
    }
    parsed.margin_share = *share;
  }
  return parsed;
}

int bad_input(const std::string& error) {
  std::cerr << "phoenix diff: " << error << "\n";
  return kBadInput;
}

Result<report::Fidelity> fidelity_of(const DiffArguments& arguments) {
  const Result<report::ComparisonData> a = report::load_study(arguments.files[0], {});
  if (!a) return Error{a.error()};
  const Result<report::ComparisonData> b = report::load_study(arguments.files[1], {});
  if (!b) return Error{b.error()};
  return report::make_fidelity(a->side(), b->side(),
                               arguments.margin_share.value_or(statistics::kDefaultMarginShare));
}

// Who names a margin asks for equivalence.
int verdict_code(const DiffArguments& arguments, const report::Fidelity& fidelity) {
  if (!arguments.margin_share ||
      fidelity.verdict() == statistics::EquivalenceVerdict::kEquivalent) {
    return kGood;
  }
  std::cerr << "phoenix diff: equivalence within the margin is not shown\n";
  return kFailed;
}

int diff_comparisons(const DiffArguments& arguments) {
  if (!arguments.tolerances.empty()) {
    return usage_error("diff", "--tolerance is for two records; comparisons take --margin");
  }
  const Result<report::Fidelity> fidelity = fidelity_of(arguments);
  if (!fidelity) return bad_input(fidelity.error());
  if (arguments.json) {
    const nlohmann::ordered_json json = {{"fidelity", report::fidelity_json(*fidelity)}};
    std::cout << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else {
    std::cout << report::fidelity_text(*fidelity, wants_colour(STDOUT_FILENO));
  }
  return verdict_code(arguments, *fidelity);
}

void warn_if_incomplete(const RecordReader& record, const RecordIdentity& identity) {
  if (identity.complete) return;
  std::cerr << "phoenix diff: " << record.path() << " is not complete"
            << (record.is_live() ? "; its run is still writing it" : "") << "\n";
}

int diff_two_records(const DiffArguments& arguments) {
  const Result<RecordReader> a = RecordReader::open(arguments.files[0]);
  if (!a) return bad_input(a.error());
  const Result<RecordReader> b = RecordReader::open(arguments.files[1]);
  if (!b) return bad_input(b.error());
  const Result<RunDiff> diff = diff_records(*a, *b);
  if (!diff) return bad_input(diff.error());
  std::optional<report::Fidelity> fidelity;
  if (arguments.margin_share || diff->a.world != diff->b.world) {
    Result<report::Fidelity> made = fidelity_of(arguments);
    if (!made) return bad_input(made.error());
    fidelity = std::move(*made);
  }
  warn_if_incomplete(*a, diff->a);
  warn_if_incomplete(*b, diff->b);
  const std::vector<ToleranceCheck> checks = check_tolerances(*diff, arguments.tolerances);
  if (arguments.json) {
    std::cout << diff_json(*diff, checks, fidelity ? &*fidelity : nullptr) << "\n";
  } else {
    std::cout << diff_text(*diff, wants_colour(STDOUT_FILENO));
    if (fidelity) {
      std::cout << "\nFidelity\n";
      for (const std::string& sentence : report::fidelity_sentences(*fidelity)) {
        std::cout << sentence << "\n";
      }
    }
  }
  int code = fidelity ? verdict_code(arguments, *fidelity) : kGood;
  for (const ToleranceCheck& check : checks) {
    if (check.is_met) continue;
    std::cerr << "phoenix diff: " << miss_text(check) << "\n";
    code = kFailed;
  }
  return code;
}

}  // namespace

int diff_command(const Arguments& arguments) {
  int code = kGood;
  const std::optional<DiffArguments> parsed = parse_arguments(arguments, code);
  if (!parsed) return code;
  return std::ranges::any_of(parsed->files, is_comparison) ? diff_comparisons(*parsed)
                                                           : diff_two_records(*parsed);
}

}  // namespace phoenix::cli
