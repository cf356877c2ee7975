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
  return show_record(file, json);
}

}  // namespace phoenix::cli
