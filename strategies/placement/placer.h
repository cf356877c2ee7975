// Placers decide which node a new agent goes to. Everyone who adds one starts here: write one .cc
// with the class in an anonymous namespace, declare its entry below, add its line to
// strategies/registry.cc. A rule that scores nodes by what they have free gets the index search of
// index_search.h for nothing.
//
// A placer chooses among the nodes that pass every filter (eligibility.h) and books nothing:
// Inventory::place() does, and checks again. One thread at a time; it keeps no reference to the
// inventory. Nothing throws. Ties go to the lowest node id.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "strategies/core/random.h"
#include "strategies/core/settings.h"
#include "strategies/placement/inventory.h"

namespace phoenix {

struct Choice {
  NodeId node = kNoNode;      // kNoNode: no node passes the filters
  double score = 0;           // the placer's own, higher is better
  Generation generation = 0;  // of the node, for Inventory::place()
  bool fell_back = false;     // a sampling placer had to look at all nodes
  bool found() const { return node != kNoNode; }
};

class Placer {
 public:
  virtual ~Placer() = default;

  // REQUIRES: the agent is valid, see check_agent(). Where it runs already, the best other place
  // is judged as if it did not.
  virtual Choice choose(const AgentSpec& agent, const Inventory& inventory, Random& random) = 0;

  // The order of the inventory's index that choose() is quickest with; see
  // Inventory::order_index().
  virtual IndexOrder index_order() const { return IndexOrder::kRoom; }

  // What choose() compares, for a node that passes the filters; for explanations.
  virtual double score(const AgentSpec& agent, NodeId node, const Inventory& inventory) const = 0;
};

using PlacerEntry = StrategyEntry<Placer>;
using MadePlacer = PlacerEntry::Made;

// From the index:
PlacerEntry score_placer();
PlacerEntry best_fit();
PlacerEntry worst_fit();
PlacerEntry dot_product_fit();
PlacerEntry balanced_fit();
PlacerEntry spread();
PlacerEntry cost_fit();
PlacerEntry objectives();
// From a sample of the nodes:
PlacerEntry sampled();
PlacerEntry random_fit();
// From the first node on, so O(nodes) where the first ones are full:
PlacerEntry first_fit();

// A choice, or the error `no_suitable_nodes` with how many nodes each filter refused. Bad specs are
// errors too. O(nodes) when there is no place.
Result<Choice> find_placement(Placer& placer, const AgentSpec& agent, const Inventory& inventory,
                              Random& random);

// find_placement and Inventory::place in one.
Result<Choice> find_and_place(Placer& placer, const AgentSpec& agent, Inventory& inventory,
                              Time now, Random& random);

// "node 3: score 0.71" or "node 3: refused by resources".
std::string explain_node(const Placer& placer, const AgentSpec& agent, NodeId node,
                         const Inventory& inventory);

// Whether, with `more` in `zone`, what any one zone holds would fit in the free room of the others
// (in sum; how it is cut up is not looked at).
bool survives_zone_loss(const Inventory& inventory, const Resources& more, std::uint32_t zone);

struct BatchOptions {
  bool all_or_nothing = false;
};
struct BatchResult {
  std::vector<std::pair<AgentId, NodeId>> placed;  // in order of placing
  std::vector<AgentId> refused;                    // with all_or_nothing: the one that failed first
};
// Places many at once, the largest first (by the largest share of the cluster's capacity they take;
// ties by id): best-fit decreasing where the placer is best_fit. REQUIRES: valid agents.
BatchResult place_batch(Placer& placer, std::span<const AgentSpec> agents, Inventory& inventory,
                        Time now, Random& random, const BatchOptions& options = {});

}  // namespace phoenix
