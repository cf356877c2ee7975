#include "runtime/local/local_world.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/format.h>

#include "scenarios/version.h"

namespace phoenix::local {
namespace {

constexpr std::string_view kKeepsState =
    "state = \"kept\" is the simulator's; a process that is killed keeps nothing";
// The load source ends the run; this long after it should have, something is wrong with it.
constexpr Duration kOverrunMax = std::chrono::seconds(30);
constexpr Duration kLastPollWithin = std::chrono::milliseconds(100);

bool is_skipped(const Scenario& scenario, const FaultPlan& plan, const FaultEvent& event) {
  const auto named = static_cast<std::size_t>(event.parent >= 0 ? event.parent : event.fault);
  for (const FaultSpec& spec : scenario.faults) {
    if (spec.id == plan.names[named]) return spec.allow_unsupported;
  }
  return false;
}

// What this world cannot do, told before anything starts.
std::string obstacle(const Scenario& scenario) {
  if (scenario.fidelity == Fidelity::kFlow) {
    return "fidelity = \"flow\" is the simulator's; a local run moves real messages";
  }
  if (!scenario.transfers.empty()) {
    return "[[transfer]] is the simulator's; a local run has no bulk data to move";
  }
  if (scenario.knobs.hibernate_idle > Duration{0}) {
    return "knobs.hibernate_idle is the simulator's; the agents of a local run hold no memory";
  }
  const FaultPlan plan = plan_faults(scenario, Streams(scenario.seed, scenario.replication));
  for (const FaultEvent& event : plan.events) {
    if (event.keeps_state && !is_skipped(scenario, plan, event)) {
      return "fault." + plan.names[static_cast<std::size_t>(event.fault)] + ": " +
             std::string(kKeepsState) + "; allow_unsupported = true skips it";
    }
  }
  return {};
}

}  // namespace

LocalWorld::LocalWorld(net::Loop& loop, const Scenario& scenario, LocalOptions options)
    : loop_(loop),
      scenario_(scenario),
      options_(std::move(options)),
      streams_(scenario.seed, scenario.replication),
      knobs_(scenario.knobs),
      fault_timer_(loop, [this] { on_faults_due(); }),
      sample_timer_(loop, [this] { on_sample_due(); }),
      control_timer_(loop, [this] { on_control_due(); }),
      timers_(loop) {}

LocalWorld::~LocalWorld() {
  load_.reset();
  agents_.reset();
  nodes_.clear();
  gateways_.clear();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

void LocalWorld::fail(std::string why) {
  if (problem_.empty()) problem_ = std::move(why);
  loop_.stop();
}

void LocalWorld::interrupt(const std::string& why) { fail(why); }

std::string_view LocalWorld::objection(const FaultEvent& event) const {
  return event.keeps_state ? kKeepsState : std::string_view();
}

std::vector<std::string> LocalWorld::gateway_addresses() const {
  std::vector<std::string> addresses;
  for (const LocalGateway& gateway : gateways_) addresses.push_back(gateway.frames);
  return addresses;
}

Status LocalWorld::make_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "phoenix-local-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return Error{"cannot make a folder such as `" + pattern + "`"};
  }
  folder_ = pattern;
  std::random_device random;
  token_ = fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
  token_path_ = folder_ + "/token";
  std::ofstream file(token_path_);
  std::filesystem::permissions(
      token_path_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  file << token_ << "\n";
  file.close();
  if (!file) return Error{"cannot write `" + token_path_ + "`"};
  return success();
}

Status LocalWorld::open_record() {
  if (!options_.record_path.empty()) {
    RecordOrigin origin;
    origin.world = "local";
    origin.producer_version = kVersion;
    origin.source_revision = kSourceRevision;
    origin.node_names = node_names(scenario_);
    auto created = RecordWriter::create(options_.record_path, scenario_, origin);
    if (!created) return Error{created.error()};
    record_ = std::move(*created);
  }
  collector_ = std::make_unique<Collector>(scenario_, streams_, "local", record_.get());
  FaultWorld& self = *this;
  faults_ = std::make_unique<FaultPlayer>(self, scenario_, streams_, record_.get());
  ControlWorld& controlled = *this;
  control_ = std::make_unique<ControlLoop>(controlled, scenario_, streams_,
                                           [this](DecisionRow& row) { append(row); });
  if (control_->is_on()) collector_->watch();
  make_keeper();
  return success();
}

Status LocalWorld::open() {
  if (const std::string why = obstacle(scenario_); !why.empty()) return Error{why};
  if (Status made = make_folder(); !made) return made;
  return open_record();
}

Result<LocalResult> LocalWorld::run() {
  const auto began = std::chrono::steady_clock::now();
  for (const char* name : {"phoenix-gateway", "phoenix-node", "phoenix-load"}) {
    const std::string path = sibling_program(name);
    if (find_program(path).empty()) return Error{"found no program `" + path + "`"};
  }
  using Step = Status (LocalWorld::*)();
  for (const Step step :
       {&LocalWorld::start_gateways, &LocalWorld::start_nodes, &LocalWorld::begin_agents,
        &LocalWorld::await_connections, &LocalWorld::start_load}) {
    if (Status done = (this->*step)(); !done) return Error{done.error()};
  }
  play();
  LocalResult result = finish();
  result.summary.wall_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  result.summary.simulated_requests_per_second =
      static_cast<double>(collector_->offered_total()) / result.summary.wall_s;
  if (record_ == nullptr) return result;
  for (const SummaryRow& row : result.summary.to_rows()) record_->append(row);
  if (result.summary.complete) {
    result.record = record_->finish();
  } else {
    record_->flush();
    result.record = record_->status();
  }
  return result;
}

void LocalWorld::play() {
  is_playing_ = true;
  next_sample_ = kStart + scenario_.record.interval;
  sample_timer_.arm(to_loop(next_sample_));
  // Nodes are there already; their core time counts from here.
  timers_.at(to_loop(kStart), [this] {
    poll(kPollWithin, [this] {
      for (LocalNode& node : nodes_) node.before.available_core_ns -= node.life.available_core_ns;
    });
  });
  arm_faults();
  arm_control();
  if (scenario_.warmup.count() > 0) {
    timers_.at(to_loop(kStart + scenario_.warmup), [this] { end_warmup(); });
  }
  const Time limit = to_loop(kStart + scenario_.duration + kOverrunMax);
  while (!is_over_ && problem_.empty()) {
    if (loop_.run_until(limit)) fail("the load source did not end");
  }
  fault_timer_.disarm();
  control_timer_.disarm();
  sample_timer_.disarm();
}

LocalResult LocalWorld::finish() {
  // What the processes count last, faults still in force.
  std::vector<std::uint32_t> effects;
  for (const FaultEvent& event : faults_->plan().events) {
    const bool has_begun = event.phase == FaultPhase::kBegin && event.at <= now();
    if (has_begun && is_at_gateways(event.action)) effects.push_back(event.effect);
  }
  bool is_polled = false;
  poll(
      kLastPollWithin, [&is_polled] { is_polled = true; }, effects);
  while (!is_polled) loop_.run_until(loop_.now() + std::chrono::milliseconds(1));
  const Time end = std::clamp(now(), kStart, kStart + scenario_.duration);
  fault_date_ = end;
  faults_->play(end);
  control_->finish();
  LocalResult result;
  result.summary = summarize(end);
  result.problem = problem_;
  result.lateness = lateness_;
  result.summary.load = {to_seconds(lateness_.sent_late.quantile(0.99)), lateness_.not_sent,
                         lateness_.fell_behind(), true};
  result.invalid = faults_->invalid();
  return result;
}

}  // namespace phoenix::local
