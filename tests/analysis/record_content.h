// One row for each table with every field set to something that a mistake would change.
#pragma once

#include <limits>

#include "scenarios/record_rows.h"
#include "scenarios/record_writer.h"

namespace phoenix {

struct RecordContent {
  static constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

  RequestRow request = {.seq = 42,
                        .arrived = 1'000,
                        .answered = 2'000,
                        .work = 0.008,
                        .request_bytes = 2'048,
                        .response_bytes = 12'288,
                        .key = ~0ULL,
                        .request_class = 1,
                        .gateway = 2,
                        .node = -1,
                        .attempts = 3,
                        .result = 9};
  NodeRow node = {.t = 1'000'000'000,
                  .node = 1,
                  .queue = 2,
                  .in_service = 3,
                  .completed = 4,
                  .refused = 5,
                  .cpu = 0.5F,
                  .memory = 0.25F,
                  .network = kNan,
                  .up = 2};
  WindowRow window = {.t = 1'000'000'000,
                      .offered = 1,
                      .completed = 2,
                      .failed = 3,
                      .retries = 4,
                      .in_flight = 5,
                      .mean = 0.5F,
                      .p50 = 0.125F,
                      .p95 = 0.25F,
                      .p99 = kNan,
                      .max = 2.5F,
                      .cpu = 0.75F,
                      .nodes_up = 12};
  DecisionRow decision = {.seq = 1,
                          .t = 2,
                          .family = "routing",
                          .action = "eject",
                          .subject = "node:3",
                          .value = -0.5,
                          .reason = "5 errors in a row",
                          .outcome = "done"};
  FaultRow fault = {.seq = 1,
                    .t_planned = 2,
                    .t_applied = 3,
                    .fault = 4,
                    .parent = 5,
                    .kind = "crash_restart",
                    .phase = "begin",
                    .target = "node:3",
                    .incarnation = 6,
                    .magnitude = 0.5,
                    .means = "sim",
                    .affected = 7,
                    .healthy_after = 8,
                    .cause = "max_unavailable"};
  HistogramRow histogram = {
      .scope = "class", .name = "checkout", .low = 0.001, .high = 0.002, .count = 9};

  void append_to(RecordWriter& writer) const {
    writer.append(request);
    writer.append(node);
    writer.append(window);
    writer.append(decision);
    writer.append(fault);
    writer.append(histogram);
  }
};

}  // namespace phoenix
