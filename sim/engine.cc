#include "sim/engine.h"

#include <csignal>
#include <memory>
#include <string>

#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/version.h>
#include <xbt/log.h>

namespace phoenix::sim {
namespace s4u = simgrid::s4u;
namespace {

class WorldModel final : public simgrid::kernel::resource::Model {
 public:
  explicit WorldModel(World& world) : Model("phoenix"), world_(world) {}

  double next_occurring_event(double now) override { return world_.seconds_to_next_date(now); }
  void update_actions_state(double now, double) override { world_.play_to(now); }

 private:
  World& world_;
};

}  // namespace

s4u::Engine& engine() {
  static s4u::Engine* instance = [] {
    // SimGrid puts its own handlers in place; the caller's are the ones people expect.
    struct sigaction interrupt {};
    struct sigaction fault {};
    sigaction(SIGINT, nullptr, &interrupt);
    sigaction(SIGSEGV, nullptr, &fault);
    xbt_log_control_set("root.thresh:critical");
    auto* made =
        new s4u::Engine("phoenix");  // never destroyed: it does not survive its own teardown
    s4u::Engine::set_config("network/model:CM02");
    s4u::Engine::set_config("network/crosstraffic:0");
    sigaction(SIGINT, &interrupt, nullptr);
    sigaction(SIGSEGV, &fault, nullptr);
    return made;
  }();
  return *instance;
}

void run_in_engine(World& world) {
  engine().add_model(std::make_shared<WorldModel>(world));
  engine().run();
}

std::string engine_version() {
  return std::to_string(SIMGRID_VERSION_MAJOR) + "." + std::to_string(SIMGRID_VERSION_MINOR);
}

}  // namespace phoenix::sim
