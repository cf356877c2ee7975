// The model as SimGrid activities, the way SimGrid offers: a Comm there, an Exec on the node's
// host, a Comm back, with the settings that were found fastest (CM02, no cross traffic, no actors).
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/s4u.hpp>
#include <xbt/log.h>

#include "tests/bench/peers/model.h"

namespace {

namespace s4u = simgrid::s4u;

constexpr double kSpeed = 1e9;  // flop/s: a flop is a nanosecond of work
constexpr double kLinkLatency_s = static_cast<double>(peers::kDelay) * 0.5e-9;

struct Platform {
  s4u::Host* gateway = nullptr;
  std::vector<s4u::Host*> nodes;
};

s4u::Host* add_host(s4u::NetZone* zone, const std::string& name, double bandwidth) {
  s4u::Host* host = zone->create_host(name, kSpeed)->set_core_count(peers::kCores);
  s4u::SplitDuplexLink* link = zone->create_split_duplex_link("link_" + name, bandwidth);
  link->set_latency(kLinkLatency_s)->seal();
  zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr,
                  {{link, s4u::LinkInRoute::Direction::UP}}, true);
  return host;
}

Platform build_platform(std::uint32_t nodes) {
  Platform platform;
  s4u::NetZone* zone = s4u::create_star_zone("cluster");
  platform.gateway = add_host(zone, "gateway", 1.25e12);
  for (std::uint32_t i = 0; i < nodes; ++i) {
    platform.nodes.push_back(add_host(zone, "node" + std::to_string(i), 1.25e9));
  }
  zone->seal();
  return platform;
}

// An engine model for the arrivals. Completions are noted in SimGrid's callback and acted upon in
// the model's next turn at the same date, since activities must neither be started nor freed inside
// the callback.
class Simulation : public simgrid::kernel::resource::Model {
 public:
  Simulation(const peers::Model& model, Platform platform)
      : Model("peer"),
        model_(model),
        draws_(model),
        platform_(std::move(platform)),
        nodes_(model.nodes),
        outstanding_(model.nodes) {
    next_arrival_ = draws_.gap();
    s4u::Activity::on_completion_cb(
        [this](const s4u::Activity& activity) { ended_.push_back(&activity); });
  }

  const peers::Responses& responses() const { return responses_; }

  double next_occurring_event(double now) override {
    if (!ended_.empty()) return 0;
    if (arrived_ == model_.requests) return -1;
    return std::max(0.0, static_cast<double>(next_arrival_) * 1e-9 - now);
  }

  void update_actions_state(double now, double) override {
    buried_.swap(dying_);
    dying_.clear();
    now_ = static_cast<std::int64_t>(now * 1e9 + 0.5);
    acting_.swap(ended_);
    for (const s4u::Activity* activity : acting_) advance(activity);
    acting_.clear();
    while (arrived_ < model_.requests && next_arrival_ <= now_) arrive();
  }

 private:
  enum class Stage { kToNode, kServed, kToGateway };
  struct Request {
    std::int64_t arrived;
    std::uint32_t node;
    Stage stage;
  };
  struct Live {
    s4u::ActivityPtr activity;
    Request request;
  };
  struct Node {
    std::uint32_t busy = 0;
    std::deque<Request> waiting;
  };

  void arrive() {
    ++arrived_;
    const std::uint32_t node = draws_.pick(outstanding_);
    ++outstanding_[node];
    send(platform_.gateway, platform_.nodes[node], {next_arrival_, node, Stage::kToNode});
    next_arrival_ += draws_.gap();
  }

  void send(s4u::Host* from, s4u::Host* to, Request request) {
    s4u::CommPtr message = s4u::Comm::sendto_init(from, to);
    message->set_payload_size(1);
    live_.emplace(message.get(), Live{message, request});
    message->start();
  }

  void serve(Request request) {
    request.stage = Stage::kServed;
    s4u::ExecPtr work = s4u::Exec::init();
    work->set_flops_amount(static_cast<double>(draws_.service()));
    work->set_host(platform_.nodes[request.node]);
    live_.emplace(work.get(), Live{work, request});
    work->start();
  }

  void advance(const s4u::Activity* activity) {
    const auto found = live_.find(activity);
    const Request request = found->second.request;
    dying_.push_back(std::move(found->second.activity));
    live_.erase(found);
    Node& node = nodes_[request.node];
    switch (request.stage) {
      case Stage::kToNode:
        if (node.busy == peers::kCores) return node.waiting.push_back(request);
        ++node.busy;
        return serve(request);
      case Stage::kServed:
        send(platform_.nodes[request.node], platform_.gateway,
             {request.arrived, request.node, Stage::kToGateway});
        if (node.waiting.empty()) {
          --node.busy;
        } else {
          serve(node.waiting.front());
          node.waiting.pop_front();
        }
        return;
      case Stage::kToGateway:
        --outstanding_[request.node];
        responses_.record(request.arrived, now_);
        return;
    }
  }

  const peers::Model& model_;
  peers::Draws draws_;
  Platform platform_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> outstanding_;
  std::unordered_map<const s4u::Activity*, Live> live_;
  std::vector<const s4u::Activity*> ended_;
  std::vector<const s4u::Activity*> acting_;
  std::vector<s4u::ActivityPtr> dying_;   // ended in this turn
  std::vector<s4u::ActivityPtr> buried_;  // in the turn before: may be freed in the next
  peers::Responses responses_;
  std::int64_t next_arrival_ = 0;
  std::int64_t now_ = 0;
  std::uint64_t arrived_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const peers::Model model = peers::read_model(argc, argv);
  xbt_log_control_set("root.thresh:critical");
  auto* engine = new s4u::Engine("peer");
  s4u::Engine::set_config("network/model:CM02");
  s4u::Engine::set_config("network/crosstraffic:0");
  const auto simulation = std::make_shared<Simulation>(model, build_platform(model.nodes));
  engine->add_model(simulation);
  const double began = peers::cpu_seconds();
  engine->run();
  peers::report(model, simulation->responses(), began);
  std::fflush(stdout);
  std::_Exit(0);  // the engine does not survive its own teardown
}
