#include "sim/flows.h"

#include <algorithm>
#include <cassert>

namespace phoenix::sim {
namespace s4u = simgrid::s4u;

namespace {
// SimGrid's completion signal is global and cannot be disconnected: it is routed to whoever lives
// now.
Flows* g_flows = nullptr;
}  // namespace

Flows::Flows(const Platform& platform, Ended ended)
    : platform_(platform), ended_(std::move(ended)), on_link_(platform.links.size(), 0) {
  assert(g_flows == nullptr);
  g_flows = this;
  static bool connected = false;
  if (!connected) {
    s4u::Activity::on_completion_cb([](s4u::Activity const& activity) {
      if (g_flows != nullptr) g_flows->on_completion(activity);
    });
    connected = true;
  }
}

Flows::~Flows() { g_flows = nullptr; }

std::uint32_t Flows::keep(s4u::ActivityPtr activity, Tag tag, std::vector<std::uint32_t> links) {
  const std::uint32_t id = next_id_++;
  for (const std::uint32_t link : links) ++on_link_[link];
  if (!links.empty()) change();
  by_id_[id] = activity.get();
  const s4u::Activity* address = activity.get();
  live_.emplace(address, Live{std::move(activity), tag, id, std::move(links)});
  return id;
}

std::uint32_t Flows::start_transfer(std::uint32_t from, std::uint32_t to, double bytes, Tag tag) {
  s4u::Host* source = platform_.hosts[from].host;
  s4u::Host* target = platform_.hosts[to].host;
  assert(source->is_on() && target->is_on());
  std::vector<s4u::Link*> route;
  double latency = 0;
  source->route_to(target, route, &latency);
  std::vector<std::uint32_t> links;
  for (const s4u::Link* link : route) links.push_back(platform_.link_index.at(link));
  s4u::CommPtr comm = s4u::Comm::sendto_init(source, target);
  comm->set_payload_size(static_cast<std::uint64_t>(std::max(bytes, 1.0)));
  const std::uint32_t id = keep(comm, tag, std::move(links));
  comm->start();
  return id;
}

std::uint32_t Flows::start_execution(std::uint32_t host, double work_ns, Tag tag) {
  s4u::ExecPtr exec = s4u::Exec::init();
  exec->set_flops_amount(work_ns * 1e-9 * kFlopsPerSecond);
  exec->set_host(platform_.hosts[host].host);
  const std::uint32_t id = keep(exec, tag, {});
  exec->start();
  return id;
}

void Flows::retire(std::unordered_map<const s4u::Activity*, Live>::iterator entry) {
  for (const std::uint32_t link : entry->second.links) --on_link_[link];
  if (!entry->second.links.empty()) change();
  graveyard_.emplace_back(step_, std::move(entry->second.activity));
  by_id_.erase(entry->second.id);
  live_.erase(entry);
}

void Flows::on_completion(const s4u::Activity& activity) {
  const auto entry = live_.find(&activity);
  if (entry == live_.end()) return;
  const Tag tag = entry->second.tag;
  retire(entry);
  ended_(tag, activity.get_state() == s4u::Activity::State::FINISHED);
}

void Flows::cancel(std::uint32_t id) {
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return;
  const s4u::ActivityPtr activity = live_.at(known->second).activity;
  retire(live_.find(known->second));
  activity->cancel();
}

void Flows::cancel_all() {
  std::vector<std::uint32_t> ids;
  for (const auto& [id, activity] : by_id_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const std::uint32_t id : ids) cancel(id);
}

void Flows::change() {
  ++version_;
  is_unsettled_ = true;
}

void Flows::sweep() {
  ++step_;
  if (std::exchange(is_unsettled_, false)) ++version_;
  std::erase_if(graveyard_, [this](const auto& grave) { return grave.first + 2 <= step_; });
}

}  // namespace phoenix::sim
