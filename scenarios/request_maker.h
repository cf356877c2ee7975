// Draws what a request is like: class by share, work and sizes by the class, key by popularity.
// Shared by all arrival sources; knows nothing of time.
//
// One stream per purpose: "classes", "service/<class>", "bytes/<class>", "keys". So a class's n-th
// request has the same work whatever else a scenario changes. One thread at a time; O(1) per
// request; never allocates after construction.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "scenarios/arrivals.h"
#include "scenarios/scenario.h"
#include "scenarios/zipf.h"
#include "strategies/core/ids.h"
#include "strategies/core/random.h"

namespace phoenix {

// Draws an index in proportion to its share, in O(1): the alias method (Walker 1977, set up as by
// Vose 1991). One index alone takes nothing from the generator.
class ShareTable {
 public:
  // REQUIRES: shares are finite and not negative, and one is above 0.
  explicit ShareTable(const std::vector<double>& shares);

  std::size_t draw(Random& random) const {
    if (cells_.size() == 1) return 0;
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{random()} * cells_.size();
    const auto cell = static_cast<std::size_t>(product >> 64);
    // What is left of the product is uniform within the cell.
    return static_cast<std::uint64_t>(product) < cells_[cell].own ? cell : cells_[cell].alias;
  }

 private:
  struct Cell {
    std::uint64_t own = 0;  // the cell's own part, of 2^64
    std::size_t alias = 0;  // who has the rest
  };
  std::vector<Cell> cells_;
};

class RequestMaker {
 public:
  // REQUIRES: at least one class, one with a share above 0.
  RequestMaker(const Scenario& scenario, const Streams& streams);

  // By share.
  ClassId draw_class() { return id_at<ClassId>(shares_.draw(class_random_)); }

  // All but `at` and `user`.
  Arrival make() { return make(draw_class()); }

  // The same for a class that is known, taking nothing from "classes".
  Arrival make(ClassId request_class) {
    Arrival arrival = make_without_work(request_class);
    RequestKind& kind = kinds_[index(request_class)];
    arrival.work = kind.work.draw(kind.work_random);
    return arrival;
  }

  // For sources that know the work.
  Arrival make_without_work(ClassId request_class) {
    RequestKind& kind = kinds_[index(request_class)];
    Arrival arrival;
    arrival.request_class = request_class;
    arrival.request_bytes = kind.request_bytes.draw(kind.bytes_random);
    arrival.response_bytes = kind.response_bytes.draw(kind.bytes_random);
    if (arrival.request_bytes > 0) arrival.size = arrival.request_bytes;
    if (key_count_ > 0) draw_key(arrival);
    return arrival;
  }

 private:
  struct RequestKind {
    Distribution work;
    Distribution request_bytes;
    Distribution response_bytes;
    Random work_random;
    Random bytes_random;
  };

  void draw_key(Arrival& arrival);

  std::vector<RequestKind> kinds_;
  ShareTable shares_;
  Random class_random_;
  std::uint64_t key_count_ = 0;  // 0: requests have no keys
  std::optional<Zipf> zipf_;     // without: uniform
  Random key_random_;
};

}  // namespace phoenix
