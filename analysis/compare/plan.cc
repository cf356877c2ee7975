#include "analysis/compare/plan.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/cell_result.h"
#include "scenarios/parser.h"
#include "scenarios/toml_overrides.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/settings.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "phoenix-plan";
constexpr int kVersion = 1;

// Where KEY ends in KEY=VALUE: the first equal sign outside quotes.
std::size_t end_of_key(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '=' && !quoted) return i;
  }
  return std::string_view::npos;
}

bool matches(const std::vector<Axis>& axes, const Variation& variation,
             const Condition& condition) {
  return std::ranges::all_of(condition, [&](const auto& wanted) {
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (axes[i].key == wanted.first) return variation.values[i] == wanted.second;
    }
    return false;
  });
}

// A condition that names an unknown key or value, or one key twice, would silently do nothing.
Status check_condition(const std::vector<Axis>& axes, const Condition& condition,
                       std::string_view option) {
  std::set<std::string> keys_named;
  for (const auto& [key, value] : condition) {
    if (!keys_named.insert(key).second) {
      return Error{fmt::format("{}: found key \"{}\" twice; allowed each key once", option, key)};
    }
    const auto axis = std::ranges::find(axes, key, &Axis::key);
    if (axis == axes.end()) {
      std::vector<std::string> keys;
      for (const Axis& known : axes) keys.push_back(known.key);
      return Error{fmt::format("{}: found key \"{}\"; allowed {}{}", option, key, join_names(keys),
                               did_you_mean(key, keys))};
    }
    if (std::ranges::find(axis->values, value) == axis->values.end()) {
      return Error{fmt::format("{}: found {}={}; allowed {}{}", option, key, value,
                               join_names(axis->values), did_you_mean(value, axis->values))};
    }
  }
  return success();
}

// In the spelling that all of its spellings have in common; what is no key the parser refuses.
std::string key_of(const Axis& axis) {
  const std::string key = canonical_key(axis.key + "=");
  return key.empty() ? axis.key : key;
}

bool numbers_runs(const std::string& key) { return key == canonical_key("replication="); }

// What is varied, or numbered by the comparison, would silently win over what is set.
Status check_overrides(const PlanRequest& request) {
  std::map<std::string, std::string> varied;
  for (const Axis& axis : request.axes) varied.emplace(key_of(axis), axis.key);
  for (const std::string& text : request.overrides) {
    const std::string key = canonical_key(text);
    if (numbers_runs(key)) {
      return Error{
          "--set: found \"replication\", which numbers the runs; allowed --replications N"};
    }
    if (const auto axis = varied.find(key); axis != varied.end()) {
      return Error{fmt::format("--set or --seed: found \"{}\", which is varied; allowed other keys",
                               axis->second)};
    }
  }
  return success();
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=./:,@%+";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

Json condition_json(const Condition& condition) {
  Json entry = Json::object();
  for (const auto& [key, value] : condition) entry[key] = value;
  return entry;
}

Condition condition_from(const Json& entry) {
  Condition condition;
  for (const auto& [key, value] : entry.items()) {
    condition.emplace_back(key, value.get<std::string>());
  }
  return condition;
}

Json conditions_json(const std::vector<Condition>& conditions) {
  Json list = Json::array();
  for (const Condition& condition : conditions) list.push_back(condition_json(condition));
  return list;
}

std::vector<Condition> conditions_from(const Json& list) {
  std::vector<Condition> conditions;
  for (const Json& entry : list) conditions.push_back(condition_from(entry));
  return conditions;
}

PlanRequest request_from(const Json& json) {
  PlanRequest request;
  request.scenario_path = json.at("scenario").at("path").get<std::string>();
  request.scenario_text = json.at("scenario").at("text").get<std::string>();
  request.overrides = json.at("set").get<std::vector<std::string>>();
  request.world = json.at("world").get<std::string>();
  for (const Json& axis : json.at("vary")) {
    request.axes.push_back(
        {axis.at("key").get<std::string>(), axis.at("values").get<std::vector<std::string>>()});
  }
  request.only = conditions_from(json.at("only"));
  request.exclude = conditions_from(json.at("exclude"));
  request.baseline = condition_from(json.at("baseline"));
  request.replications = json.at("replications").get<std::uint32_t>();
  if (const Json& rule = json.at("warm_up"); !rule.is_null()) {
    request.warm_up = {rule.at("seconds").get<double>(), rule.at("run_too_short").get<bool>()};
  }
  if (const Json& goal = json.at("precision"); !goal.is_null()) {
    request.precision = {goal.at("relative").get<double>(), goal.at("metric").get<std::string>(),
                         goal.at("replications_max").get<std::uint32_t>()};
  }
  return request;
}

// What the command line has checked of a plan that is made, and a file may have wrong.
Status check_stored(const PlanRequest& request) {
  if (request.world != "sim" && request.world != "local") {
    return Error{fmt::format("world: found \"{}\"; allowed sim or local", request.world)};
  }
  if (request.replications < 1) return Error{"replications: found 0; allowed 1 or more"};
  if (!request.precision) return success();
  const std::string& metric = request.precision->metric;
  if (!find_metric(metric)) {
    return Error{fmt::format("precision.metric: found \"{}\"; allowed {}", metric,
                             join_names(metric_names()))};
  }
  if (!(request.precision->relative > 0)) {
    return Error{
        fmt::format("precision.relative: found {}; allowed above 0", request.precision->relative)};
  }
  if (request.precision->replications_max < 1) {
    return Error{"precision.replications_max: found 0; allowed 1 or more"};
  }
  return success();
}

}  // namespace

Result<Axis> parse_axis(std::string_view text) {
  const std::size_t end = end_of_key(text);
  if (end == std::string_view::npos || trim(text.substr(0, end)).empty()) {
    return Error{fmt::format(
        "found \"{}\"; allowed KEY=VALUE,VALUE,... such as balancer=p2c,prequal", text)};
  }
  Axis axis{std::string(trim(text.substr(0, end))), split_at_commas(text.substr(end + 1))};
  for (const std::string& value : axis.values) {
    if (value.empty()) return Error{fmt::format("found an empty value in \"{}\"", text)};
  }
  std::set<std::string> seen;
  for (const std::string& value : axis.values) {
    if (!seen.insert(value).second) {
      return Error{
          fmt::format("found \"{}\" twice in \"{}\"; allowed each value once", value, text)};
    }
  }
  return axis;
}

Result<Condition> parse_condition(std::string_view text) {
  Condition condition;
  for (const std::string& part : split_at_commas(text)) {
    const std::size_t end = end_of_key(part);
    if (end == std::string::npos || end == 0 || end + 1 == part.size()) {
      return Error{fmt::format("found \"{}\"; allowed KEY=VALUE,KEY=VALUE", text)};
    }
    condition.emplace_back(trim(std::string_view(part).substr(0, end)),
                           trim(std::string_view(part).substr(end + 1)));
  }
  return condition;
}

Result<ComparisonPlan> ComparisonPlan::of_played(PlanRequest request) {
  ComparisonPlan plan;
  plan.request_ = std::move(request);
  if (Status laid_out = plan.lay_out(); !laid_out) return Error{laid_out.error()};
  return plan;
}

Result<ComparisonPlan> ComparisonPlan::make(PlanRequest request) {
  if (Status s = check_overrides(request); !s) return Error{s.error()};
  Result<ComparisonPlan> plan = of_played(std::move(request));
  if (!plan) return plan;
  for (std::size_t i = 0; i < plan->variations_.size(); ++i) {
    if (const Result<Scenario> scenario = plan->scenario(i); !scenario)
      return Error{scenario.error()};
  }
  return plan;
}

Status ComparisonPlan::check() const {
  std::set<std::string> keys;
  std::size_t combinations = 1;
  for (const Axis& axis : request_.axes) {
    const std::string key = key_of(axis);
    if (numbers_runs(key)) {
      return Error{
          "--vary: found \"replication\", which numbers the runs of each variation; allowed "
          "any other key, and --replications N"};
    }
    if (!keys.insert(key).second) {
      return Error{fmt::format("--vary: found \"{}\" twice; allowed each key once", axis.key)};
    }
    combinations *= axis.values.size();
    if (combinations > kVariationsMax) {
      return Error{fmt::format("--vary: found more than {} combinations; allowed {}",
                               kVariationsMax, kVariationsMax)};
    }
  }
  for (const Condition& c : request_.only) {
    if (Status s = check_condition(request_.axes, c, "--only"); !s) return s;
  }
  for (const Condition& c : request_.exclude) {
    if (Status s = check_condition(request_.axes, c, "--exclude"); !s) return s;
  }
  return check_condition(request_.axes, request_.baseline, "--baseline");
}

Status ComparisonPlan::lay_out() {
  if (Status sound = check(); !sound) return sound;
  if (request_.baseline.empty() && !request_.axes.empty()) {
    request_.baseline = {{request_.axes[0].key, request_.axes[0].values[0]}};
  }
  make_variations();
  if (variations_.empty()) return Error{"--only and --exclude leave nothing to compare"};
  if (cells_max() > kCellsMax) {
    return Error{fmt::format("found {} runs; allowed {}", cells_max(), kCellsMax)};
  }
  make_blocks();
  return success();
}

void ComparisonPlan::make_variations() {
  std::size_t combinations = 1;
  for (const Axis& axis : request_.axes) combinations *= axis.values.size();
  for (std::size_t number = 0; number < combinations; ++number) {
    Variation variation;
    variation.overrides = request_.overrides;
    std::size_t rest = number;
    std::size_t block = combinations;
    for (const Axis& axis : request_.axes) {  // the last axis varies fastest
      block /= axis.values.size();
      variation.values.push_back(axis.values[rest / block]);
      rest %= block;
      const std::string text = axis.key + "=" + variation.values.back();
      variation.overrides.push_back(text);
      variation.name += (variation.name.empty() ? "" : ", ") + text;
    }
    if (variation.name.empty()) variation.name = "as given";
    if (request_.warm_up && request_.warm_up->seconds > 0) {
      variation.overrides.push_back(fmt::format("warmup={} s", request_.warm_up->seconds));
    }
    const auto fits = [&](const Condition& c) { return matches(request_.axes, variation, c); };
    if (!request_.only.empty() && std::ranges::none_of(request_.only, fits)) continue;
    if (std::ranges::any_of(request_.exclude, fits)) continue;
    variations_.push_back(std::move(variation));
  }
}

void ComparisonPlan::make_blocks() {
  for (std::size_t v = 0; v < variations_.size(); ++v) {
    std::string name;
    std::string& own = variations_[v].name_in_block;
    for (std::size_t i = 0; i < request_.axes.size(); ++i) {
      const std::string& key = request_.axes[i].key;
      const auto named = [&key](const auto& wanted) { return wanted.first == key; };
      std::string& part = std::ranges::any_of(request_.baseline, named) ? own : name;
      part += (part.empty() ? "" : ", ") + key + "=" + variations_[v].values[i];
    }
    if (own.empty()) own = variations_[v].name;
    auto block = std::ranges::find(blocks_, name, &Block::name);
    if (block == blocks_.end()) block = blocks_.insert(blocks_.end(), Block{name, {}, {}});
    if (matches(request_.axes, variations_[v], request_.baseline)) block->baseline = v;
    block->variations.push_back(v);
  }
}

bool ComparisonPlan::shares_random_numbers() const {
  return std::ranges::find(request_.axes, "seed", &Axis::key) == request_.axes.end();
}

std::uint32_t ComparisonPlan::replications_max() const {
  return request_.precision ? request_.precision->replications_max : request_.replications;
}

std::uint64_t ComparisonPlan::cells_max() const {
  return std::uint64_t{replications_max()} * variations_.size();
}

Result<Scenario> ComparisonPlan::scenario(std::uint64_t cell) const {
  const Variation& variation = variations_[variation_of(cell)];
  ParsedScenario parsed =
      parse_scenario_text(request_.scenario_text, request_.scenario_path, variation.overrides);
  if (!parsed.scenario) {
    std::string problems;
    for (const Problem& problem : parsed.problems) {
      problems += (problems.empty() ? "" : "\n") + problem.text();
    }
    return Error{problems};
  }
  parsed.scenario->replication = replication_of(cell);
  return std::move(*parsed.scenario);
}

std::string ComparisonPlan::command(std::uint64_t cell) const {
  std::string line = "phoenix run " + shell_word(request_.scenario_path);
  for (const std::string& text : variations_[variation_of(cell)].overrides) {
    line += " --set " + shell_word(text);
  }
  line += fmt::format(" --set replication={}", replication_of(cell));
  if (request_.world != "sim") line += " --on " + request_.world;
  return line;
}

ComparisonPlan ComparisonPlan::with_warm_up(const WarmUpRule& rule) const {
  ComparisonPlan plan;
  plan.request_ = request_;
  plan.request_.warm_up = rule;
  [[maybe_unused]] const Status laid_out = plan.lay_out();
  assert(laid_out.ok());  // as it was before
  return plan;
}

bool ComparisonPlan::is_same_experiment(const ComparisonPlan& other) const {
  const auto names = [](const ComparisonPlan& plan) {
    std::vector<std::vector<std::string>> all;
    for (const Variation& v : plan.variations_) all.push_back(v.overrides);
    return all;
  };
  return request_.scenario_text == other.request_.scenario_text &&
         request_.world == other.request_.world && names(*this) == names(other);
}

std::string ComparisonPlan::to_json() const {
  Json axes = Json::array();
  for (const Axis& axis : request_.axes) {
    axes.push_back({{"key", axis.key}, {"values", axis.values}});
  }
  Json goal;
  if (request_.precision) {
    goal = {{"relative", request_.precision->relative},
            {"metric", request_.precision->metric},
            {"replications_max", request_.precision->replications_max}};
  }
  Json warm_up;
  if (request_.warm_up) {
    warm_up = {{"rule", "mser5"},
               {"seconds", request_.warm_up->seconds},
               {"run_too_short", request_.warm_up->is_run_too_short}};
  }
  const Json json = {
      {"format", kFormat},
      {"version", kVersion},
      {"scenario", {{"path", request_.scenario_path}, {"text", request_.scenario_text}}},
      {"world", request_.world},
      {"set", request_.overrides},
      {"vary", std::move(axes)},
      {"only", conditions_json(request_.only)},
      {"exclude", conditions_json(request_.exclude)},
      {"baseline", condition_json(request_.baseline)},
      {"replications", request_.replications},
      {"warm_up", std::move(warm_up)},
      {"precision", std::move(goal)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<ComparisonPlan> ComparisonPlan::from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  try {
    if (!json.is_object() || json.value("format", "") != kFormat) return Error{"found no plan"};
    if (json.value("version", 0) != kVersion) {
      return Error{fmt::format("found version {}; allowed {}", json.value("version", 0), kVersion)};
    }
    PlanRequest request = request_from(json);
    if (Status sound = check_stored(request); !sound) return Error{sound.error()};
    return of_played(std::move(request));
  } catch (const Json::exception& problem) {
    return Error{fmt::format("found a broken plan: {}", problem.what())};
  }
}

}  // namespace phoenix
