#include "scenarios/parser.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <variant>

#include "scenarios/schema.h"
#include "scenarios/toml_overrides.h"
#include "scenarios/toml_tree.h"

namespace phoenix {
namespace {

Problem problem_of(const schema::Finding& finding, const std::string& path,
                   std::span<const std::string> overrides) {
  const Position& at = finding.at;
  if (at.override_index < 0) return {path, at.line, at.column, finding.key, finding.message};
  const std::string& given = overrides[static_cast<std::size_t>(at.override_index)];
  return {"--set " + given, 0, 0, finding.key, finding.message};
}

void apply_overrides(TomlNode& root, std::span<const std::string> overrides,
                     schema::Reader& reader) {
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    const int number = static_cast<int>(i);
    if (auto problem = apply_override(root, overrides[i], number)) {
      reader.report({number, 0, 0}, problem->key, problem->message);
    }
  }
}

ParsedScenario only_problem(const std::string& path, std::string message) {
  return {std::nullopt, {{path, 0, 0, "", std::move(message)}}};
}

// What a file holds may be anything; what is printed stays on its line and leaves terminals alone.
std::string printable(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code != 0x7f) {
      result += c;
    } else {
      result.append("\\x") += {kDigits[code / 16], kDigits[code % 16]};
    }
  }
  return result;
}

}  // namespace

std::string Problem::text() const {
  std::string where = file;
  if (line > 0) where += ":" + std::to_string(line) + ":" + std::to_string(column);
  where += ": ";
  return printable(key.empty() ? where + message : where + key + ": " + message);
}

ParsedScenario parse_scenario_text(std::string_view text, const std::string& path,
                                   std::span<const std::string> overrides) {
  if (text.size() > kScenarioBytesMax) {
    return only_problem(path, "found more than 8 MiB; allowed at most 8 MiB");
  }
  auto document = parse_toml(text);
  if (const auto* error = std::get_if<TomlSyntaxError>(&document)) {
    return {std::nullopt, {{path, error->at.line, error->at.column, "", error->message}}};
  }
  auto& root = std::get<TomlNode>(document);
  const std::filesystem::path file(path);
  schema::Reader reader(file.parent_path().string());
  apply_overrides(root, overrides, reader);

  Scenario scenario;
  scenario.name = file.stem().string();
  scenario.path = path;
  scenario.text = text;
  scenario.overrides.assign(overrides.begin(), overrides.end());
  schema::Section section(reader, root, "");
  schema::read_scenario(section, scenario);
  section.finish();
  schema::check_scenario(scenario, reader);

  ParsedScenario parsed;
  for (const schema::Finding& finding : reader.findings()) {
    parsed.problems.push_back(problem_of(finding, path, overrides));
  }
  if (parsed.problems.empty()) parsed.scenario = std::move(scenario);
  return parsed;
}

ParsedScenario parse_scenario_file(const std::string& path,
                                   std::span<const std::string> overrides) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) {
    return only_problem(path, "cannot be read: it is a folder");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return only_problem(path, std::string("cannot be read: ") + std::strerror(errno));
  std::string text(kScenarioBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return only_problem(path, "cannot be read: input or output error");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_scenario_text(text, path, overrides);
}

void print_problems(std::ostream& out, std::span<const Problem> problems) {
  for (const Problem& problem : problems) out << problem.text() << '\n';
}

}  // namespace phoenix
