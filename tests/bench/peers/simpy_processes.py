"""The model of model.h as SimPy 2.3 processes: one process a request, one resource a node."""
import json
import random
import resource
import sys

from SimPy.Simulation import Process, Resource, Simulation, hold, release, request

CORES = 4
DELAY_S = 100e-6
WARMUP_S = 0.03
LOAD = 0.7


class Answer(Process):
    def run(self, cluster):
        arrived = self.sim.now()
        node = cluster.pick()
        cluster.outstanding[node] += 1
        yield hold, self, DELAY_S
        yield request, self, cluster.nodes[node]
        yield hold, self, random.expovariate(cluster.service_rate)
        yield release, self, cluster.nodes[node]
        yield hold, self, DELAY_S
        cluster.outstanding[node] -= 1
        if arrived >= WARMUP_S:
            cluster.responses.append(self.sim.now() - arrived)


class Arrivals(Process):
    def run(self, cluster, rate, requests):
        for _ in range(requests):
            yield hold, self, random.expovariate(rate)
            one = Answer(sim=self.sim)
            self.sim.activate(one, one.run(cluster))


class Cluster:
    def __init__(self, sim, nodes, rate):
        self.nodes = [Resource(capacity=CORES, sim=sim) for _ in range(nodes)]
        self.outstanding = [0] * nodes
        self.service_rate = rate / (LOAD * CORES * nodes)
        self.responses = []

    def pick(self):
        a = int(random.random() * len(self.nodes))
        b = int(random.random() * (len(self.nodes) - 1))
        b += b >= a
        return b if self.outstanding[b] < self.outstanding[a] else a


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    nodes, rate, requests, seed = (int(float(text)) for text in sys.argv[1:])
    random.seed(seed)
    sim = Simulation()
    sim.initialize()
    cluster = Cluster(sim, nodes, rate)
    arrivals = Arrivals(sim=sim)
    sim.activate(arrivals, arrivals.run(cluster, rate, requests))
    began = cpu_seconds()
    sim.simulate(until=float("inf"))
    cpu_s = cpu_seconds() - began
    responses = sorted(cluster.responses)
    print(json.dumps({
        "requests": requests,
        "cpu_s": cpu_s,
        "mean_ms": sum(responses) / len(responses) * 1e3,
        "p99_ms": responses[len(responses) * 99 // 100] * 1e3,
    }))


main()
