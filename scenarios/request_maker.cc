#include "scenarios/request_maker.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace phoenix {
namespace {

std::vector<double> class_shares(const Scenario& scenario) {
  std::vector<double> shares;
  for (const Service& service : scenario.services) {
    for (const RequestClass& request_class : service.classes) shares.push_back(request_class.share);
  }
  return shares;
}

}  // namespace

ShareTable::ShareTable(const std::vector<double>& shares) : cells_(shares.size()) {
  const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
  assert(total > 0 && std::isfinite(total));
  const double cells = static_cast<double>(shares.size());
  std::vector<double> heights;  // 1 is a full cell
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    heights.push_back(shares[i] / total * cells);
    (heights[i] < 1 ? small : large).push_back(i);
    cells_[i] = {std::numeric_limits<std::uint64_t>::max(), i};
  }
  while (!small.empty() && !large.empty()) {
    const std::size_t low = small.back();
    const std::size_t high = large.back();
    small.pop_back();
    cells_[low] = {static_cast<std::uint64_t>(std::ldexp(heights[low], 64)), high};
    heights[high] -= 1 - heights[low];
    if (heights[high] >= 1) continue;
    large.pop_back();
    small.push_back(high);
  }
}

RequestMaker::RequestMaker(const Scenario& scenario, const Streams& streams)
    : shares_(class_shares(scenario)),
      class_random_(streams.named("classes")),
      key_random_(streams.named("keys")) {
  for (const Service& service : scenario.services) {
    for (const RequestClass& request_class : service.classes) {
      kinds_.push_back({request_class.work, request_class.request_bytes,
                        request_class.response_bytes,
                        streams.named("service/" + request_class.name),
                        streams.named("bytes/" + request_class.name)});
    }
  }
  const KeySettings& keys = scenario.workload.keys;
  if (keys.kind == KeySettings::Kind::kNone) return;
  assert(keys.count >= 1);
  key_count_ = keys.count;
  if (keys.kind == KeySettings::Kind::kZipf) zipf_.emplace(keys.count, keys.exponent);
}

void RequestMaker::draw_key(Arrival& arrival) {
  const std::uint64_t rank = zipf_ ? zipf_->draw(key_random_) : key_random_.below(key_count_);
  arrival.key = mix64(rank);
  arrival.has_key = true;
}

}  // namespace phoenix
