#include <algorithm>
#include <cassert>

#include "scenarios/schema.h"
#include "strategies/core/nearest_name.h"

namespace phoenix::schema {
namespace {

bool is_below(std::string_view key, std::string_view above) {
  if (!key.starts_with(above)) return false;
  return key.size() == above.size() || key[above.size()] == '.' || key[above.size()] == '[';
}

}  // namespace

void Reader::report(Position at, std::string key, std::string message) {
  wrong_keys_.insert(key);
  findings_.insert({at, std::move(key), std::move(message)});
}

void Reader::report(const std::string& key, std::string message) {
  std::string written = key;
  while (!written.empty() && !places_.contains(written)) {
    const std::size_t cut = written.find_last_of(".[");
    written.resize(cut == std::string::npos ? 0 : cut);
  }
  const auto place = places_.find(written);
  report(place == places_.end() ? Position{-1, 1, 1} : place->second, key, std::move(message));
}

bool Reader::is_wrong(const std::string& key) const {
  const auto next = wrong_keys_.lower_bound(key);
  return std::any_of(next, wrong_keys_.end(), [&](const auto& k) { return is_below(k, key); });
}

Section::Section(Reader& reader, const TomlNode& table, std::string path)
    : reader_(reader), table_(table), path_(std::move(path)) {
  assert(table.kind == TomlNode::Kind::kTable);
  reader_.note(path_, table_.at);
}

std::string Section::path_of(std::string_view key) const {
  const std::string step = path_step(key, 0);
  return path_.empty() ? step.substr(1) : path_ + step;
}

const TomlNode* Section::take(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  const TomlNode* node = table_.find(key);
  if (node != nullptr) reader_.note(path_of(key), node->at);
  return node;
}

bool Section::check_table(const TomlNode& node, const std::string& path) {
  if (node.kind == TomlNode::Kind::kTable) return true;
  reader_.report(node.at, path, "found " + describe(node) + "; allowed a table");
  return false;
}

bool Section::check_tables(const TomlNode& node, std::string_view key) {
  if (node.kind == TomlNode::Kind::kArray) return true;
  reader_.report(node.at, path_of(key), "found " + describe(node) + "; allowed an array of tables");
  return false;
}

void Section::check_distinct(const TomlNode& array, const std::vector<std::string>& names,
                             const std::string& path) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty() || seen.insert(names[i]).second) continue;
    const char* const key = array.items[i].find("name") != nullptr ? "name" : "id";
    const TomlNode* named = array.items[i].find(key);
    reader_.report((named != nullptr ? *named : array.items[i]).at,
                   path + path_step(names[i], i) + "." + key,
                   "found \"" + names[i] + "\" a second time; allowed names that differ");
  }
}

std::vector<const TomlEntry*> Section::take_rest() {
  std::vector<const TomlEntry*> rest;
  for (const TomlEntry& entry : table_.entries) {
    if (std::ranges::find(known_, entry.key) == known_.end()) rest.push_back(&entry);
  }
  for (const TomlEntry* entry : rest) take(entry->key);
  return rest;
}

void Section::finish() {
  const std::vector<std::string> known = known_;
  for (const TomlEntry* entry : take_rest()) {
    const std::string hint = did_you_mean(entry->key, known);
    reader_.report(
        entry->at, path_of(entry->key),
        "found an unknown key" + (hint.empty() ? "; allowed " + join_names(known) : hint));
  }
}

}  // namespace phoenix::schema
