#include "runtime/admin/admin_server.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "runtime/net/connect.h"

namespace phoenix::admin {
namespace {

constexpr std::size_t kReadBuffer = 32 * 1024;            // more than the longest head
constexpr std::size_t kLongestAnswer = 64 * 1024 * 1024;  // metrics of 10,000 nodes are 15 MB

Duration sweep_interval(const AdminLimits& limits) {
  const Duration shortest = std::min({limits.request_time, limits.answer_time, limits.idle_time});
  return std::clamp<Duration>(shortest / 4, std::chrono::milliseconds(5), std::chrono::seconds(1));
}

}  // namespace

struct AdminServer::State final : AdminSessionOwner {
  State(net::Loop& on, const AdminLimits& limits_of_all, gateway::GatewayControl& control)
      : main_loop(on),
        bounds(limits_of_all),
        requests(control),
        sweep(on, [this] { on_sweep(); }),
        reaper(on, [this] { reap(); }) {}

  AdminApi& api() override { return requests; }
  const AdminLimits& limits() const override { return bounds; }
  net::Loop& loop() override { return main_loop; }
  void on_over(AdminSession& session) override {
    over.push_back(&session);
    reaper.arm(main_loop.now());
  }

  Status listen(const net::Address& address, std::shared_ptr<net::TlsContext> tls) {
    net::ListenSettings settings;
    settings.connections = bounds.connections;
    settings.handshake = bounds.request_time;
    settings.tls = std::move(tls);
    settings.channel.write_queue = kLongestAnswer;
    settings.channel.read_buffer = std::max(kReadBuffer, 2 * bounds.head);
    auto opened = net::Listener::open(main_loop, address, settings,
                                      [this](auto channel) { adopt(std::move(channel)); });
    if (!opened) return Error{opened.error()};
    listener = std::move(*opened);
    asked_for = address;
    return success();
  }

  void adopt(std::unique_ptr<net::Channel> channel) {
    auto session = std::make_unique<AdminSession>(*this, std::move(channel));
    AdminSession& made = *session;
    sessions.emplace(&made, std::move(session));
    made.start();
    if (sweep.armed() == kNever) sweep.arm(main_loop.now() + sweep_interval(bounds));
  }

  void on_sweep() {
    const Time now = main_loop.now();
    for (const auto& [key, session] : sessions) session->check_time(now);
    if (!sessions.empty()) sweep.arm(now + sweep_interval(bounds));
  }

  void reap() {
    for (AdminSession* const session : std::exchange(over, {})) sessions.erase(session);
  }

  net::Loop& main_loop;
  AdminLimits bounds;
  AdminApi requests;
  std::map<AdminSession*, std::unique_ptr<AdminSession>> sessions;
  std::vector<AdminSession*> over;  // to be destroyed
  net::Timer sweep;
  net::Timer reaper;
  net::Address asked_for;
  std::unique_ptr<net::Listener> listener;
};

AdminServer::AdminServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::open(net::Loop& loop, const net::Address& address,
                                                       std::shared_ptr<net::TlsContext> tls,
                                                       const AdminLimits& limits,
                                                       gateway::GatewayControl& control) {
  auto state = std::make_unique<State>(loop, limits, control);
  if (Status listening = state->listen(address, std::move(tls)); !listening) {
    return Error{listening.error()};
  }
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(state)));
}

net::Address AdminServer::local() const { return state_->listener->local(); }

net::ListenCounters AdminServer::counters() const { return state_->listener->counters(); }

Status AdminServer::move_to(const net::Address& address, std::shared_ptr<net::TlsContext> tls) {
  if (!(address == state_->asked_for)) return state_->listen(address, std::move(tls));
  state_->listener->set_tls(std::move(tls));
  return success();
}

}  // namespace phoenix::admin
