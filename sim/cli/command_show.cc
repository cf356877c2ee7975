#include <iostream>

#include <unistd.h>

#include "analysis/record_reader.h"
#include "analysis/result_text.h"
#include "sim/cli/commands.h"

namespace phoenix::cli {
namespace {

constexpr const char* kHelp = R"(phoenix show - print the result stored in a record

usage: phoenix show OUT.h5 [--json]

A record that is not complete (`OUT.h5.part` of a run that died) is told apart; exit status 1.

examples:
  phoenix show crowd.h5
  phoenix show crowd.h5 --json
)";

int show(const std::string& file, bool json) {
  const Result<RecordReader> record = RecordReader::open(file);
  if (!record) {
    std::cerr << "phoenix show: " << record.error() << "\n";
    return kBadInput;
  }
  const Result<RunSummary> summary = record->summary();
  if (!summary) {
    std::cerr << "phoenix show: " << summary.error() << "\n";
    return kFailed;
  }
  if (json) {
    std::cout << result_json(*summary) << "\n";
  } else {
    std::cout << result_text(*summary, wants_colour(STDOUT_FILENO));
  }
  if (record->attributes().complete) return kGood;
  std::cerr << "phoenix show: this record is not complete"
            << (record->is_live() ? "; its run is still writing it" : "") << "\n";
  return kFailed;
}

}  // namespace

int show_command(const Arguments& arguments) {
  std::string file;
  bool json = false;
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      std::cout << kHelp;
      return kGood;
    }
    if (argument == "--json") {
      json = true;
    } else if (argument.starts_with("-")) {
      return usage_error("show", "unknown option `" + argument + "`");
    } else if (!file.empty()) {
      return usage_error("show", "takes one record");
    } else {
      file = argument;
    }
  }
  if (file.empty()) return usage_error("show", "takes one record");
  return show(file, json);
}

}  // namespace phoenix::cli
