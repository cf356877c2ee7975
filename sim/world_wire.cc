// The knobs of the data path in the simulated world: batches, compression, connections, socket
// buffers and the way past the gateway. wire.h has the order in which a request meets them.
#include <algorithm>

#include "sim/world.h"

namespace phoenix::sim {
namespace {

Duration whole_ns(double ns) { return Duration{static_cast<std::int64_t>(ns + 0.5)}; }

std::uint32_t end_of_number(std::uint64_t number) { return static_cast<std::uint32_t>(number); }

// Of the connections frames share: the one with the least under way, either way.
std::uint32_t least_behind(WirePath& path, int pool_size) {
  const auto size = static_cast<std::size_t>(pool_size);
  if (path.out.size() < size) path.out.resize(size);
  if (path.back.size() < size) path.back.resize(size);
  const auto behind = [&](std::size_t i) {
    return std::max(path.out[i].empty_at(), path.back[i].empty_at());
  };
  std::size_t best = 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (behind(i) < behind(best)) best = i;
  }
  return static_cast<std::uint32_t>(best);
}

}  // namespace

int World::in_flight_limit() const {
  return knobs_.max_in_flight > 0 ? knobs_.max_in_flight : scenario_.router.max_in_flight;
}

void World::set_knobs(const Knobs& knobs) {
  const int limit_before = in_flight_limit();
  knobs_ = knobs;
  if (is_plain_ && !is_plain(knobs)) {
    is_plain_ = false;
    wire_.cover(jobs_.capacity());
    owners_.resize(gateways_.size());
  }
  measure_resident();
  if (in_flight_limit() != limit_before) {
    for (SimGateway& gateway : gateways_)
      gateway.routing.set_max_in_flight(in_flight_limit(), now_);
  }
  for (std::uint32_t n = 0; n < machines_.size(); ++n) {
    Machine& machine = machines_[n];
    machine.server.set_workers(knobs.workers);
    machine.server.set_queue(knobs.queue_length);
    if (is_flow_fidelity_) {
      if (machine.up) start_executions(n);
    } else if (machine.up) {
      machine.server.refill(jobs_, now_);
      reschedule(n);
    }
    machine.hibernate_due = kNever;
    arm_hibernation(n);
    fit_speed(n);
  }
  wire_.for_each_path([this](std::uint32_t gateway, std::uint32_t node) {
    flush_batch(gateway, node);
    start_waiting(gateway, node);
  });
}

// Of a request whose batch bears the rest.
Duration World::frame_cost() const {
  return std::min(scenario_.gateway.cpu_per_message, scenario_.gateway.cpu_per_frame);
}

Duration World::arrival_cost(const Request& request) const {
  const bool is_batched = knobs_.batch_size > 1 && !classes_[request.request_class].is_http;
  return is_batched ? frame_cost() : scenario_.gateway.cpu_per_message;
}

void World::hand_over(std::uint32_t id, const Request& request) {
  const ClassRules& rules = classes_[request.request_class];
  WireJob& wire = wire_.renew(id);
  wire.key = request.has_key ? request.key : 0;
  wire.node = jobs_[id].node;
  wire.compression = rules.compression;
  wire.queued_at = now_;
  wire.deadline = add_saturating(request.arrived, rules.deadline);
  if (rules.is_http) {
    take_connection(id, std::min(wire.deadline, add_saturating(now_, rules.attempt_timeout)));
  } else if (knobs_.batch_size > 1 && static_cast<double>(request.request_bytes) < kBatchBytes) {
    join_batch(id);
  } else {
    set_out({&id, 1});
  }
}

// Batches.

void World::join_batch(std::uint32_t id) {
  const Job& job = jobs_[id];
  WirePath& path = wire_.path(job.gateway, job.node);
  path.batch.push_back(id);
  path.batch_bytes += static_cast<double>(job.request_bytes);
  if (path.batch.size() >= static_cast<std::size_t>(knobs_.batch_size) ||
      path.batch_bytes >= kBatchBytes) {
    return flush_batch(job.gateway, job.node);
  }
  if (path.batch.size() > 1) return;
  path.batch_due = now_ + knobs_.batch_delay;
  agenda_.push(path.batch_due, EventKind::kBatchDue, job.node, job.gateway);
}

void World::flush_batch(std::uint32_t gateway, std::uint32_t node) {
  WirePath& path = wire_.path(gateway, node);
  path.batch_due = kNever;
  if (path.batch.empty()) return;
  path.batch_bytes = 0;
  ++wire_.counters.batches;
  wire_.counters.batched += path.batch.size();
  for (const std::uint32_t id : path.batch) {
    wire_.counters.batch_wait_ns += static_cast<double>((now_ - wire_.job(id).queued_at).count());
  }
  set_out(path.batch);
  path.batch.clear();
}

// Connections of HTTP, one request each.

void World::take_connection(std::uint32_t id, Time give_up) {
  Job& job = jobs_[id];
  WirePath& path = wire_.path(job.gateway, job.node);
  if (path.waiting.empty()) {
    const ConnectionPool::Taken taken = path.pool.take(knobs_.http_pool_size, give_up, now_);
    if (taken.connection != kNoIndex) return carry_on(id, taken);
  }
  if (path.waiting.size() >= kConnectionWaitMax) {
    ++wire_.counters.connection_refusals;
    job.result = AttemptResult::kQueueFull;
    return agenda_.push(now_, EventKind::kGatewayOut, id);
  }
  path.waiting.push_back({id, give_up});
  arm_pool(job.gateway, job.node);
}

void World::carry_on(std::uint32_t id, ConnectionPool::Taken taken) {
  wire_.job(id).connection = taken.connection;
  wire_.job(id).serial = taken.serial;
  set_out({&id, 1});
}

void World::start_waiting(std::uint32_t gateway, std::uint32_t node) {
  WirePath& path = wire_.path(gateway, node);
  path.pool_due = kNever;
  while (!path.waiting.empty()) {
    const WirePath::Waiting first = path.waiting.front();
    if (first.give_up <= now_) {  // the Router has done so itself
      ++wire_.counters.connection_give_ups;
      jobs_.release(first.job);
      path.waiting.pop_front();
      continue;
    }
    const ConnectionPool::Taken taken = path.pool.take(knobs_.http_pool_size, first.give_up, now_);
    if (taken.connection == kNoIndex) return arm_pool(gateway, node);
    path.waiting.pop_front();
    ++wire_.counters.connection_waits;
    wire_.counters.connection_wait_ns +=
        static_cast<double>((now_ - wire_.job(first.job).queued_at).count());
    carry_on(first.job, taken);
  }
}

// A connection whose request is given up makes room without an answer.
void World::arm_pool(std::uint32_t gateway, std::uint32_t node) {
  WirePath& path = wire_.path(gateway, node);
  if (path.pool_due != kNever) return;
  path.pool_due = path.pool.first_give_up();
  agenda_.push(path.pool_due, EventKind::kPoolDue, node, gateway);
}

// Compression, the gateway's CPU, and room in the socket buffer.

// Compresses what a batch carries, and what will come back, by the knobs of now. What it costs the
// gateway; the nodes' share is more work.
Duration World::encode(std::span<const std::uint32_t> batch) {
  if (knobs_.compress_above == 0 || wire_.job(batch.front()).serial != 0) return Duration{0};
  const Cluster& cluster = scenario_.cluster;
  const auto above = static_cast<double>(knobs_.compress_above);
  double bytes = 0;
  for (const std::uint32_t id : batch) bytes += static_cast<double>(jobs_[id].request_bytes);
  double gateway_ns = 0;
  for (const std::uint32_t id : batch) {
    Job& job = jobs_[id];
    const auto ratio = static_cast<double>(wire_.job(id).compression);
    const auto shrink = [&](float& payload) {
      const auto before = static_cast<double>(payload);
      const double after = compressed_bytes(before, ratio);
      payload = static_cast<float>(after);
      ++wire_.counters.compressed;
      wire_.counters.saved_bytes += before - after;
      return after < before ? codec_ns(before, cluster.decompress_speed) : 0.0;
    };
    if (bytes >= above) {
      gateway_ns += codec_ns(static_cast<double>(job.request_bytes), cluster.compress_speed);
      job.work += shrink(job.request_bytes);
    }
    if (static_cast<double>(job.response_bytes) >= above) {
      job.work += codec_ns(static_cast<double>(job.response_bytes), cluster.compress_speed);
      wire_.job(id).answer_cpu_ns = static_cast<float>(shrink(job.response_bytes));
    }
  }
  return whole_ns(gateway_ns);
}

void World::set_out(std::span<const std::uint32_t> batch) {
  Duration cost = encode(batch);
  const Job& first = jobs_[batch.front()];
  const bool is_http = wire_.job(batch.front()).serial != 0;
  if (knobs_.batch_size > 1 && !is_http) {
    // What the batch costs besides what its requests did as they came.
    const auto frames = static_cast<int>(batch.size());
    cost += batch_cpu(frames, scenario_.gateway.cpu_per_message, scenario_.gateway.cpu_per_frame) -
            frames * frame_cost();
  }
  const auto overhead = static_cast<float>(scenario_.cluster.message_overhead_bytes);
  jobs_[batch.front()].request_bytes += overhead;
  for (const std::uint32_t id : batch) jobs_[id].response_bytes += overhead;
  if (cost.count() == 0) {
    for (const std::uint32_t id : batch) on_depart(id);
    return;
  }
  const Time ready = gateways_[first.gateway].cpu.handle(now_, cost);
  for (const std::uint32_t id : batch) agenda_.push(ready, EventKind::kDepart, id);
}

Duration World::round_trip(std::uint32_t id) {
  const Job& job = jobs_[id];
  return 2 * network_.latency(job.gateway, network_.gateways() + job.node);
}

// Whether the job's message is put off until its connection's buffer has room for it.
bool World::waits_for_room(std::vector<Window>& windows, std::uint32_t id, double bytes,
                           EventKind then) {
  const std::uint32_t connection = wire_.job(id).connection;
  if (windows.size() <= connection) windows.resize(connection + 1);
  const Duration wait = windows[connection].pass(bytes, knobs_.socket_buffer, round_trip(id), now_);
  if (wait.count() == 0) return false;
  ++wire_.counters.buffer_waits;
  wire_.counters.buffer_wait_ns += static_cast<double>(wait.count());
  agenda_.push(now_ + wait, then, id);
  return true;
}

void World::on_depart(std::uint32_t id) {
  WireJob& wire = wire_.job(id);
  if (knobs_.socket_buffer > 0 && !wire.is_paced) {
    const Job& job = jobs_[id];
    WirePath& path = wire_.path(job.gateway, job.node);
    wire.is_paced = true;
    if (wire.serial == 0) wire.connection = least_behind(path, knobs_.pool_size);
    const auto bytes = static_cast<double>(job.request_bytes);
    if (waits_for_room(path.out, id, bytes, EventKind::kDepart)) return;
  }
  if (!network_.send(request_message(id), now_)) jobs_.release(id);
}

// Answers.

// Whether it leaves later. What would come too late shall not keep others from coming in time: a
// short failure goes instead.
bool World::holds_answer(std::uint32_t id) {
  Job& job = jobs_[id];
  const WireJob& wire = wire_.job(id);
  if (knobs_.socket_buffer == 0) return false;
  if (wire.connection == kNoIndex) return false;  // it came before the knob, or past the gateway
  WirePath& path = wire_.path(job.gateway, wire.node);
  if (path.back.size() <= wire.connection) path.back.resize(wire.connection + 1);
  job.result = sendable(path.back[wire.connection], id, response_message(id).bytes);
  if (!waits_for_room(path.back, id, response_message(id).bytes, EventKind::kAnswerDepart)) {
    return false;
  }
  ++machines_[job.node].away;
  return true;
}

// What its answer comes to; counts what is not sent. HTTP servers know no deadlines, and a
// connection of theirs carries one answer at a time.
AttemptResult World::sendable(const Window& window, std::uint32_t id, double bytes) {
  const WireJob& wire = wire_.job(id);
  const AttemptResult result = jobs_[id].result;
  if (wire.serial != 0 || bytes <= kSmallReplyBytes) return result;
  const Duration trip = round_trip(id);
  const auto ns = [](auto date) { return static_cast<double>(date.count()); };
  const double done = window.acknowledged_at(bytes, knobs_.socket_buffer, trip, now_);
  const double busy = done - ns(now_.time_since_epoch());
  if (busy <= ns(trip)) return result;  // it goes at once
  if (busy * knobs_.socket_buffer > kAnswerQueueBytes * ns(trip)) {
    ++wire_.counters.unsent_full;
    return AttemptResult::kError;
  }
  // The gateway has the answer half a trip before the node knows.
  const Time too_late = add_saturating(wire.deadline, trip / 2);
  if (done <= ns(too_late.time_since_epoch())) return result;
  ++wire_.counters.unsent_late;
  return AttemptResult::kLate;
}

void World::on_answer_depart(std::uint32_t id) {
  if (!finds_its_node(id)) return;
  const std::uint32_t node = jobs_[id].node;
  --machines_[node].away;
  if (!network_.send(response_message(id), now_)) jobs_.release(id);
  leave_if_drained(node);
}

void World::take_answer(std::uint32_t id) {
  const WireJob wire = wire_.job(id);
  if (wire.is_direct()) return on_direct_answer(id);
  const Job& job = jobs_[id];
  MessageCpu& cpu = gateways_[job.gateway].cpu;
  if (wire.serial != 0) {
    wire_.path(job.gateway, wire.node).pool.release(wire.connection, wire.serial);
    start_waiting(job.gateway, wire.node);
  }
  Duration cost = cpu.cost();
  if (job.result == AttemptResult::kOk) cost += whole_ns(static_cast<double>(wire.answer_cpu_ns));
  if (cost.count() == 0) return on_gateway_out(id);
  agenda_.push(cpu.handle(now_, cost), EventKind::kGatewayOut, id);
}

// Past the gateway: clients go straight to the node that answered for the key before. They stand
// where their gateway stands. Its Router knows nothing of it, and its CPU is spared.

void World::learn_owner(Request& request, FailureReason reason, NodeId node) {
  request.is_direct = false;
  if (!knobs_.direct_routing || !request.has_key || node == kNoNode) return;
  if (reason != FailureReason::kNone || classes_[request.request_class].is_http) return;
  auto& owners = owners_[request.gateway];
  if (owners.size() >= kOwnersMax) owners.clear();
  owners[request.key] = static_cast<std::uint32_t>(index(node));
}

bool World::goes_direct(std::uint32_t id) {
  Request& request = requests_[id];
  if (!knobs_.direct_routing || !request.has_key) return false;
  const auto owner = owners_[request.gateway].find(request.key);
  if (owner == owners_[request.gateway].end()) return false;
  request.is_direct = true;
  ++wire_.counters.direct;
  agenda_.push(add_saturating(request.arrived, classes_[request.request_class].deadline),
               EventKind::kDirectDue, id, end_of_number(request.seq));
  const std::uint32_t job = make_job(id, owner->second, kNoAttempt);
  WireJob& wire = wire_.renew(job);
  wire.key = request.key;
  wire.seq = request.seq;
  wire.request = id;
  const auto overhead = static_cast<float>(scenario_.cluster.message_overhead_bytes);
  jobs_[job].request_bytes += overhead;
  jobs_[job].response_bytes += overhead;
  if (!network_.send(request_message(job), now_)) jobs_.release(job);
  return true;
}

void World::on_direct_answer(std::uint32_t id) {
  const Job job = jobs_[id];
  const WireJob wire = wire_.job(id);
  jobs_.release(id);
  Request& request = requests_[wire.request];
  if (!request.is_direct || request.seq != wire.seq) return;  // its deadline was first
  if (job.result == AttemptResult::kOk) {
    return answer(wire.request, FailureReason::kNone, id_at<NodeId>(job.node));
  }
  owners_[request.gateway].erase(request.key);
  request.is_direct = false;
  ++wire_.counters.direct_misses;
  const bool was_perhaps_done =
      job.result == AttemptResult::kReset || job.result == AttemptResult::kError;
  if (was_perhaps_done && !classes_[request.request_class].repeatable) {
    const bool broke = job.result == AttemptResult::kReset;
    return answer(wire.request, broke ? FailureReason::kReset : FailureReason::kError);
  }
  enter_gateway(wire.request);
}

void World::on_direct_due(std::uint32_t id, std::uint32_t number) {
  const Request& request = requests_[id];
  if (!request.is_direct || end_of_number(request.seq) != number) return;
  owners_[request.gateway].erase(request.key);
  answer(id, FailureReason::kDeadline);
}

}  // namespace phoenix::sim
