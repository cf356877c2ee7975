#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "analysis/compare/fail_rule.h"
#include "analysis/compare/plan.h"
#include "analysis/compare/results_folder.h"
#include "analysis/compare/study_text.h"
#include "sim/cli/cell_job.h"
#include "sim/cli/command_line.h"
#include "sim/cli/comparison_run.h"
#include "sim/cli/study_options.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/settings.h"
#include "strategies/core/units.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp =
    R"(phoenix compare - which variation of a scenario is best, and how sure is that?

usage: phoenix compare FILE --vary KEY=A,B,... [OPTIONS]
       phoenix compare --resume DIR [OPTIONS]

Plays every combination of the varied keys a number of times. Runs of one replication share their
arrivals, sizes and faults (unless the seed is varied), so that differences come from what is
varied. The first axis is what is compared, others make groups of their own, unless --baseline names
more.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix compare scenarios/library/heterogeneous.toml --vary balancer=p2c,peak_ewma,prequal
  phoenix compare FILE --vary balancer=p2c,prequal --vary 'cluster.group.web.count=8,16' -o results
  phoenix compare FILE --vary balancer=p2c,prequal --precision 5% --metric p99
  phoenix compare FILE --vary balancer=p2c,prequal --fail-if 'p99 > +5%'
  phoenix compare --resume results --jobs 4

on many machines (see the folder's README for Slurm, Kubernetes and GNU parallel):
  phoenix compare FILE --vary ... -o results --plan     # makes the folder, lists the cells
  phoenix compare --resume results --cell 17            # plays one of them
  phoenix merge results more-results -o all.h5          # joins what came back

exit status: 0 good, 1 a --fail-if holds, a run failed or Ctrl-C, 2 usage or bad input
)";

std::atomic<bool> g_stop{false};
void request_stop(int) { g_stop.store(true); }

void on_stop_signals(void (*handler)(int)) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, handler);
}

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  const auto texts = [] { return po::value<std::vector<std::string>>()->composing(); };
  add("vary", texts()->value_name("KEY=A,B"), "a key and the values to compare; may be repeated");
  add("set", texts()->value_name("KEY=VALUE"), "change a key for all; may be repeated");
  add("seed", po::value<std::string>()->value_name("N"), "the same as --set seed=N");
  add("only", texts()->value_name("KEY=VALUE,..."),
      "leave out combinations that match none of these");
  add("exclude", texts()->value_name("KEY=VALUE,..."), "leave out combinations that match");
  add("baseline", po::value<std::string>()->value_name("KEY=VALUE,..."),
      "what others are compared with; the first value of the first --vary unless given");
  add("replications", po::value<std::uint32_t>()->value_name("N"), "runs of each (10)");
  add("precision", po::value<std::string>()->value_name("SHARE"),
      "run until the first metric's differences are known to this share of the baseline");
  add("max-replications", po::value<std::uint32_t>()->value_name("N"),
      "with --precision: at most this many (100)");
  add_study_options(options);
  add("jobs", po::value<int>()->value_name("N"), "runs at a time (one for each core)");
  add("on", po::value<std::string>()->value_name("WORLD"),
      "sim: simulated; local: real processes on this machine, one run at a time");
  add("output,o", po::value<std::string>()->value_name("DIR"), "keep results in this folder");
  add("resume", po::value<std::string>()->value_name("DIR"), "go on with what is there");
  add("keep-records", po::value<std::string>()->value_name("WHICH"),
      "full records to keep: none, first (replication of each), all (first)");
  add("plan", "list the runs and play none; with -o, pilot runs for the warm-up are played");
  add("cell", po::value<std::string>()->implicit_value("")->value_name("K"),
      "play run K only; without K, SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX says which");
  add("fail-if", texts()->value_name("RULE"), "fail if it holds: 'p99 > +5%', 'failures > 100'");
  add("json", "print the result as JSON");
  add("help,h", "this text");
  return options;
}

struct CompareArguments {
  ComparisonOptions run;
  StudyOptions study;
  std::vector<FailRule> rules;
  std::string folder;  // empty: a temporary one
  bool json = false;
  bool plan_only = false;
  std::optional<std::uint64_t> cell;
};

Result<std::uint64_t> cell_number(const CommandLine& line) {
  std::string text = line.text("cell");
  for (const char* name : {"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"}) {
    const char* const value = std::getenv(name);
    if (text.empty() && value != nullptr) text = value;
  }
  std::uint64_t cell = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cell);
  if (error == std::errc() && end == text.data() + text.size()) return cell;
  if (text.empty()) {
    return option_error("cell",
                        "found neither a number nor SLURM_ARRAY_TASK_ID nor "
                        "JOB_COMPLETION_INDEX in the environment");
  }
  return option_error("cell", fmt::format("found \"{}\"; allowed the number of a run", text));
}

Result<std::vector<Condition>> conditions(const CommandLine& line, const char* option) {
  std::vector<Condition> all;
  for (const std::string& text : line.texts(option)) {
    Result<Condition> one = parse_condition(text);
    if (!one) return option_error(option, one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

// How it is played and judged; what is compared is the plan's affair.
Status read_run_options(const CommandLine& line, CompareArguments& arguments) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  arguments.run.jobs = line.has("jobs") ? line.values["jobs"].as<int>() : static_cast<int>(cores);
  if (arguments.run.jobs < 1 || arguments.run.jobs > 1024) {
    return option_error("jobs", fmt::format("found {}; allowed 1 to 1024", arguments.run.jobs));
  }
  if (line.has("keep-records")) {
    const std::string which = line.text("keep-records");
    if (which != "none" && which != "first" && which != "all") {
      return option_error("keep-records",
                          fmt::format("found \"{}\"; allowed none, first or all", which));
    }
    arguments.run.kept = which == "none"    ? KeptRecords::kNone
                         : which == "first" ? KeptRecords::kFirst
                                            : KeptRecords::kAll;
  }
  Result<StudyOptions> study = read_study_options(line);
  if (!study) return Error{study.error()};
  arguments.study = std::move(*study);
  for (const std::string& text : line.texts("fail-if")) {
    Result<FailRule> rule = parse_fail_rule(text);
    if (!rule) return option_error("fail-if", rule.error());
    arguments.rules.push_back(std::move(*rule));
  }
  if (line.has("cell")) {
    const Result<std::uint64_t> cell = cell_number(line);
    if (!cell) return Error{cell.error()};
    arguments.cell = *cell;
  }
  arguments.json = line.has("json");
  arguments.plan_only = line.has("plan");
  return success();
}

Status read_precision(const CommandLine& line, const CompareArguments& arguments,
                      PlanRequest& request) {
  if (!line.has("precision")) {
    return line.has("max-replications") ? Status(Error{"--max-replications goes with --precision"})
                                        : success();
  }
  if (line.has("replications")) {
    return Error{"--precision chooses the replications; it goes without --replications"};
  }
  const Result<double> share = parse_share(line, "precision");
  if (!share) return Error{share.error()};
  PrecisionGoal goal{*share, info(arguments.study.primary.front()).name, 100};
  if (line.has("max-replications")) {
    goal.replications_max = line.values["max-replications"].as<std::uint32_t>();
  }
  if (goal.replications_max < kPrecisionStart) {
    return option_error("max-replications", fmt::format("found {}; allowed {} or more",
                                                        goal.replications_max, kPrecisionStart));
  }
  request.replications = kPrecisionStart;
  request.precision = goal;
  return success();
}

Result<ComparisonPlan> make_plan(const CommandLine& line, const CompareArguments& arguments) {
  PlanRequest request;
  request.scenario_path = line.files.front();
  Result<std::string> text = read_whole_file(request.scenario_path);
  if (!text) return Error{text.error()};
  request.scenario_text = std::move(*text);
  request.overrides = line.texts("set");
  if (line.has("seed")) request.overrides.push_back("seed=" + line.text("seed"));
  for (const std::string& one : line.texts("vary")) {
    Result<Axis> axis = parse_axis(one);
    if (!axis) return option_error("vary", axis.error());
    request.axes.push_back(std::move(*axis));
  }
  if (request.axes.empty()) return Error{"takes at least one --vary KEY=A,B"};
  auto only = conditions(line, "only");
  if (!only) return Error{only.error()};
  auto exclude = conditions(line, "exclude");
  if (!exclude) return Error{exclude.error()};
  request.only = std::move(*only);
  request.exclude = std::move(*exclude);
  if (line.has("baseline")) {
    Result<Condition> baseline = parse_condition(line.text("baseline"));
    if (!baseline) return option_error("baseline", baseline.error());
    request.baseline = std::move(*baseline);
  }
  if (line.has("replications")) {
    request.replications = line.values["replications"].as<std::uint32_t>();
    if (request.replications < 1) return option_error("replications", "found 0; allowed 1 or more");
  }
  if (line.has("on")) request.world = line.text("on");
  if (request.world != "sim" && request.world != "local") {
    return option_error("on", fmt::format("found \"{}\"; allowed sim or local", request.world));
  }
  if (Status precise = read_precision(line, arguments, request); !precise) {
    return Error{precise.error()};
  }
  return ComparisonPlan::make(std::move(request));
}

// A folder for results that nobody asked to keep.
class TemporaryFolder {
 public:
  TemporaryFolder() = default;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

  Status make() {
    const char* const named = std::getenv("TMPDIR");
    const std::string parent = named != nullptr && *named != '\0' ? named : "/tmp";
    std::string pattern = parent + "/phoenix-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      return Error{
          fmt::format("cannot make a folder in {}: {}; allowed -o DIR, or a TMPDIR that can "
                      "be written",
                      parent, std::strerror(errno))};
    }
    path_ = pattern;
    return success();
  }

 private:
  std::string path_;
};

int fail(int code, const std::string& why) {
  std::cerr << "phoenix compare: " << why << "\n";
  return code;
}

void print_plan(const ComparisonPlan& plan) {
  for (std::uint64_t cell = 0; cell < plan.cells_max(); ++cell) {
    fmt::print("{}\t{}\n", cell, plan.command(cell));
  }
}

int print_study(const ResultsFolder& folder, const CompareArguments& arguments,
                std::uint32_t replications) {
  const Result<std::vector<CellResult>> results = folder.load();
  if (!results) return fail(kBadInput, results.error());
  const Result<Study> study = make_study(folder.plan(), *results, replications, arguments.study);
  if (!study) return fail(kFailed, study.error());
  if (arguments.json) {
    std::cout << study_json(folder.plan(), *study) << "\n";
  } else {
    std::cout << study_text(folder.plan(), *study, wants_colour(STDOUT_FILENO));
  }
  int code = study->excluded.empty() ? kGood : kFailed;
  for (const std::string& broken : broken_rules(*study, arguments.rules)) {
    code = fail(kFailed, broken);
  }
  return code;
}

int compare(ResultsFolder& folder, const CompareArguments& arguments, bool is_kept) {
  if (arguments.cell && *arguments.cell >= folder.plan().cells_max()) {
    return fail(kBadInput, fmt::format("--cell: found {}; allowed 0 to {}", *arguments.cell,
                                       folder.plan().cells_max() - 1));
  }
  if (const Status sound = check_rules(folder.plan(), arguments.rules); !sound) {
    return fail(kBadInput, "--fail-if: " + sound.error());
  }
  on_stop_signals(request_stop);
  if (const Status settled = settle_warm_up(folder, arguments.run, g_stop); !settled) {
    return fail(kFailed, settled.error());
  }
  if (arguments.plan_only) {
    print_plan(folder.plan());
    return kGood;
  }
  if (arguments.cell) {
    on_stop_signals(SIG_DFL);  // a single run has nothing to save by ending gently
    return play_cell(folder, *arguments.cell, arguments.run.kept);
  }
  const Result<ComparisonEnd> end = play_comparison(folder, arguments.run, arguments.study, g_stop);
  if (!end) return fail(kFailed, end.error());
  if (end->is_stopped) {
    return fail(kFailed,
                is_kept ? "stopped; go on with `phoenix compare --resume " + folder.path() + "`"
                        : "stopped; with -o DIR it could be resumed");
  }
  if (!end->lost.empty()) {
    std::cerr << "phoenix compare: no run of " << end->lost
              << " has a result: more replications make nothing more precise\n";
  } else if (!end->is_precise) {
    std::cerr << "phoenix compare: not as precise as asked for after " << end->replications
              << " replications, the most allowed\n";
  }
  return print_study(folder, arguments, end->replications);
}

}  // namespace

int compare_command(const Arguments& given) {
  int code = kGood;
  const std::optional<CommandLine> line = read_command_line(
      {"compare", kHelp, kExamples}, option_list(), given, 0, 1, "one scenario file", code);
  if (!line) return code;
  CompareArguments arguments;
  if (const Status read = read_run_options(*line, arguments); !read) {
    return usage_error("compare", read.error());
  }
  if (line->has("resume")) {
    for (const char* option : {"vary", "set", "seed", "only", "exclude", "baseline", "replications",
                               "precision", "max-replications", "on", "output"}) {
      if (!line->has(option)) continue;
      return usage_error("compare", fmt::format("--resume goes on with what is planned; it goes "
                                                "without --{}",
                                                option));
    }
    if (!line->files.empty()) return usage_error("compare", "--resume takes no scenario file");
    Result<ResultsFolder> folder = ResultsFolder::open(line->text("resume"));
    return folder ? compare(*folder, arguments, true) : fail(kBadInput, folder.error());
  }
  if (line->files.empty())
    return usage_error("compare", "takes one scenario file, or --resume DIR");
  if (arguments.cell && !line->has("output")) {
    return usage_error("compare", "--cell keeps its result: it goes with --resume DIR or -o DIR");
  }
  const Result<ComparisonPlan> plan = make_plan(*line, arguments);
  if (!plan) return fail(kBadInput, plan.error());
  if (arguments.plan_only && !line->has("output")) {
    print_plan(*plan);
    return kGood;
  }
  std::optional<TemporaryFolder> temporary;
  if (!line->has("output")) {
    if (const Status made = temporary.emplace().make(); !made) return fail(kBadInput, made.error());
  }
  Result<ResultsFolder> folder =
      ResultsFolder::create(temporary ? temporary->path() : line->text("output"), *plan);
  if (!folder) return fail(kBadInput, folder.error());
  return compare(*folder, arguments, !temporary);
}

}  // namespace phoenix::cli
