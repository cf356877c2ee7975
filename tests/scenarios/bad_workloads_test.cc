// Workloads, routers, strategies, targets, faults and records that are refused, and the words.
#include "tests/scenarios/bad_scenario.h"

namespace phoenix {
namespace {

const BadScenario kBad[] = {
    {"UnknownArrivals", 11, R"(arrivals = "poison")",
     R"(11:12: workload.arrivals: found "poison"; allowed "constant", "poisson", "diurnal", "flash_crowd", "mmpp", "closed", "trace"; did you mean "poisson"?)"},
    {"FactorWithPoisson", 12, R"(factor = 3)",
     R"(12:10: workload.factor: found with arrivals = "poisson"; allowed with arrivals = "flash_crowd")"},
    {"RateWithClosed", 11, R"(arrivals = "closed")",
     R"(12:8: workload.rate: found with arrivals = "closed"; allowed with arrivals = "constant" or "poisson" or "diurnal" or "flash_crowd" or "mmpp")"},
    {"TraceWithPoisson", 12, R"(trace.file = "a.csv")",
     R"(12:1: workload.trace: found with arrivals = "poisson"; allowed with arrivals = "trace")"},
    {"RateWithoutUnit", 12, R"(rate = 100)",
     R"(12:8: workload.rate: found 100; allowed a rate such as "2000 /s" (/s, /min, /h, /d))"},
    {"NegativeRate", 12, R"(rate = "-1 /s")",
     R"(12:8: workload.rate: found "-1 /s"; allowed 0 /s to 1000000000 /s)"},
    {"NoRatePoints", 12, R"(rate = [])",
     R"(12:8: workload.rate: found no points; allowed at least one)"},
    {"RatePointWithoutRate", 12, R"(rate = [["0 s"]])",
     R"(12:8: workload.rate: found an array; allowed points such as ["60 s", "2000 /s"])"},
    {"RateTimesFall", 12, R"(rate = [["0 s", "1 /s"], ["5 s", "2 /s"], ["4 s", "3 /s"]])",
     R"(12:8: workload.rate: found 4 s after 5 s; allowed points whose times rise)"},
    {"AmplitudeAboveOne", 11, R"(arrivals = "diurnal"
amplitude = 1.5)",
     R"(12:13: workload.amplitude: found 1.5; allowed 0 to 1)"},
    {"NoUsers", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "closed"
users = 0)",
     R"(9:9: workload.users: found 0; allowed a whole number, 1 to 10000000)"},
    {"ZipfWithoutExponent", 12, R"~(keys = "zipf(1000)")~",
     R"~(12:8: workload.keys: found "zipf(1000)"; allowed "none", "uniform(COUNT)" or "zipf(COUNT, EXPONENT)", with 1 to 1000000000 keys and an exponent of 0 to 10)~"},
    {"KeysCountFractional", 12, R"~(keys = "uniform(1.5)")~",
     R"~(12:8: workload.keys: found "uniform(1.5)"; allowed "none", "uniform(COUNT)" or "zipf(COUNT, EXPONENT)", with 1 to 1000000000 keys and an exponent of 0 to 10)~"},
    {"TraceMissing", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "trace")",
     R"(7:1: workload.trace: found none; arrivals = "trace" needs it)"},
    {"TraceFileMissing", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "trace"
[workload.trace]
file = "nowhere.csv"
time = "t")",
     R"(10:8: workload.trace.file: found "nowhere.csv", and there is no readable file FOLDER/nowhere.csv; allowed the path of a file, counted from the scenario's folder)"},
    {"RetriesNegative", kAppend, R"([router]
retries = -1)",
     R"(14:11: router.retries: found -1; allowed a whole number, 0 to 100)"},
    {"BackoffAboveItsMaximum", kAppend, R"([router]
retry_backoff = "1 s")",
     R"(13:1: router.retry_backoff_max: found 250 ms; allowed at least retry_backoff, 1 s)"},
    {"HedgeQuantileOne", kAppend, R"([router]
hedge_quantile = 1)",
     R"(14:18: router.hedge_quantile: found 1; allowed 0 to 0.9999)"},
    {"HedgeMaxBelowItsMinimum", kAppend, R"([router]
hedge_max = "500 us")",
     R"(14:13: router.hedge_max: found 500 us; allowed at least hedge_min, 1 ms)"},
    {"PanicLeavesBelowThreshold", kAppend, R"([router]
panic_threshold = 0.9)",
     R"(13:1: router.panic_leave: found 0.55; allowed at least panic_threshold, 0.9)"},
    {"EjectedShareAboveOne", kAppend, R"([router]
max_ejected_share = "150%")",
     R"(14:21: router.max_ejected_share: found "150%"; allowed 0 to 1)"},
    {"UnknownBalancer", kAppend, R"([strategies]
balancer = "p3c")",
     R"(14:12: strategies.balancer: unknown balancer "p3c" (known: round_robin, weighted_round_robin, least_connections, response_time, resource_aware, predictive, random, p2c, peak_ewma, weighted_random, weighted_least_request, utilization_weighted, prequal, c3, join_idle_queue, ring_hash, maglev, bounded_hash, zone_aware); did you mean "p2c"?)"},
    {"UnknownBalancerSetting", kAppend, R"([strategies]
balancer = "p2c[choice=3]")",
     R"(14:12: strategies.balancer: p2c: unknown setting "choice" (known: choices); did you mean "choices"?)"},
    {"AlertWithoutMetric", kAppend, R"([[alert]]
warning = 0.5)",
     R"(13:1: alert[0].metric: found none; it is required)"},
    {"AlertWithoutThreshold", kAppend, R"([[alert]]
metric = "cluster_cpu_avg")",
     R"(14:10: alert[0].metric: alert cluster_cpu_avg: needs warning, critical or both)"},
    {"AlertOfAnUnknownMetric", kAppend, R"([[alert]]
metric = "cluster_cpu_avgs"
warning = 0.5)",
     R"(14:10: alert[0].metric: alert cluster_cpu_avgs: unknown metric "cluster_cpu_avgs"; did you mean "cluster_cpu_avg"?)"},
    {"AlertWithLevelsTheWrongWayRound", kAppend, R"([[alert]]
metric = "cluster_cpu_avg"
warning = "90%"
critical = 0.8)",
     R"(14:10: alert[0].metric: alert cluster_cpu_avg: warning = 0.9: is beyond critical, 0.8)"},
    {"AlertThatIsTwoThings", kAppend, R"([[alert]]
metric = "cluster_cpu_avg"
warning = "often"
sense = "beyond")",
     R"(15:11: alert[0].warning: found "often"; allowed a number, or a quantity such as "50 ms", "2000 /s", "64 kB" or "80%"
16:9: alert[0].sense: found "beyond"; allowed "above", "below")"},
    {"AlertTwiceForOneMetric", kAppend, R"([[alert]]
metric = "cluster_cpu_avg"
warning = 0.5
[[alert]]
metric = "cluster_cpu_avg"
critical = 0.9)",
     R"(17:10: alert[1].metric: found "cluster_cpu_avg" a second time; allowed once)"},
    {"AvailabilityAboveOne", kAppend, R"([targets]
availability = 1.5)",
     R"(14:16: targets.availability: found 1.5; allowed above 0, up to 1, or "none")"},
    {"ThroughputZero", kAppend, R"([targets]
throughput = "0 /s")",
     R"(14:14: targets.throughput: found "0 /s"; allowed above 0 /s, or "none")"},
    {"FaultWithoutKind", kAppend, R"([[fault]]
target = "node:0")",
     R"(13:1: fault[0].kind: found none; it is required)"},
    {"UnknownFaultKind", kAppend, R"([[fault]]
kind = "crsh"
target = "node:0")",
     R"(14:8: fault.crsh-1.kind: found "crsh": unknown fault kind; did you mean "crash"?; known: crash, crash_notify, crash_restart, stop_graceful, pause, slow_cpu, cpu_noise, stall, start_fail, start_delay, delay, bandwidth, loss, cut, partition, clog, flap, metrics_missing, metrics_stale, metrics_frozen, metrics_wrong, zone_outage, rolling_restart, gray_node, chaos)"},
    {"FaultNotBuiltYet", kAppend, R"([[fault]]
kind = "clock_drift"
target = "node:0")",
     R"(14:8: fault.clock_drift-1.kind: found "clock_drift": known, but not built yet)"},
    {"UnknownFaultParameter", kAppend, R"([[fault]]
kind = "slow_cpu"
target = "node:0"
factr = 0.5)",
     R"(13:1: fault.slow_cpu-1.factor: slow_cpu needs one, in (0, 1]
16:9: fault.slow_cpu-1.factr: unknown parameter of slow_cpu; did you mean "factor"?; known: factor)"},
    {"FaultParameterOutOfRange", kAppend, R"([[fault]]
kind = "slow_cpu"
target = "node:0"
factor = 2)",
     R"(16:10: fault.slow_cpu-1.factor: found 2: must be in (0, 1])"},
    {"FaultTargetBeyondTheCluster", kAppend, R"([[fault]]
kind = "crash"
target = "node:4")",
     R"(15:10: fault.crash-1.target: found "node:4": no node "4"; there are 4, numbered from 0)"},
    {"FaultParameterIsTable", kAppend, R"([[fault]]
kind = "crash"
target = "node:0"
state = { lost = true })",
     R"(16:9: fault.crash-1.state: found a table; allowed a number, text or an array)"},
    {"FaultProbabilityAboveOne", kAppend, R"([[fault]]
kind = "crash"
target = "node:0"
probability = 2)",
     R"(16:15: fault.crash-1.probability: found 2; allowed 0 to 1)"},
    {"TransferToNowhere", kAppend, R"([[transfer]]
name = "backup"
from = "node:0"
to = "node:9"
size = "1 GiB")",
     R"(16:6: transfer.backup.to: found "node:9"; allowed "node:0" to "node:3", "gateway:0" to "gateway:0", or "group:NAME" with NAME in web)"},
    {"TransferToItself", kAppend, R"([[transfer]]
name = "backup"
from = "node:0"
to = "node:0"
size = "1 GiB")",
     R"(16:6: transfer.backup.to: found "node:0", where it comes from; allowed another place)"},
    {"TransferRepeatsWithoutPeriod", kAppend, R"([[transfer]]
name = "backup"
from = "node:0"
to = "group:web"
size = "1 GiB"
count = 2)",
     R"(18:9: transfer.backup.count: found 2 without every; allowed with every, the time between two)"},
    {"SampleOfNothing", kAppend, R"~([record]
requests = "sample(0)")~",
     R"~(14:12: record.requests: found "sample(0)"; allowed "none", "all" or "sample(SHARE)" with a share above 0, up to 1)~"},
    {"RecordIntervalTooShort", kAppend, R"([record]
interval = "0 s")",
     R"(14:12: record.interval: found "0 s"; allowed 1 ms to 3650 d)"},
    {"TraceWithoutTime", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "trace"
[workload.trace]
file = "arrivals.csv"
class = "kind")",
     R"(9:1: workload.trace.time: found none; allowed the column with the arrival times, unless count names one)"},
    {"TraceCountsWithoutInterval", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "trace"
[workload.trace]
file = "arrivals.csv"
count = "n")",
     R"(9:1: workload.trace.interval: found none; count needs the length of its intervals)"},
    {"TraceIntervalWithoutCounts", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "trace"
[workload.trace]
file = "arrivals.csv"
time = "t"
interval = "1 min")",
     R"(12:12: workload.trace.interval: found without count; allowed with count, the column with arrivals per interval)"},
    {"TraceWorkWithoutUnit", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "trace"
[workload.trace]
file = "arrivals.csv"
time = "t"
work = { tokens = 8 })",
     R"(12:8: workload.trace.work: tokens: found 8; allowed a duration such as "50 ms" (ns, us, ms, s, min, h, d))"},
    {"TraceFormatUnknown", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "trace"
[workload.trace]
file = "arrivals.csv"
time = "t"
format = "xml")",
     R"(12:10: workload.trace.format: found "xml"; allowed "csv", "jsonl")"},
    {"TransferWithoutSize", kAppend, R"([[transfer]]
name = "backup"
from = "node:0"
to = "group:web")",
     R"(13:1: transfer.backup.size: found none; it is required)"},
};

TEST_P(BadScenarios, AreRefusedWithTheseWords) { expect_problems(GetParam()); }

INSTANTIATE_TEST_SUITE_P(LoadAndFaults, BadScenarios, testing::ValuesIn(kBad), name_of);

}  // namespace
}  // namespace phoenix
