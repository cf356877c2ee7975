// Structured logs to standard error through spdlog: an event and its fields, as one line of
// key=value text or as one JSON object. Any thread; before start_logging() nothing is written.
//
//   log_info("node joined", {{"node", name}, {"address", address.text()}});
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

using LogField = std::pair<std::string_view, std::string>;
using LogFields = std::initializer_list<LogField>;

// `level` is debug, info, warning, error or off; the error names what is allowed.
Status start_logging(const std::string& program, const std::string& level, bool json);

void log_debug(std::string_view event, LogFields fields = {});
void log_info(std::string_view event, LogFields fields = {});
void log_warning(std::string_view event, LogFields fields = {});
void log_error(std::string_view event, LogFields fields = {});

// For lines that strangers can cause: at most one a second, so that they cannot fill the log.
class LogPause {
 public:
  // How many lines were left out since the last one; nullopt: this one is left out, too.
  std::optional<std::uint64_t> over(Time now) {
    if (now >= until_) {
      until_ = now + std::chrono::seconds(1);
      return std::exchange(left_out_, 0);
    }
    ++left_out_;
    return std::nullopt;
  }

 private:
  Time until_ = kStart;
  std::uint64_t left_out_ = 0;
};

// One line without its end: `event key=value key="va lue"`, or the inside of a JSON object:
// `"event":"...","key":"value"`.
std::string format_log(std::string_view event, LogFields fields, bool json);

}  // namespace phoenix
