#include "analysis/report/selection.h"

#include <algorithm>

#include "analysis/compare/study_text.h"

namespace phoenix::report {

std::vector<std::size_t> by_rank(const Study& study, const BlockStudy& block) {
  if (block.metrics.empty()) return block.variations;
  std::vector<std::size_t> order;
  for (const auto& ranked : block.metric(study.options.primary.front()).ranking) {
    order.push_back(block.variations[ranked.cell]);
  }
  if (block.baseline) {
    const auto at = std::ranges::find(order, block.variations[*block.baseline]);
    if (at - order.begin() > 1) std::rotate(order.begin() + 1, at, at + 1);
  }
  return order;
}

std::vector<std::size_t> variations_to_show(const Study& study) {
  std::vector<std::vector<std::size_t>> orders;
  std::size_t longest = 0;
  for (const BlockStudy& block : study.blocks) {
    orders.push_back(by_rank(study, block));
    longest = std::max(longest, orders.back().size());
  }
  std::vector<std::size_t> chosen;
  for (std::size_t rank = 0; rank < longest; ++rank) {
    for (const std::vector<std::size_t>& order : orders) {
      if (rank < order.size() && chosen.size() < ComparisonData::kShownMax) {
        chosen.push_back(order[rank]);
      }
    }
  }
  return chosen;
}

std::string label_of(const ComparisonData& data, std::size_t variation) {
  if (data.plan.request().axes.empty() && data.shown[variation]) {
    return data.shown[variation]->summary.balancer;
  }
  return short_name(data.plan, variation);
}

std::string full_label_of(const ComparisonData& data, std::size_t variation) {
  return data.study.blocks.size() > 1 ? data.plan.variations()[variation].name
                                      : label_of(data, variation);
}

std::string world_name(const std::string& world) {
  if (world == "sim") return "simulated";
  return world == "local" ? "real processes" : world;
}

}  // namespace phoenix::report
