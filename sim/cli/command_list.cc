#include <algorithm>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "scenarios/fault_plan.h"
#include "sim/cli/commands.h"
#include "strategies/core/nearest_name.h"
#include "strategies/registry.h"

namespace phoenix::cli {
namespace {

constexpr const char* kHelp = R"(phoenix list - what can be named in a scenario

usage: phoenix list [WHAT]

WHAT is balancers, scalers, placers, rebalancers, tuners, forecasters, arrivals, distributions or
faults.

Without a word, everything. Settings are shown with their default and what is allowed.

examples:
  phoenix list
  phoenix list scalers
)";

struct Line {
  std::string name;
  std::string text;
};

void print_lines(std::span<const Line> lines) {
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.name.size());
  for (const Line& line : lines) fmt::print("  {:<{}}  {}\n", line.name, width, line.text);
}

template <class Product>
void list_family(std::span<const StrategyEntry<Product>> entries) {
  for (const StrategyEntry<Product>& entry : entries) {
    fmt::print("  {}\n      {}\n", entry.name, entry.summary);
    for (const SettingInfo& setting : entry.settings()) {
      fmt::print("      {} = {}  ({}): {}\n", setting.key, setting.default_text, setting.allowed,
                 setting.help);
    }
  }
}

void list_balancers() {
  fmt::print("balancers (strategies.balancer = \"name[key=value, ...]\")\n");
  list_family(balancers());
}

void list_scalers() {
  fmt::print("scalers (strategies.scaler = \"name[key=value, ...]\")\n");
  list_family(scalers());
}

void list_placers() {
  fmt::print("placers (strategies.placer = \"name[key=value, ...]\")\n");
  list_family(placers());
}

void list_rebalancers() {
  fmt::print("rebalancers (strategies.rebalancer = \"name[key=value, ...]\")\n");
  list_family(rebalancers());
}

void list_tuners() {
  fmt::print("tuners (strategies.tuner = \"name[key=value, ...]\")\n");
  list_family(tuners());
}

void list_forecasters() {
  fmt::print("forecasters (strategies.forecaster = \"name[key=value, ...]\"; phoenix forecast)\n");
  list_family(forecasters());
}

void list_arrivals() {
  fmt::print("arrivals (workload.arrivals)\n");
  const Line lines[] = {
      {"constant", "evenly spaced at `rate`, which may change over time"},
      {"poisson", "independent arrivals at `rate`, which may change over time"},
      {"diurnal", "poisson; rate * (1 + amplitude * cos(2 pi (t - peak) / period))"},
      {"flash_crowd", "poisson; rises to rate * factor at start over ramp, holds, falls by decay"},
      {"mmpp", "bursty: calm at rate, bursts at rate * burst_factor, exponential lengths"},
      {"closed", "users think, send, wait for the answer"},
      {"trace", "replay of a CSV or JSONL file: requests, or counts per interval"}};
  print_lines(lines);
}

void list_distributions() {
  fmt::print("distributions (values with their unit)\n");
  const Line lines[] = {{"5 ms", "constant"},
                        {"exponential(5 ms)", "mean"},
                        {"uniform(1 ms, 3 ms)", "smallest, largest"},
                        {"lognormal(5 ms, 1.2)",
                         "median, spread: two thirds lie within median / 1.2 "
                         "and median * 1.2"},
                        {"pareto(1 ms, 1.5)", "smallest, shape; a third value is a cap"},
                        {"gamma(5 ms, 2)", "mean, shape"},
                        {"hyperexponential(5 ms, 4)", "mean, squared coefficient of variation"},
                        {"empirical(file.csv)", "one value a line, drawn with equal chance"}};
  print_lines(lines);
}

void list_faults() {
  fmt::print("faults ([[fault]] kind)\n");
  for (const FaultKindInfo& kind : fault_kinds()) {
    if (!kind.built) continue;
    fmt::print("  {}\n      {}\n", kind.name, kind.summary);
    if (!kind.parameters.empty()) fmt::print("      {}\n", kind.parameters);
  }
  std::string unbuilt;
  for (const FaultKindInfo& kind : fault_kinds()) {
    if (!kind.built) unbuilt += (unbuilt.empty() ? "" : ", ") + std::string(kind.name);
  }
  if (!unbuilt.empty()) fmt::print("  known, but not built yet: {}\n", unbuilt);
}

struct Section {
  const char* name;
  void (*print)();
};
constexpr Section kSections[] = {
    {"balancers", list_balancers}, {"scalers", list_scalers},
    {"placers", list_placers},     {"rebalancers", list_rebalancers},
    {"tuners", list_tuners},       {"forecasters", list_forecasters},
    {"arrivals", list_arrivals},   {"distributions", list_distributions},
    {"faults", list_faults}};

}  // namespace

int list_command(const Arguments& arguments) {
  if (!arguments.empty() && (arguments.front() == "--help" || arguments.front() == "-h")) {
    std::cout << kHelp;
    return kGood;
  }
  if (arguments.size() > 1) return usage_error("list", "takes one word at most");
  bool printed = false;
  for (const Section& section : kSections) {
    if (!arguments.empty() && arguments.front() != section.name) continue;
    if (printed) fmt::print("\n");
    section.print();
    printed = true;
  }
  if (printed) return kGood;
  std::vector<std::string> known;
  for (const Section& section : kSections) known.emplace_back(section.name);
  return usage_error("list", "no list `" + arguments.front() + "`; there are " + join_names(known) +
                                 did_you_mean(arguments.front(), known));
}

}  // namespace phoenix::cli
