#include "analysis/statistics/equivalence.h"

#include <algorithm>

#include <fmt/format.h>

#include "analysis/statistics/difference.h"
#include "analysis/statistics/distributions.h"

namespace phoenix::statistics {
namespace {

Status check(double margin, double level) {
  if (!(margin > 0) || std::isinf(margin)) {
    return Error{fmt::format("margin = {}: must be above 0 and finite", margin)};
  }
  if (!(level > 0 && level < 0.5)) {
    return Error{fmt::format("level = {}: must be above 0 and below 0.5", level)};
  }
  return success();
}

// Without any spread the mean is within the margin or is not.
double one_sided_statistic(double distance, double standard_error) {
  return distance == 0 ? 0 : distance / standard_error;
}

void judge(Equivalence& result, double nu, double level) {
  const double critical = student_critical(1 - 2 * level, nu);
  result.interval = {result.mean - critical * result.standard_error,
                     result.mean + critical * result.standard_error};
  result.t1 = one_sided_statistic(result.mean + result.margin, result.standard_error);
  result.t2 = one_sided_statistic(result.mean - result.margin, result.standard_error);
  result.p = std::max(student_upper_tail(result.t1, nu), student_upper_tail(-result.t2, nu));
  if (result.p < level) {
    result.verdict = EquivalenceVerdict::kEquivalent;
  } else if (!result.difference_interval.contains(0)) {
    result.verdict = EquivalenceVerdict::kDifferent;
  }
}

}  // namespace

std::string_view to_text(EquivalenceVerdict verdict) {
  switch (verdict) {
    case EquivalenceVerdict::kUndecided:
      return "undecided";
    case EquivalenceVerdict::kEquivalent:
      return "equivalent";
    case EquivalenceVerdict::kDifferent:
      return "different";
  }
  return "";
}

Result<Equivalence> equivalence_of_pairs(std::span<const double> a, std::span<const double> b,
                                         double margin, double level) {
  if (const Status status = check(margin, level); !status) return Error{status.error()};
  const PairedDifference difference = paired_difference(a, b, 1 - level);
  Equivalence result;
  result.n_a = result.n_b = difference.n;
  result.dropped = difference.dropped;
  result.margin = margin;
  result.mean = difference.mean;
  if (difference.n < 2) return result;
  result.standard_error = difference.sd / std::sqrt(static_cast<double>(difference.n));
  result.difference_interval = difference.interval;
  judge(result, difference.student.nu, level);
  return result;
}

Result<Equivalence> equivalence_of_samples(std::span<const double> a, std::span<const double> b,
                                           double margin, double level) {
  if (const Status status = check(margin, level); !status) return Error{status.error()};
  const WelchDifference difference = welch_difference(a, b, 1 - level);
  Equivalence result;
  result.n_a = difference.n_a;
  result.n_b = difference.n_b;
  result.dropped = difference.missing;
  result.margin = margin;
  result.mean = difference.mean;
  if (!difference.interval.is_known()) return result;
  result.standard_error = difference.standard_error;
  result.difference_interval = difference.interval;
  judge(result, difference.student.nu, level);
  return result;
}

}  // namespace phoenix::statistics
