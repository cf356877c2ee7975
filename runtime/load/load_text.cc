#include "runtime/load/load_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace phoenix::load {
namespace {

std::string ms(double seconds) { return fmt::format("{:.2f} ms", seconds * 1e3); }

double late_p99_s(const Lateness& late) { return to_seconds(late.sent_late.quantile(0.99)); }

}  // namespace

std::string load_text(const RunSummary& run) {
  const ClassSummary& total = run.total;
  std::string text = fmt::format("offered    {:>12}\ncompleted  {:>12}  {:.1f} /s\n", total.offered,
                                 total.completed, total.throughput_per_s);
  for (std::size_t i = 1; i < total.failed.size(); ++i) {
    if (total.failed[i] == 0) continue;
    text += fmt::format("failed     {:>12}  {}\n", total.failed[i],
                        to_text(static_cast<FailureReason>(i)));
  }
  if (total.in_flight > 0) text += fmt::format("unanswered {:>12}\n", total.in_flight);
  if (total.completed == 0) return text;
  const LatencySummary& l = total.latency;
  return text + fmt::format("response   {:>12}  p50 {}, p95 {}, p99 {}, p99.9 {}, max {}\n",
                            "mean " + ms(l.mean), ms(l.p50), ms(l.p95), ms(l.p99), ms(l.p999),
                            ms(l.max));
}

std::string load_json(const RunSummary& run, const Lateness& late) {
  const ClassSummary& total = run.total;
  const LatencySummary& l = total.latency;
  nlohmann::ordered_json failed = nlohmann::ordered_json::object();
  for (std::size_t i = 1; i < total.failed.size(); ++i) {
    if (total.failed[i] > 0) failed[to_text(static_cast<FailureReason>(i))] = total.failed[i];
  }
  const nlohmann::ordered_json json = {
      {"complete", run.complete},
      {"measured_s", run.measured_s},
      {"offered", total.offered},
      {"completed", total.completed},
      {"failed", failed},
      {"in_flight", total.in_flight},
      {"throughput_per_s", total.throughput_per_s},
      {"latency",
       {{"mean", l.mean},
        {"p50", l.p50},
        {"p90", l.p90},
        {"p95", l.p95},
        {"p99", l.p99},
        {"p999", l.p999},
        {"max", l.max}}},
      {"sent_late_p99_s", late_p99_s(late)},
      {"not_sent", late.not_sent},
      {"fell_behind", late.fell_behind()},
  };
  return json.dump(2) + "\n";
}

std::string lateness_text(const Lateness& late) {
  if (!late.fell_behind()) return {};
  return fmt::format(
      "the load source fell behind: 1 % of the requests left {:.1f} ms late or more, {} were not "
      "sent; response times count from when they were due",
      late_p99_s(late) * 1e3, late.not_sent);
}

}  // namespace phoenix::load
