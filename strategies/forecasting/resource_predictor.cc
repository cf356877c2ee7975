#include "strategies/forecasting/resource_predictor.h"

#include <algorithm>
#include <cmath>

#include "strategies/forecasting/series_value.h"

namespace phoenix {

void ResourcePredictor::observe(NodeId id, double load, const ResourceUse& use) {
  if (!is_series_value(load)) {
    ++refused_;
    return;
  }
  if (nodes_.size() <= index(id)) nodes_.resize(index(id) + 1);
  Node& node = nodes_[index(id)];
  if (node.load_unit == 0) node.load_unit = load;
  const double scaled = node.load_unit > 0 ? load / node.load_unit : 0;
  learn(node.cpu, scaled, use.cpu);
  learn(node.memory, scaled, use.memory);
  learn(node.network, scaled, use.network);
}

void ResourcePredictor::learn(Line& line, double load, double use) {
  if (std::isnan(use)) return;
  if (!is_series_value(use)) {
    ++refused_;
    return;
  }
  line.regression.learn({1.0, load}, use, forgetting_);
  ++line.samples;
}

double ResourcePredictor::predict(const Line& line, double load) {
  const bool is_known =
      line.samples >= kSamplesMin && line.regression.uncertainty({1.0, load}) <= kUncertaintyMax;
  if (!is_known) return std::numeric_limits<double>::quiet_NaN();
  return as_forecast(line.regression.predict({1.0, load}));
}

ResourceUse ResourcePredictor::predict(NodeId id, double load) const {
  if (index(id) >= nodes_.size() || !is_series_value(load)) return {};
  const Node& node = nodes_[index(id)];
  const double scaled = node.load_unit > 0 ? load / node.load_unit : 0;
  return {predict(node.cpu, scaled), predict(node.memory, scaled), predict(node.network, scaled)};
}

double ResourcePredictor::cpu_per_load(NodeId id) const {
  if (index(id) >= nodes_.size() || nodes_[index(id)].cpu.samples < kSamplesMin ||
      nodes_[index(id)].load_unit == 0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return nodes_[index(id)].cpu.regression.theta()[1] / nodes_[index(id)].load_unit;
}

}  // namespace phoenix
