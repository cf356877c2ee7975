#include "runtime/local/local_world.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/format.h>

#include "scenarios/version.h"

namespace phoenix::local {
namespace {

// What this world cannot do, told before anything starts.
std::string obstacle(const Scenario& scenario) {
  if (scenario.fidelity == Fidelity::kFlow) {
    return "fidelity = \"flow\" is the simulator's; a local run moves real messages";
  }
  if (!scenario.transfers.empty()) {
    return "[[transfer]] is the simulator's; a local run has no bulk data to move";
  }
  const FaultPlan plan = plan_faults(scenario, Streams(scenario.seed, scenario.replication));
  for (const FaultEvent& event : plan.events) {
    if (event.keeps_state) {
      return "fault." + plan.names[static_cast<std::size_t>(event.fault)] +
             ": state = \"kept\" is the simulator's; a process that is killed keeps nothing";
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
      fault_timer_(loop, [this] { on_faults_due(); }),
      sample_timer_(loop, [this] { on_sample_due(); }),
      timers_(loop) {}

LocalWorld::~LocalWorld() {
  load_.reset();
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
  return success();
}

Result<LocalResult> LocalWorld::run() {
  const auto began = std::chrono::steady_clock::now();
  if (const std::string why = obstacle(scenario_); !why.empty()) return Error{why};
  using Step = Status (LocalWorld::*)();
  for (const Step step :
       {&LocalWorld::make_folder, &LocalWorld::open_record, &LocalWorld::start_gateways,
        &LocalWorld::start_nodes, &LocalWorld::start_load}) {
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
  arm_faults();
  while (!is_over_ && problem_.empty()) loop_.run();
  fault_timer_.disarm();
  sample_timer_.disarm();
}

LocalResult LocalWorld::finish() {
  // What the processes count last, faults still in force.
  bool is_polled = false;
  poll([&is_polled] { is_polled = true; });
  while (!is_polled) loop_.run_until(loop_.now() + std::chrono::milliseconds(1));
  faults_->play(kStart + scenario_.duration);
  LocalResult result;
  result.summary = summarize();
  result.problem = problem_;
  if (problem_.empty() && options_.on_over) {
    std::vector<std::string> addresses;
    for (const LocalGateway& gateway : gateways_) addresses.push_back(gateway.frames);
    options_.on_over(loop_, addresses);
  }
  return result;
}

}  // namespace phoenix::local
