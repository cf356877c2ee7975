#include "sim/simulate.h"

#include <chrono>

#include "scenarios/arrivals.h"
#include "scenarios/record_writer.h"
#include "scenarios/version.h"
#include "sim/engine.h"

namespace phoenix::sim {
namespace {

constexpr auto kFlushEvery = std::chrono::seconds(1);  // what a killed run may lose of its record

}  // namespace

Result<SimulationResult> simulate(const Scenario& scenario, const SimulationOptions& options) {
  const Streams streams(scenario.seed, scenario.replication);
  Result<std::unique_ptr<ArrivalSource>> arrivals = make_arrivals(scenario, streams);
  if (!arrivals) return Error{arrivals.error()};

  std::unique_ptr<RecordWriter> record;
  if (!options.record_path.empty()) {
    RecordOrigin origin;
    origin.producer_version = kVersion;
    origin.source_revision = kSourceRevision;
    origin.engine_version = engine_version();
    origin.node_names = node_names(scenario);
    Result<std::unique_ptr<RecordWriter>> created =
        RecordWriter::create(options.record_path, scenario, origin);
    if (!created) return Error{created.error()};
    record = std::move(*created);
  }

  using Clock = std::chrono::steady_clock;
  const Clock::time_point began = Clock::now();
  Clock::time_point flushed = began;
  const auto on_progress = [&](double simulated_s) {
    if (options.on_progress) options.on_progress(simulated_s);
    if (record == nullptr || Clock::now() - flushed < kFlushEvery) return;
    record->flush();
    flushed = Clock::now();
  };
  engine();
  const Platform platform = build_platform(scenario);
  World world(scenario, streams, platform, std::move(*arrivals),
              {record.get(), options.stop, on_progress, options.on_event, options.tap});
  run_in_engine(world);

  SimulationResult result{world.finish(), success()};
  RunSummary& summary = result.summary;
  summary.wall_s = std::chrono::duration<double>(Clock::now() - began).count();
  summary.simulated_requests_per_second =
      static_cast<double>(world.collector().offered_total()) / summary.wall_s;
  if (record != nullptr) {
    for (const SummaryRow& row : summary.to_rows()) record->append(row);
    if (summary.complete) {
      result.record = record->finish();
    } else {
      record->flush();
      result.record = record->status();
    }
  }
  return result;
}

}  // namespace phoenix::sim
