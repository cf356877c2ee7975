#include "analysis/report/page.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "analysis/report/decision_timeline.h"
#include "analysis/report/difference_chart.h"
#include "analysis/report/heat_map.h"
#include "analysis/report/html.h"
#include "analysis/report/page_parts.h"
#include "analysis/report/pareto_chart.h"
#include "analysis/report/percentile_chart.h"
#include "analysis/report/selection.h"
#include "analysis/report/svg_chart.h"
#include "analysis/report/time_series_chart.h"

namespace phoenix::report {
namespace {

constexpr std::size_t kBlocksMax = 6;        // that have charts
constexpr std::size_t kDetailedRunsMax = 4;  // of a comparison, that have charts of their own
constexpr CellMetric kDifferences[] = {CellMetric::kP99, CellMetric::kP50, CellMetric::kThroughput,
                                       CellMetric::kAvailability};

using Comparisons = std::vector<ComparisonData>;

// "simulated: p2c" where several comparisons are on the page.
std::string name_of(const Comparisons& all, const ComparisonData& data, std::size_t variation) {
  const std::string label = full_label_of(data, variation);
  if (all.size() == 1) return label;
  const std::string& world = data.plan.request().world;
  const auto shares_world = [&](const ComparisonData& one) {
    return &one != &data && one.plan.request().world == world;
  };
  const bool is_alone = std::ranges::none_of(all, shares_world);
  return fmt::format("{}: {}", is_alone ? world_name(world) : data.source, label);
}

std::string heading_of(const Comparisons& all, const ComparisonData& data) {
  return all.size() == 1 ? ""
                         : fmt::format("<h3>{}, {}</h3>\n", escape(data.source),
                                       escape(world_name(data.plan.request().world)));
}

std::string distributions_html(const Comparisons& all) {
  std::string text;
  if (all.size() > 1) {
    std::vector<PercentileCurve> curves;
    for (std::size_t rank = 0; curves.size() < kSeriesMax; ++rank) {
      const std::size_t before = curves.size();
      for (const ComparisonData& data : all) {
        const std::vector<std::size_t> order = by_rank(data.study, data.study.blocks.front());
        if (rank >= order.size()) continue;
        curves.push_back(
            {name_of(all, data, order[rank]), data.study.variations[order[rank]].histogram});
      }
      if (curves.size() == before) break;
    }
    return percentile_figure("Response times by percentile", curves);
  }
  const ComparisonData& data = all.front();
  for (std::size_t b = 0; b < std::min(kBlocksMax, data.study.blocks.size()); ++b) {
    const BlockStudy& block = data.study.blocks[b];
    std::vector<PercentileCurve> curves;
    for (const std::size_t variation : by_rank(data.study, block)) {
      curves.push_back({label_of(data, variation), data.study.variations[variation].histogram});
    }
    text += percentile_figure(
        "Response times by percentile" + (block.name.empty() ? "" : ", " + block.name), curves);
  }
  return text;
}

std::vector<CellMetric> difference_metrics(const Study& study) {
  std::vector<CellMetric> metrics = study.options.primary;
  for (const CellMetric metric : kDifferences) {
    if (!study.is_primary(metric)) metrics.push_back(metric);
  }
  return metrics;
}

std::string differences_html(const Comparisons& all) {
  std::string text;
  for (const ComparisonData& data : all) {
    std::string figures;
    for (std::size_t b = 0; b < std::min(kBlocksMax, data.study.blocks.size()); ++b) {
      const BlockStudy& block = data.study.blocks[b];
      std::string of_block;
      for (const CellMetric metric : difference_metrics(data.study)) {
        of_block += difference_figure(data, block, metric);
      }
      if (!of_block.empty() && !block.name.empty()) {
        figures += fmt::format("<h3>{}</h3>\n", escape(block.name));
      }
      if (!of_block.empty()) figures += "<div class=\"grid-of-two\">\n" + of_block + "</div>\n";
    }
    if (!figures.empty()) text += heading_of(all, data) + figures;
  }
  return text.empty() ? paragraph_html(
                            "There is one variation: nothing to take a difference from. "
                            "`phoenix compare FILE --vary KEY=A,B` plays several.",
                            "note")
                      : text;
}

// Runs looked into, in the order of ranks; of all comparisons.
std::vector<NamedRun> runs_of(const Comparisons& all) {
  std::vector<NamedRun> runs;
  for (const ComparisonData& data : all) {
    for (const std::size_t variation : variations_to_show(data.study)) {
      if (data.shown[variation]) {
        runs.emplace_back(name_of(all, data, variation), &*data.shown[variation]);
      }
    }
  }
  return runs;
}

template <class Figure>
std::string of_runs_html(const std::vector<NamedRun>& runs, const Figure& figure) {
  if (runs.empty()) {
    return paragraph_html(
        "No record of a run was kept. `phoenix compare --keep-records first` keeps some.", "note");
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(kDetailedRunsMax, runs.size()); ++i) {
    text += figure(*runs[i].second, runs[i].first);
  }
  if (runs.size() > kDetailedRunsMax) {
    text += paragraph_html(fmt::format("{} more runs were kept and are not drawn here.",
                                       runs.size() - kDetailedRunsMax),
                           "note");
  }
  return text;
}

std::string missing_html(const Comparisons& all, const std::vector<NamedRun>& runs) {
  std::string text;
  for (const ComparisonData& data : all) {
    for (const std::string& reason : data.unreadable) text += paragraph_html(reason, "warning");
  }
  for (const auto& [name, run] : runs) {
    for (const std::string& reason : run->missing) {
      text += paragraph_html(fmt::format("{}: {}", name, reason), "warning");
    }
  }
  return text;
}

std::string pareto_html(const Comparisons& all) {
  std::string text;
  for (const ComparisonData& data : all) {
    const std::string figure = pareto_figure(data);
    if (!figure.empty()) text += heading_of(all, data) + figure;
  }
  return text.empty() ? paragraph_html("What the nodes cost is not known of any run.", "note")
                      : text;
}

std::string agreement_html(const Comparisons& all, const std::optional<Fidelity>& fidelity) {
  if (fidelity) return fidelity_html(*fidelity);
  const auto is_other = [&](const ComparisonData& one) { return one.world() != all[0].world(); };
  return paragraph_html(
      std::ranges::any_of(all, is_other)
          ? "This is of two worlds, and of more than two inputs. A report of two, one of each "
            "world, holds them against each other."
          : "All of this is of one world. `phoenix compare FILE --on local` plays the same on real "
            "processes; a report of both holds them against each other.",
      "note");
}

std::string verdict_html(const Comparisons& all, const std::optional<Fidelity>& fidelity) {
  std::string text;
  if (fidelity) {
    text += paragraph_html(fmt::format("Two worlds: A is {} ({}), B is {} ({}).", fidelity->path_a,
                                       world_name(fidelity->world_a), fidelity->path_b,
                                       world_name(fidelity->world_b)));
    for (const std::string& sentence : fidelity_sentences(*fidelity)) {
      text += paragraph_html(sentence, "verdict");
    }
  }
  for (const ComparisonData& data : all) text += heading_of(all, data) + summary_html(data);
  return text;
}

std::string provenance_of_all(const Comparisons& all) {
  std::string text;
  for (const ComparisonData& data : all) text += heading_of(all, data) + provenance_html(data);
  return text;
}

std::string title_of(const Comparisons& all, const std::optional<Fidelity>& fidelity) {
  std::string name = all.front().plan.request().scenario_path;
  name = name.substr(name.rfind('/') + 1);
  if (name.ends_with(".toml")) name.resize(name.size() - 5);
  const bool is_run = all.size() == 1 && all.front().study.variations.size() == 1;
  return fmt::format("{}: {}", name,
                     fidelity         ? "do both worlds agree?"
                     : is_run         ? "a run"
                     : all.size() > 1 ? "runs side by side"
                                      : "which is best?");
}

struct Section {
  const char* id;
  const char* heading;
  std::string markup;
};

std::string navigation_html(const std::vector<Section>& sections) {
  std::string text = "<nav aria-label=\"Sections\"><ul>";
  for (const Section& section : sections) {
    text += fmt::format("<li><a href=\"#{}\">{}</a></li>", section.id, escape(section.heading));
  }
  return text + "</ul></nav>\n";
}

}  // namespace

std::string page_html(const Comparisons& comparisons, const std::optional<Fidelity>& fidelity) {
  assert(!comparisons.empty() && comparisons.size() <= kInputsMax);
  const std::vector<NamedRun> runs = runs_of(comparisons);
  const std::vector<Section> sections = {
      {"verdict", "Verdict", verdict_html(comparisons, fidelity) + missing_html(comparisons, runs)},
      {"distributions", "Response times", distributions_html(comparisons)},
      {"differences", "Differences to the baseline", differences_html(comparisons)},
      {"time", "Over time", overlay_figure(runs) + of_runs_html(runs, time_series_figures)},
      {"nodes", "Node by node", of_runs_html(runs, heat_map_figure)},
      {"cost", "Cost against targets", pareto_html(comparisons)},
      {"decisions", "Decisions", of_runs_html(runs, decision_figure)},
      {"agreement", "Agreement of two worlds", agreement_html(comparisons, fidelity)},
      {"provenance", "Where this comes from", provenance_of_all(comparisons)}};
  const std::string title = title_of(comparisons, fidelity);
  std::string page = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{}</style>\n</head>\n"
      "<body>\n<a class=\"skip\" href=\"#verdict\">To the verdict</a>\n<header><h1>{}</h1>\n{}"
      "</header>\n<main>\n",
      escape(title), kPageCss, escape(title), navigation_html(sections));
  for (const Section& section : sections) {
    page += section_html(section.id, section.heading, section.markup);
  }
  return page + "</main>\n</body>\n</html>\n";
}

}  // namespace phoenix::report
