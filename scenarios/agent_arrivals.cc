#include "scenarios/agent_arrivals.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "scenarios/trace_rows.h"

namespace phoenix {
namespace {

constexpr double kCoresMax = 1e6;
constexpr double kBytesMax = 1e15;
constexpr double kSecondsMax = 3e8;

std::optional<double> number_in(std::string_view text, double scale, double most) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || last != end || !(value >= 0) || value * scale > most) {
    return std::nullopt;
  }
  return value * scale;
}

Error wrong(const TraceRows& rows, const std::string& column, std::string_view found,
            const std::string& allowed) {
  return Error{rows.where() + column + ": found \"" + std::string(found.substr(0, 60)) +
               "\"; allowed " + allowed};
}

}  // namespace

Result<std::vector<AgentArrival>> read_agent_arrivals(const AgentArrivalSettings& settings,
                                                      std::size_t service) {
  const std::vector<std::string> columns = {settings.time_column, settings.lifetime_column,
                                            settings.cores_column, settings.memory_column};
  const bool is_json = settings.file.ends_with(".jsonl");
  Result<std::unique_ptr<TraceRows>> rows = open_trace_rows(
      settings.file, is_json ? TraceFormat::kJsonLines : TraceFormat::kCsv, columns);
  if (!rows) return Error{rows.error()};
  const double unit_s = to_seconds(settings.time_unit);
  std::vector<AgentArrival> arrivals;
  for (;;) {
    const Result<bool> more = (*rows)->next();
    if (!more) return Error{more.error()};
    if (!*more) return arrivals;
    const auto cells = (*rows)->cells();
    if (arrivals.size() == kAgentArrivalsMax) {
      return Error{(*rows)->where() + "found more than " + std::to_string(kAgentArrivalsMax) +
                   " rows; allowed so many"};
    }
    const auto at = number_in(cells[0], unit_s, kSecondsMax);
    const auto lifetime = number_in(cells[1], unit_s, kSecondsMax);
    const auto cores = number_in(cells[2], 1, kCoresMax);
    const auto memory = number_in(cells[3], settings.memory_unit, kBytesMax);
    const std::string amount = "a number of at least 0";
    if (!at) return wrong(**rows, columns[0], cells[0], amount);
    if (!arrivals.empty() && from_seconds(*at) < arrivals.back().at) {
      return wrong(**rows, columns[0], cells[0], "rows in the order of time");
    }
    if (!lifetime && !cells[1].empty()) {
      return wrong(**rows, columns[1], cells[1], amount + ", or nothing");
    }
    if (!cores) return wrong(**rows, columns[2], cells[2], amount);
    if (!memory) return wrong(**rows, columns[3], cells[3], amount);
    AgentArrival arrival;
    arrival.at = from_seconds(*at);
    if (lifetime) arrival.lifetime = from_seconds(*lifetime);
    arrival.cores = *cores;
    arrival.memory_bytes = *memory;
    arrival.service = service;
    arrivals.push_back(arrival);
  }
}

}  // namespace phoenix
