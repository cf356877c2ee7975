// Which of many variations a chart shows, and what they are called: the same in every chart, so
// that a colour means one thing on the whole page.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "analysis/report/report_model.h"

namespace phoenix::report {

// Of a block, the best first by the first primary metric, then the baseline, then the others by
// rank; in the plan's order where there is nothing to rank.
std::vector<std::size_t> by_rank(const Study& study, const BlockStudy& block);

// Those whose runs are looked into: blocks take turns.
std::vector<std::size_t> variations_to_show(const Study& study);

// "p2c" where balancers are compared; the balancer of a lone run.
std::string label_of(const ComparisonData& data, std::size_t variation);
// With what the block shares: "p2c, count=8" where there are several blocks.
std::string full_label_of(const ComparisonData& data, std::size_t variation);

std::string world_name(const std::string& world);  // "simulated", "real processes"

}  // namespace phoenix::report
