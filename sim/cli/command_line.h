// What every command does with its arguments: options by Boost.Program_options, files without a
// name, a help text with examples, and one way to say what is wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "sim/cli/commands.h"

namespace phoenix::cli {

struct CommandHelp {
  const char* command;   // "run"
  const char* begin;     // what it does and its usage
  const char* examples;  // after the options
};

struct CommandLine {
  boost::program_options::variables_map values;
  std::vector<std::string> files;

  bool has(const char* option) const { return values.count(option) > 0; }
  // "" or nothing where it was not given and has no default.
  std::string text(const char* option) const;
  std::vector<std::string> texts(const char* option) const;
};

// Empty, with an exit code, where there is nothing to do: help was asked for and printed, or the
// arguments are wrong, which is told. `what` is for the number of files: "one scenario file".
std::optional<CommandLine> read_command_line(
    const CommandHelp& help, const boost::program_options::options_description& options,
    const Arguments& arguments, std::size_t files_min, std::size_t files_max, const char* what,
    int& code);

}  // namespace phoenix::cli
