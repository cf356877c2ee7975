#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "analysis/explain_text.h"
#include "analysis/record_reader.h"
#include "sim/cli/command_line.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/time.h"
#include "strategies/core/units.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp =
    R"(phoenix explain - what was decided in a run, why, and what came of it

usage: phoenix explain OUT.h5 [OPTIONS]

Every decision with what was seen, what was decided, the reason, and its outcome.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix explain out.h5
  phoenix explain out.h5 --family scaling
  phoenix explain out.h5 --at 95s
)";

struct ExplainArguments {
  std::string file;
  ExplainFilter filter;
  bool json = false;
};

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  add("at", po::value<std::string>()->value_name("TIME"),
      "only what was under way then, and the newest decision before about each subject");
  add("family", po::value<std::string>()->value_name("NAME"),
      "only routing, scaling, placement, rebalancing, tuning, alerts, ...");
  add("json", "print the decisions as JSON");
  add("help,h", "this text");
  return options;
}

Result<ExplainArguments> arguments_of(const CommandLine& line) {
  ExplainArguments arguments;
  arguments.file = line.files.front();
  arguments.json = line.has("json");
  arguments.filter.family = line.text("family");
  if (line.has("at")) {
    const Result<Duration> at = parse_duration(line.text("at"));
    if (!at) return Error{"--at: " + at.error()};
    arguments.filter.at_s = to_seconds(*at);
  }
  return arguments;
}

int explain(const ExplainArguments& arguments) {
  const auto fails = [](const std::string& why) {
    std::cerr << "phoenix explain: " << why << "\n";
    return kBadInput;
  };
  const Result<RecordReader> record = RecordReader::open(arguments.file);
  if (!record) return fails(record.error());
  const Result<std::vector<DecisionRow>> rows = record->rows<DecisionRow>();
  if (!rows) return fails(rows.error());
  const std::vector<std::string> families = decision_families(*rows);
  const std::string& family = arguments.filter.family;
  if (!family.empty() && std::find(families.begin(), families.end(), family) == families.end()) {
    const std::string known = families.empty() ? "none" : join_names(families);
    return fails("--family: found " + family + "; in this record there are " + known +
                 did_you_mean(family, families));
  }
  const std::vector<DecisionRow> chosen = select_decisions(*rows, arguments.filter);
  if (arguments.json) {
    std::cout << explain_json(chosen) << "\n";
  } else if (chosen.empty()) {
    std::cout << "nothing was decided\n";
  } else {
    std::cout << explain_text(chosen, wants_colour(STDOUT_FILENO));
  }
  return kGood;
}

}  // namespace

int explain_command(const Arguments& arguments) {
  int code = kGood;
  const std::optional<CommandLine> line = read_command_line(
      {"explain", kHelp, kExamples}, option_list(), arguments, 1, 1, "one record", code);
  if (!line) return code;
  const Result<ExplainArguments> parsed = arguments_of(*line);
  return parsed ? explain(*parsed) : usage_error("explain", parsed.error());
}

}  // namespace phoenix::cli
