// `--set KEY=VALUE`: changes a scenario's tree before the schema reads it, so that overrides go
// through the very same checks as the file.
//
// KEY is a path such as `workload.rate`, `cluster.group.web.count` (entries of an array of tables
// go by their name) or `service[0].class[1].work` (or by place). Names that are not plain words are
// written in double quotes. Missing tables on the way are created; the schema tells whether they
// may exist.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/toml_tree.h"

namespace phoenix {

// How the entries of an array of tables are called in key paths: by `name`, by `id`, a fault
// without one by its default id `<kind>-<n>`; "" for anything else.
std::vector<std::string> entry_names(const TomlNode& array);

// `.web`, `."two words"`, or `[3]` where the entry has no name.
std::string path_step(std::string_view name, std::size_t index);

// KEY of KEY=VALUE in the one spelling that all of its spellings have in common; "" where there is
// none.
std::string canonical_key(std::string_view assignment);

struct OverrideProblem {
  std::string key;
  std::string message;
};

// Applies the `override_index`-th `--set` to `root`. The problem says why it could not be.
std::optional<OverrideProblem> apply_override(TomlNode& root, std::string_view text,
                                              int override_index);

}  // namespace phoenix
