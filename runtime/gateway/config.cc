#include "runtime/gateway/config.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <variant>

#include "runtime/gateway/config_schema.h"
#include "scenarios/toml_tree.h"
#include "strategies/core/units.h"

namespace phoenix::gateway {
namespace {

constexpr std::size_t kFileBytesMax = 4 << 20;
constexpr std::size_t kTokenMin = 8;
constexpr std::size_t kTokenMax = 255;  // as frames carry it

ParsedConfig only_problem(const std::string& path, std::string message) {
  return {std::nullopt, {{path, 0, 0, "", std::move(message)}}};
}

Result<std::string> read_whole(const std::string& path, std::size_t most) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) return Error{"cannot be read: it is a folder"};
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{std::string("cannot be read: ") + std::strerror(errno)};
  std::string text(most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Error{"cannot be read: input or output error"};
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most) {
    return Error{"found more than " + print_bytes(static_cast<double>(most)) + "; allowed at most"};
  }
  return text;
}

void read_token(GatewayConfig& config, schema::Reader& reader) {
  if (config.token_file.empty() || reader.is_wrong("token_file")) return;
  const Result<std::string> text = read_whole(config.token_file, 4096);
  if (!text) return reader.report("token_file", text.error());
  config.token = trim(*text);
  if (config.token.size() >= kTokenMin && config.token.size() <= kTokenMax) return;
  reader.report("token_file", "found a token of " + std::to_string(config.token.size()) +
                                  " characters; allowed " + std::to_string(kTokenMin) + " to " +
                                  std::to_string(kTokenMax));
}

}  // namespace

ParsedConfig parse_gateway_config(const std::string& path) {
  const Result<std::string> text = read_whole(path, kFileBytesMax);
  if (!text) return only_problem(path, text.error());
  auto document = parse_toml(*text);
  if (const auto* error = std::get_if<TomlSyntaxError>(&document)) {
    return {std::nullopt, {{path, error->at.line, error->at.column, "", error->message}}};
  }
  const auto& root = std::get<TomlNode>(document);
  schema::Reader reader(std::filesystem::path(path).parent_path().string());
  GatewayConfig config;
  config.path = path;
  schema::Section section(reader, root, "");
  read_gateway_config(section, config);
  section.finish();
  check_gateway_config(config, reader);
  read_token(config, reader);

  ParsedConfig parsed;
  for (const schema::Finding& finding : reader.findings()) {
    parsed.problems.push_back(
        {path, finding.at.line, finding.at.column, finding.key, finding.message});
  }
  if (parsed.problems.empty()) parsed.config = std::move(config);
  return parsed;
}

}  // namespace phoenix::gateway
