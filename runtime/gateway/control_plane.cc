#include "runtime/gateway/control_plane.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "runtime/log.h"
#include "runtime/provision/command_provisioner.h"
#include "runtime/provision/process_provisioner.h"
#include "strategies/control/status.h"
#include "strategies/core/units.h"

namespace phoenix::gateway {
namespace {

using By = ProvisionConfig::By;

constexpr Duration kDrainPoll = std::chrono::milliseconds(100);
constexpr Duration kGraceMin = std::chrono::seconds(1);
constexpr Duration kStopAgain = std::chrono::seconds(60);

// Everything, as the gateway has counted it since its start.
GatewayReport sum_of(const GatewayStatus& status, Histogram& latency) {
  GatewayReport sum;
  latency.clear();
  for (const ClassStatus& one : status.classes) {
    sum.offered += one.offered;
    sum.completed += one.answers[0];
    for (std::size_t i = 1; i < one.answers.size(); ++i) sum.failed += one.answers[i];
    latency.merge(one.latency);
  }
  sum.in_flight = status.open_requests;
  return sum;
}

bool places_agents(const GatewayConfig& config) {
  return std::ranges::any_of(config.services, &ServiceConfig::is_placed);
}

const NodeStatus* find_node(const GatewayStatus& status, const std::string& name) {
  const auto found = std::ranges::find(status.nodes, name, &NodeStatus::name);
  return found == status.nodes.end() ? nullptr : &*found;
}

}  // namespace

bool wants_control(const GatewayConfig& config) {
  const ControlStrategies& s = config.strategies;
  return places_agents(config) || config.provision.by != By::kNone || !config.alerts.empty() ||
         s.scaler != "none" || s.tuner != "none" || s.rebalancer != "none";
}

Result<std::unique_ptr<ControlPlane>> ControlPlane::start(net::Loop& loop, Gateway& gateway,
                                                          std::uint64_t seed) {
  if (!wants_control(gateway.config())) return std::unique_ptr<ControlPlane>();
  std::unique_ptr<ControlPlane> made(new ControlPlane(loop, gateway, seed));
  auto provisioner = made->make_provisioner(seed);
  if (!provisioner) return Error{"provision: " + provisioner.error()};
  made->provisioner_ = std::move(*provisioner);
  gateway.attach(made.get());
  if (made->begin_ <= loop.now()) made->begin();
  made->arm();
  return made;
}

void ControlPlane::begin() {
  has_begun_ = true;
  control_->begin(standing());
  for (std::size_t i = 0; agents_ != nullptr && i < places_.size(); ++i) {
    agents_->renew(id_at<NodeId>(i));
  }
}

ControlPlane::ControlPlane(net::Loop& loop, Gateway& gateway, std::uint64_t seed)
    : loop_(loop),
      gateway_(gateway),
      config_(gateway.config()),
      own_(config_.provision.by == By::kNone ? 0
                                             : static_cast<std::size_t>(config_.provision.maximum)),
      places_(own_ + kOthersMax),
      begin_(loop.now() + (config_.provision.by == By::kCommand || places_agents(config_)
                               ? config_.settle
                               : Duration{0})),
      timer_(loop, [this] { on_due(); }) {
  for (std::size_t i = 0; i < own_; ++i) {
    places_[i].name = config_.provision.group + "-" + std::to_string(i);
  }
  ControlWorld& world = *this;
  if (places_agents(config_)) make_keeper();
  control_ =
      std::make_unique<ControlLoop>(world, plan(seed), [this](DecisionRow& row) { log(row); });
}

ControlPlane::~ControlPlane() {
  gateway_.attach(nullptr);
  *alive_ = false;
  agents_.reset();  // before the links it gives orders by
}

ControlPlan ControlPlane::plan(std::uint64_t seed) const {
  const ProvisionConfig& provision = config_.provision;
  ControlPlan plan;
  plan.setup.settings = config_.control;
  plan.setup.targets = config_.targets;
  plan.setup.alerts = config_.alerts;
  plan.setup.strategies = *Controller::in_full(config_.strategies);
  plan.setup.knobs = config_.knobs;
  plan.setup.services = placed_services();
  plan.setup.placement_random = Random(mix64(seed ^ hash_text("placement")));
  ControlGroup group;
  group.name = provision.group;
  group.minimum = provision.minimum;
  group.maximum = own_ > 0 ? provision.maximum : 0;
  group.cores = std::max(1, provision.cores);
  group.memory_bytes = provision.memory_bytes;
  group.cost_per_hour = provision.cost_per_hour;
  group.boot_time = provision.boot_time;
  ControlGroup others;
  others.name = "others";
  plan.setup.groups = {group, others};
  plan.setup.node_groups.assign(places_.size(), 1);
  std::fill_n(plan.setup.node_groups.begin(), own_, 0);
  // Nobody waits for it: real nodes are there when they are.
  plan.boot_time = [boot = provision.boot_time](NodeId, std::uint64_t) { return boot; };
  plan.is_on = true;
  return plan;
}

Result<std::unique_ptr<provision::Provisioner>> ControlPlane::make_provisioner(std::uint64_t seed) {
  const ProvisionConfig& wanted = config_.provision;
  if (wanted.by == By::kProcess) {
    provision::ProcessSettings settings;
    settings.arguments = wanted.arguments;
    settings.token_file = config_.token_file;
    settings.ready_within = wanted.ready_within;
    auto made = provision::ProcessProvisioner::create(
        loop_, settings, [](const std::string& name, const std::string& why) {
          log_warning("node lost", {{"node", name}, {"why", why}});
        });
    if (!made) return Error{made.error()};
    return std::unique_ptr<provision::Provisioner>(std::move(*made));
  }
  if (wanted.by == By::kCommand) {
    provision::CommandSettings settings;
    settings.command = wanted.command;
    settings.token_file = config_.token_file;
    settings.timeout = wanted.command_timeout;
    auto made = provision::CommandProvisioner::create(loop_, settings,
                                                      Random(mix64(seed ^ hash_text("hooks"))));
    if (!made) return Error{made.error()};
    return std::unique_ptr<provision::Provisioner>(std::move(*made));
  }
  return std::unique_ptr<provision::Provisioner>();
}

// Time.

Time ControlPlane::now() const { return std::max(kStart, Time{loop_.now() - begin_}); }

void ControlPlane::arm() {
  if (!has_begun_) return timer_.arm(begin_);
  Time next = control_->next_at();
  for (std::size_t i = 0; i < own_; ++i) {
    const Place& place = places_[i];
    if (place.stage == Stage::kDraining) next = std::min(next, now() + kDrainPoll);
    if (place.stage == Stage::kStarting) next = std::min(next, place.limit);
    if (place.stage == Stage::kStopping) next = std::min(next, place.retry_stop);
  }
  timer_.arm(next == kNever ? kNever : begin_ + next.time_since_epoch());
}

// What it decides by is to be new.
void ControlPlane::on_due() {
  if (std::exchange(is_asking_, true)) return;
  gateway_.status([this, alive = std::weak_ptr<bool>(alive_)](const GatewayStatus& status) {
    if (alive.expired()) return;
    is_asking_ = false;
    on_status(status);
  });
}

void ControlPlane::on_status(const GatewayStatus& status) {
  seen_ = status;
  seen_.control.reset();
  if (!has_begun_ && begin_ <= loop_.now()) begin();
  if (!status.draining) {
    for (std::size_t i = 0; i < own_; ++i) look_after(i, status);
    hear_reports(status);
    if (control_->next_at() <= now()) control_->play(now());
  }
  arm();
}

GatewayReport ControlPlane::take_gateway_report() {
  Histogram latency;
  const GatewayReport sum = sum_of(seen_, latency);
  GatewayReport report;
  report.from = totals_.to;
  report.to = now();
  report.offered = sum.offered - totals_.offered;
  report.completed = sum.completed - totals_.completed;
  report.failed = sum.failed - totals_.failed;
  report.in_flight = sum.in_flight;
  reported_ = latency;
  reported_.subtract(latency_);
  report.latency = &reported_;
  totals_ = sum;
  totals_.to = report.to;
  latency_ = std::move(latency);
  return report;
}

void ControlPlane::hear_reports(const GatewayStatus& status) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].name.empty() || !places_[i].is_known) continue;
    const NodeStatus* const node = find_node(status, places_[i].name);
    if (node == nullptr || node->reported_at == kStart) continue;
    LoadReport report = node->load;
    report.measured_at = Time{report.measured_at - begin_};
    control_->report(id_at<NodeId>(i), report);
  }
}

void ControlPlane::log(const DecisionRow& row) {
  Decision decision;
  decision.at = begin_ + Duration{row.t};
  decision.family = row.family.view();
  decision.action = row.action.view();
  decision.subject = name_of(row.subject.view());
  decision.reason = with_names(row.reason.view());
  decision.outcome = row.outcome.view();
  decision.value = row.value;
  decision.from = row.from;
  decision.took_s = row.took;
  decision.seen = row.seen.view();
  decision.note = row.note.view();
  const auto place = static_cast<std::size_t>(row.value);
  if (decision.subject.starts_with("agent:") && row.value >= 0 && place < places_.size()) {
    decision.note += (decision.note.empty() ? "on " : ", on ") + places_[place].name;
  }
  gateway_.note(std::move(decision));
}

// "node 3 drains": the same with its name.
std::string ControlPlane::with_names(std::string_view text) const {
  constexpr std::string_view kNode = "node ";
  std::string named;
  while (true) {
    const std::size_t at = text.find(kNode);
    if (at == text.npos) return named += text;
    named += text.substr(0, at + kNode.size());
    text.remove_prefix(at + kNode.size());
    std::size_t place = places_.size();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place);
    if (error != std::errc() || place >= places_.size()) continue;
    named += places_[place].name;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

// Numbers of places mean nothing to others.
std::string ControlPlane::name_of(std::string_view subject) const {
  constexpr std::string_view kNode = "node:";
  std::size_t place = places_.size();
  if (subject.starts_with(kNode)) {
    const std::string_view digits = subject.substr(kNode.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), place);
  }
  return place < places_.size() ? places_[place].name : std::string(subject);
}

std::string ControlPlane::node_name(NodeId node) const {
  return index(node) < places_.size() ? places_[index(node)].name : std::string();
}

Status ControlPlane::command(const Command& command) {
  Status taken = control_->command(command);
  arm();
  return taken;
}

std::shared_ptr<const ControllerStatus> ControlPlane::status() const {
  return std::make_shared<const ControllerStatus>(control_->status());
}

void ControlPlane::finish() {
  timer_.disarm();
  control_->finish();
}

Status ControlPlane::set_knob(std::string_view knob, double value) {
  const Result<KnobId> id = knob_named(knob);
  if (!id) return Error{id.error()};
  return gateway_.turn_knob(*id, value);
}

// Nodes as the directory has them.

// Nowhere: places_.size().
std::size_t ControlPlane::place_of(const NodeView& node) {
  if (node.protocol != Protocol::kFrames) return places_.size();
  const auto found = std::ranges::find(places_, node.name, &Place::name);
  if (found != places_.end()) return static_cast<std::size_t>(found - places_.begin());
  if (node.has_left) return places_.size();
  const auto others = places_.begin() + static_cast<std::ptrdiff_t>(own_);
  const auto free =
      std::find_if(others, places_.end(), [](const Place& p) { return p.name.empty(); });
  if (free == places_.end()) {
    log_warning("node not watched", {{"node", node.name}, {"why", "too many of others"}});
    return places_.size();
  }
  free->name = node.name;
  return static_cast<std::size_t>(free - places_.begin());
}

void ControlPlane::on_node(const NodeView& node) {
  const std::size_t place = place_of(node);
  if (place == places_.size()) return;
  places_[place].is_known = !node.has_left;
  if (agents_ != nullptr) on_host(place, node);
  if (place < own_) {
    on_own(place, node);
  } else {
    on_other(place, node);
  }
  arm();
}

void ControlPlane::tell(std::size_t place, NodePhase phase) {
  control_->node_is(id_at<NodeId>(place), phase);
}

// Draining that was not decided here may end, and is as good as being down but for agents: they
// move away.
NodePhase ControlPlane::phase_of(const NodeView& node) const {
  if (node.state == NodeState::kUp) return NodePhase::kReady;
  const bool drains = node.state == NodeState::kDraining && agents_ != nullptr;
  return drains ? NodePhase::kDraining : NodePhase::kDown;
}

void ControlPlane::on_other(std::size_t place, const NodeView& node) {
  if (node.has_left) {
    tell(place, NodePhase::kAbsent);
    places_[place].name.clear();
    return;
  }
  tell(place, phase_of(node));
}

void ControlPlane::on_own(std::size_t index_of_place, const NodeView& node) {
  Place& place = places_[index_of_place];
  const bool serves = !node.has_left && node.state == NodeState::kUp;
  switch (place.stage) {
    case Stage::kAbsent:  // there before this process, or started by others
    case Stage::kStarting:
      if (!serves) return;
      place.stage = Stage::kUp;
      return tell(index_of_place, NodePhase::kReady);
    case Stage::kUp:
      if (node.has_left) {  // by itself: who has started it is to know
        tell(index_of_place, NodePhase::kDown);
        return stop(index_of_place, Duration{0});
      }
      return tell(index_of_place, phase_of(node));
    case Stage::kDraining:
    case Stage::kStopping:
      return;
  }
}

// Nodes as they are wanted.

bool ControlPlane::is_listed(const std::string& name) const {
  const std::vector<provision::ProvisionedNode> all = provisioner_->list();
  return std::ranges::find(all, name, &provision::ProvisionedNode::name) != all.end();
}

Status ControlPlane::provision(NodeId node, Duration) {
  const std::size_t n = index(node);
  Place& place = places_[n];
  if (place.stage != Stage::kAbsent) return Error{place.name + " is there already"};
  if (place.is_known) static_cast<void>(gateway_.set_draining(place.name, false));
  place.stage = Stage::kStarting;
  place.limit = now() + config_.provision.ready_within;
  provision::NodeRequest request;
  request.name = place.name;
  request.group = config_.provision.group;
  request.cores = config_.provision.cores;
  request.gateways = {*gateway_.frames()};
  request.deadline = begin_ + place.limit.time_since_epoch();
  provisioner_->start(request, [this, n, turn = ++place.turn](const auto& started) {
    if (places_[n].turn == turn) on_start_answer(n, started);
  });
  return success();
}

// That it runs is not that it serves: the directory tells that.
void ControlPlane::on_start_answer(std::size_t n, const Result<provision::StartedNode>& started) {
  if (started || places_[n].stage != Stage::kStarting) return;
  places_[n].stage = Stage::kAbsent;
  control_->start_failed(id_at<NodeId>(n), started.error());
  arm();
}

Status ControlPlane::remove(NodeId node, Duration grace) {
  const std::size_t n = index(node);
  Place& place = places_[n];
  if (place.stage == Stage::kStarting) {
    stop(n, Duration{0});
    return success();
  }
  if (place.stage != Stage::kUp) return Error{place.name + " is not there, or on its way out"};
  if (config_.provision.by == By::kProcess && !is_listed(place.name)) {
    return Error{place.name + " was not started here, and cannot be stopped"};
  }
  place.stage = Stage::kDraining;
  place.limit = now() + grace;
  place.is_withdrawn = false;
  if (agents_ == nullptr || agents_->count(node) == 0) withdraw(n);
  arm();
  return success();
}

void ControlPlane::withdraw(std::size_t n) {
  places_[n].is_withdrawn = true;
  static_cast<void>(gateway_.set_draining(places_[n].name, true));
}

Status ControlPlane::keep(NodeId node) {
  Place& place = places_[index(node)];
  if (place.stage != Stage::kDraining) return Error{place.name + " does not drain any more"};
  place.stage = Stage::kUp;  // first, since the directory tells of it at once
  if (!place.is_withdrawn) return success();
  Status kept = gateway_.set_draining(place.name, false);
  if (!kept) place.stage = Stage::kDraining;
  return kept;
}

void ControlPlane::look_after(std::size_t n, const GatewayStatus& status) {
  Place& place = places_[n];
  if (place.stage == Stage::kDraining && !place.is_withdrawn) {
    const bool has_agents = agents_->count(id_at<NodeId>(n)) > 0;
    if (!has_agents || now() >= place.limit) withdraw(n);
  } else if (place.stage == Stage::kDraining) {
    const NodeStatus* const node = find_node(status, place.name);
    const bool is_busy = node != nullptr && node->under_way > 0;
    if (!is_busy || now() >= place.limit) stop(n, std::max(place.limit - now(), kGraceMin));
  } else if (place.stage == Stage::kStarting && now() >= place.limit) {
    place.failure = "not serving within " + print_duration(config_.provision.ready_within);
    stop(n, Duration{0});
  } else if (place.stage == Stage::kStopping && now() >= place.retry_stop) {
    stop(n, Duration{0});
  }
}

void ControlPlane::stop(std::size_t n, Duration grace) {
  Place& place = places_[n];
  place.stage = Stage::kStopping;
  place.retry_stop = kNever;
  provisioner_->stop(place.name, grace, [this, n, turn = ++place.turn](const Status& stopped) {
    if (places_[n].turn == turn) on_stopped(n, stopped);
  });
}

void ControlPlane::on_stopped(std::size_t n, const Status& stopped) {
  Place& place = places_[n];
  if (stopped || !is_listed(place.name)) return leave_empty(n);
  log_error("node not stopped", {{"node", place.name}, {"why", stopped.error()}});
  place.retry_stop = now() + kStopAgain;
  arm();
}

void ControlPlane::leave_empty(std::size_t n) {
  Place& place = places_[n];
  place.stage = Stage::kAbsent;
  gateway_.forget_node(place.name);
  const std::string failure = std::exchange(place.failure, {});
  if (failure.empty()) {
    tell(n, NodePhase::kAbsent);
  } else {
    control_->start_failed(id_at<NodeId>(n), failure);
  }
  arm();
}

}  // namespace phoenix::gateway
