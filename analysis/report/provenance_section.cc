#include <algorithm>

#include <fmt/format.h>

#include "analysis/compare/warm_up.h"
#include "analysis/human_text.h"
#include "analysis/report/html.h"
#include "analysis/report/page.h"
#include "analysis/report/selection.h"
#include "scenarios/version.h"

namespace phoenix::report {
namespace {

constexpr std::size_t kScenarioBytesMax = 256 * 1024;
constexpr std::size_t kCommandsMax = 20;

class FactList {
 public:
  void add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    text_ +=
        fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(cut(value, 2000)));
  }
  std::string html() const { return "<dl>\n" + text_ + "</dl>\n"; }

 private:
  std::string text_;
};

std::string condition_text(const Condition& condition) {
  std::string text;
  for (const auto& [key, value] : condition) {
    text += (text.empty() ? "" : ", ") + key + "=" + value;
  }
  return text;
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
  return fmt::format("{}", fmt::join(texts, between));
}

std::string conditions_text(const std::vector<Condition>& conditions) {
  std::vector<std::string> texts;
  for (const Condition& condition : conditions) texts.push_back(condition_text(condition));
  return joined(texts, "; ");
}

void add_plan(FactList& facts, const ComparisonData& data) {
  const PlanRequest& request = data.plan.request();
  facts.add("read from", data.source);
  facts.add("scenario", request.scenario_path);
  facts.add("world", world_name(request.world));
  facts.add("changed for all", joined(request.overrides, "; "));
  for (const Axis& axis : request.axes)
    facts.add("varied", axis.key + ": " + joined(axis.values, ", "));
  facts.add("only", conditions_text(request.only));
  facts.add("left out", conditions_text(request.exclude));
  facts.add("baseline", condition_text(request.baseline));
  if (request.precision) {
    facts.add("precision asked for",
              fmt::format("{} to {:g} %, at most {} replications", request.precision->metric,
                          request.precision->relative * 100, request.precision->replications_max));
  }
}

void add_statistics(FactList& facts, const ComparisonData& data) {
  const Study& study = data.study;
  std::vector<std::string> primary;
  for (const CellMetric metric : study.options.primary) primary.emplace_back(info(metric).name);
  facts.add("judged", joined(primary, ", ") + "; other metrics are exploratory");
  facts.add("runs",
            fmt::format("{} read, {} left out; {} of each variation", human_count(data.runs),
                        human_count(study.excluded.size()), study.replications));
  facts.add("intervals",
            fmt::format("{:g} %, over runs: Student's t below {} runs, bootstrap of "
                        "runs from there on",
                        study.options.confidence * 100, statistics::kBootstrapRunsMin));
  facts.add("tests",
            "paired t tests by replication, Holm's adjustment over all pairs and judged "
            "metrics of a group");
  facts.add("quantiles", "nearest rank, of requests that were answered well");
  if (const std::string warm_up = warm_up_text(data.plan); !warm_up.empty()) {
    facts.add("warm-up", warm_up);
  }
}

const ShownRun* any_run(const ComparisonData& data) {
  for (const auto& run : data.shown) {
    if (run) return &*run;
  }
  return nullptr;
}

void add_origin(FactList& facts, const ShownRun& run) {
  const RecordAttributes& of = run.attributes;
  facts.add("seed", fmt::format("{}", of.master_seed));
  facts.add("played by",
            fmt::format("{} {} ({})", of.producer, of.producer_version, of.git_commit));
  facts.add("SimGrid", of.simgrid_version);
  facts.add("HDF5", of.hdf5_version);
  facts.add("compiler", of.compiler);
  facts.add("host", fmt::format("{}, {}", of.host, of.cpu));
  facts.add("started", of.t0_utc);
  facts.add("scenario hash", of.scenario_xxh64);
  facts.add("record format", of.format_version);
}

std::string runs_html(const ComparisonData& data) {
  DataTable table("runs looked into", "lrrrll",
                  {"", "seed", "replication", "duration", "strategy", "events"});
  for (std::size_t v = 0; v < data.shown.size(); ++v) {
    if (!data.shown[v]) continue;
    const ShownRun& run = *data.shown[v];
    table.add({full_label_of(data, v), std::to_string(run.attributes.master_seed),
               std::to_string(run.replication), human_duration(run.summary.duration_s),
               run.attributes.strategy, fmt::format("{:016x}", run.summary.digest)});
  }
  return table.is_empty() ? "" : table.html();
}

std::string commands_html(const ComparisonData& data) {
  if (data.plan.request().axes.empty()) return "";
  std::string lines;
  const std::size_t shown = std::min(kCommandsMax, data.plan.variations().size());
  for (std::size_t v = 0; v < shown; ++v) lines += data.plan.command(v) + "\n";
  std::string text =
      "<h3>To play a run again</h3>\n<pre tabindex=\"0\">" + escape(lines) + "</pre>\n";
  if (shown < data.plan.variations().size()) {
    text += paragraph_html(fmt::format("The first run of {} variations; {} more are like these.",
                                       shown, data.plan.variations().size() - shown),
                           "note");
  }
  return text;
}

std::string scenario_html(const std::string& text) {
  std::string shown = text.substr(0, kScenarioBytesMax);
  std::string html = "<h3>Scenario</h3>\n<pre tabindex=\"0\">" + escape(shown) + "</pre>\n";
  if (text.size() > shown.size()) {
    html += paragraph_html(
        fmt::format("{} more bytes are not shown.", human_count(text.size() - shown.size())),
        "note");
  }
  return html;
}

}  // namespace

std::string provenance_html(const ComparisonData& data) {
  FactList facts;
  add_plan(facts, data);
  add_statistics(facts, data);
  if (const ShownRun* const run = any_run(data)) add_origin(facts, *run);
  facts.add("report by", fmt::format("phoenix {} ({})", kVersion, kSourceRevision));
  return facts.html() + runs_html(data) + commands_html(data) +
         scenario_html(data.plan.request().scenario_text);
}

}  // namespace phoenix::report
