#include "runtime/gateway/directory.h"

#include <algorithm>
#include <cmath>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix::gateway {
namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

Error unknown(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kShown = 20;
  std::string allowed =
      known.empty() ? "none" : join_names({known.data(), std::min(kShown, known.size())});
  if (known.size() > kShown) allowed += ", ...";
  return Error{"found " + quoted(name) + "; allowed " + allowed + did_you_mean(name, known)};
}

}  // namespace

Directory::Directory(Duration forget_after, int max_nodes, ZoneList zones, Publish publish)
    : forget_after_(forget_after),
      max_nodes_(static_cast<std::size_t>(max_nodes)),
      zones_(std::move(zones)),
      publish_(std::move(publish)) {}

void Directory::apply(const GatewayConfig& config) {
  forget_after_ = config.forget_node;
  max_nodes_ = static_cast<std::size_t>(config.max_nodes);
  for (const std::string& name : config.expected_nodes) {
    if (reserved_.try_emplace(name, NodeId{next_id_}).second) ++next_id_;
  }
  struct Server {
    std::string zone;
    std::vector<ServiceOffer> offers;
  };
  std::map<std::string, Server> servers;
  for (const ServiceConfig& service : config.services) {
    for (const ServerConfig& server : service.servers) {
      Server& one = servers[server.address.text()];
      if (one.zone.empty()) one.zone = server.zone;
      one.offers.push_back({service.name, server.weight});
    }
  }
  std::vector<NodeId> gone;
  for (const auto& [id, entry] : entries_) {
    if (entry.view.protocol == Protocol::kHttp && !servers.contains(entry.view.name)) {
      gone.push_back(entry.view.id);
    }
  }
  for (const NodeId id : gone) remove(id);
  for (auto& [name, server] : servers) {
    const auto known = by_name_.find(name);
    Entry& entry = known == by_name_.end() ? add(name, Protocol::kHttp)
                                           : entries_.at(static_cast<std::uint32_t>(known->second));
    if (entry.view.protocol != Protocol::kHttp) continue;
    entry.view.address = name;
    set_zone(entry, server.zone);
    set_offers(entry, std::move(server.offers));
    publish(entry);
  }
}

Result<NodeId> Directory::announce(std::uint64_t link, const Announcement& announcement) {
  const NodeView* const before = node_at(link);
  if (before != nullptr && before->name != announcement.name) {
    return Error{"found " + quoted(announcement.name) + " on the connection of " +
                 quoted(before->name) + "; allowed one node each"};
  }
  const auto known = by_name_.find(announcement.name);
  if (known == by_name_.end() && entries_.size() >= max_nodes_) {
    return Error{"found " + quoted(announcement.name) + " beyond max_nodes = " +
                 std::to_string(max_nodes_) + "; allowed at most that many nodes"};
  }
  Entry& entry = known == by_name_.end() ? add(announcement.name, Protocol::kFrames)
                                         : entries_.at(static_cast<std::uint32_t>(known->second));
  if (entry.view.protocol != Protocol::kFrames) {
    return Error{"found " + quoted(announcement.name) +
                 ", which is an HTTP server of the configuration; allowed another name"};
  }
  if (entry.view.incarnation != announcement.incarnation) {
    for (const std::uint64_t old : entry.links) by_link_.erase(old);
    entry.links.clear();
  }
  entry.links.insert(link);
  by_link_[link] = entry.view.id;
  entry.view.address = announcement.address;
  entry.view.incarnation = announcement.incarnation;
  entry.view.cores = announcement.cores;
  entry.view.memory_bytes = announcement.memory_bytes;
  entry.view.standby = announcement.standby;
  set_zone(entry, announcement.zone);
  entry.said_goodbye = false;
  entry.is_down = false;
  entry.forget_at = kNever;
  set_offers(entry, announcement.offers);
  publish(entry);
  return entry.view.id;
}

void Directory::goodbye(std::uint64_t link) {
  Entry* const entry = entry_of(link);
  if (entry == nullptr || entry->said_goodbye) return;
  entry->said_goodbye = true;
  publish(*entry);
}

void Directory::closed(std::uint64_t link, Time now) {
  Entry* const entry = entry_of(link);
  if (entry == nullptr) return;
  by_link_.erase(link);
  entry->links.erase(link);
  if (!entry->links.empty() || silent_.contains(entry->view.name)) return;
  if (entry->said_goodbye) return remove(entry->view.id);
  mark_down(*entry, now);
}

void Directory::mark_down(Entry& entry, Time now) {
  entry.is_down = true;
  entry.forget_at = now + forget_after_;
  publish(entry);
}

const NodeView* Directory::node_at(std::uint64_t link) const {
  const auto found = by_link_.find(link);
  return found == by_link_.end() ? nullptr : find(found->second);
}

const NodeView* Directory::find(NodeId id) const {
  const auto found = entries_.find(static_cast<std::uint32_t>(id));
  return found == entries_.end() ? nullptr : &found->second.view;
}

Status Directory::drain(const std::string& name) {
  const Result<Entry*> entry = find(name);
  if (!entry) return Error{entry.error()};
  (*entry)->is_drained = true;
  publish(**entry);
  return success();
}

Status Directory::undrain(const std::string& name) {
  const Result<Entry*> entry = find(name);
  if (!entry) return Error{entry.error()};
  (*entry)->is_drained = false;
  publish(**entry);
  return success();
}

Status Directory::set_weight(const std::string& name, const std::string& service, double weight) {
  if (!(weight > 0) || weight > 1e6) {
    return Error{"found weight " + print_number(weight) + "; allowed above 0, up to 1000000"};
  }
  const Result<Entry*> found = find(name);
  if (!found) return Error{found.error()};
  Entry& entry = **found;
  std::vector<std::string> services;
  for (ServiceOffer& offer : entry.view.offers) {
    services.push_back(offer.service);
    if (offer.service != service) continue;
    offer.weight = weight;
    entry.weights[service] = weight;
    publish(entry);
    return success();
  }
  return unknown(service, services);
}

void Directory::forget(const std::string& name) {
  const Result<Entry*> entry = find(name);
  if (!entry || (*entry)->view.protocol != Protocol::kFrames) return;
  if ((*entry)->links.empty()) {
    silent_.erase(name);
    remove((*entry)->view.id);
  }
}

void Directory::silence(const std::string& name) { silent_.insert(name); }

void Directory::unsilence(const std::string& name, Time now) {
  if (silent_.erase(name) == 0) return;
  const Result<Entry*> entry = find(name);
  if (!entry || (*entry)->view.protocol != Protocol::kFrames || !(*entry)->links.empty()) return;
  mark_down(**entry, now);
}

Time Directory::next_wake() const {
  Time next = kNever;
  for (const auto& [id, entry] : entries_) next = std::min(next, entry.forget_at);
  return next;
}

void Directory::on_wake(Time now) {
  std::vector<NodeId> gone;
  for (const auto& [id, entry] : entries_) {
    if (entry.forget_at <= now) gone.push_back(entry.view.id);
  }
  for (const NodeId id : gone) remove(id);
}

std::vector<NodeView> Directory::nodes() const {
  std::vector<NodeView> views;
  for (const auto& [id, entry] : entries_) views.push_back(entry.view);
  return views;
}

Result<Directory::Entry*> Directory::find(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) return &entries_.at(static_cast<std::uint32_t>(found->second));
  std::vector<std::string> known;
  for (const auto& [one, id] : by_name_) known.push_back(one);
  return unknown(name, known);
}

Directory::Entry* Directory::entry_of(std::uint64_t link) {
  const auto found = by_link_.find(link);
  return found == by_link_.end() ? nullptr
                                 : &entries_.at(static_cast<std::uint32_t>(found->second));
}

Directory::Entry& Directory::add(const std::string& name, Protocol protocol) {
  std::uint32_t id = next_id_;
  if (const auto own = reserved_.find(name); own != reserved_.end()) {
    id = static_cast<std::uint32_t>(own->second);
  } else if (free_.empty()) {
    ++next_id_;
  } else {
    id = *free_.begin();
    free_.erase(free_.begin());
  }
  Entry& entry = entries_[id];
  entry.view.id = NodeId{id};
  entry.view.name = name;
  entry.view.protocol = protocol;
  by_name_[name] = entry.view.id;
  return entry;
}

void Directory::remove(NodeId id) {
  auto node = entries_.extract(static_cast<std::uint32_t>(id));
  Entry& entry = node.mapped();
  for (const std::uint64_t link : entry.links) by_link_.erase(link);
  by_name_.erase(entry.view.name);
  if (!reserved_.contains(entry.view.name)) free_.insert(static_cast<std::uint32_t>(id));
  entry.view.has_left = true;
  publish(entry);
}

void Directory::set_zone(Entry& entry, const std::string& zone) {
  entry.view.zone = zone;
  entry.view.zone_id = zones_.number(zone);
}

// An operator's weights outlive restarts of the node.
void Directory::set_offers(Entry& entry, std::vector<ServiceOffer> offers) {
  for (ServiceOffer& offer : offers) {
    const auto own = entry.weights.find(offer.service);
    if (own != entry.weights.end()) offer.weight = own->second;
  }
  entry.view.offers = std::move(offers);
}

void Directory::publish(Entry& entry) {
  entry.view.state = entry.is_down                            ? NodeState::kDown
                     : entry.is_drained || entry.said_goodbye ? NodeState::kDraining
                                                              : NodeState::kUp;
  publish_(entry.view);
}

}  // namespace phoenix::gateway
