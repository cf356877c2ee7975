#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/node_group.h"
#include "strategies/balancing/zone_shares.h"
#include "strategies/registry.h"

namespace phoenix {
namespace {

constexpr std::size_t kZonesMax = 64;

struct ZoneAwareOptions {
  std::string inner = "p2c";
  int minimum = 6;

  void visit(SettingVisitor& v) {
    v.text("inner", inner, balancer_in_full, "a balancer", "who picks among the nodes of a zone");
    v.integer("minimum", minimum, 1, 1'000'000, "with fewer nodes than this zones are ignored");
  }

  // Zones of zones would be kept for nothing.
  static Result<std::string> balancer_in_full(std::string_view text) {
    Result<SettingsText> parsed = parse_settings_text(text);
    if (parsed && parsed->name == "zone_aware") return Error{"must be another balancer"};
    Result<MadeBalancer> made = make_balancer(text);
    if (!made) return Error{made.error()};
    return made->text;
  }
};

// Source: Envoy's zone-aware routing. First the zone, by the shares that keep the load of all nodes
// equal (see zone_shares.h), then a node of it by the inner strategy. Where zones cannot be told
// apart (this gateway's, a node's or the callers' are not known), in panic, and with few nodes, the
// inner strategy picks among all.
class ZoneAware : public Balancer {
 public:
  explicit ZoneAware(ZoneAwareOptions options) : options_(std::move(options)), all_(make_inner()) {}

  NodeId pick(const RequestInfo& request, const NodePool& pool, Time now, Random& random) override {
    if (is_outdated_) settle(pool);
    NodeGroup& group = choose(random);
    const NodeId node = group.pick(request, now, random);
    probes_.clear();
    add_probes(group);
    return node;
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    using Kind = PoolEvent::Kind;
    all_.take(event, pool);
    if (event.kind == Kind::kTick) {
      probes_.clear();
      for (Zone& zone : zones_) zone.nodes.take(event, pool);
      add_probes(all_);
      for (const Zone& zone : zones_) add_probes(zone.nodes);
      return;
    }
    if (event.kind == Kind::kEntered || event.kind == Kind::kLeft || event.kind == Kind::kWeight) {
      is_outdated_ = true;
    }
    if (NodeGroup* zone = zone_of(event, pool); zone != nullptr) zone->take(event, pool);
  }

  PoolEventMask interests() const override {
    return ~kAsksProbes | (all_.asks_probes() ? kAsksProbes : 0);
  }

  std::span<const NodeId> probes() const override { return probes_; }
  bool follows_weights() const override { return follows_weights_; }

 private:
  struct Zone {
    ZoneId id;
    NodeGroup nodes;
    double share_to_here = 0;  // of this gateway's requests, those to the zones before included
  };

  std::unique_ptr<Balancer> make_inner() {
    std::unique_ptr<Balancer> inner = std::move(make_balancer(options_.inner)->strategy);
    follows_weights_ = inner->follows_weights();
    return inner;
  }

  void add_probes(const NodeGroup& group) {
    probes_.insert(probes_.end(), group.probes().begin(), group.probes().end());
  }

  NodeGroup* zone_of(const PoolEvent& event, const NodePool& pool) {
    const ZoneId id = pool.zone(event.node);
    if (id == kNoZone) return nullptr;
    for (Zone& zone : zones_) {
      if (zone.id == id) return &zone.nodes;
    }
    if (event.kind != PoolEvent::Kind::kEntered || zones_.size() == kZonesMax) return nullptr;
    zones_.push_back({id, NodeGroup(make_inner())});
    return &zones_.back().nodes;
  }

  NodeGroup& choose(Random& random) {
    if (!uses_zones_) return all_;
    const double point = random.uniform();
    for (Zone& zone : zones_) {
      if (point < zone.share_to_here) return zone.nodes;
    }
    return *last_;
  }

  void settle(const NodePool& pool) {
    is_outdated_ = false;
    const Surroundings& around = pool.surroundings();
    uses_zones_ = false;
    if (pool.in_panic() || index(around.home) >= kZonesMax || around.caller_shares.empty() ||
        pool.eligible().size() < static_cast<std::size_t>(options_.minimum)) {
      return;
    }
    std::vector<double> callers(around.caller_shares);
    callers.resize(kZonesMax);
    std::vector<double> capacity(kZonesMax);
    double total = 0;
    for (const NodeId node : pool.eligible()) {
      if (index(pool.zone(node)) >= kZonesMax) return;
      capacity[index(pool.zone(node))] += pool.weight(node);
      total += pool.weight(node);
    }
    for (double& one : capacity) one /= total;
    share_out(zone_shares(index(around.home), callers, capacity));
  }

  void share_out(const std::vector<double>& shares) {
    double sum = 0;
    last_ = nullptr;
    for (Zone& zone : zones_) {
      const double share = zone.nodes.empty() ? 0.0 : shares[index(zone.id)];
      sum += share;
      zone.share_to_here = share > 0 ? sum : 0.0;
      if (share > 0) last_ = &zone.nodes;
    }
    uses_zones_ = last_ != nullptr;
  }

  ZoneAwareOptions options_;
  bool follows_weights_ = true;
  NodeGroup all_;
  std::vector<Zone> zones_;
  NodeGroup* last_ = nullptr;  // for what rounding leaves beyond the last share
  bool uses_zones_ = false;
  bool is_outdated_ = true;
  std::vector<NodeId> probes_;
};

}  // namespace

BalancerEntry zone_aware() {
  return strategy_entry<Balancer, ZoneAware, ZoneAwareOptions>(
      "zone_aware", "another balancer, kept to the gateway's own zone as far as its nodes suffice");
}

}  // namespace phoenix
