#include "strategies/forecasting/erlang.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Erlang B for one server after the other, since each builds on the one before.
class ErlangB {
 public:
  explicit ErlangB(double load) : load_(load) { assert(load >= 0 && load < kInfinity); }

  int servers() const { return servers_; }
  double blocking() const { return blocking_; }
  bool is_stable() const { return servers_ > load_; }

  void add() {
    ++servers_;
    blocking_ = load_ * blocking_ / (servers_ + load_ * blocking_);
  }
  ErlangB& grow_to(int servers) {
    while (servers_ < servers) add();
    return *this;
  }

  double waiting() const {
    if (!is_stable()) return 1;
    return servers_ * blocking_ / (servers_ - load_ * (1 - blocking_));
  }

 private:
  double load_;
  double blocking_ = 1;
  int servers_ = 0;
};

// Those who wait do so for an exponential time with this rate.
double drain_rate(int servers, const QueueLoad& queue) {
  return (servers * queue.service_rate - queue.arrivals) / queue.variability;
}

double wait_tail_of(const ErlangB& erlang, const QueueLoad& queue, double seconds) {
  if (!erlang.is_stable()) return 1;
  return erlang.waiting() * std::exp(-drain_rate(erlang.servers(), queue) * seconds);
}

// Service, and for those who wait two exponential times after each other.
double response_tail_of(const ErlangB& erlang, const QueueLoad& queue, double seconds) {
  if (!erlang.is_stable()) return 1;
  const double mu = queue.service_rate;
  const double theta = drain_rate(erlang.servers(), queue);
  const double served = std::exp(-mu * seconds);
  const double both = std::abs(theta - mu) < 1e-9 * mu
                          ? (1 + mu * seconds) * served
                          : (mu * std::exp(-theta * seconds) - theta * served) / (mu - theta);
  return (1 - erlang.waiting()) * served + erlang.waiting() * both;
}

template <class Tail>
Result<int> least_servers(const QueueLoad& queue, double share, Tail tail) {
  const double load = queue.load();
  if (!(load < kServersMax)) {
    return Error{"found a load of " + print_number(load) + " servers; allowed less than " +
                 std::to_string(kServersMax)};
  }
  ErlangB erlang(load);
  erlang.grow_to(std::max(1, static_cast<int>(load)));
  while (!erlang.is_stable() || tail(erlang) > share) {
    if (erlang.servers() >= kServersMax) {
      return Error{"found no number of servers up to " + std::to_string(kServersMax) +
                   " that meets the target"};
    }
    erlang.add();
  }
  return erlang.servers();
}

void check(const QueueLoad& queue) {
  assert(queue.arrivals >= 0 && queue.service_rate > 0 && queue.variability > 0);
  static_cast<void>(queue);
}

}  // namespace

double erlang_b(int servers, double load) {
  assert(servers >= 0);
  return ErlangB(load).grow_to(servers).blocking();
}

double erlang_c(int servers, double load) {
  assert(servers >= 0);
  if (load == 0) return servers > 0 ? 0 : 1;
  return ErlangB(load).grow_to(servers).waiting();
}

double mean_wait(int servers, const QueueLoad& queue) {
  check(queue);
  if (!(servers > queue.load())) return kInfinity;
  return erlang_c(servers, queue.load()) / drain_rate(servers, queue);
}

double wait_tail(int servers, const QueueLoad& queue, double seconds) {
  check(queue);
  return wait_tail_of(ErlangB(queue.load()).grow_to(servers), queue, seconds);
}

double response_tail(int servers, const QueueLoad& queue, double seconds) {
  check(queue);
  return response_tail_of(ErlangB(queue.load()).grow_to(servers), queue, seconds);
}

int square_root_staffing(double load, double beta) {
  assert(load >= 0);
  return static_cast<int>(std::ceil(load + beta * std::sqrt(load)));
}

double square_root_waiting(double beta) {
  const double below = 0.5 * std::erfc(-beta / std::numbers::sqrt2);
  const double density = std::exp(-beta * beta / 2) / std::sqrt(2 * std::numbers::pi);
  return 1 / (1 + beta * below / density);
}

Result<int> servers_for_wait(const QueueLoad& queue, double seconds, double share) {
  check(queue);
  assert(seconds >= 0 && share > 0);
  return least_servers(queue, share,
                       [&](const ErlangB& erlang) { return wait_tail_of(erlang, queue, seconds); });
}

Result<int> servers_for_response(const QueueLoad& queue, double seconds, double share) {
  check(queue);
  assert(seconds >= 0 && share > 0);
  const double service = std::exp(-queue.service_rate * seconds);
  if (service >= share) {
    return Error{"found a target of " + print_number(seconds) + " s that service alone misses in " +
                 print_number(std::round(1000 * service) / 10) + " % of the requests; allowed " +
                 print_number(std::round(1000 * share) / 10) + " %"};
  }
  return least_servers(queue, share, [&](const ErlangB& erlang) {
    return response_tail_of(erlang, queue, seconds);
  });
}

}  // namespace phoenix
