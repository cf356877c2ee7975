#include <algorithm>
#include <cassert>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/arrival_sources.h"
#include "scenarios/request_maker.h"

namespace phoenix {
namespace {

class ClosedArrivals final : public ArrivalSource {
 public:
  ClosedArrivals(const Scenario& scenario, const Streams& streams)
      : requests_(scenario, streams),
        think_time_(scenario.workload.think_time),
        end_(kStart + scenario.duration) {
    const auto users = static_cast<std::uint32_t>(scenario.workload.users);
    thinkers_.reserve(users);
    due_.reserve(users);
    for (std::uint32_t user = 0; user < users; ++user) {
      thinkers_.push_back({streams.named("think/" + std::to_string(user)), false});
      think(user, kStart);
    }
  }

  Time next_at() const override { return due_.empty() ? kNever : due_.front().first; }

  Arrival next() override {
    assert(!due_.empty());
    std::pop_heap(due_.begin(), due_.end(), std::greater<>{});
    const auto [at, user] = due_.back();
    due_.pop_back();
    Arrival arrival = requests_.make();
    arrival.at = at;
    arrival.user = user;
    thinkers_[user].waits = true;
    return arrival;
  }

  void on_answer(std::uint32_t user, Time now) override {
    assert(thinkers_[user].waits);
    thinkers_[user].waits = false;
    think(user, now);
  }

  bool is_closed() const override { return true; }

 private:
  struct Thinker {
    Random random;
    bool waits;  // for an answer
  };

  // A request that falls past the end is never sent, and its user sends no more.
  void think(std::uint32_t user, Time now) {
    const Duration pause = from_seconds(think_time_.draw(thinkers_[user].random));
    const Time at = add_saturating(now, pause);
    if (at >= end_) return;
    due_.emplace_back(at, user);
    std::push_heap(due_.begin(), due_.end(), std::greater<>{});
  }

  RequestMaker requests_;
  Distribution think_time_;
  Time end_;
  std::vector<Thinker> thinkers_;
  std::vector<std::pair<Time, std::uint32_t>> due_;  // heap, earliest first, ties by user
};

}  // namespace

std::unique_ptr<ArrivalSource> make_closed_arrivals(const Scenario& scenario,
                                                    const Streams& streams) {
  return std::make_unique<ClosedArrivals>(scenario, streams);
}

}  // namespace phoenix
