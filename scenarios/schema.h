// How the scenario file's keys are bound to the fields of Scenario: a Section walks one table, and
// every `field` line in schema.cc names a key, its field, and a parser with bounds. From these
// lines come parsing, range checks, unknown keys with suggestions, and positions.
//
// Internal to the parser. One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/scenario.h"
#include "scenarios/toml_overrides.h"
#include "scenarios/toml_tree.h"
#include "strategies/core/result.h"

namespace phoenix::schema {

struct Finding {
  Position at;
  std::string key;
  std::string message;
  friend auto operator<=>(const Finding&, const Finding&) = default;
};

// What is known across sections: findings, and where every key was written.
class Reader {
 public:
  explicit Reader(std::string folder) : folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  void note(const std::string& key, Position at) { places_.try_emplace(key, at); }
  void report(Position at, std::string key, std::string message);

  // Reports at the place of `key`, or of the nearest table around it that was written.
  void report(const std::string& key, std::string message);

  // Whether something was found wrong with `key` or anything below it.
  bool is_wrong(const std::string& key) const;

  // Sorted by place, each once.
  const std::set<Finding>& findings() const { return findings_; }

 private:
  std::string folder_;
  std::map<std::string, Position> places_;
  std::set<Finding> findings_;
  std::set<std::string> wrong_keys_;
};

class Section {
 public:
  // REQUIRES: `table` is a table and outlives the section.
  Section(Reader& reader, const TomlNode& table, std::string path);

  Reader& reader() { return reader_; }
  const std::string& path() const { return path_; }
  std::string path_of(std::string_view key) const;

  // The value of `key`, which is known from now on; null where it was not written.
  const TomlNode* take(std::string_view key);

  // `parse` gives a Result of something that converts to T. Keeps the default where the key is not
  // written or wrong.
  template <class T, class Parse>
  void field(std::string_view key, T& target, const Parse& parse) {
    const TomlNode* node = take(key);
    if (node == nullptr) return;
    auto parsed = parse(*node);
    if (parsed) {
      target = static_cast<T>(std::move(*parsed));
    } else {
      reader_.report(node->at, path_of(key), parsed.error());
    }
  }

  template <class T, class Parse>
  void required(std::string_view key, T& target, const Parse& parse) {
    field(key, target, parse);
    if (table_.find(key) == nullptr)
      reader_.report(at(), path_of(key), "found none; it is required");
  }

  // `read(Section&)` for the table `key`. False: it is not written.
  template <class Read>
  bool table(std::string_view key, const Read& read) {
    const TomlNode* node = take(key);
    if (node == nullptr || !check_table(*node, path_of(key))) return false;
    Section section(reader_, *node, path_of(key));
    read(section);
    section.finish();
    return true;
  }

  // `read(Section&, T&)` for every entry of the array of tables `key`.
  template <class T, class Read>
  void tables(std::string_view key, std::vector<T>& targets, const Read& read) {
    const TomlNode* node = take(key);
    if (node == nullptr || !check_tables(*node, key)) return;
    const std::vector<std::string> names = entry_names(*node);
    check_distinct(*node, names, path_of(key));
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string path = path_of(key) + path_step(names[i], i);
      if (!check_table(node->items[i], path)) continue;
      Section section(reader_, node->items[i], path);
      read(section, targets.emplace_back());
      section.finish();
    }
  }

  // Entries no line has asked for; they count as known from now on.
  std::vector<const TomlEntry*> take_rest();

  // Reports the keys nobody asked for.
  void finish();

  Position at() const { return table_.at; }

 private:
  bool check_table(const TomlNode& node, const std::string& path);
  bool check_tables(const TomlNode& node, std::string_view key);
  void check_distinct(const TomlNode& array, const std::vector<std::string>& names,
                      const std::string& path);

  Reader& reader_;
  const TomlNode& table_;
  std::string path_;
  std::vector<std::string> known_;
};

// schema.cc: all keys of a file.
void read_scenario(Section& root, Scenario& scenario);
// The [router] keys, of scenarios and of gateways alike, and what takes two of them to tell.
void read_router(Section& section, RouterSettings& router);
void check_router(const RouterSettings& router, Reader& reader);
// schema_control.cc: the control plane.
void read_control(Section& section, ControlSettings& control);
void read_targets(Section& section, ControlTargets& targets);
void read_control_strategies(Section& section, ControlStrategies& strategies);
// The [[alert]] tables, of scenarios and of gateways alike.
void read_alerts(Section& section, std::vector<AlertRule>& alerts);
void read_command(Section& section, TimedCommand& command);
void read_agents(Section& section, PlacedAgents& agents);
void read_agent_arrivals(Section& section, AgentArrivalSettings& arrivals);
// Reads the file of agent arrivals, once services are known.
void load_agents(Section& root, Scenario& scenario);
// schema_knobs.cc
void read_knobs(Section& section, Knobs& knobs);
// schema_workload.cc
void read_workload(Section& section, Workload& workload);
// schema_faults.cc
void read_fault(Section& section, FaultSpec& fault);
// Gives faults without an id their default, `<kind>-<n>`: the n-th of its kind, from 1.
void name_faults(std::vector<FaultSpec>& faults);
// schema_checks.cc: what takes more than one key to tell.
void check_scenario(const Scenario& scenario, Reader& reader);

}  // namespace phoenix::schema
