#include "scenarios/record_provenance.h"

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "scenarios/record_schema.h"

namespace phoenix {
namespace {

std::string utc_now() {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

std::string hdf5_version() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

bool write_name_table(hid_t group, const char* kind, const std::vector<std::string>& names) {
  std::vector<FixedText<kNameBytes>> texts(names.begin(), names.end());
  const hsize_t size = texts.size();
  const Hdf5Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
  const Hdf5Handle type = text_type(kNameBytes);
  const Hdf5Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  const bool is_long = size * kNameBytes > kLongestTextAttribute;
  if (is_long && (H5Pset_chunk(properties, 1, &size) < 0 || H5Pset_deflate(properties, 1) < 0)) {
    return false;
  }
  const Hdf5Handle dataset(
      H5Dcreate2(group, kind, type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose);
  return dataset &&
         (size == 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()) >= 0) &&
         write_attribute(dataset, "class", std::string_view("table")) &&
         write_attribute(dataset, "row", std::string_view("one per id; index = id")) &&
         write_attribute(dataset, "units", std::string_view("text"));
}

template <class Things, class Name>
std::vector<std::string> names_of(const Things& things, Name name) {
  std::vector<std::string> names;
  for (const auto& thing : things) names.push_back(thing.*name);
  return names;
}

std::string joined(const std::vector<std::string>& lines) {
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace

bool write_long_text(hid_t file, const char* name, std::string_view text) {
  if (text.size() < kLongestTextAttribute) return write_attribute(file, name, text);
  const hsize_t size = text.size();
  const Hdf5Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
  const Hdf5Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (H5Pset_chunk(properties, 1, &size) < 0 || H5Pset_deflate(properties, 1) < 0) return false;
  const Hdf5Handle dataset(
      H5Dcreate2(file, name, H5T_STD_U8LE, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose);
  return dataset &&
         H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()) >= 0;
}

bool write_provenance(hid_t file, const Scenario& scenario, const RecordOrigin& origin) {
  const std::pair<const char*, std::string> texts[] = {
      {"format", kRecordFormat},
      {"format_version", kRecordVersion},
      {"class", "run"},
      {"default", "windows"},
      {"world", origin.world},
      {"producer", "phoenix"},
      {"producer_version", origin.producer_version},
      {"git_commit", origin.source_revision},
      {"scenario_name", scenario.name},
      {"scenario_xxh64",
       fmt::format("{:016x}", XXH64(scenario.text.data(), scenario.text.size(), 0))},
      {"strategy", scenario.strategies.balancer},
      {"t0_utc", utc_now()},
      {"host", host_name()},
      {"cpu", cpu_name()},
      {"compiler", "g++ " __VERSION__},
      {"simgrid_version", origin.engine_version},
      {"hdf5_version", hdf5_version()},
  };
  bool ok = true;
  for (const auto& [name, text] : texts) ok = ok && write_long_text(file, name, text);
  return ok && write_long_text(file, "scenario", scenario.text) &&
         write_long_text(file, "overrides", joined(scenario.overrides)) &&
         write_attribute(file, "master_seed", std::uint64_t{scenario.seed}) &&
         write_attribute(file, "replication", static_cast<std::int32_t>(scenario.replication)) &&
         write_attribute(file, "warmup_s", to_seconds(scenario.warmup)) &&
         write_attribute(file, "duration_s", to_seconds(scenario.duration)) &&
         write_attribute(file, "writer_pid", static_cast<std::int32_t>(getpid())) &&
         write_attribute(file, "complete", std::int32_t{0});
}

bool write_names(hid_t file, const Scenario& scenario, const RecordOrigin& origin) {
  std::vector<std::string> classes;
  for (const Service& service : scenario.services) {
    for (const RequestClass& request_class : service.classes) classes.push_back(request_class.name);
  }
  const Hdf5Handle group(H5Gcreate2(file, "names", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                         H5Gclose);
  return group && write_attribute(group, "class", std::string_view("table")) &&
         write_name_table(group, "nodes", origin.node_names) &&
         write_name_table(group, "groups", names_of(scenario.cluster.groups, &NodeGroup::name)) &&
         write_name_table(group, "classes", classes) &&
         write_name_table(group, "services", names_of(scenario.services, &Service::name)) &&
         write_name_table(group, "faults", names_of(scenario.faults, &FaultSpec::id));
}

}  // namespace phoenix
