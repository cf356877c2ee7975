#include "analysis/compare/fail_rule.h"

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
    if (const Result<Duration> time = parse_duration(text)) return to_seconds(*time);
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
  // A baseline of 0 has no shares: any difference in that direction is beyond every one.
  const double share =
      std::isnan(d.relative) && d.mean != 0 ? std::copysign(HUGE_VAL, d.mean) : d.relative;
  const bool is_told = d.interval.is_known() && !d.interval.contains(0);
  if (!is_told || !is_beyond(share, rule)) return "";
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
  rule.is_relative = bound.ends_with('%') && info(*metric).unit != MetricUnit::kShare;
  const bool is_percent = bound.ends_with('%');
  if (is_percent) bound = trim(bound.substr(0, bound.size() - 1));
  const Result<double> value =
      parse_bound(bound, is_percent ? MetricUnit::kNumber : info(*metric).unit);
  if (!value) return Error{value.error()};
  rule.bound = is_percent ? *value / 100 : *value;
  return rule;
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
