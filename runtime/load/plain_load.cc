#include "runtime/load/plain_load.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "scenarios/parser.h"

namespace phoenix::load {
namespace {

// A TOML string that means exactly this text.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Which option a key of the scenario was made from.
std::string option_of(const std::string& key) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kKeys = {{
      {"workload.rate", "rate"},
      {"workload.keys", "keys"},
      {".work", "work"},
      {".request", "size"},
      {".response", "size"},
      {".deadline", "deadline"},
  }};
  for (const auto& [part, option] : kKeys) {
    if (key.ends_with(part)) return "--" + std::string(option);
  }
  return key.find('.') == std::string::npos ? "--" + key : "--service";
}

}  // namespace

Result<Scenario> plain_scenario(const PlainLoad& load) {
  if (load.rate.empty()) return Error{"--rate is required, such as --rate 2000"};
  if (!is_number(load.seed)) return Error{"--seed takes a whole number, found `" + load.seed + "`"};
  if (!load.keys.empty() && !is_number(load.keys)) {
    return Error{"--keys takes a whole number, found `" + load.keys + "`"};
  }
  const bool is_bare = load.rate.find('/') == std::string::npos;
  std::string text = fmt::format(
      R"toml(name = "load"
duration = {}
warmup = {}
seed = {}
[[cluster.group]]
name = "server"
[[service]]
name = {}
[[service.class]]
name = "request"
work = {}
request = {}
response = {}
deadline = {}
[record]
nodes = false
[workload]
arrivals = "{}"
rate = {}
)toml",
      quoted(load.duration), quoted(load.warmup), load.seed, quoted(load.service),
      quoted("constant(" + load.work + ")"), quoted(load.size), quoted(load.size),
      quoted(load.deadline), load.is_poisson ? "poisson" : "constant",
      quoted(is_bare ? load.rate + " /s" : load.rate));
  if (!load.keys.empty()) {
    text += fmt::format("keys = \"uniform({})\"\n", load.keys);
  }
  ParsedScenario parsed = parse_scenario_text(text, "the command line");
  if (parsed.scenario) return std::move(*parsed.scenario);
  std::string all;
  for (const Problem& problem : parsed.problems) {
    all += (all.empty() ? "" : "\n") + option_of(problem.key) + ": " + problem.message;
  }
  return Error{all};
}

}  // namespace phoenix::load
