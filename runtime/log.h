// Structured logs to standard error through spdlog: an event and its fields, as one line of
// key=value text or as one JSON object. Any thread; before start_logging() nothing is written.
//
//   log_info("node joined", {{"node", name}, {"address", address.text()}});
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "strategies/core/result.h"

namespace phoenix {

using LogField = std::pair<std::string_view, std::string>;
using LogFields = std::initializer_list<LogField>;

// `level` is debug, info, warning, error or off; the error names what is allowed.
Status start_logging(const std::string& program, const std::string& level, bool json);

void log_debug(std::string_view event, LogFields fields = {});
void log_info(std::string_view event, LogFields fields = {});
void log_warning(std::string_view event, LogFields fields = {});
void log_error(std::string_view event, LogFields fields = {});

// One line without its end: `event key=value key="va lue"`, or the inside of a JSON object:
// `"event":"...","key":"value"`.
std::string format_log(std::string_view event, LogFields fields, bool json);

}  // namespace phoenix
