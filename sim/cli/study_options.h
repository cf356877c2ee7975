// How runs are judged: the options that all commands share which say how sure something is.
#pragma once

#include <string>

#include <boost/program_options.hpp>

#include "analysis/compare/study.h"
#include "sim/cli/command_line.h"
#include "strategies/core/result.h"

namespace phoenix::cli {

// --metric and --confidence.
void add_study_options(boost::program_options::options_description& options);
Result<StudyOptions> read_study_options(const CommandLine& line);

// "5%" or "0.05". REQUIRES: the option was given.
Result<double> parse_share(const CommandLine& line, const char* option);

// "--NAME: why".
Error option_error(const char* option, const std::string& why);

}  // namespace phoenix::cli
