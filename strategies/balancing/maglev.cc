#include <string>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/maglev_table.h"
#include "strategies/balancing/request_hash.h"

namespace phoenix {
namespace {

struct MaglevOptions {
  int table = 65'537;

  void visit(SettingVisitor& v) {
    v.integer("table", table, 251, 131'071,
              "slots of the lookup table, a prime number, best 100 times the nodes or more");
  }
  Status check() const {
    if (is_prime(static_cast<std::uint64_t>(table))) return success();
    return Error{"table = " + std::to_string(table) + ": must be a prime number"};
  }
};

// A pick is one look into a table; members and weights that changed are worked into it before the
// next pick, once however many there were.
class Maglev : public Balancer {
 public:
  explicit Maglev(MaglevOptions options) : table_(static_cast<std::size_t>(options.table)) {}

  NodeId pick(const RequestInfo& request, const NodePool& pool, Time, Random& random) override {
    if (is_outdated_) rebuild(pool);
    return owners_[table_[request_hash(request, random) % table_.size()]];
  }

  void observe(const PoolEvent&, const NodePool&) override { is_outdated_ = true; }
  PoolEventMask interests() const override { return kMembershipEvents; }

 private:
  void rebuild(const NodePool& pool) {
    owners_.assign(pool.eligible().begin(), pool.eligible().end());
    seats_.clear();
    for (const NodeId node : owners_) {
      seats_.push_back(maglev_seat(pool.identity(node), table_.size(), pool.weight(node)));
    }
    fill_maglev(seats_, table_);
    is_outdated_ = false;
  }

  std::vector<std::uint32_t> table_;
  std::vector<NodeId> owners_;  // by seat
  std::vector<MaglevSeat> seats_;
  bool is_outdated_ = true;
};

}  // namespace

BalancerEntry maglev() {
  return strategy_entry<Balancer, Maglev, MaglevOptions>(
      "maglev", "the node that owns the request's key in a Maglev table: the quickest keyed pick");
}

}  // namespace phoenix
