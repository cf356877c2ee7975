#include "sim/cli/command_line.h"

#include <iostream>

#include <fmt/format.h>

namespace phoenix::cli {

namespace po = boost::program_options;

std::string CommandLine::text(const char* option) const {
  return has(option) ? values[option].as<std::string>() : "";
}

std::vector<std::string> CommandLine::texts(const char* option) const {
  return has(option) ? values[option].as<std::vector<std::string>>() : std::vector<std::string>();
}

std::optional<CommandLine> read_command_line(const CommandHelp& help,
                                             const po::options_description& options,
                                             const Arguments& arguments, std::size_t files_min,
                                             std::size_t files_max, const char* what, int& code) {
  po::options_description all;
  all.add(options).add_options()("file", po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add("file", -1);
  CommandLine line;
  try {
    po::store(po::command_line_parser(arguments).options(all).positional(positional).run(),
              line.values);
    po::notify(line.values);
  } catch (const po::error& error) {
    code = usage_error(help.command, error.what());
    return std::nullopt;
  }
  if (line.has("help")) {
    std::cout << help.begin << options << help.examples;
    code = kGood;
    return std::nullopt;
  }
  line.files = line.texts("file");
  if (line.files.size() < files_min || line.files.size() > files_max) {
    code = usage_error(help.command, fmt::format("takes {}, found {}", what, line.files.size()));
    return std::nullopt;
  }
  return line;
}

}  // namespace phoenix::cli
