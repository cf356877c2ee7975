// Agents on the simulated nodes: the first request to one pays its start, idle ones hibernate and
// are woken, and a node that holds more than its memory works more slowly.
#include "sim/world.h"

namespace phoenix::sim {

double World::memory_of(const Machine& machine) const {
  return resident_bytes_[machine.group] + machine.agents_bytes + machine.server.memory_bytes() +
         machine.keyed.memory_bytes();
}

void World::fit_speed(std::uint32_t node) {
  if (scenario_.cluster.paging == 0) return;
  Machine& machine = machines_[node];
  const double factor =
      paging_factor(memory_of(machine), scenario_.cluster.groups[machine.group].memory_bytes,
                    scenario_.cluster.paging);
  if (factor == machine.page_factor) return;
  machine.page_factor = factor;
  apply_factor(node);
}

// False: the job comes again when its agent is awake.
bool World::finds_its_agent(std::uint32_t id) {
  if (!has_agents_) return true;
  WireJob& wire = wire_.job(id);
  Job& job = jobs_[id];
  Machine& machine = machines_[job.node];
  const Service& service = scenario_.services[job.service];
  const double memory = service.agent_memory_bytes;
  const KeyedAgents::Entry entry =
      machine.keyed.enter(job.service, memory > 0 ? wire.key : 0, memory, service.wake_time, now_);
  wire.agent = entry.hold;
  if (entry.is_new && service.cold_start.count() > 0) {
    job.work += static_cast<double>(service.cold_start.count());
    ++wire_.counters.cold_starts;
  }
  if (entry.wakes) ++wire_.counters.wakes;
  if (entry.ready_at <= now_) return true;
  ++machine.away;
  agenda_.push(entry.ready_at, EventKind::kAgentReady, id);
  return false;
}

void World::on_agent_ready(std::uint32_t id) {
  if (!finds_its_node(id)) return;
  const std::uint32_t node = jobs_[id].node;
  Machine& machine = machines_[node];
  --machine.away;
  if (machine.pauses > 0) {  // it comes again, and finds its agent awake
    leave_agent(id);
    machine.held.push_back(id);
    return;
  }
  admit(id);
  leave_if_drained(node);
}

void World::leave_agent(std::uint32_t id) {
  const std::uint32_t node = jobs_[id].node;
  if (has_agents_) {
    WireJob& wire = wire_.job(id);
    machines_[node].keyed.leave(wire.agent, now_);
    wire.agent = {};
    arm_hibernation(node);
  }
  fit_speed(node);
}

void World::arm_hibernation(std::uint32_t node) {
  if (knobs_.hibernate_idle.count() == 0) return;
  Machine& machine = machines_[node];
  if (machine.hibernate_due != kNever) return;
  const Time idle_since = machine.keyed.idle_since();
  if (idle_since == kNever) return;
  machine.hibernate_due = std::max(now_, idle_since + knobs_.hibernate_idle);
  agenda_.push(machine.hibernate_due, EventKind::kHibernate, node);
}

void World::on_hibernate(std::uint32_t node) {
  Machine& machine = machines_[node];
  if (machine.hibernate_due != now_) return;
  machine.hibernate_due = kNever;
  wire_.counters.hibernations += machine.keyed.hibernate(now_ - knobs_.hibernate_idle);
  fit_speed(node);
  arm_hibernation(node);
}

}  // namespace phoenix::sim
