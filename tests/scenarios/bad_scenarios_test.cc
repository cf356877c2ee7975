// Files, clusters, gateways and services that are refused, and the words they are refused with.
#include "tests/scenarios/bad_scenario.h"

namespace phoenix {
namespace {

const BadScenario kBad[] = {
    {"SyntaxError", 2, R"(duration = 10 s)",
     R"(2:15: Error while parsing key-value pair: expected a comment or whitespace, saw 's')"},
    {"RepeatedKey", 2, R"(duration = "10 s"
duration = "20 s")",
     R"(3:12: Error while parsing key-value pair: cannot redefine existing string 'duration')"},
    {"UnclosedText", 1, R"(name = "x)",
     R"(1:10: Error while parsing string: unescaped control characters other than TAB (U+0009) are explicitly prohibited)"},
    {"UnknownTopLevelKey", 2, R"(durration = "10 s")",
     R"(2:1: durration: found an unknown key; did you mean "duration"?)"},
    {"UnknownKeyWithoutNeighbour", 2, R"(colour = "blue")",
     R"(2:1: colour: found an unknown key; allowed name, description, duration, warmup, seed, replication, fidelity, final_heal, cluster, gateway, reports, service, workload, router, strategies, control, alert, command, agent_arrivals, knobs, targets, fault, transfer, record)"},
    {"UnknownTable", kAppend, R"([gatway]
count = 2)",
     R"(13:2: gatway: found an unknown key; did you mean "gateway"?)"},
    {"UnknownGroupKey", 5, R"(counts = 4)",
     R"(5:1: cluster.group.web.counts: found an unknown key; did you mean "count"?)"},
    {"UnknownStrategyFamily", kAppend, R"([strategies]
scalar = "hybrid")",
     R"(14:1: strategies.scalar: found an unknown key; did you mean "scaler"?)"},
    {"NameOfWrongType", 1, R"(name = 7)",
     R"(1:8: name: found 7; allowed a name of 1 to 64 characters, without quotes and control characters)"},
    {"NameWithQuote", 1, R"(name = 'a"b')",
     R"(1:8: name: found "a"b"; allowed a name of 1 to 64 characters, without quotes and control characters)"},
    {"EmptyName", 1, R"(name = "")",
     R"(1:8: name: found ""; allowed a name of 1 to 64 characters, without quotes and control characters)"},
    {"BareDuration", 2, R"(duration = 10)",
     R"(2:12: duration: found 10; allowed a duration such as "50 ms" (ns, us, ms, s, min, h, d))"},
    {"UnknownTimeUnit", 2, R"(duration = "10 sec")",
     R"(2:12: duration: found "10 sec"; allowed a duration such as "50 ms" (ns, us, ms, s, min, h, d))"},
    {"NoDuration", 2, R"(duration = "0 s")",
     R"(2:12: duration: found "0 s"; allowed above 0 s, up to 3650 d)"},
    {"EndlessRun", 2, R"(duration = "inf")",
     R"(2:12: duration: found "inf"; allowed above 0 s, up to 3650 d)"},
    {"WarmupAsLongAsTheRun", 2, R"(duration = "10 s"
warmup = "10 s")",
     R"(3:10: warmup: found 10 s; allowed less than the duration of 10 s)"},
    {"NegativeSeed", 1, R"(seed = -1)",
     R"(1:8: seed: found -1; allowed a whole number, 0 to 9223372036854775807)"},
    {"FractionalSeed", 1, R"(seed = 1.5)",
     R"(1:8: seed: found 1.5; allowed a whole number, 0 to 9223372036854775807)"},
    {"UnknownFidelity", 1, R"(fidelity = "flows")",
     R"(1:12: fidelity: found "flows"; allowed "request", "flow"; did you mean "flow"?)"},
    {"FlagAsText", 1, R"(final_heal = "yes")",
     R"(1:14: final_heal: found "yes"; allowed true or false)"},
    {"DateForText", 1, R"(name = 2024-01-01)",
     R"(1:8: name: found a date; allowed a name of 1 to 64 characters, without quotes and control characters)"},
    {"NoGroups", kWhole, R"(duration = "10 s"
[[service]]
name = "shop"
[[service.class]]
name = "buy")",
     R"(1:1: cluster.group: found none; allowed at least one [[cluster.group]])"},
    {"NoServices", kWhole, R"([[cluster.group]]
name = "web")",
     R"(1:1: service: found none; allowed at least one [[service]])"},
    {"NoClasses", kWhole, R"([[cluster.group]]
name = "web"
[[service]]
name = "shop")",
     R"(3:1: service.shop.class: found none; allowed at least one [[service.class]])"},
    {"GroupIsNoArray", kWhole, R"([cluster.group]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy")",
     R"(1:1: cluster.group: found a table; allowed an array of tables)"},
    {"ServiceIsText", kWhole, R"(service = "shop"
[[cluster.group]]
name = "web")",
     R"(1:11: service: found "shop"; allowed an array of tables)"},
    {"GroupsHoldNumbers", kWhole, R"(cluster.group = [1]
[[service]]
name = "shop"
[[service.class]]
name = "buy")",
     R"(1:18: cluster.group[0]: found 1; allowed a table)"},
    {"GroupWithoutName", 4, R"(cores = 2)",
     R"(3:1: cluster.group[0].name: found none; it is required)"},
    {"NoNodes", 5, R"(count = 0)",
     R"(5:9: cluster.group.web.count: found 0; allowed a whole number, 1 to 1000000)"},
    {"FractionalCores", 5, R"(cores = 2.5)",
     R"(5:9: cluster.group.web.cores: found 2.5; allowed a whole number, 1 to 4096)"},
    {"SpeedZero", 5, R"(speed = 0)",
     R"(5:9: cluster.group.web.speed: found 0; allowed above 0, up to 1000000)"},
    {"SpeedNotANumber", 5, R"(speed = nan)",
     R"(5:9: cluster.group.web.speed: found nan; allowed a number such as 0.5 or "12%")"},
    {"MemoryWithoutUnit", 5, R"(memory = "16")",
     R"(5:10: cluster.group.web.memory: found "16"; allowed a size such as "16 GiB" (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB))"},
    {"NetworkInBytesUnit", 5, R"(network = "10 Gb")",
     R"(5:11: cluster.group.web.network: found "10 Gb"; allowed a bandwidth such as "10 Gbps" (bps, kbps, Mbps, Gbps, Tbps, B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s))"},
    {"NegativeLatency", 5, R"(latency = "-1 us")",
     R"(5:11: cluster.group.web.latency: found "-1 us"; allowed 0 s to 3650 d)"},
    {"NegativeCost", 5, R"(cost = "-0.1 /h")",
     R"(5:8: cluster.group.web.cost: found "-0.1 /h"; allowed at least 0 /h)"},
    {"UnknownDistribution", 5, R"~(boot_time = "lognormall(20 s, 1.3)")~",
     R"(5:13: cluster.group.web.boot_time: found "lognormall"; allowed constant, exponential, uniform, lognormal, pareto, gamma, hyperexponential, empirical; did you mean "lognormal"?)"},
    {"ServicesAsText", 5, R"(services = "shop")",
     R"(5:12: cluster.group.web.services: found "shop"; allowed an array such as ["a", "b"])"},
    {"GroupRunsUnknownService", 5, R"(services = ["shop", "shob"])",
     R"(5:12: cluster.group.web.services: found "shob"; allowed shop; did you mean "shop"?)"},
    {"ServiceNobodyRuns", kWhole, R"([[cluster.group]]
name = "web"
services = ["shop"]
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[[service]]
name = "mail"
[[service.class]]
name = "send")",
     R"(8:1: service.mail: found no group that runs it; allowed a service that some [[cluster.group]] lists, or a group without services, which runs all)"},
    {"TooManyNodes", 5, R"(count = 600000
[[cluster.group]]
name = "more"
count = 600000)",
     R"(3:1: cluster.group: found 1200000 nodes; allowed at most 1000000 in all groups together)"},
    {"GroupNamedTwice", 5, R"([[cluster.group]]
name = "web")",
     R"(6:8: cluster.group.web.name: found "web" a second time; allowed names that differ)"},
    {"ServiceNamedTwice", 9, R"(name = "buy"
[[service]]
name = "shop"
[[service.class]]
name = "sell")",
     R"(11:8: service.shop.name: found "shop" a second time; allowed names that differ)"},
    {"ClassNamedTwice", 9, R"(name = "buy"
[[service.class]]
name = "buy")",
     R"(11:8: service.shop.class.buy.name: found "buy" a second time; allowed names that differ)"},
    {"ClassNamedTwiceAcrossServices", 9, R"(name = "buy"
[[service]]
name = "mail"
[[service.class]]
name = "buy")",
     R"(13:8: service.mail.class.buy.name: found "buy" a second time; allowed names that differ, across all services)"},
    {"FaultIdTwice", kAppend, R"([[fault]]
id = "f"
kind = "crash"
target = "node:0"
[[fault]]
id = "f"
kind = "crash"
target = "node:1")",
     R"(18:6: fault.f.id: found "f" a second time; allowed names that differ)"},
    {"UnknownDiscipline", 7, R"(name = "shop"
discipline = "lifo")",
     R"(8:14: service.shop.discipline: found "lifo"; allowed "ps", "fifo"; did you mean "fifo"?)"},
    {"NegativeQueue", 7, R"(name = "shop"
queue = -1)",
     R"(8:9: service.shop.queue: found -1; allowed a whole number, 0 to 1000000000)"},
    {"NegativeShare", 9, R"(name = "buy"
share = -0.5)",
     R"(10:9: service.shop.class.buy.share: found -0.5; allowed 0 to 1000000000)"},
    {"AllSharesZero", 9, R"(name = "buy"
share = 0)",
     R"(6:1: service: found shares that are all 0; allowed at least one class with a share above 0)"},
    {"WorkWithoutUnit", 9, R"(name = "buy"
work = 8)",
     R"~(10:8: service.shop.class.buy.work: found 8; allowed a distribution such as "exponential(5 ms)" or "5 ms")~"},
    {"SpreadBelowOne", 9, R"~(name = "buy"
work = "lognormal(8 ms, 0.5)")~",
     R"~(10:8: service.shop.class.buy.work: found "lognormal(8 ms, 0.5)"; allowed lognormal(MEDIAN, SPREAD), MEDIAN above 0 and SPREAD at least 1)~"},
    {"SizeInSeconds", 9, R"(name = "buy"
request = "2 s")",
     R"(10:11: service.shop.class.buy.request: found "2 s"; allowed a size such as "16 GiB" (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB))"},
    {"DeadlineZero", 9, R"(name = "buy"
deadline = "0 s")",
     R"(10:12: service.shop.class.buy.deadline: found "0 s"; allowed above 0 s, up to 3650 d)"},
    {"AttemptTimeoutZero", 9, R"(name = "buy"
attempt_timeout = "0 s")",
     R"(10:19: service.shop.class.buy.attempt_timeout: found "0 s"; allowed above 0 s, up to 3650 d, or "inf")"},
    {"MissingEmpiricalFile", 9, R"~(name = "buy"
work = "empirical(nowhere.csv)")~",
     R"(10:8: service.shop.class.buy.work: cannot read "FOLDER/nowhere.csv"; allowed a file with one value a line)"},
    {"GatewayZoneUnknown", kAppend, R"([gateway]
zone = "b")",
     R"(14:8: gateway.zone: found "b"; allowed a)"},
    {"TwoDisciplinesOnOneNode", kAppend, R"([[service]]
name = "batch"
discipline = "fifo"
[[service.class]]
name = "job")",
     R"(15:14: service.batch.discipline: found another than that of "shop", which shares the nodes of "web"; allowed the same, or groups of their own)"},
    {"GatewayIsNoTable", 1, R"(gateway = 3)", R"(1:11: gateway: found 3; allowed a table)"},
    {"KeyOfManyParts", 1, R"(a.b.c.d.e.f.g.h.i = 1)",
     R"(1:16: found a key of more than 8 parts; allowed at most 8)"},
    {"CommaInsteadOfPoint", 9, R"(name = "buy"
share = "0,5")",
     R"(10:9: service.shop.class.buy.share: found "0,5"; allowed a number such as 0.5 or "12%")"},
    {"GatewayBacklogNegative", kAppend, R"([gateway]
backlog = -1)",
     R"(14:11: gateway.backlog: found -1; allowed a whole number, 0 to 1000000000)"},
    {"ManyProblemsAtOnce", kWhole, R"(sead = 7
duration = "10 parsecs"
[[cluster.group]]
name = "web"
count = 0
[[service]]
name = "shop"
[workload]
rate = "fast"
[strategies]
balancer = "bogus")",
     R"(1:1: sead: found an unknown key; did you mean "seed"?
2:12: duration: found "10 parsecs"; allowed a duration such as "50 ms" (ns, us, ms, s, min, h, d)
5:9: cluster.group.web.count: found 0; allowed a whole number, 1 to 1000000
6:1: service.shop.class: found none; allowed at least one [[service.class]]
9:8: workload.rate: found "fast"; allowed a rate such as "2000 /s" (/s, /min, /h, /d)
11:12: strategies.balancer: unknown balancer "bogus" (known: round_robin, weighted_round_robin, least_connections, response_time, resource_aware, predictive, random, p2c, peak_ewma, weighted_random, weighted_least_request, utilization_weighted, prequal, c3, join_idle_queue, ring_hash, maglev, bounded_hash, zone_aware))"},
};

TEST_P(BadScenarios, AreRefusedWithTheseWords) { expect_problems(GetParam()); }

INSTANTIATE_TEST_SUITE_P(ClusterAndServices, BadScenarios, testing::ValuesIn(kBad), name_of);

}  // namespace
}  // namespace phoenix
