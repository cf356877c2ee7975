#include "runtime/log.h"

#include <algorithm>
#include <atomic>

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "strategies/core/nearest_name.h"

namespace phoenix {
namespace {

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%f%z %l %n %v";
constexpr const char* kJsonPattern =
    R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z","level":"%l","program":"%n",%v})";

std::atomic<bool> g_json{false};
std::atomic<spdlog::logger*> g_logger{nullptr};  // owned by spdlog's registry

std::string to_json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Quoted where a reader could not tell where the value ends; nothing in it can begin a new line.
std::string to_value_text(const std::string& value) {
  const bool is_plain = std::all_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '"' && c != '=' && c != '\\';
  });
  return is_plain && !value.empty() ? value : to_json_text(value);
}

void log(spdlog::level::level_enum level, std::string_view event, LogFields fields) {
  spdlog::logger* logger = g_logger.load();
  if (logger == nullptr || !logger->should_log(level)) return;
  logger->log(level, format_log(event, fields, g_json.load()));
}

}  // namespace

std::string format_log(std::string_view event, LogFields fields, bool json) {
  std::string line = json ? "\"event\":" + to_json_text(event) : std::string(event);
  for (const auto& [key, value] : fields) {
    line += json ? ",\"" : " ";
    line += key;
    line += json ? "\":" + to_json_text(value) : "=" + to_value_text(value);
  }
  return line;
}

Status start_logging(const std::string& program, const std::string& level, bool json) {
  const std::string kLevels[] = {"debug", "info", "warning", "error", "off"};
  for (const std::string& known : kLevels) {
    if (known != level) continue;
    spdlog::drop(program);
    const auto logger = spdlog::stderr_logger_mt(program);
    logger->set_pattern(json ? kJsonPattern : kTextPattern);
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::debug);
    g_json = json;
    g_logger = logger.get();
    return success();
  }
  return Error{"log level: found \"" + level + "\", allowed are " + join_names(kLevels) +
               did_you_mean(level, kLevels)};
}

void log_debug(std::string_view event, LogFields fields) {
  log(spdlog::level::debug, event, fields);
}
void log_info(std::string_view event, LogFields fields) { log(spdlog::level::info, event, fields); }
void log_warning(std::string_view event, LogFields fields) {
  log(spdlog::level::warn, event, fields);
}
void log_error(std::string_view event, LogFields fields) { log(spdlog::level::err, event, fields); }

}  // namespace phoenix
