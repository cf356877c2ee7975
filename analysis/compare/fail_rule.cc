#include "analysis/compare/fail_rule.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/compare/study_text.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

Result<double> parse_bound(std::string_view text, MetricUnit unit) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (const auto plain = parse_number(text)) return *plain;
  if (unit == MetricUnit::kSeconds) {
    const Result<Duration> time = parse_duration(text);
    if (time && *time != Duration::max()) return to_seconds(*time);
  }
  return Error{
      fmt::format("found \"{}\"; allowed a share of the baseline such as +5%, or a value "
                  "such as {}",
                  text, unit == MetricUnit::kSeconds ? "250 ms" : "100")};
}

bool is_beyond(double value, const FailRule& rule) {
  return rule.is_above ? value > rule.bound : value < rule.bound;
}

std::string judge_relative(const Study& study, const BlockStudy& block, std::size_t variation,
                           const FailRule& rule) {
  const BaselineDifference* const one = block.against_baseline(rule.metric, variation);
  if (one == nullptr) return "";
  const statistics::PairedDifference& d = one->difference;
  const std::string& name = study.variations[block.variations[variation]].name;
  if (std::isnan(d.mean)) {
    return fmt::format("{}: {} of {} is not known", rule.text, info(rule.metric).name, name);
  }
  if (!d.interval.is_known()) {
    return fmt::format(
        "{}: how far {} of {} is from the baseline's is not known; it takes two runs "
        "of both",
        rule.text, info(rule.metric).name, name);
  }
  // A baseline of 0 has no shares: any difference in that direction is beyond every one.
  const double share =
      std::isnan(d.relative) && d.mean != 0 ? std::copysign(HUGE_VAL, d.mean) : d.relative;
  if (d.interval.contains(0) || !is_beyond(share, rule)) return "";
  return fmt::format("{}: {} has {} ({})", rule.text, name, relative_text(share),
                     metric_difference_text(rule.metric, d.mean));
}

std::string judge_value(const VariationStudy& variation, const FailRule& rule) {
  const double value = variation.estimates[static_cast<std::size_t>(rule.metric)].value;
  if (std::isnan(value)) {
    return fmt::format("{}: {} of {} is not known", rule.text, info(rule.metric).name,
                       variation.name);
  }
  if (!is_beyond(value, rule)) return "";
  return fmt::format("{}: {} has {}", rule.text, variation.name, metric_text(rule.metric, value));
}

// Metrics are 0 or more, and shares 1 or less: a bound beyond that tells no run from another.
bool is_sensible(const FailRule& rule) {
  if (rule.is_relative) return rule.is_above || rule.bound > -1;
  if (rule.bound < 0 || (!rule.is_above && rule.bound == 0)) return false;
  const bool is_share = info(rule.metric).unit == MetricUnit::kShare;
  return !is_share || rule.bound < 1 || (!rule.is_above && rule.bound == 1);
}

bool is_signed(std::string_view bound) { return bound.starts_with('+') || bound.starts_with('-'); }

// A percentage of a share is ambiguous; its sign says that it is of the baseline's.
bool is_of_baseline(std::string_view bound, MetricUnit unit) {
  return bound.ends_with('%') && (unit != MetricUnit::kShare || is_signed(bound));
}

bool compares_with_baseline(const Block& block) {
  return block.baseline && block.variations.size() > 1;
}

}  // namespace

Result<FailRule> parse_fail_rule(std::string_view text) {
  const std::size_t sign = text.find_first_of("<>");
  const std::string name(trim(text.substr(0, sign)));
  if (sign == std::string_view::npos || name.empty()) {
    return Error{
        fmt::format("found \"{}\"; allowed such as \"p99 > +5%\" or \"failures > 100\"", text)};
  }
  const auto metric = find_metric(name);
  if (!metric) {
    return Error{fmt::format("found metric \"{}\"; allowed {}{}", name, join_names(metric_names()),
                             did_you_mean(name, metric_names()))};
  }
  FailRule rule{*metric, text[sign] == '>', false, 0, std::string(trim(text))};
  std::string_view bound = trim(text.substr(sign + 1));
  rule.is_relative = is_of_baseline(bound, info(*metric).unit);
  const bool is_percent = bound.ends_with('%');
  if (is_percent) bound = trim(bound.substr(0, bound.size() - 1));
  const Result<double> value =
      parse_bound(bound, is_percent ? MetricUnit::kNumber : info(*metric).unit);
  if (!value) return Error{value.error()};
  rule.bound = is_percent ? *value / 100 : *value;
  if (!std::isfinite(rule.bound)) {
    return Error{fmt::format("found \"{}\"; allowed a finite bound", rule.text)};
  }
  if (!is_sensible(rule)) {
    return Error{fmt::format("found \"{}\"; allowed {}", rule.text,
                             info(*metric).unit == MetricUnit::kShare
                                 ? "a share from 0% to 100%, or one of the baseline such as -1%"
                                 : "a bound above 0, or a share of the baseline such as -5%")};
  }
  return rule;
}

Status check_rules(const ComparisonPlan& plan, const std::vector<FailRule>& rules) {
  const auto relative = std::ranges::find(rules, true, &FailRule::is_relative);
  if (relative == rules.end()) return success();
  if (std::ranges::none_of(plan.blocks(), compares_with_baseline)) {
    return Error{
        fmt::format("found \"{}\" and no variation beside the baseline; allowed where one "
                    "is compared with it",
                    relative->text)};
  }
  if (plan.replications_max() < 2) {
    return Error{
        fmt::format("found \"{}\" with one replication; allowed with 2 or more", relative->text)};
  }
  return success();
}

std::vector<std::string> broken_rules(const Study& study, const std::vector<FailRule>& rules) {
  std::vector<std::string> broken;
  for (const FailRule& rule : rules) {
    for (const BlockStudy& block : study.blocks) {
      for (std::size_t v = 0; v < block.variations.size(); ++v) {
        std::string why = rule.is_relative
                              ? judge_relative(study, block, v, rule)
                              : judge_value(study.variations[block.variations[v]], rule);
        if (!why.empty()) broken.push_back(std::move(why));
      }
    }
  }
  return broken;
}

}  // namespace phoenix
