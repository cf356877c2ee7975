// SimGrid activities, safely: bulk transfers (Comm) and executions (Exec) started from the event
// loop. Hides the traps of SimGrid 3.32: an ended activity is kept until two engine steps later,
// endpoints are checked before a start, a cancelled activity's second callback is dropped, and
// completions are handed over as events, never acted on inside the callback.
//
// One per process, since completion callbacks are global to SimGrid. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <simgrid/s4u.hpp>

#include "sim/platform.h"

namespace phoenix::sim {

class Flows {
 public:
  // What an activity is for; handed back when it ends.
  struct Tag {
    enum class Kind : std::uint8_t { kMessage, kService, kTransfer, kState } kind;
    std::uint32_t subject = 0;
    std::uint32_t extra = 0;
  };
  // Called inside SimGrid's callback: must only note what it is told.
  using Ended = std::function<void(Tag, bool ok)>;

  Flows(const Platform& platform, Ended ended);
  ~Flows();
  Flows(const Flows&) = delete;
  Flows& operator=(const Flows&) = delete;

  // REQUIRES: both hosts are on. Bytes below one count as one.
  std::uint32_t start_transfer(std::uint32_t from, std::uint32_t to, double bytes, Tag tag);
  // Work in ns at speed 1, on one core.
  std::uint32_t start_execution(std::uint32_t host, double work_ns, Tag tag);

  // Ends without Ended being called. Unknown ids (ended already) are ignored.
  void cancel(std::uint32_t id);
  void cancel_all();

  std::size_t live() const { return live_.size(); }
  // Live transfers that use each link; what small messages share it with.
  int transfers_on(std::uint32_t link) const { return on_link_[link]; }
  // Changes whenever a transfer starts or ends, and again when SimGrid has shared the links anew.
  std::uint32_t version() const { return version_; }

  // Link shares change at the next engine step for another reason.
  void unsettle() { is_unsettled_ = true; }

  // Once per engine step, from the model: frees what ended two steps ago.
  void sweep();

 private:
  struct Live {
    simgrid::s4u::ActivityPtr activity;
    Tag tag;
    std::uint32_t id;
    std::vector<std::uint32_t> links;
  };

  std::uint32_t keep(simgrid::s4u::ActivityPtr activity, Tag tag, std::vector<std::uint32_t> links);
  void change();
  void on_completion(const simgrid::s4u::Activity& activity);
  void retire(std::unordered_map<const simgrid::s4u::Activity*, Live>::iterator entry);

  const Platform& platform_;
  Ended ended_;
  // Looked up by address, never walked in that order.
  std::unordered_map<const simgrid::s4u::Activity*, Live> live_;
  std::unordered_map<std::uint32_t, const simgrid::s4u::Activity*> by_id_;
  std::vector<std::pair<std::uint64_t, simgrid::s4u::ActivityPtr>> graveyard_;
  std::vector<int> on_link_;
  std::uint64_t step_ = 0;
  std::uint32_t next_id_ = 0;
  std::uint32_t version_ = 0;
  bool is_unsettled_ = false;
};

}  // namespace phoenix::sim
