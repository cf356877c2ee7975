// The least a simulation of the model can be: one heap of dates and the code above it. No router,
// no faults, no network, no cluster that can change. The floor Phoenix is measured against.
#include <queue>

#include "tests/bench/peers/model.h"

namespace {

enum class Kind : std::uint32_t { kArrival, kAtNode, kServed, kAnswered };

struct Event {
  std::int64_t at;
  Kind kind;
  std::uint32_t request;
  friend bool operator>(const Event& a, const Event& b) { return a.at > b.at; }
};

struct Request {
  std::int64_t arrived = 0;
  std::uint32_t node = 0;
};

struct Node {
  std::uint32_t busy = 0;
  std::queue<std::uint32_t> waiting;
};

class Simulation {
 public:
  explicit Simulation(const peers::Model& model)
      : model_(model), draws_(model), nodes_(model.nodes), outstanding_(model.nodes) {}

  void run() {
    push(draws_.gap(), Kind::kArrival, 0);
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      switch (event.kind) {
        case Kind::kArrival:
          arrive();
          break;
        case Kind::kAtNode:
          join(event.request);
          break;
        case Kind::kServed:
          leave(event.request);
          break;
        case Kind::kAnswered:
          answer(event.request);
          break;
      }
    }
  }

  const peers::Responses& responses() const { return responses_; }

 private:
  void push(std::int64_t at, Kind kind, std::uint32_t request) {
    events_.push({at, kind, request});
  }

  void arrive() {
    if (++arrived_ < model_.requests) push(now_ + draws_.gap(), Kind::kArrival, 0);
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(requests_.size()));
      requests_.emplace_back();
    }
    const std::uint32_t request = free_.back();
    free_.pop_back();
    const std::uint32_t node = draws_.pick(outstanding_);
    ++outstanding_[node];
    requests_[request] = {now_, node};
    push(now_ + peers::kDelay, Kind::kAtNode, request);
  }

  void join(std::uint32_t request) {
    Node& node = nodes_[requests_[request].node];
    if (node.busy == peers::kCores) return node.waiting.push(request);
    ++node.busy;
    push(now_ + draws_.service(), Kind::kServed, request);
  }

  void leave(std::uint32_t request) {
    push(now_ + peers::kDelay, Kind::kAnswered, request);
    Node& node = nodes_[requests_[request].node];
    if (node.waiting.empty()) {
      --node.busy;
      return;
    }
    push(now_ + draws_.service(), Kind::kServed, node.waiting.front());
    node.waiting.pop();
  }

  void answer(std::uint32_t request) {
    --outstanding_[requests_[request].node];
    responses_.record(requests_[request].arrived, now_);
    free_.push_back(request);
  }

  const peers::Model& model_;
  peers::Draws draws_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Request> requests_;
  std::vector<std::uint32_t> free_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> outstanding_;
  peers::Responses responses_;
  std::uint64_t arrived_ = 0;
  std::int64_t now_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const peers::Model model = peers::read_model(argc, argv);
  Simulation simulation(model);
  const double began = peers::cpu_seconds();
  simulation.run();
  peers::report(model, simulation.responses(), began);
}
