// Published traces of language-model requests, replayed on a simulated cluster large enough for
// them, with service linear in tokens. They are not part of the project: where they lie beside it,
// they are replayed; elsewhere these tests are skipped.
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/runs.h"

namespace phoenix::sim {
namespace {

std::string data_file(const std::string& name) {
  return std::string(PHOENIX_SOURCE_DIR) + "/../shared/data/" + name;
}

// 40 nodes of 8 cores: the traces keep some 17 (Azure) and 18 (Mooncake) cores busy on average.
std::string replay(const std::string& file, const std::string& duration,
                   const std::string& columns) {
  return fmt::format(R"toml(
name = "replay"
duration = "{}"
[[cluster.group]]
name = "gpu"
count = 40
cores = 8
[[service]]
name = "chat"
discipline = "fifo"
[[service.class]]
name = "prompt"
deadline = "10 min"
[workload]
arrivals = "trace"
[workload.trace]
file = "{}"
{}
[strategies]
balancer = "least_connections"
[record]
requests = "all"
nodes = false
)toml",
                     duration, file, columns);
}

void expect_all_served(const RecordedRun& run, std::uint64_t rows) {
  EXPECT_EQ(run.summary.total.offered, rows);
  expect_conserved(run.summary);
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  EXPECT_GT(run.summary.total.completed, rows - rows / 100);
  ASSERT_EQ(run.requests.size(), rows);
  for (const RequestRow& request : run.requests) {
    ASSERT_GT(request.work, 0);
    // Cores of speed 1, so no answer comes before the work is done.
    if (request.result == 0) {
      ASSERT_GE(static_cast<double>(request.answered - request.arrived) * 1e-9,
                request.work - 1e-8);
    }
  }
}

// First row: 374 tokens in, 44 out: 20 ms + 374 * 100 us + 44 * 10 ms = 497.4 ms.
TEST(Replay, ServesEveryAzureConversation) {
  const std::string file = data_file("azure-llm-2023/AzureLLMInferenceTrace_conv.csv");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  const RecordedRun run = run_recorded(replay(file, "1 h", R"toml(time = "TIMESTAMP"
size = "ContextTokens"
work_base = "20 ms"
work = { ContextTokens = "100 us", GeneratedTokens = "10 ms" }
)toml"));
  expect_all_served(run, 19'366);
  ASSERT_FALSE(run.requests.empty());
  EXPECT_EQ(run.requests.front().arrived, 0);
  EXPECT_NEAR(run.requests.front().work, 0.4974, 1e-12);
  EXPECT_EQ(run.summary.total.in_flight, 0U);  // 98 s remain after the last row
}

// First row: 6,758 tokens in, 500 out: 6,758 * 100 us + 500 * 10 ms = 5.6758 s.
TEST(Replay, ServesEveryMooncakeConversationWithItsKey) {
  const std::string file = data_file("mooncake/conversation_trace_first_half.jsonl");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  const RecordedRun run = run_recorded(replay(file, "30 min", R"toml(time = "timestamp"
time_unit = "1 ms"
key = "hash_ids"
size = "input_length"
work = { input_length = "100 us", output_length = "10 ms" }
)toml"));
  expect_all_served(run, 5'719);
  ASSERT_FALSE(run.requests.empty());
  EXPECT_NEAR(run.requests.front().work, 5.6758, 1e-9);
  std::set<std::uint64_t> keys;
  for (const RequestRow& request : run.requests) keys.insert(request.key);
  EXPECT_GT(keys.size(), 1'000U);
}

}  // namespace
}  // namespace phoenix::sim
