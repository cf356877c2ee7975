// The commands of the `phoenix` tool. Each takes its own arguments, prints to stdout (results) and
// stderr (progress and errors), and returns the exit code: 0 good, 1 the run or its verdict failed,
// 2 usage or bad input.
#pragma once

#include <string>
#include <vector>

namespace phoenix::cli {

inline constexpr int kGood = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadInput = 2;

using Arguments = std::vector<std::string>;

int run_command(const Arguments& arguments);
int check_command(const Arguments& arguments);
int list_command(const Arguments& arguments);
int show_command(const Arguments& arguments);
int diff_command(const Arguments& arguments);
int explain_command(const Arguments& arguments);
int forecast_command(const Arguments& arguments);
int compare_command(const Arguments& arguments);
int merge_command(const Arguments& arguments);
int export_command(const Arguments& arguments);
int report_command(const Arguments& arguments);

// Prints "phoenix run: <message>" and where help is to be had; returns kBadInput.
int usage_error(const std::string& command, const std::string& message);

// Whether stdout or stderr goes to a person: a terminal, and NO_COLOR is not set for colour.
bool is_terminal(int fd);
bool wants_colour(int fd);

}  // namespace phoenix::cli
