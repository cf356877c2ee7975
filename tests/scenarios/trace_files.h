// Small trace files for tests, in a folder of the test's own.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "tests/scenarios/workloads.h"

namespace phoenix::testing {

inline std::string written(const std::string& name, std::string_view content) {
  const std::string folder =
      ::testing::TempDir() + "phoenix_traces_" + std::to_string(getpid()) + "/";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + name, std::ios::binary) << content;
  return folder + name;
}

// 100 s of replay of that content, times in the column "time", in seconds.
inline Scenario trace_scenario(const std::string& name, std::string_view content) {
  Scenario scenario = plain_scenario();
  scenario.workload.arrivals = ArrivalKind::kTrace;
  scenario.workload.trace.file = written(name, content);
  scenario.workload.trace.time_column = "time";
  return scenario;
}

// What make_arrivals() says, without the folder of the file.
inline std::string trace_error(const Scenario& scenario) {
  const auto made = make_arrivals(scenario, Streams(1));
  if (made.ok()) return "no error";
  std::string error = made.error();
  const std::string folder =
      std::filesystem::path(scenario.workload.trace.file).parent_path().string() + "/";
  if (error.starts_with(folder)) error.erase(0, folder.size());
  return error;
}

}  // namespace phoenix::testing
