// Placers that look beyond free resources: money, measured performance, failure domains.
#include <algorithm>
#include <limits>

#include "strategies/placement/index_search.h"
#include "strategies/placement/weight_check.h"

namespace phoenix {
namespace {

// What an agent costs an hour on a node: the whole node where it is the first, else the largest
// share of it that the agent takes.
double hourly_cost(const GroupTerms& terms, bool is_idle) {
  return terms.price_per_hour * (is_idle ? 1 : terms.dominant_need());
}

// Cheapest, and of equally cheap ones the fullest.
class CostRule {
 public:
  static constexpr bool kReadsMerits = false;
  using Options = NoOptions;
  CostRule(const Options&, const Eligibility&) {}

  void enter(const GroupTerms& terms) {
    terms_ = &terms;
    when_idle_ = hourly_cost(terms, true);
    when_used_ = hourly_cost(terms, false);
  }
  double value(const NodeShares& node) const {
    return -(is_idle(*terms_, node) ? when_idle_ : when_used_) + tie(node);
  }
  double bound(const NodeShares& low, const NodeShares&) const { return value(low); }

 private:
  // Far below any price.
  double tie(const NodeShares& node) const { return 1e-9 * mean_used_after(*terms_, node); }

  double when_idle_ = 0;
  double when_used_ = 0;
  const GroupTerms* terms_ = nullptr;
};

// Defaults: design document, objectives of placement.
struct ObjectivesOptions {
  double latency = 0.3;
  double throughput = 0.3;
  double balance = 0.2;
  double cost = 0.2;

  void visit(SettingVisitor& v) {
    v.number("latency", latency, 0, 1, "weight of a short response time of the node");
    v.number("throughput", throughput, 0, 1, "weight of a high throughput of the node");
    v.number("balance", balance, 0, 1, "weight of even and low use afterwards");
    v.number("cost", cost, 0, 1, "weight of a low price of the share taken");
  }
  double sum() const { return latency + throughput + balance + cost; }
};

class ObjectivesRule {
 public:
  static constexpr bool kReadsMerits = true;
  using Options = ObjectivesOptions;
  ObjectivesRule(const Options& options, const Eligibility& who) : options_(options) {
    const auto groups = who.inventory().index_of_free().groups();
    for (std::uint32_t g = 0; g < groups.size(); ++g) {
      if (groups[g].size > 0) {
        dearest_ = std::max(dearest_, hourly_cost(group_terms(who, g), false));
      }
    }
  }

  void enter(const GroupTerms& terms) {
    terms_ = &terms;
    const double cheapness =
        dearest_ > 0 ? 1 - std::min(hourly_cost(terms, false) / dearest_, 1.0) : 1;
    fixed_ = options_.cost * cheapness;
  }
  double value(const NodeShares& node) const {
    return total(load_balance(*terms_, node), node.merits);
  }
  double bound(const NodeShares& low, const NodeShares& high) const {
    return total(load_balance_bound(*terms_, low, high), high.merits);
  }

 private:
  double total(double balance, const Merits& merits) const {
    return options_.latency * merits.latency + options_.throughput * merits.throughput +
           options_.balance * balance + fixed_;
  }

  Options options_;
  double dearest_ = 0;
  double fixed_ = 0;  // the same for all nodes of a group
  const GroupTerms* terms_ = nullptr;
};

constexpr std::string_view kInsideNames[] = {"worst_fit", "best_fit"};

struct SpreadOptions {
  int inside = 0;
  bool keep_room = true;
  void visit(SettingVisitor& v) {
    v.choice("inside", inside, kInsideNames, "which node of the zone");
    v.flag("keep_room", keep_room,
           "prefer zones where the others could still take all of the fullest one's agents");
  }
};

class InsideRule {
 public:
  static constexpr bool kReadsMerits = false;
  InsideRule(bool packs) : packs_(packs) {}
  void enter(const GroupTerms& terms) { terms_ = &terms; }
  double value(const NodeShares& node) const {
    return packs_ ? mean_used_after(*terms_, node) : mean_free_after(*terms_, node);
  }
  double bound(const NodeShares& low, const NodeShares& high) const {
    return value(packs_ ? low : high);
  }

 private:
  bool packs_;
  const GroupTerms* terms_ = nullptr;
};

// Replicas of a service over failure domains. Each goes to the zone with the fewest of them that
// has a node for it, so r replicas over f zones with room are at most ceil(r / f) in each.
class Spread : public Placer {
 public:
  explicit Spread(SpreadOptions options) : options_(options) {}

  Choice choose(const AgentSpec& agent, const Inventory& inventory, Random&) override {
    const Eligibility who(agent, inventory);
    InsideRule rule(options_.inside == 1);
    for (const Zone& zone : zones(agent, inventory)) {
      const Found found = search_.best(rule, who, [&](std::uint32_t node_class) {
        return inventory.classes()[node_class].zone == zone.number;
      });
      if (found.node == kNoNode) continue;
      Choice choice = choice_of(found, inventory);
      choice.score = score(agent, found.node, inventory);
      return choice;
    }
    return {};
  }

  double score(const AgentSpec& agent, NodeId node, const Inventory& inventory) const override {
    const Eligibility who(agent, inventory);
    InsideRule rule(options_.inside == 1);
    const std::uint32_t zone = inventory.node(node).zone;
    const double inside = value_of(rule, who, node);
    return inside - 2 * (static_cast<double>(inventory.count_in_zone(agent.service, zone)) +
                         (leaves_room(agent, zone, inventory) ? 0 : kNoRoomPenalty));
  }

 private:
  // More than any count of replicas: losing a domain weighs heavier than evenness.
  static constexpr double kNoRoomPenalty = 1e6;

  struct Zone {
    bool lacks_room;
    std::uint32_t count;
    double inside;  // lower is better, among zones that are otherwise alike
    std::uint32_t number;
    auto operator<=>(const Zone&) const = default;
  };

  bool leaves_room(const AgentSpec& agent, std::uint32_t zone, const Inventory& inventory) const {
    return !options_.keep_room || survives_zone_loss(inventory, agent.need, zone);
  }

  std::vector<Zone> zones(const AgentSpec& agent, const Inventory& inventory) const {
    std::vector<Zone> zones;
    for (std::uint32_t z = 0; z < inventory.zone_count(); ++z) {
      const ZoneBook& book = inventory.zone(z);
      zones.push_back({!leaves_room(agent, z, inventory), inventory.count_in_zone(agent.service, z),
                       mean_use(book), z});
    }
    std::sort(zones.begin(), zones.end());
    return zones;
  }

  static double mean_use(const ZoneBook& zone) {
    double sum = 0;
    for (std::size_t r = 0; r < kResourceKinds; ++r) {
      if (zone.capacity[r] > 0) {
        sum += static_cast<double>(zone.reserved[r]) / static_cast<double>(zone.capacity[r]);
      }
    }
    return sum;
  }

  SpreadOptions options_;
  IndexSearch<InsideRule> search_;
};

}  // namespace

bool survives_zone_loss(const Inventory& inventory, const Resources& more, std::uint32_t zone) {
  Resources free;
  std::vector<Resources> used(inventory.zone_count());
  std::vector<Resources> room(inventory.zone_count());
  for (std::uint32_t z = 0; z < inventory.zone_count(); ++z) {
    used[z] = inventory.zone(z).reserved;
    if (z == zone) used[z] += more;
    for (std::size_t r = 0; r < kResourceKinds; ++r) {
      room[z][r] = std::max<Amount>(inventory.zone(z).capacity[r] - used[z][r], 0);
    }
    free += room[z];
  }
  for (std::uint32_t z = 0; z < inventory.zone_count(); ++z) {
    if (!fits(used[z], free - room[z])) return false;
  }
  return true;
}

PlacerEntry cost_fit() {
  return strategy_entry<Placer, IndexedPlacer<CostRule>, NoOptions>(
      "cost",
      "the node where the agent adds least to the price: no idle node while a used one fits");
}

PlacerEntry objectives() {
  return weighted_entry<Placer, IndexedPlacer<ObjectivesRule>, ObjectivesOptions>(
      "objectives", "weighted sum of latency, throughput, balance and cost");
}

PlacerEntry spread() {
  return strategy_entry<Placer, Spread, SpreadOptions>(
      "spread", "replicas evenly over zones, with room kept for the loss of one zone");
}

}  // namespace phoenix
